//! `vestibule user disable`.

use clap::Args;

use crate::{
    cli::{
        Failure, output,
        user_arg::{UserArg, display_name},
    },
    domain::user_change::UserChange,
    flows::{Vestibule, steps::acting::Acting, users::change_user::change_user},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Disable {
    /// Username, email address or id
    #[arg(value_parser = UserArg::parse)]
    name: UserArg,
}

impl Disable {
    /// Disables the user and ends the user's sessions. Fails if there is no such user.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        let change = UserChange { disabled: Some(true), ..UserChange::default() };
        let context = Acting::operator(vestibule.clock.now());
        let user = change_user(vestibule, user.id, change, &context).await?;
        output::print(&format!("disabled {} and ended all sessions", display_name(&user)))
    }
}
