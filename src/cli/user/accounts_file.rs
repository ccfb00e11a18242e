//! The file that `user import` reads: CSV, or JSON lines.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    csv_rows::CsvRows,
    row_problems::{MAX_BYTES, invalid, problem},
};
use crate::{
    domain::{account_record::AccountRecord, unique_json::UniqueJson},
    files,
    flows::users::import_users::{Row, Source},
};

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
        if beginning.contains(&0) {
            return Err(invalid("it is no text in UTF-8; in a spreadsheet, save it as CSV in UTF-8"));
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
        let file = open(&self.path)?;
        match self.format {
            Format::Csv => Ok(Box::new(CsvRows::new(file)?)),
            Format::JsonLines => Ok(Box::new(JsonRows { file: BufReader::new(file), line: 0 })),
        }
    }
}

/// Opens a regular file. It is read twice, so a pipe can't be imported.
fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(invalid("it is not a file; a file is read twice, so write what comes by a pipe to a file first"));
    }
    files::open(path)
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
            match self.file.by_ref().take(MAX_BYTES + 1).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) if bytes.len() as u64 > MAX_BYTES => {
                    let skipped = if bytes.ends_with(b"\n") { Ok(()) } else { skip_line(&mut self.file) };
                    let why = format!("has more than {MAX_BYTES} bytes");
                    return Some(skipped.map(|()| problem(self.line, &why)));
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

/// Reads to the end of the line, and drops what it reads.
fn skip_line(file: &mut BufReader<File>) -> io::Result<()> {
    loop {
        let (used, is_end) = {
            let bytes = file.fill_buf()?;
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (bytes.len(), bytes.is_empty()),
            }
        };
        file.consume(used);
        if is_end {
            return Ok(());
        }
    }
}

/// Reads a line of JSON.
fn json_row(line: u64, text: &[u8]) -> Row {
    match serde_json::from_slice(text) {
        Ok(UniqueJson(Value::Object(values))) => Row { line, record: AccountRecord::read(values) },
        Ok(_) => problem(line, "is not a JSON object"),
        Err(error) if error.is_data() => problem(line, "has a name twice in one object"),
        // Only the column, because the message of the library could contain a part of the line.
        Err(error) => {
            problem(line, &format!("is not JSON (column {}); each line must be one whole object", error.column()))
        }
    }
}
