//! Redirect targets, and the globs of paths that pass without a sign-in.

use std::sync::LazyLock;

use url::Url;

use super::input::{text, text_line};
use crate::domain::{
    address::Authority,
    exclusions::{Exclusion, Exclusions},
    redirect::{Redirects, Target},
};

static REDIRECTS: LazyLock<Redirects> = LazyLock::new(|| {
    let hosts = ["app.example.com", "*.wild.example", "ported.example:8443", "[::1]:9000", "192.0.2.7"];
    let hosts = hosts.map(|host| host.parse().expect("a host"));
    Redirects::new(&"https://auth.example.com/base".parse().expect("a URL"), &hosts)
});

/// The page on which a browser receives a redirect.
static PAGE: LazyLock<Url> = LazyLock::new(|| Url::parse("https://auth.example.com/base/login?next=x").expect("a URL"));

/// Reads a `next`. If it is accepted, a browser stays on this server or on an allowed host, whether it follows the text as it
/// was received or the target that the server sends. Both lead to the same place, and the target is accepted again.
pub fn next(data: &[u8]) {
    let text = text(data);
    let Some(target) = REDIRECTS.read(&text) else { return };
    let [received, sent] = [&*text, target.as_str()].map(|text| PAGE.join(text).expect("a browser can follow it"));
    assert_eq!(received, sent, "a browser reads both alike");
    assert!(sent.username().is_empty() && sent.password().is_none(), "{sent} has a user name");
    match &target {
        Target::Local(path) => {
            assert_eq!(sent.origin(), PAGE.origin(), "{path} is on this server");
            assert!(path.starts_with('/') && !path.starts_with("//"), "{path} begins with one slash");
        }
        Target::External(url) => assert!(is_allowed(&sent), "{url} is on an allowed host"),
    }
    // It is the value of the header `Location`.
    assert!(target.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{target:?} is plain");
    assert_eq!(target.host().is_some(), matches!(target, Target::External(_)));
    // Percent-encoding can make the target longer than the texts that are read.
    if target.as_str().len() <= 2_048 {
        assert_eq!(REDIRECTS.read(target.as_str()).as_ref(), Some(&target), "the target is accepted again");
    }
    let query = format!("next={}", target.as_query_value());
    let decoded: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(decoded, [("next".to_owned(), target.as_str().to_owned())]);
}

/// Returns whether a URL is on one of the hosts of [`REDIRECTS`]. It repeats the rule without the code of the server.
fn is_allowed(url: &Url) -> bool {
    let port = url.port_or_known_default();
    let is_on = |host: &str| match host {
        "app.example.com" | "192.0.2.7" => true,
        "ported.example" => port == Some(8443),
        "[::1]" => port == Some(9000),
        _ => host.strip_suffix(".wild.example").is_some_and(|below| !below.is_empty()),
    };
    matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(is_on)
}

/// Reads an entry of `exclude_urls`, a host and a request target, each on a line. If the target passes, it matches the glob in
/// each way in which an application may read the path: decoded, decoded again, and without dot segments.
pub fn glob(data: &[u8]) {
    let (entry, rest) = text_line(data);
    let (host, rest) = text_line(rest);
    let (target, _) = text_line(rest);
    let Ok(exclusion) = entry.parse::<Exclusion>() else { return };
    let shown = exclusion.to_string();
    let again: Exclusion = shown.parse().expect("a printed entry is read again");
    assert_eq!(again.to_string(), shown);
    let host = host.parse::<Authority>().ok();
    let own = exclusion.host().cloned();
    let is_covered = Exclusions(vec![exclusion]).covers(host.as_ref(), &target);
    assert_eq!(Exclusions(vec![again]).covers(host.as_ref(), &target), is_covered);
    if !is_covered {
        return;
    }
    if let Some(own) = own {
        let requested = host.expect("an entry with a host covers only a known host");
        assert!(own.host == requested.host && own.port.is_none_or(|port| requested.port == Some(port)));
    }
    let glob = &shown[shown.find('/').expect("an entry has a path")..];
    for path in readings(&target) {
        assert!(matches(glob, &path), "{target:?} passes by {glob:?}, but can be read as {path:?}");
    }
}

/// Returns the paths that applications may read in a request target.
fn readings(target: &str) -> Vec<String> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let resolved = |path: &str| Url::parse(&format!("https://host{path}")).map(|url| url.path().to_owned());
    let once = decoded(path);
    let mut paths =
        vec![decoded(&once), once.replace('\\', "/"), once.split(';').next().unwrap_or_default().to_owned()];
    for path in [path, &once] {
        paths.extend(resolved(path).map(|path| decoded(&path)));
    }
    let mut joined = once.clone();
    while joined.contains("//") {
        joined = joined.replace("//", "/");
    }
    paths.extend([once, joined]);
    paths
}

/// Decodes percent-encoding once. Keeps what is not an escape, and replaces what is not UTF-8.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte =
            digits.filter(|digits| !digits.starts_with('+')).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns whether a glob matches a path: `*` is any text within a segment, `**` any number of segments.
fn matches(glob: &str, path: &str) -> bool {
    let (Some(glob), Some(path)) = (glob.strip_prefix('/'), path.strip_prefix('/')) else { return false };
    let [glob, path] = [glob, path].map(|text| text.split('/').collect::<Vec<_>>());
    segments_match(&glob, &path)
}

fn segments_match(glob: &[&str], path: &[&str]) -> bool {
    match glob {
        [] => path.is_empty(),
        // The segments below the last slash; there may be only an empty one.
        ["**"] => !path.is_empty(),
        ["**", rest @ ..] => (0..=path.len()).any(|count| segments_match(rest, &path[count..])),
        [first, rest @ ..] => path.split_first().is_some_and(|(segment, after)| {
            segment_matches(first.as_bytes(), segment.as_bytes()) && segments_match(rest, after)
        }),
    }
}

/// Compares a segment from both ends with the texts between the stars.
fn segment_matches(glob: &[u8], segment: &[u8]) -> bool {
    // The state is the place to which to return after the last star.
    let (mut at, mut in_segment, mut star) = (0, 0, None);
    while in_segment < segment.len() {
        if glob.get(at) == Some(&b'*') {
            star = Some((at, in_segment));
            at += 1;
        } else if glob.get(at) == Some(&segment[in_segment]) {
            (at, in_segment) = (at + 1, in_segment + 1);
        } else if let Some((place, reached)) = star {
            star = Some((place, reached + 1));
            (at, in_segment) = (place + 1, reached + 1);
        } else {
            return false;
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}
