//! Why a command failed, and with which exit code it says so.

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use crate::config::Problems;

/// The exit code for a configuration that can't be used (`EX_CONFIG` in sysexits.h).
const CONFIGURATION: u8 = 78;

/// What goes to stderr.
#[derive(Debug)]
pub(super) enum Failure {
    /// One line.
    Failed(String),
    /// One line for each problem.
    Configuration(Vec<String>),
}

impl Failure {
    /// A failure in our own words, which should say what to do.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// Tells the person, and gives the exit code.
    pub(super) fn report(self) -> ExitCode {
        let (lines, code) = match self {
            Self::Failed(message) => (vec![format!("error: {message}")], ExitCode::FAILURE),
            Self::Configuration(problems) => {
                let lines = problems.into_iter().map(|problem| format!("configuration: {problem}"));
                (lines.collect(), ExitCode::from(CONFIGURATION))
            }
        };
        let mut stderr = io::stderr().lock();
        for line in lines {
            // Nobody is left to be told where that fails.
            writeln!(stderr, "{}", line.replace(['\n', '\r'], " ")).ok();
        }
        code
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems.iter().map(ToString::to_string).collect())
    }
}

/// An error with its causes. Not for all errors, so that [`Problems`] keep their exit code.
macro_rules! fails_with {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Failed(chain(&error))
            }
        }
    )+};
}
fails_with!(
    io::Error,
    serde_json::Error,
    crate::flows::add_user::AddUserError,
    crate::flows::change_user::ChangeUserError,
    crate::flows::open::OpenError,
    crate::flows::proof::ProofError,
    crate::store::Error,
);

/// The error and its causes, joined by colons; without those whose text stands in it already.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
