//! The sources of a new password: a terminal, stdin, or the generator. A password is never an argument, because every process
//! on the machine can read the arguments.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use clap::Args;
use zeroize::Zeroizing;

use super::Failure;
use crate::{
    domain::{jwt::base64url, password::Password},
    random,
};

/// The number of characters of a generated password. Each has six bits; 144 bits can't be guessed.
const GENERATED_CHARS: usize = 24;

/// The maximum number of bytes that are read from stdin. A password has at most 256 characters.
const MOST_BYTES: u64 = 4096;

/// The options that select the source of a password.
#[derive(Args)]
pub(super) struct Source {
    /// Read the password from the first line of stdin
    #[arg(long, conflicts_with = "generate")]
    password_stdin: bool,
    /// Generate a password and print it
    #[arg(long)]
    generate: bool,
}

/// A password that passed the checks for new passwords.
pub(super) struct NewPassword {
    pub(super) password: Password,
    generated: bool,
}

impl Source {
    /// Returns whether an option selects a source. Without one, the command can still prompt for the password.
    pub(super) fn is_given(&self) -> bool {
        self.password_stdin || self.generate
    }

    /// Obtains a password. Fails if it has fewer than `min_length` characters or is easy to guess for a user with these
    /// `names`, or if there is no source.
    pub(super) fn choose(&self, min_length: usize, names: &[&str]) -> Result<NewPassword, Failure> {
        let text = match self {
            Self { generate: true, .. } => generate(min_length),
            Self { password_stdin: true, .. } => read_line()?,
            Self { .. } if io::stdin().is_terminal() => ask()?,
            Self { .. } => {
                return Err(Failure::new(
                    "stdin is not a terminal, so the password can't be typed; \
                     use --password-stdin, or generate a password with --generate",
                ));
            }
        };
        let password = Password::parse(&text).map_err(unsuitable)?;
        password.check_new(min_length, names).map_err(unsuitable)?;
        Ok(NewPassword { password, generated: self.generate })
    }
}

impl NewPassword {
    /// Returns the line with a generated password, which is displayed only once. Empty if the password was not generated.
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
