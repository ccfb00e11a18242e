//! `vestibule openapi`: the description of the endpoints, for programs.

use super::{Failure, output};
use crate::{config::Config, http};

/// Prints the document as this configuration has it.
pub(super) fn print(config: &Config) -> Result<(), Failure> {
    output::print(&http::openapi::of_config(config).to_pretty_json()?)
}
