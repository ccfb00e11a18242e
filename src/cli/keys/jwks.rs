//! `vestibule keys jwks`.

use crate::{
    cli::{Failure, output},
    flows::Vestibule,
};

/// Prints the key set (RFC 7517 §5). It is empty if a shared secret signs the tokens, and before the first start of the server.
pub(super) fn print(vestibule: &Vestibule) -> Result<(), Failure> {
    output::print_json(vestibule.keyring.keys().jwks())
}
