//! `vestibule openapi`: the OpenAPI document.

use super::{Failure, output};
use crate::{config::Config, http};

/// Prints the OpenAPI document for this configuration, as indented JSON.
pub(super) fn print(config: &Config) -> Result<(), Failure> {
    output::print(&http::openapi::of_config(config).to_pretty_json()?)
}
