//! The failure of a command: its message and its exit code.

use std::{
    error::Error,
    io::{self, ErrorKind, Write as _},
    path::Path,
    process::ExitCode,
};

use super::printable::printable;
use crate::{
    config::{Problem, Problems},
    flows::open::error::OpenError,
};

/// The exit code for a configuration that can't be used (`EX_CONFIG` in sysexits.h).
const CONFIGURATION: u8 = 78;

/// A failure of a command, which is printed on stderr.
#[derive(Debug)]
pub(super) enum Failure {
    /// Any other failure, with one line of text.
    Failed(String),
    /// An invalid configuration. One line is printed for each problem.
    Configuration(Vec<Problem>),
    /// SQLite can't use the database. The operator can remedy this.
    Database(SqliteFailure),
}

impl Failure {
    /// Creates a failure with a message. The message should name the remedy.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// Creates a failure from an error and its causes.
    pub(super) fn of(error: &dyn Error) -> Self {
        let text = chain(error);
        SqliteFailure::find(&text).map_or(Self::Failed(text), Self::Database)
    }

    /// Adds the path of the database to a failure of SQLite, whose error does not contain the path. Returns other failures
    /// unchanged.
    pub(super) fn in_database(self, path: &Path) -> Self {
        match self {
            Self::Database(ailment) => Self::Failed(ailment.line(&format!(" {}", path.display()))),
            other => other,
        }
    }

    /// Prints the failure on stderr. Returns the exit code: 78 for an invalid configuration, otherwise 1.
    pub(super) fn report(self) -> ExitCode {
        let (lines, code) = match self {
            Self::Failed(message) => (vec![format!("error: {message}")], ExitCode::FAILURE),
            Self::Database(ailment) => (vec![format!("error: {}", ailment.line(""))], ExitCode::FAILURE),
            Self::Configuration(problems) => {
                let lines = problems.into_iter().map(|problem| format!("configuration: {problem}"));
                (lines.collect(), ExitCode::from(CONFIGURATION))
            }
        };
        let mut stderr = io::stderr().lock();
        for line in lines {
            // If stderr can't be written, the failure can't be reported anywhere else.
            writeln!(stderr, "{}", printable(&line.replace(['\n', '\r'], " "))).ok();
        }
        code
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems.iter().cloned().collect())
    }
}

/// Implements the conversion from these errors. An implementation for all errors would include [`Problems`], which have an exit
/// code of their own.
macro_rules! fails_with {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(&error)
            }
        }
    )+};
}
fails_with!(
    io::Error,
    serde_json::Error,
    crate::flows::users::add_user::AddUserError,
    crate::flows::users::change_user::ChangeUserError,
    crate::flows::users::delete_user::DeleteUserError,
    crate::flows::users::import_users::ImportError,
    crate::flows::steps::verify_password::VerifyPasswordError,
    crate::flows::sessions::revoke_sessions::RevokeOfUserError,
    crate::flows::links::create_link::CreateLinkError,
    crate::flows::roles::remove_role::RemoveRoleError,
    crate::flows::roles::set_role::SetRoleError,
    crate::flows::steps::client_registry::StoredClientError,
    crate::flows::keys::retire_key::RetireError,
    crate::flows::keys::rotate_keys::RotateError,
    crate::store::Error,
);

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match &error {
            OpenError::ClientTwice { id, .. } => Self::Configuration(vec![Problem {
                subject: format!("clients.{id}"),
                value: None,
                origin: None,
                message: error.to_string(),
            }]),
            // Its text names the copy and the remedy. `of` would speak of the database instead.
            OpenError::NotCopied { .. } => Self::Failed(error.to_string()),
            OpenError::File { cause, .. } => match remedy_of_file(cause.kind()) {
                Some(remedy) => Self::Failed(format!("{}; {remedy}", chain(&error))),
                None => Self::of(&error),
            },
            _ => Self::of(&error),
        }
    }
}

/// Returns the remedy, as the end of a sentence, for the text of an error that says that a disk is full; `None` for other
/// errors.
pub(super) fn remedy_of_space(text: &str) -> Option<&'static str> {
    let is_full =
        ["database or disk is full", "No space left", "quota exceeded"].iter().any(|part| text.contains(part));
    is_full.then_some("; free space on the disk of the copy, then try again")
}

/// Returns the remedy for an error of a file or directory; `None` if there is no specific remedy.
fn remedy_of_file(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("make it writable for the user who runs this, or choose another --data-dir")
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            Some("a file exists where a directory is required; choose another --data-dir")
        }
        ErrorKind::IsADirectory => Some("a directory exists where a file is required; move it away"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("free space on the disk, then try again"),
        _ => None,
    }
}

