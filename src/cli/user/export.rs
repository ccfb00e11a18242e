//! `vestibule user export`.

use std::io::{self, BufWriter, ErrorKind, Write};

use clap::{Args, ValueEnum};

use crate::{
    cli::{Failure, output},
    domain::account_record::{AccountRecord, ExportedAccount},
    flows::Vestibule,
    store::users,
};

/// The number of users that are read at a time.
const PAGE: i64 = 500;

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Export {
    /// Print the hashes of the passwords too, against which a thief of the output could try passwords
    #[arg(long)]
    with_hashes: bool,
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
}

/// A format of the output.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A JSON object on each line
    Jsonl,
    /// A line of names, and a line for each user
    Csv,
}

impl Export {
    /// Prints all users in the order of their ids. Returns success if the reader of stdout has closed the pipe.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let stdout = BufWriter::new(io::stdout());
        let mut writer = match self.format {
            Format::Jsonl => Writer::Jsonl(stdout),
            Format::Csv => Writer::csv(stdout),
        };
        let mut after = String::new();
        let mut written = writer.begin();
        loop {
            let mut reader = vestibule.store.read().await?;
            let page = users::list_after(&mut reader, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            for user in page {
                let hash = if self.with_hashes { users::find_password_hash(&mut reader, user.id).await? } else { None };
                written = written.and_then(|()| writer.write(ExportedAccount::new(user, hash.as_ref())));
            }
            if written.is_err() {
                break;
            }
        }
        match written.and_then(|()| writer.end()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            done => done?,
        }
        if self.with_hashes {
            output::note("the output has the hashes of passwords; delete it once it is imported");
        }
        Ok(())
    }
}

/// A writer of accounts.
pub(super) enum Writer<W: Write> {
    Jsonl(W),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Writer<W> {
    pub(super) fn csv(output: W) -> Self {
        Self::Csv(Box::new(csv::Writer::from_writer(output)))
    }

    /// Writes what is before the first account.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        match self {
            Self::Jsonl(_) => Ok(()),
            Self::Csv(writer) => Ok(writer.write_record(AccountRecord::FIELDS)?),
        }
    }

    pub(super) fn write(&mut self, account: ExportedAccount) -> io::Result<()> {
        match self {
            Self::Jsonl(output) => {
                serde_json::to_writer(&mut *output, &account)?;
                output.write_all(b"\n")
            }
            Self::Csv(writer) => Ok(writer.write_record(account.cells())?),
        }
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        match self {
            Self::Jsonl(output) => output.flush(),
            Self::Csv(writer) => writer.flush(),
        }
    }
}
