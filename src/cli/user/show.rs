//! `vestibule user show`.

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{self, Format, or_dash},
        user_arg::UserArg,
    },
    domain::{Permission, UnixTime, User},
    flows::Vestibule,
    http::UserView,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Show {
    /// Username, email address or id
    #[arg(value_parser = UserArg::parse)]
    name: UserArg,
    #[command(flatten)]
    format: Format,
}

impl Show {
    /// Prints the user, as a table or as JSON. Fails if there is no such user.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        if self.format.json {
            return output::print_json(&UserView::from(user));
        }
        output::print_table(["FIELD", "VALUE"], rows(&user))
    }
}

/// Returns the rows of the table: one for each field and for each custom claim.
fn rows(user: &User) -> Vec<[String; 2]> {
    let since = |since: Option<UnixTime>| since.map_or_else(|| "no".to_owned(), |since| format!("since {since}"));
    let permissions: Vec<&str> = user.permissions.iter().map(Permission::as_str).collect();
    let fields = [
        ("id", user.id.to_string()),
        ("username", or_dash(user.username.as_ref())),
        ("email", or_dash(user.email.as_ref())),
        ("email verified", since(user.email_verified_at)),
        ("disabled", since(user.disabled_at)),
        ("roles", or_dash((!user.roles.is_empty()).then(|| user.roles.join(", ")))),
        ("permissions", or_dash((!permissions.is_empty()).then(|| permissions.join(", ")))),
        ("created", user.created_at.to_string()),
    ];
    let claims = user.claims.iter().map(|(name, value)| [format!("claim {name}"), value.to_string()]);
    fields.into_iter().map(|(field, value)| [field.to_owned(), value]).chain(claims).collect()
}
