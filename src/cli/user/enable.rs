//! `vestibule user enable`.

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
pub(in crate::cli) struct Enable {
    /// Username, email address or id
    #[arg(value_parser = UserArg::parse)]
    name: UserArg,
}

impl Enable {
    /// Enables the user. Fails if there is no such user.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        let change = UserChange { disabled: Some(false), ..UserChange::default() };
        let context = Acting::operator(vestibule.clock.now());
        let user = change_user(vestibule, user.id, change, &context).await?;
        output::print(&format!("enabled {}", display_name(&user)))
    }
}
