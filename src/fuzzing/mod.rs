//! The fuzz targets: one function for each parser of input from outside. It is compiled for tests and for `fuzz/` only.
//!
//! A target calls the parser with any bytes, as the server does, and checks what must hold of every result: a text that is
//! accepted means the same when it is read again, a token has the claims that were signed, a redirect stays on an allowed host.
//! An input is text where possible, with a part on each line, so that the seeds in `fuzz/seeds/` can be read and written by
//! hand.
//!
//! The tests of this module run every target on its seeds and on changes of them. `fuzz/run` runs the same functions under
//! libFuzzer.

mod addresses;
mod credentials;
mod device;
mod files;
mod input;
mod names;
mod paths;
mod requests;
mod scratch;
#[cfg(test)]
mod tests;

pub use self::{
    addresses::settings,
    credentials::{password_hash, pem, token},
    device::fingerprint,
    files::{accounts, config, dotenv, seed},
    names::names,
    paths::{glob, next},
    requests::{cookies, form, forwarded, headers, json, request},
};

/// A target: its name, which is that of its seeds and of its binary, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("accounts", accounts),
    ("config", config),
    ("cookies", cookies),
    ("dotenv", dotenv),
    ("fingerprint", fingerprint),
    ("form", form),
    ("forwarded", forwarded),
    ("glob", glob),
    ("headers", headers),
    ("json", json),
    ("names", names),
    ("next", next),
    ("password_hash", password_hash),
    ("pem", pem),
    ("request", request),
    ("seed", seed),
    ("settings", settings),
    ("token", token),
];
