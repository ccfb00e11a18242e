//! The argument that names a user: username, email address or id.

use crate::{
    cli::Failure,
    domain::{Identifier, User, UserId},
    flows::{
        Vestibule,
        steps::name_keys::{Kind, list_clashes},
    },
    store::users,
};

/// A user, as the operator named the user on the command line. The text may be an id and a login name at the same time.
#[derive(Clone, Debug)]
pub(super) struct UserArg {
    typed: String,
    id: Option<UserId>,
    identifier: Identifier,
}

impl UserArg {
    /// Parses a username, an email address or an id. The error is a message for the operator.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(Self { typed: text.to_owned(), id: UserId::parse(text), identifier: Identifier::parse(text)? })
    }

    /// Returns the user with this id; otherwise the user with this username or email address. Fails if there is no such
    /// user.
    pub(super) async fn find(&self, vestibule: &Vestibule) -> Result<User, Failure> {
        let mut reader = vestibule.store.read().await?;
        let by_id = match self.id {
            Some(id) => users::find(&mut reader, id).await?,
            None => None,
        };
        if let Some(user) = by_id {
            return Ok(user);
        }
        let found = users::find_by_identifier(&mut reader, &self.identifier)
            .await?
            .ok_or_else(|| Failure::new(format!("there is no user {:?}; see `vestibule user list`", self.typed)))?;
        self.refuse_clash(vestibule, &found).await?;
        Ok(found)
    }

    /// Fails if a younger account has the name of the found one, in another spelling.
    async fn refuse_clash(&self, vestibule: &Vestibule, found: &User) -> Result<(), Failure> {
        let clashes = list_clashes(&vestibule.store).await?;
        let kind = if matches!(self.identifier, Identifier::Email(_)) { Kind::Email } else { Kind::Username };
        match clashes.iter().find(|clash| clash.older == Some(found.id) && clash.kind == kind) {
            Some(clash) => Err(Failure::new(format!(
                "two accounts have the name {:?}: {} and {}; name one by its id",
                self.typed, found.id, clash.user
            ))),
            None => Ok(()),
        }
    }
}

/// Returns the name of a user for a message: the username; otherwise the email address; otherwise the id.
pub(super) fn display_name(user: &User) -> String {
    let name = user.username.as_ref().or(user.email.as_ref());
    name.map_or_else(|| user.id.to_string(), ToOwned::to_owned)
}
