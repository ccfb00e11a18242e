//! `vestibule user list`.

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{self, Format, or_dash},
    },
    domain::User,
    flows::{
        Vestibule,
        steps::name_keys::{Kind, list_clashes},
    },
    http::UserView,
    store::users,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

impl List {
    /// Prints the users in the order in which they were added, as a table or as JSON. Names the accounts that can't sign in
    /// with one of their names on stderr.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let all = users::list(&mut *vestibule.store.read().await?).await?;
        for clash in list_clashes(&vestibule.store).await? {
            let option = match clash.kind {
                Kind::Username => "--username NAME",
                Kind::Email => "--email ADDRESS",
            };
            let older = clash.older.map_or_else(|| "no account".to_owned(), |older| older.to_string());
            output::note(&format!(
                "{} ({}) can't sign in with this name, since {older} has it in another spelling; give one of the two \
                 another one with `vestibule user set ID {option}`",
                clash.name, clash.user
            ));
        }
        if self.format.json {
            return output::print_json(&all.into_iter().map(UserView::from).collect::<Vec<_>>());
        }
        output::print_table(["USERNAME", "EMAIL", "ROLES", "STATE", "CREATED", "ID"], all.iter().map(row))
    }
}

/// Returns a user as a row of the table.
fn row(user: &User) -> [String; 6] {
    [
        or_dash(user.username.as_ref()),
        or_dash(user.email.as_ref()),
        or_dash((!user.roles.is_empty()).then(|| user.roles.join(", "))),
        if user.disabled_at.is_some() { "disabled" } else { "active" }.to_owned(),
        user.created_at.to_string(),
        user.id.to_string(),
    ]
}
