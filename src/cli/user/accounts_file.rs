//! The file that `user import` reads: CSV, or JSON lines.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read as _},
    path::PathBuf,
};

use serde_json::{Map, Value};

use crate::{
    domain::account_record::AccountRecord,
    flows::users::import_users::{Row, Source},
};

/// The maximum number of bytes of one line of JSON. The claims of a token have at most a few kilobytes.
const MAX_LINE: u64 = 64 * 1024;

/// A file of accounts.
pub(super) struct AccountsFile {
    path: PathBuf,
    format: Format,
}

/// The format of a file.
#[derive(Clone, Copy)]
enum Format {
    /// A row of names, and a row for each account (RFC 4180).
    Csv,
    /// A JSON object on each line.
    JsonLines,
}

impl AccountsFile {
    /// Opens the file and recognises its format by the first character: JSON lines begin with `{`. Fails if the file can't be
    /// read, or is neither.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let mut beginning = Vec::new();
        open(&path)?.take(512).read_to_end(&mut beginning)?;
        if beginning.starts_with(&[0xff, 0xfe]) || beginning.starts_with(&[0xfe, 0xff]) {
            return Err(invalid("it is UTF-16; save it as UTF-8"));
        }
        let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&beginning);
        let format = match beginning.trim_ascii_start().first() {
            Some(b'{') => Format::JsonLines,
            Some(b'[') => return Err(invalid("it is a JSON array; write one object on each line: jq -c '.[]' FILE")),
            Some(_) => Format::Csv,
            None => return Err(invalid("it is empty")),
        };
        Ok(Self { path, format })
    }
}

impl Source for AccountsFile {
    fn rows(&self) -> io::Result<Box<dyn Iterator<Item = io::Result<Row>> + Send + '_>> {
        let file = BufReader::new(open(&self.path)?);
        match self.format {
            Format::Csv => csv_rows(file),
            Format::JsonLines => Ok(Box::new(JsonRows { file, line: 0 })),
        }
    }
}

/// Opens a regular file. It is read twice, so a pipe can't be imported.
fn open(path: &PathBuf) -> io::Result<File> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(invalid("it is not a file; a file is read twice, so write what comes by a pipe to a file first"));
    }
    Ok(file)
}

/// Reads the rows of a CSV file. Fails if its first row is not the names of fields, each once.
fn csv_rows(file: BufReader<File>) -> io::Result<Box<dyn Iterator<Item = io::Result<Row>> + Send>> {
    let mut reader = csv::ReaderBuilder::new().from_reader(file);
    let names = reader.headers().map_err(csv_error)?.iter().map(|name| name.trim().to_lowercase()).collect::<Vec<_>>();
    let fields = AccountRecord::FIELDS.join(", ");
    for (at, name) in names.iter().enumerate() {
        if !AccountRecord::FIELDS.contains(&name.as_str()) {
            let separated = "the names are separated by commas";
            return Err(invalid(&format!("line 1: {name:?} is no field; there are {fields}; {separated}")));
        }
        if names[..at].contains(name) {
            return Err(invalid(&format!("line 1: {name:?} appears twice")));
        }
    }
    let rows = reader.into_records().map(move |record| match record {
        Ok(record) => {
            let line = record.position().map_or(0, csv::Position::line);
            let values = names.iter().zip(&record).map(|(name, cell)| (name.clone(), Value::String(cell.to_owned())));
            Ok(Row { line, record: AccountRecord::read(values.collect()) })
        }
        Err(error) => match (error.position().map(csv::Position::line), error.kind()) {
            (Some(line), csv::ErrorKind::UnequalLengths { expected_len, len, .. }) => {
                Ok(problem(line, format!("has {len} cells; the first line has {expected_len}")))
            }
            (Some(line), csv::ErrorKind::Utf8 { .. }) => Ok(problem(line, "is not UTF-8".to_owned())),
            _ => Err(csv_error(error)),
        },
    });
    Ok(Box::new(rows))
}

/// The rows of a file of JSON lines. Empty lines are skipped.
struct JsonRows {
    file: BufReader<File>,
    line: u64,
}

impl Iterator for JsonRows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<io::Result<Row>> {
        loop {
            let mut bytes = Vec::new();
            self.line += 1;
            match self.file.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) if bytes.len() as u64 > MAX_LINE => {
                    return Some(Err(invalid(&format!("line {} has more than {MAX_LINE} bytes", self.line))));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii();
            if !text.is_empty() {
                return Some(Ok(json_row(self.line, text)));
            }
        }
    }
}

/// Reads a line of JSON.
fn json_row(line: u64, text: &[u8]) -> Row {
    match serde_json::from_slice::<Map<String, Value>>(text) {
        Ok(values) => Row { line, record: AccountRecord::read(values) },
        Err(error) if error.is_data() => problem(line, "is not a JSON object".to_owned()),
        // The message of the library contains no value of the line.
        Err(error) => problem(line, format!("is not JSON: column {}", error.column())),
    }
}

fn problem(line: u64, problem: String) -> Row {
    Row { line, record: Err(vec![problem]) }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => invalid(&csv::Error::from(io::Error::other(format!("{kind:?}"))).to_string()),
    }
}
