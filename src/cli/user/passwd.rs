//! `vestibule user passwd`.

use clap::Args;

use crate::{
    cli::{
        Failure, output,
        passwords::Source,
        user_arg::{UserArg, display_name},
    },
    domain::user_change::UserChange,
    flows::{Vestibule, steps::acting::Acting, users::change_user::change_user},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Passwd {
    /// Username, email address or id
    #[arg(value_parser = UserArg::parse)]
    name: UserArg,
    #[command(flatten)]
    password: Source,
}

impl Passwd {
    /// Sets the password and ends the user's sessions. Prints a generated password. Fails if there is no such user.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        let names: Vec<&str> = [user.username.as_deref(), user.email.as_deref()].into_iter().flatten().collect();
        let chosen = self.password.choose(vestibule.config.passwords.min_length, &names)?;
        let change = UserChange { password: Some(chosen.password.clone()), ..UserChange::default() };
        let context = Acting::operator(vestibule.clock.now());
        let user = change_user(vestibule, user.id, change, &context).await?;
        let announcement = chosen.announcement();
        output::print(&format!("changed the password of {} and ended all sessions{announcement}", display_name(&user)))
    }
}
