//! `vestibule user passwd`.

use clap::Args;

use crate::{
    cli::{
        Failure, output,
        passwords::Source,
        who::{Who, called},
    },
    domain::audit_event::Origin,
    flows::{
        Vestibule,
        users::change_user::{UserChange, change_user},
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Passwd {
    /// User name, email or id
    #[arg(value_parser = Who::parse)]
    name: Who,
    #[command(flatten)]
    password: Source,
}

impl Passwd {
    /// Sets the password.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        let names: Vec<&str> = [user.username.as_deref(), user.email.as_deref()].into_iter().flatten().collect();
        let chosen = self.password.choose(vestibule.config.passwords.min_length, &names)?;
        let change = UserChange { password: Some(chosen.password.clone()), ..UserChange::default() };
        let origin = Origin::command_line(vestibule.clock.now());
        let user = change_user(vestibule, user.id, change, &origin).await?;
        let announcement = chosen.announcement();
        output::print(&format!("changed the password of {} and ended all sessions{announcement}", called(&user)))
    }
}
