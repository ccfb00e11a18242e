//! Paths that forward authentication lets through without a check: the setting `exclude_urls`.
//!
//! The path that counts is the path that the application behind the proxy serves, and applications interpret a path
//! differently. Some remove dot segments (RFC 3986 §5.2.4), others treat `..` as an ordinary name. Therefore a path is
//! decoded once and must match with and without its dot segments. A path that can be read in yet another way is never
//! excluded. The user then has to sign in without need, but nobody gets in without permission.

use globset::{GlobBuilder, GlobMatcher};

/// Longest path that is read, in bytes.
const MAX_BYTES: usize = 8_192;

/// A host as the proxy reports it, with the port of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Reads `name` or `name:port`. The name is case-insensitive.
    pub fn parse(text: &str) -> Self {
        let (name, port) = match text.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((name, port)) => (name, port.parse().ok()),
            None => (text, None),
        };
        Self { name: name.to_ascii_lowercase(), port }
    }

    /// Adds the default port of `scheme` if the host has no port. Schemes other than `http` and `https` have no default
    /// port.
    #[must_use]
    pub fn with_port_of(mut self, scheme: &str) -> Self {
        let usual = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        self.port = self.port.or(usual);
        self
    }
}

/// The error for a glob that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("exclude_urls: {0}")]
pub struct NotAGlob(#[from] globset::Error);

/// An entry of the setting: a glob for paths, and the host that it applies to. Without a host it applies to all hosts.
#[derive(Clone, Debug)]
struct Exclusion {
    host: Option<Host>,
    path: GlobMatcher,
}

/// The excluded paths.
#[derive(Clone, Debug)]
pub struct Exclusions(Vec<Exclusion>);

impl Exclusions {
    /// Compiles the entries of the setting. Each entry is a glob that starts at its first `/`; a host may precede it.
    /// `*` matches any text within a segment, `**` matches any number of segments.
    ///
    /// # Errors
    /// [`NotAGlob`] if an entry cannot be compiled.
    pub fn new(entries: &[String]) -> Result<Self, NotAGlob> {
        let exclusion = |entry: &String| {
            let (host, path) = entry.split_at(entry.find('/').unwrap_or(entry.len()));
            let path =
                GlobBuilder::new(path).literal_separator(true).backslash_escape(false).build()?.compile_matcher();
            Ok(Exclusion { host: (!host.is_empty()).then(|| Host::parse(host)), path })
        };
        entries.iter().map(exclusion).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether `target` is excluded on `host`. `target` is the path of the request line, with or without a
    /// query. An entry without a port applies to every port of its host.
    pub fn covers(&self, host: Option<&Host>, target: &str) -> bool {
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
    fn is_on(&self, host: Option<&Host>) -> bool {
        self.host.as_ref().is_none_or(|own| {
            host.is_some_and(|asked| own.name == asked.name && (own.port.is_none() || own.port == asked.port))
        })
    }
}

/// Returns the path of a request target, decoded once. Returns `None` if the path is ambiguous.
fn decoded_path(target: &str) -> Option<String> {
    // A browser sends neither of them, but both occur if a proxy has joined two header values (RFC 9110 §5.3).
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
    // A backslash separates segments for some servers, and `;` starts parameters for others. Some would decode a
    // remaining escape again.
    let is_ambiguous = path.contains(['\\', ';']) || path.contains(char::is_control) || has_escape(&path);
    (path.starts_with('/') && !is_ambiguous).then_some(path)
}

/// Returns a decoded path without its dot segments. Returns `None` if a segment is empty, except the last.
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

/// Returns the byte that the escape at the start of `bytes` represents, or `None` if it is malformed.
fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let (high, low) = (digit(1)?, digit(2)?);
    u8::try_from(high * 16 + low).ok()
}

fn has_escape(text: &str) -> bool {
    text.bytes().enumerate().any(|(at, byte)| byte == b'%' && escape(&text.as_bytes()[at..]).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exclusions(entries: &[&str]) -> Exclusions {
        Exclusions::new(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).expect("globs")
    }

    fn covers(entry: &str, target: &str) -> bool {
        exclusions(&[entry]).covers(None, target)
    }

    #[test]
    fn a_glob_covers_its_tree() {
        for (glob, target) in [
            ("/public/**", "/public/"),
            ("/public/**", "/public/a"),
            ("/public/**", "/public/a/b.css?v=2"),
            ("/public/**", "/public/a?next=/../admin"),
            ("/public/**", "/public/a,b?c=d,e"),
            ("/public/**", "/public/a/../b"),
            ("/public/**", "/public/./a"),
            ("/public/**", "/public/a/.."),
            ("/public/**", "/%70ublic/%61"),
            ("/public/**", "/public/a%20b"),
            ("/public/**", "/public/%c3%bc"),
            ("/public/**", "/public/100%25"),
            ("/public/**", "/public/..."),
            ("/public/**", "/public/a."),
            ("/public/**", "/public/a%3fb%23c"),
            ("/public", "/public"),
            ("/public/", "/public/"),
            ("/", "/"),
            ("/", "/?x"),
            ("/*.css", "/style.css"),
            ("/*/health", "/app/health"),
            ("/**/health", "/health"),
            ("/**/health", "/a/b/health"),
            ("/a/**/z", "/a/z"),
            ("/a/**/z", "/a/b/c/z"),
            ("/**", "/anything/at/all"),
        ] {
            assert!(covers(glob, target), "{glob} {target}");
        }
    }

    #[test]
    fn nothing_beside_it_is_covered() {
        for target in [
            "",
            "/",
            "public/a",
            "*",
            "/public",
            "/publicx",
            "/publicx/a",
            "/PUBLIC/a",
            "/Public/a",
            "/public./a",
            "/public../a",
            "/.../public/a",
            // A server that treats `..` as a name serves these paths from `/admin`.
            "/admin/../public/a",
            "/admin/./../public/a",
            "/admin/%2e%2e/public/a",
            "/admin/..%2fpublic/a",
            "/../public/a",
            "/./public/a",
            "/admin%2f..%2fpublic%2fa",
            "/public%2fa",
            "/public/a%2fb",
            "/public/../admin",
            "/public/a/../../admin",
            "/public/..",
            "/public/../",
            "/public/./../admin",
            "/public/%2e%2e/admin",
            "/public/%2E./admin",
            "/public%2f..%2fadmin",
            "/public%2F..%2Fadmin",
            "/public/..%2fadmin",
            "/public/%2e%2e%2fadmin",
            "/public/%252e%252e/admin",
            "/public/%25%32%65/x",
            "/public/%2561",
            "/public/%c0%ae%c0%ae/admin",
            "/public/%ff",
            "/public/%",
            "/public/%2",
            "/public/%zz",
            "/public/%u002e",
            "/public%00/a",
            "/public/a%00",
            "/public/a%0d%0ab",
            "/public/\u{7f}",
            "//public/a",
            "/public//a",
            "/public//",
            "//admin",
            "/public/%2f/a",
            "/public;x/../admin",
            "/public;x/a",
            "/public/a;b",
            "/public/..;/admin",
            "/public/a%3bb",
            "/public\\a",
            "/public/..\\admin",
            "/public/%5c../admin",
            "\\public\\a",
            "/public#/a",
            "/public/a#/../admin",
            "http://app.example.com/public/a",
            "https:/public/a",
            "/admin?/public/a",
            "/admin#/public/a",
            "/admin%3f/public/a",
            " /public/a",
            "/ public/a",
            "/public%20/a",
            "/public/a, /admin",
            "/public/a,/admin",
            "/public/a?b, /admin",
            "/public/a?b,/admin",
        ] {
            assert!(!covers("/public/**", target), "{target}");
        }
        for (glob, target) in [
            ("/", "/a/.."),
            ("/", "/a/../"),
            ("/*.css", "/a/b.css"),
            ("/*/health", "/a/b/health"),
            ("/*", "/a/"),
            ("/a*", "/a/b"),
        ] {
            assert!(!covers(glob, target), "{glob} {target}");
        }
        assert!(!covers("/public/**", &format!("/public/{}", "a".repeat(MAX_BYTES))));
    }

    #[test]
    fn a_host_before_the_path_must_be_the_one_that_was_asked() {
        let table = exclusions(&["app.example.com/public/**", "ported.example.com:8443/**"]);
        let on = |host: &str| table.covers(Some(&Host::parse(host).with_port_of("https")), "/public/a");
        for host in ["app.example.com", "APP.Example.com", "app.example.com:8443", "ported.example.com:8443"] {
            assert!(on(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "other.example.com",
            "xapp.example.com",
            "app.example.com.evil.example",
            "app.example.com.",
            "app.example.com,evil.example",
            "user@app.example.com",
            "ported.example.com",
            "ported.example.com:443",
        ] {
            assert!(!on(host), "{host}");
        }
        assert!(!table.covers(None, "/public/a"));
        let usual = exclusions(&["app.example.com:443/**"]);
        assert!(usual.covers(Some(&Host::parse("app.example.com").with_port_of("https")), "/"));
        assert!(!usual.covers(Some(&Host::parse("app.example.com").with_port_of("http")), "/"));
    }

    /// Returns the segments that a very lenient application reads: it decodes repeatedly, accepts every separator,
    /// resolves dot segments, and ignores parameters.
    fn most_lenient(target: &str) -> Vec<String> {
        let mut text = target.split(['?', '#']).next().unwrap_or_default().to_owned();
        while let Some(next) = decoded(&text).filter(|next| *next != text) {
            text = next;
        }
        let mut kept: Vec<String> = Vec::new();
        for segment in text.split(['/', '\\']) {
            match segment.split(';').next().unwrap_or_default() {
                "" | "." => {}
                ".." => drop(kept.pop()),
                segment => kept.push(segment.to_owned()),
            }
        }
        kept
    }

    /// Returns the segments that an application reads if it does not resolve dot segments. Rocket and Werkzeug do this.
    fn most_literal(target: &str) -> Vec<String> {
        let path = target.split('?').next().unwrap_or_default();
        path.split('/').skip(1).filter_map(decoded).collect()
    }

    proptest! {
        #[test]
        fn whatever_is_covered_is_in_the_tree_for_every_reader(
            parts in prop::collection::vec(prop::sample::select(vec![
                "/", "//", "\\", "%5c", "%5C", "%2f", "%2F", "%252f", ".", "..", "%2e", "%2E", "%252e", "%", "%25", ";", "%3b",
                "?", "#", "%00", "%ff", "public", "PUBLIC", "publi%63", "admin", "x", " ", "ü",
            ]), 0..14)
        ) {
            let target = format!("/{}", parts.concat());
            if covers("/public/**", &target) {
                for read in [most_lenient(&target), most_literal(&target)] {
                    prop_assert_eq!(read.first().map(String::as_str), Some("public"), "{}", target);
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(target in ".{0,64}") {
            covers("/public/**", &target);
        }
    }
}