/// A failure of SQLite: the state of the database, the error message of SQLite, and the remedy.
#[derive(Debug)]
pub(super) struct SqliteFailure {
    state: &'static str,
    sentence: String,
    remedy: &'static str,
}

impl SqliteFailure {
    /// Finds a failure of SQLite in the text of an error, by the result code in `(code: …)`. The store does not expose the code
    /// in any other form. Returns `None` if there is no result code, or if the operator can't remedy the failure.
    fn find(text: &str) -> Option<Self> {
        let (code, sentence) = text.rsplit_once("(code: ")?.1.split_once(") ")?;
        // The lowest byte of an extended result code is the primary result code.
        let (state, remedy) = match code.parse::<u32>().ok()? & 0xff {
            // SQLITE_BUSY, SQLITE_LOCKED.
            5 | 6 => (
                "stays locked by another program",
                "end the access of that program, such as an open transaction in an SQL shell, then try again",
            ),
            // SQLITE_READONLY, SQLITE_CANTOPEN.
            8 | 14 => (
                "can't be written",
                "make the file and its directory writable for the user who runs this, or choose another --data-dir",
            ),
            // SQLITE_IOERR.
            10 => ("can't be read or written", "check the disk that it is on, then try again"),
            // SQLITE_CORRUPT, SQLITE_NOTADB.
            11 | 26 => (
                "is damaged, or is not a database",
                "restore a backup, or move the file away, or choose another --data-dir",
            ),
            // SQLITE_FULL.
            13 => ("can't grow", "free space on the disk, then try again"),
            _ => return None,
        };
        Some(Self { state, sentence: sentence.to_owned(), remedy })
    }

    /// Returns the message. `name` is empty, or the path of the database after a space.
    fn line(&self, name: &str) -> String {
        let Self { state, sentence, remedy } = self;
        format!("the database{name} {state} ({sentence}); {remedy}")
    }
}

/// Returns the messages of the error and of its causes, joined by colons. The message of an error may contain the message of
/// its cause, so each part between colons appears only once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut sentences: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        for sentence in error.to_string().split(": ") {
            if !sentences.iter().any(|said| said == sentence) {
                sentences.push(sentence.to_owned());
            }
        }
        next = error.source();
    }
    sentences.join(": ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// An error with a message and a cause.
    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    /// Returns an error with the first text. Each following text is the cause of the text before it.
    fn told<const N: usize>(texts: [&'static str; N]) -> Told {
        let mut causes = None;
        for text in texts.into_iter().rev() {
            causes = Some(Box::new(Told(text, causes)));
        }
        *causes.expect("a text")
    }

    /// Returns the line of a failure in the database `data/vestibule.db`.
    fn line(failure: Failure) -> String {
        match failure.in_database(Path::new("data/vestibule.db")) {
            Failure::Failed(line) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_repeated_part_of_the_message_is_printed_once() {
        assert_eq!(chain(&told(["a b: c d", "c d", "c d: e f", "g"])), "a b: c d: e f: g");
        let doubled = "the database refused a statement: invalid data: the database refused a statement: it is locked";
        assert_eq!(chain(&told([doubled])), "the database refused a statement: invalid data: it is locked");
    }

    #[test]
    fn a_failure_of_sqlite_is_reported_with_path_and_remedy() {
        for (code, state) in [
            ("5", "stays locked by another program (x y); "),
            ("517", "stays locked by another program (x y); "),
            ("8", "can't be written (x y); "),
            ("14", "can't be written (x y); "),
            ("1544", "can't be written (x y); "),
            ("11", "is damaged, or is not a database (x y); "),
            ("26", "is damaged, or is not a database (x y); "),
            ("778", "can't be read or written (x y); "),
            ("13", "can't grow (x y); "),
        ] {
            let text: &'static str = format!("it failed: (code: {code}) x y").leak();
            let line = line(Failure::of(&told([text, text])));
            assert!(line.starts_with(&format!("the database data/vestibule.db {state}")), "{line}");
        }
        // Code 1 (SQLITE_ERROR) is a defect of this program, which the operator can't remedy.
        assert_eq!(line(Failure::of(&told(["it failed: (code: 1) x y"]))), "it failed: (code: 1) x y");
    }

    #[test]
    fn a_failure_of_a_file_is_reported_with_path_and_remedy() {
        for (kind, expected) in [
            (ErrorKind::PermissionDenied, "make it writable"),
            (ErrorKind::ReadOnlyFilesystem, "make it writable"),
            (ErrorKind::NotADirectory, "a file exists where a directory is required"),
            (ErrorKind::StorageFull, "free space"),
        ] {
            let error = OpenError::File { action: "make the directory", path: "data".into(), cause: kind.into() };
            let line = line(error.into());
            assert!(line.starts_with("can't make the directory data: ") && line.contains(expected), "{line}");
        }
    }
}
