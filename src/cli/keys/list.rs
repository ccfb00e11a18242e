//! `vestibule keys list`.

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{self, Format, or_dash},
    },
    flows::Vestibule,
    http::KeyView,
    store::signing_keys,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

impl List {
    /// Prints the keys, as a table or as JSON. The key of the configuration comes first, then the next key, the current key,
    /// and the keys that only verify tokens.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let stored = signing_keys::list(&mut *vestibule.store.read().await?).await?;
        let keys = KeyView::all(vestibule, stored);
        if self.format.json {
            return output::print_json(&keys);
        }
        output::print_table(
            ["KID", "ALGORITHM", "STATUS", "SOURCE", "CREATED", "SIGNS FROM", "RETIRES AT"],
            keys.into_iter().map(row),
        )
    }
}

/// Returns a key as a row of the table.
fn row(key: KeyView) -> [String; 7] {
    [
        key.kid,
        key.algorithm.to_owned(),
        key.status.to_owned(),
        key.source.to_owned(),
        or_dash(key.created_at),
        or_dash(key.signs_from),
        or_dash(key.retires_at),
    ]
}
