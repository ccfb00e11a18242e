//! The rows of a CSV file of accounts (RFC 4180).

use std::{
    fs::File,
    io::{self, Read},
};

use csv::{ByteRecord, ReaderBuilder, StringRecord, Terminator};
use serde_json::Value;

use super::row_problems::{MAX_BYTES, invalid, problem};
use crate::{
    domain::account_record::{AccountRecord, unknown_field},
    flows::users::import_users::Row,
};

/// The rows below the names of the fields. Empty lines are skipped.
pub(super) struct CsvRows {
    reader: csv::Reader<Bounded>,
    /// The names of the fields, in the order of the cells.
    names: Vec<String>,
}

impl CsvRows {
    /// Reads the names of the fields. Fails if a name is empty, unknown, or appears twice.
    pub(super) fn new(file: File) -> io::Result<Self> {
        // Each line ends with `\n`, so that `line_of` can count them. The `\r` before it becomes part of the last cell.
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).terminator(Terminator::Any(b'\n'));
        let mut rows =
            Self { reader: builder.from_reader(Bounded { file, left: 0, is_at_end: false }), names: Vec::new() };
        let Some((line, cells)) = rows.next_record()? else { return Err(invalid("it is empty")) };
        let cells = cells.ok_or_else(|| invalid(&format!("line {line} is not UTF-8; save the file as UTF-8")))?;
        rows.names = names(line, &cells)?;
        Ok(rows)
    }

    /// Reads a record. Returns its line and its cells, which are `None` if they are not UTF-8. `None` at the end of the file.
    fn next_record(&mut self) -> io::Result<Option<(u64, Option<StringRecord>)>> {
        let mut bytes = ByteRecord::new();
        loop {
            self.reader.get_mut().left = MAX_BYTES;
            let line = self.reader.position().line();
            let found = self.reader.read_byte_record(&mut bytes).map_err(io::Error::from);
            if !found.map_err(|error| invalid(&format!("from line {line} on, {error}")))? {
                return Ok(None);
            }
            let mut cells: Vec<&[u8]> = bytes.iter().collect();
            if let Some(last) = cells.last_mut() {
                *last = last.strip_suffix(b"\r").unwrap_or(last);
            }
            if cells.len() > 1 || cells.first().is_some_and(|only| !only.trim_ascii().is_empty()) {
                let line = self.line_of(&cells);
                return Ok(Some((line, StringRecord::from_byte_record(ByteRecord::from(cells)).ok())));
            }
        }
    }

    /// Returns the line on which the record begins that was read last. The library's own position of a record is that of the
    /// empty lines before it.
    fn line_of(&self, cells: &[&[u8]]) -> u64 {
        let position = self.reader.position();
        // A record that the end of the file ends has no line end of its own.
        let is_ended = !self.reader.get_ref().is_at_end;
        let within: usize = cells.iter().map(|cell| cell.iter().filter(|byte| **byte == b'\n').count()).sum();
        position.line().saturating_sub(u64::from(is_ended) + within as u64)
    }
}

/// A file of which no more than a number of bytes is read for one record. A quotation mark that is not closed makes all that
/// follows one record.
struct Bounded {
    file: File,
    /// The number of bytes that may still be read.
    left: u64,
    /// Whether the end of the file was reached.
    is_at_end: bool,
}

impl Read for Bounded {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.by_ref().take(self.left).read(bytes)?;
        if count == 0 && self.left == 0 {
            return Err(invalid(&format!(
                "no row ends within {MAX_BYTES} bytes; perhaps a quotation mark is not closed"
            )));
        }
        self.is_at_end |= count == 0 && !bytes.is_empty();
        self.left -= count as u64;
        Ok(count)
    }
}

impl Iterator for CsvRows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<io::Result<Row>> {
        let (line, cells) = match self.next_record() {
            Ok(record) => record?,
            Err(error) => return Some(Err(error)),
        };
        let Some(cells) = cells else { return Some(Ok(problem(line, "is not UTF-8"))) };
        if cells.len() != self.names.len() {
            let (count, expected) = (cells.len(), self.names.len());
            let cell = if count == 1 { "cell" } else { "cells" };
            let why = format!(
                "has {count} {cell}, but there are {expected} names of fields; perhaps a quotation mark is not closed"
            );
            return Some(Ok(problem(line, &why)));
        }
        let values = self.names.iter().zip(&cells).map(|(name, cell)| (name.clone(), Value::String(cell.to_owned())));
        Some(Ok(Row { line, record: AccountRecord::read(values.collect()) }))
    }
}

/// Returns the names of the fields. Fails if a name is empty, unknown, or appears twice.
fn names(line: u64, cells: &StringRecord) -> io::Result<Vec<String>> {
    let names: Vec<String> = cells.iter().map(|name| name.trim().to_lowercase()).collect();
    if let [only] = names.as_slice()
        && let Some(other) = only.chars().find(|character| matches!(character, ';' | '\t' | '|'))
    {
        return Err(invalid(&format!(
            "line {line} has no comma; write a comma between the names and cells, not {other:?}"
        )));
    }
    if cells.iter().any(|name| name.contains('\r')) {
        return Err(invalid("its lines end with a carriage return alone; save it with line feeds"));
    }
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(invalid(&format!("line {line}: column {} has no name", at + 1)));
        }
        if !AccountRecord::FIELDS.contains(&name.as_str()) {
            return Err(invalid(&format!("line {line}: {}", unknown_field(name))));
        }
        if names[..at].contains(name) {
            return Err(invalid(&format!("line {line}: {name:?} appears twice")));
        }
    }
    Ok(names)
}
