//! Files: the configuration, `.env`, and accounts to import.

use std::fs;

use super::scratch;
use crate::{cli, config};

/// Reads a configuration file.
pub fn config(data: &[u8]) {
    scratch::with(|directory| {
        fs::write(directory.join("Rocket.toml"), data).expect("the file is written");
        config::fuzzed::file(directory, data);
        fs::remove_file(directory.join("Rocket.toml")).expect("the file is removed");
    });
}

/// Reads a file `.env`.
pub fn dotenv(data: &[u8]) {
    scratch::with(|directory| {
        fs::write(directory.join(".env"), data).expect("the file is written");
        config::fuzzed::dotenv(directory, data);
        fs::remove_file(directory.join(".env")).expect("the file is removed");
    });
}

/// Reads a file of accounts.
pub fn accounts(data: &[u8]) {
    scratch::with(|directory| {
        let path = directory.join("accounts");
        fs::write(&path, data).expect("the file is written");
        cli::fuzzed::accounts(&path, data);
    });
}

/// Reads a file of `dev --seed`.
pub fn seed(data: &[u8]) {
    scratch::with(|directory| {
        let path = directory.join("seed.toml");
        fs::write(&path, data).expect("the file is written");
        cli::check_seed(&path, data);
    });
}
