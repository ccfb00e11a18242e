//! The step that sample users and the users of a file have in common.

use crate::{
    cli::Failure,
    domain::{Identifier, User},
    flows::{
        Vestibule,
        steps::acting::Acting,
        users::add_user::{NewAccount, add_user},
    },
    store::users,
};

/// Creates an account, unless a user has its username or its email address. Returns that user, who stays as it is.
pub(super) async fn add_unless_present(vestibule: &Vestibule, account: NewAccount) -> Result<Option<User>, Failure> {
    let username = account.username.clone().map(Identifier::Username);
    let email = account.email.clone().map(Identifier::Email);
    let mut reader = vestibule.store.read().await?;
    for identifier in username.into_iter().chain(email) {
        if let Some(user) = users::find_by_identifier(&mut reader, &identifier).await? {
            return Ok(Some(user));
        }
    }
    drop(reader);
    add_user(vestibule, account, &Acting::operator(vestibule.clock.now())).await?;
    Ok(None)
}
