//! `vestibule user delete`.

use clap::Args;

use crate::{
    cli::{
        Failure,
        confirm::Confirmation,
        output,
        user_arg::{UserArg, display_name},
    },
    domain::User,
    flows::{
        Vestibule,
        steps::acting::{Acting, TargetError},
        users::delete_user::{DeleteUserError, delete_user},
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Delete {
    /// Username, email address or id
    #[arg(value_parser = UserArg::parse)]
    name: UserArg,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Delete {
    /// Deletes the user. Without `--yes`, asks for confirmation. Fails if there is no such user, if the user is the last admin,
    /// or if the deletion is not confirmed.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        self.confirmation.ask(&format!("Delete {} ({})?", display_name(&user), user.id))?;
        let context = Acting::operator(vestibule.clock.now());
        delete_user(vestibule, user.id, &context).await.map_err(|error| refused(error, &user))?;
        output::print(&format!("deleted {} ({})", display_name(&user), user.id))
    }
}

/// Returns the failure for an error of the deletion.
fn refused(error: DeleteUserError, user: &User) -> Failure {
    match error {
        DeleteUserError::LastAdmin(_) => {
            Failure::new(format!("{} is the last admin; give another user the role admin first", display_name(user)))
        }
        DeleteUserError::Target(TargetError::Unknown(_)) => {
            Failure::new(format!("{} was deleted already", display_name(user)))
        }
        DeleteUserError::Proof(_)
        | DeleteUserError::SessionEnded(_)
        | DeleteUserError::Target(_)
        | DeleteUserError::Store(_) => error.into(),
    }
}
