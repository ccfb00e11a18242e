//! The binary `vestibule`. All of its code is in the library: see `vestibule::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    vestibule::cli::run()
}
