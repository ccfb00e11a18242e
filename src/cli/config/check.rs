//! `vestibule config check`.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    config::{Problem, Problems},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Check {
    /// Use the configuration of `vestibule dev` instead of `vestibule serve`
    #[arg(long)]
    pub(super) dev: bool,
    #[command(flatten)]
    format: Format,
}

impl Check {
    /// Prints that the configuration is valid. The configuration was checked when it was loaded. So this function is called
    /// only for a valid configuration.
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.format.json {
            return output::print_json(&json!({ "valid": true }));
        }
        output::print("configuration is valid")
    }

    /// Prints the problems as JSON if `--json` is given, otherwise nothing. The caller prints the same problems on stderr as
    /// text. Fails only if printing fails.
    pub(super) fn refuse(&self, problems: &Problems) -> Result<(), Failure> {
        if !self.format.json {
            return Ok(());
        }
        let problems: Vec<Value> = problems.iter().map(object).collect();
        output::print_json(&json!({ "valid": false, "problems": problems }))
    }
}

/// Returns a problem as a JSON object.
fn object(problem: &Problem) -> Value {
    let Problem { subject, value, origin, message } = problem;
    // The value of a problem is JSON text. A shortened or redacted value is not valid JSON, so it is printed as a string.
    let value = value.as_ref().map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
    json!({ "key": subject, "value": value, "origin": origin, "message": message })
}
