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
    /// Reports that the configuration is valid. It was checked when it was loaded.
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.format.json {
            return output::print_json(&json!({ "valid": true }));
        }
        output::print("configuration is valid")
    }

    /// Prints the problems as JSON if `--json` is given. Stderr has the same problems for a person.
    pub(super) fn refuse(&self, problems: &Problems) -> Result<(), Failure> {
        if !self.format.json {
            return Ok(());
        }
        let problems: Vec<Value> = problems.iter().map(object).collect();
        output::print_json(&json!({ "valid": false, "problems": problems }))
    }
}

fn object(problem: &Problem) -> Value {
    let Problem { subject, value, origin, message } = problem;
    // The value is kept as JSON text, unless it was shortened or redacted.
    let value = value.as_ref().map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
    json!({ "key": subject, "value": value, "origin": origin, "message": message })
}
