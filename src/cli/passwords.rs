//! The sources of a new password: a prompt on the terminal, stdin, or a generator. A password is never an argument, because
//! every process on the machine can read the arguments of a process.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use clap::Args;
use zeroize::Zeroizing;

use super::Failure;
use crate::{
    domain::{jwt::base64url, password::Password},
    random,
};

/// The number of characters of a generated password. Each character has 6 random bits. Together they have 144 bits, which can't
/// be guessed.
const GENERATED_CHARS: usize = 24;

/// The maximum number of bytes that are read from stdin. A password has at most 256 characters, which are at most 1024 bytes.
const MAX_BYTES: u64 = 4096;

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
    /// Whether the program generated the password, and must print it.
    generated: bool,
}

impl Source {
    /// Returns whether one of the options is given. Without an option, [`choose`](Self::choose) prompts for the password.
    pub(super) fn is_given(&self) -> bool {
        self.password_stdin || self.generate
    }

    /// Obtains a password from the selected source. Without an option, prompts for it on the terminal. Fails if no option is
    /// given and stdin is not a terminal, if the password has fewer than `min_length` characters, or if it is easy to guess for
    /// a user with these `names`.
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
    /// Returns a line end and the line with a generated password, for the end of the command's output. Returns an empty text if
    /// the password was not generated.
    pub(super) fn announcement(&self) -> String {
        if self.generated { format!("\npassword: {}", self.password.expose()) } else { String::new() }
    }
}

/// Returns the failure for a password that is refused. `why` completes the sentence "the password …".
fn unsuitable(why: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the password {why}"))
}

/// Returns a random password of `min_length` characters, at least [`GENERATED_CHARS`] and at most 64.
fn generate(min_length: usize) -> Zeroizing<String> {
    let mut text = Zeroizing::new(base64url(&random::bytes::<48>()));
    text.truncate(GENERATED_CHARS.max(min_length));
    text
}

/// Reads the first line of stdin, without its line end and without a byte order mark.
fn read_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::with_capacity(512));
    io::stdin().lock().take(MAX_BYTES).read_line(&mut line)?;
    let length = line.strip_suffix('\n').map_or(line.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    line.truncate(length);
    Ok(line.strip_prefix('\u{feff}').map(|plain| Zeroizing::new(plain.to_owned())).unwrap_or(line))
}

/// Prompts for the password twice. Fails if the two inputs differ.
fn ask() -> Result<Zeroizing<String>, Failure> {
    let first = Zeroizing::new(rpassword::prompt_password("Password: ")?);
    let second = Zeroizing::new(rpassword::prompt_password("Again: ")?);
    if first != second {
        return Err(Failure::new("the two passwords differ; nothing was changed, try again"));
    }
    Ok(first)
}
