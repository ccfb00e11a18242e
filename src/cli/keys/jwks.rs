//! `vestibule keys jwks`.

use crate::{
    cli::{Failure, output},
    flows::Vestibule,
};

/// Prints the JWK set (RFC 7517 §5): the public keys that will sign, sign or have signed access tokens. A shared secret is
/// never in it. The set is empty before the first start of the server.
pub(super) fn print(vestibule: &Vestibule) -> Result<(), Failure> {
    output::print_json(vestibule.keyring.keys().jwks())
}
