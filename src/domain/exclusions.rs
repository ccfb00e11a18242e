//! Paths that forward authentication lets through without a check: the setting `exclude_urls`.
//!
//! The application behind the proxy decides which resource a path names, and applications interpret paths differently.
//! Some applications remove dot segments (RFC 3986 §5.2.4), others treat `..` as an ordinary name. Therefore a path is
//! decoded once and must match with and without its dot segments. A path that applications can interpret in yet another
//! way is never excluded. In the worst case a user has to sign in although it was not necessary. Nobody gets access
//! without permission.

use std::{fmt, str::FromStr};

use globset::{GlobBuilder, GlobMatcher};

use super::address::Authority;

/// The length of the longest path that can be excluded, in bytes.
const MAX_BYTES: usize = 8_192;

/// The length of the longest entry of the setting, in bytes.
const MAX_ENTRY_BYTES: usize = 512;

/// An entry of the setting: a glob for paths, and the host that it applies to. Without a host it applies to all hosts.
#[derive(Clone, Debug)]
pub struct Exclusion {
    host: Option<Authority>,
    path: GlobMatcher,
}

impl FromStr for Exclusion {
    type Err = String;

    /// Reads a glob that starts at its first `/`; a host may precede it. `*` matches any text within a segment, `**`
    /// matches any number of segments. Refuses an entry that can never match, and an entry that looks like a pattern of
    /// another language: an operator would notice such a mistake only when a page is open or closed by accident.
    fn from_str(entry: &str) -> Result<Self, String> {
        if entry.len() > MAX_ENTRY_BYTES {
            return Err(format!("each must have at most {MAX_ENTRY_BYTES} bytes"));
        }
        let slash = entry.find('/').ok_or("each must have a path, which begins with /")?;
        let (host, path) = entry.split_at(slash);
        let host = if host.is_empty() { None } else { Some(read_host(host)?) };
        check_glob(path)?;
        let glob = GlobBuilder::new(path).literal_separator(true).backslash_escape(false).build();
        let path = glob.map_err(|error| error.kind().to_string())?.compile_matcher();
        Ok(Self { host, path })
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.as_ref().map_or(Ok(()), |host| host.fmt(f))?;
        f.write_str(self.path.glob().glob())
    }
}

/// Reads the host of an entry. The error describes a valid host.
fn read_host(text: &str) -> Result<Authority, String> {
    match text.parse::<Authority>() {
        Ok(authority) => Ok(authority),
        Err(wrong) if wrong.contains("port") => Err(format!("each {wrong}")),
        Err(_) => Err("the text before the first / must be one host, without a scheme and without *".to_owned()),
    }
}

/// Checks that a glob can match a path of [`decoded_path`], and that it has no wildcards other than `*` and `**`.
fn check_glob(path: &str) -> Result<(), &'static str> {
    if path.contains(['?', '#', '[', ']', '{', '}', '!']) {
        return Err("only * and ** are wildcards, and there is no query");
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
            // The text after the last slash may be empty.
            "" if segments.peek().is_some() => return Err("a path with an empty segment is never let through"),
            "." | ".." => return Err("paths are compared without dot segments"),
            "**" => {}
            _ if segment.contains("**") => return Err("** must be a whole segment"),
            _ => {}
        }
    }
    Ok(())
}

/// The entries of `exclude_urls`.
#[derive(Clone, Debug, Default)]
pub struct Exclusions(pub Vec<Exclusion>);

impl Exclusions {
    /// Returns whether `target` is excluded on `host`. `target` is the path of the request line, with or without a
    /// query. `host` is the host that the request names, with its port; `None` if it is unknown. An entry with a host
    /// then does not apply.
    pub fn covers(&self, host: Option<&Authority>, target: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let Some(path) = decoded_path(target) else { return false };
        let Some(resolved) = without_dot_segments(&path) else { return false };
        let covers = |exclusion: &Exclusion| exclusion.path.is_match(&path) && exclusion.path.is_match(&resolved);
        self.0.iter().any(|exclusion| exclusion.is_on(host) && covers(exclusion))
    }
}

impl Exclusion {
    /// Returns the host that the entry names; `None` if it applies to all hosts.
    pub fn host(&self) -> Option<&Authority> {
        self.host.as_ref()
    }

    /// Returns whether the entry applies to `host`. An entry without a port applies to every port of its host.
    fn is_on(&self, host: Option<&Authority>) -> bool {
        self.host.as_ref().is_none_or(|own| {
            host.is_some_and(|requested| {
                own.host == requested.host && (own.port.is_none() || own.port == requested.port)
            })
        })
    }
}

/// Returns the path of a request target, decoded once. Returns `None` if the path is ambiguous, malformed, or longer
/// than [`MAX_BYTES`].
fn decoded_path(target: &str) -> Option<String> {
    // White space and `,/` occur if a proxy has joined the values of two headers (RFC 9110 §5.3). Then it is not clear
    // which of the two paths the application serves.
    if target.contains([' ', '\t']) || target.contains(",/") {
        return None;
    }
    let path = target.split('?').next().unwrap_or_default();
    // A request target has no fragment, and servers differ in whether they remove one. An encoded slash is a separator
    // for some servers and a part of a name for others.
    if path.len() > MAX_BYTES || path.contains('#') || path.to_ascii_lowercase().contains("%2f") {
        return None;
    }
    let path = decoded(path)?;
    // A backslash separates segments for some servers, and `;` starts parameters for others. Some servers would decode
    // a remaining escape again, or end the path at a decoded `?` or `#` (CVE-2024-38474 of Apache httpd).
    let is_ambiguous = path.contains(['\\', ';', '?', '#']) || path.contains(char::is_control) || has_escape(&path);
    (path.starts_with('/') && !is_ambiguous).then_some(path)
}

/// Returns a decoded path without its dot segments. Returns `None` if a segment other than the last is empty.
fn without_dot_segments(path: &str) -> Option<String> {
    let segments = path.strip_prefix('/')?;
    let mut kept: Vec<&str> = Vec::new();
    // The text after the last slash may be empty, as in `/docs/`.
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "" if !is_last => return None,
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                // A dot segment at the end names a directory, so the result ends with a slash (RFC 3986 §5.2.4).
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    Some(format!("/{}", kept.join("/")))
}

/// Decodes percent-encoding once (RFC 3986 §2.1). Returns `None` if an escape is malformed or the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            bytes.push(escape(rest)?);
            rest = &rest[3..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Returns the byte that the escape at the start of `bytes` represents, or `None` if the escape is malformed.
fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let (high, low) = (digit(1)?, digit(2)?);
    u8::try_from(high * 16 + low).ok()
}

/// Returns whether a text contains a well-formed escape.
fn has_escape(text: &str) -> bool {
    text.bytes().enumerate().any(|(at, byte)| byte == b'%' && escape(&text.as_bytes()[at..]).is_some())
}

#[cfg(test)]
mod tests;
