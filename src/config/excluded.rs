//! The globs of `exclude_urls`. What could never match is refused, and so is what looks like a pattern of another language:
//! an entry that covers nothing, or more than it seems to, is not noticed until it hurts.

use figment::value::Value;
use serde_json::{Value as Json, json};

use super::{
    setting::{Setting, items},
    url::{is_host, split_port},
};

const ALLOWED: &str = "a list of paths such as /public/**, app.example.com/*.css";

/// Longest entry, in bytes.
const MAX_BYTES: usize = 512;

/// Entries of `exclude_urls`.
pub(super) struct Globs(pub Vec<String>);

impl Setting for Globs {
    fn parse(value: &Value) -> Result<Self, String> {
        let entries = items(value).ok_or(ALLOWED)?;
        let globs: Result<Vec<String>, String> =
            entries.into_iter().map(|entry| glob(entry).map_err(|wrong| format!("{ALLOWED}: {wrong}"))).collect();
        globs.map(Self)
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}

fn glob(entry: &str) -> Result<String, String> {
    if entry.len() > MAX_BYTES {
        return Err(format!("each must have at most {MAX_BYTES} bytes"));
    }
    let slash = entry.find('/').ok_or("each must have a path, which begins with /")?;
    let (host, path) = entry.split_at(slash);
    let host = if host.is_empty() { String::new() } else { host_and_port(host)? };
    check(path)?;
    Ok(format!("{host}{path}"))
}

fn host_and_port(text: &str) -> Result<String, String> {
    let (host, port) = split_port(text).map_err(|wrong| format!("each {wrong}"))?;
    let host = host.to_ascii_lowercase();
    if !is_host(&host) {
        return Err("what stands before the first / must be one host, without a scheme and without *".to_owned());
    }
    Ok(port.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

fn check(path: &str) -> Result<(), &'static str> {
    if path.contains(['?', '#', '[', ']', '{', '}', '!']) {
        return Err("only * and ** stand for something, and there is no query");
    }
    if path.contains('%') {
        return Err("each is compared with the decoded path, so it has no %");
    }
    if path.contains(['\\', ';']) || path.contains(char::is_control) {
        return Err("a path with a backslash, a ; or a control character is never let through");
    }
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            // What follows the last slash may be empty.
            "" if segments.peek().is_some() => return Err("a path with an empty segment is never let through"),
            "." | ".." => return Err("paths are compared without dot segments"),
            "**" => {}
            _ if segment.contains("**") => return Err("** must be a whole segment"),
            _ => {}
        }
    }
    Ok(())
}
