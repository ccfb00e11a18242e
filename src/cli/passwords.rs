//! Where a new password comes from: a terminal, stdin, or our own generator. Never from an argument, which every process on
//! the machine can read.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use clap::Args;
use zeroize::Zeroizing;

use super::Failure;
use crate::{
    domain::{jwt::base64url, password::Password},
    random,
};

/// Characters of a generated password, six bits each: more than anybody can try.
const GENERATED_CHARS: usize = 24;

/// Bytes of stdin that are looked at; a password has at most 256 characters.
const MOST_BYTES: u64 = 4096;

/// Where to take it from.
#[derive(Args)]
pub(super) struct Source {
    /// Read the password from stdin, one line
    #[arg(long, conflicts_with = "generate")]
    password_stdin: bool,
    /// Make a password and print it
    #[arg(long)]
    generate: bool,
}

/// A password that may be stored.
pub(super) struct Chosen {
    pub(super) password: Password,
    generated: bool,
}

impl Source {
    /// Whether it was said at all; if not, a person can still be asked.
    pub(super) fn is_given(&self) -> bool {
        self.password_stdin || self.generate
    }

    /// Gets a password that is long enough and no guess, for somebody called `names`.
    pub(super) fn choose(&self, min_length: usize, names: &[&str]) -> Result<Chosen, Failure> {
        let text = match self {
            Self { generate: true, .. } => generate(min_length),
            Self { password_stdin: true, .. } => read_line()?,
            Self { .. } if io::stdin().is_terminal() => ask()?,
            Self { .. } => {
                return Err(Failure::new(
                    "stdin is not a terminal, so the password can't be asked for; \
                     give it with --password-stdin, or let one be made with --generate",
                ));
            }
        };
        let password = Password::parse(&text).map_err(unsuitable)?;
        password.check_new(min_length, names).map_err(unsuitable)?;
        Ok(Chosen { password, generated: self.generate })
    }
}

impl Chosen {
    /// The line that tells a generated password, the only time that it is seen.
    pub(super) fn announcement(&self) -> String {
        if self.generated { format!("\npassword: {}", self.password.expose()) } else { String::new() }
    }
}

fn unsuitable(why: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the password {why}"))
}

fn generate(min_length: usize) -> Zeroizing<String> {
    let mut text = Zeroizing::new(base64url(&random::bytes::<48>()));
    text.truncate(GENERATED_CHARS.max(min_length));
    text
}

fn read_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::with_capacity(512));
    io::stdin().lock().take(MOST_BYTES).read_line(&mut line)?;
    let length = line.strip_suffix('\n').map_or(line.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    line.truncate(length);
    Ok(line)
}

fn ask() -> Result<Zeroizing<String>, Failure> {
    let first = Zeroizing::new(rpassword::prompt_password("Password: ")?);
    let second = Zeroizing::new(rpassword::prompt_password("Again: ")?);
    if first != second {
        return Err(Failure::new("the two passwords differ; nothing was changed, try again"));
    }
    Ok(first)
}
