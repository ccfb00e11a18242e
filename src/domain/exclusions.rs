//! Paths that forward authentication lets through unseen: `exclude_urls`.
//!
//! What decides is the path that the application behind the proxy will serve, which every party reads in its own way: some take
//! dot segments out (RFC 3986 §5.2.4), others take `..` for a name like any other. So a path is decoded once and must match both
//! ways, and whatever could still be read in a third is covered by nothing: then somebody signs in who need not, instead of
//! somebody coming in who may not.

use globset::{GlobBuilder, GlobMatcher};

/// Longest path that is read, in bytes.
const MAX_BYTES: usize = 8_192;

/// A host as a proxy names it, with the port that it was asked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Reads `name` or `name:port`; names are the same in any case.
    pub fn parse(text: &str) -> Self {
        let (name, port) = match text.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((name, port)) => (name, port.parse().ok()),
            None => (text, None),
        };
        Self { name: name.to_ascii_lowercase(), port }
    }

    /// The same, with the port of a scheme where it names none.
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

/// A glob that can't be compiled.
#[derive(Debug, thiserror::Error)]
#[error("exclude_urls: {0}")]
pub struct NotAGlob(#[from] globset::Error);

/// One entry: which paths, and on which host if not on all.
#[derive(Clone, Debug)]
struct Exclusion {
    host: Option<Host>,
    path: GlobMatcher,
}

/// The paths that pass.
#[derive(Clone, Debug)]
pub struct Exclusions(Vec<Exclusion>);

impl Exclusions {
    /// Each of `entries` is a glob from the first `/` on, perhaps with a host before it: `*` stands for any text within a
    /// segment, `**` for any number of segments.
    ///
    /// # Errors
    /// [`NotAGlob`].
    pub fn new(entries: &[String]) -> Result<Self, NotAGlob> {
        let exclusion = |entry: &String| {
            let (host, path) = entry.split_at(entry.find('/').unwrap_or(entry.len()));
            let path =
                GlobBuilder::new(path).literal_separator(true).backslash_escape(false).build()?.compile_matcher();
            Ok(Exclusion { host: (!host.is_empty()).then(|| Host::parse(host)), path })
        };
        entries.iter().map(exclusion).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `target`, a path perhaps with a query as it stood in the request line, is excluded on `host`. An entry without
    /// a port counts on every port of its host.
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

/// The path of a request target, decoded once; none where it could be read in two ways.
fn decoded_path(target: &str) -> Option<String> {
    // Neither stands in what a browser sends, but both do where somebody joined two values (RFC 9110 §5.3).
    if target.contains([' ', '\t']) || target.contains(",/") {
        return None;
    }
    let path = target.split('?').next().unwrap_or_default();
    // A fragment is no part of a request target, and some cut it off where others don't. An encoded slash is a separator to some,
    // and a part of a name to others.
    if path.len() > MAX_BYTES || path.contains('#') || path.to_ascii_lowercase().contains("%2f") {
        return None;
    }
    let path = decoded(path)?;
    let is_ambiguous = path.contains(['\\', ';']) || path.contains(char::is_control) || has_escape(&path);
    (path.starts_with('/') && !is_ambiguous).then_some(path)
}

/// A decoded path as those read it who take dot segments out; none where a segment is empty.
fn without_dot_segments(path: &str) -> Option<String> {
    let segments = path.strip_prefix('/')?;
    let mut kept: Vec<&str> = Vec::new();
    // What follows the last slash may be empty: `/docs/` is a path like any other.
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

/// Percent-decoded once (RFC 3986 §2.1); none where an escape is malformed or what it makes is not UTF-8.
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

/// The byte of the escape that `bytes` begin with.
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
            // Whoever takes dots for names serves these from /admin.
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

    /// How an application might read a path that takes whatever it is given at its word: decode as often as there is
    /// something to decode, take every separator for one, and no case or parameter seriously.
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

    /// How an application might that resolves nothing: Rocket, Werkzeug.
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
