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
    /// Of `vestibule dev` instead of `vestibule serve`
    #[arg(long)]
    pub(super) dev: bool,
    #[command(flatten)]
    format: Format,
}

impl Check {
    /// Says that all is well: loading it was the check.
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.format.json {
            return output::print_json(&json!({ "valid": true }));
        }
        output::print("configuration is valid")
    }

    /// Prints for a program what stands on stderr for a person.
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
    // It is kept as JSON, unless it was shortened or is not shown.
    let value = value.as_ref().map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
    json!({ "key": subject, "value": value, "origin": origin, "message": message })
}
