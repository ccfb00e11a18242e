//! Redirect targets after a sign-in. The parameter `next` may refer only to this server or to an allowed host.
//!
//! The text is parsed as a browser parses it (the WHATWG URL standard), and the redirect uses the parsed URL, not the
//! received text. A parser of our own would interpret some unusual spelling differently from a browser, and attackers
//! collect such spellings.

use std::{fmt, str::FromStr};

use url::Url;

use super::address::{Authority, PublicUrl, is_domain};

/// The length of the longest `next` that is read, in bytes.
const MAX_BYTES: usize = 2_048;

/// A host that a browser may be redirected to. `app.example.com` allows this host with any port, and
/// `app.example.com:8443` with this port only. `*.example.com` allows every subdomain of `example.com`, but not
/// `example.com` itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    authority: Authority,
    /// Whether the entry begins with `*.` and allows the subdomains of the host.
    subdomains: bool,
}

impl FromStr for AllowedHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let name = text.strip_prefix("*.");
        let (authority, below) = (name.unwrap_or(text).parse::<Authority>()?, name.is_some());
        if below && !is_domain(&authority.host) {
            return Err("must have a domain name after *.");
        }
        Ok(Self { authority, subdomains: below })
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.subdomains { "*." } else { "" }, self.authority)
    }
}

impl AllowedHost {
    /// Returns whether the entry names a port.
    pub fn has_port(&self) -> bool {
        self.authority.port.is_some()
    }

    /// Returns whether the host of the entry is an IPv6 address.
    pub fn is_ipv6(&self) -> bool {
        self.authority.host.starts_with('[')
    }

    /// Returns whether the entry covers a host.
    pub fn covers(&self, host: &Authority) -> bool {
        self.covers_name(&host.host) && (self.authority.port.is_none() || self.authority.port == host.port)
    }

    /// Returns how narrow the entry is. Of two entries that cover the same host, the narrower one is greater.
    pub fn precision(&self) -> (bool, bool, usize) {
        (!self.subdomains, self.has_port(), self.authority.host.len())
    }

    fn covers_name(&self, host: &str) -> bool {
        let name = self.authority.host.as_str();
        match self.subdomains {
            true => host.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            false => host == name,
        }
    }

    /// Returns whether the host and, if the entry names a port, the port of `url` are allowed.
    fn allows(&self, url: &Url) -> bool {
        let port = self.authority.port;
        url.host_str().is_some_and(|host| self.covers_name(host))
            && port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

/// The rules for redirect targets: the address of this server and the list of allowed hosts.
#[derive(Clone, Debug)]
pub struct Redirects {
    own: Url,
    hosts: Vec<AllowedHost>,
}

/// A redirect target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path on this server, with its query and fragment. It begins with exactly one slash.
    Local(String),
    /// A URL on an allowed host.
    External(String),
}

impl Target {
    /// Returns the value for the header `Location`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Local(path) => path,
            Self::External(url) => url,
        }
    }

    /// Returns the host of a URL on another server, with its port unless it is the usual port of the scheme. Returns `None` for
    /// a path on this server. A name with other letters than ASCII is in Punycode, so it can't imitate another name.
    pub fn host(&self) -> Option<String> {
        let Self::External(url) = self else { return None };
        let url = Url::parse(url).ok()?;
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        url.host_str().map(|host| format!("{host}{port}"))
    }

    /// Returns the target in percent-encoding, as the value of a query parameter.
    pub fn as_query_value(&self) -> String {
        url::form_urlencoded::byte_serialize(self.as_str().as_bytes()).collect()
    }
}

impl Redirects {
    /// Returns the rules of a server that clients reach by `public_url`.
    pub fn new(public_url: &PublicUrl, hosts: &[AllowedHost]) -> Self {
        Self { own: public_url.url().clone(), hosts: hosts.to_vec() }
    }

    /// Reads `next`. Returns the target if `next` is a path on this server or a URL with an allowed host, and `None`
    /// otherwise. For an allowed host, `http` and `https` are both accepted. The port is checked only if the entry
    /// names a port. Cookies do not distinguish schemes and ports either (RFC 6265 §8.5).
    pub fn read(&self, next: &str) -> Option<Target> {
        let is_path = next.starts_with('/') && !next.starts_with("//");
        let is_url = ["http://", "https://"].iter().any(|scheme| next.starts_with(scheme));
        // A browser removes tabs and line breaks and reads a backslash as a slash (WHATWG URL). So a text with such
        // characters is refused.
        let is_plain = next.len() <= MAX_BYTES && !next.contains(|c: char| c.is_control() || c == '\\');
        if !is_plain || !(is_path || is_url) {
            return None;
        }
        let url = self.own.join(next).ok()?;
        // A user name can imitate a host, as in `https://app.example.com@evil.example`. No URL with a user name is
        // allowed.
        let has_user = !url.username().is_empty() || url.password().is_some();
        if url.origin() == self.own.origin() && !has_user {
            return local_target(&url);
        }
        let is_allowed = !has_user && self.hosts.iter().any(|host| host.allows(&url));
        is_allowed.then(|| Target::External(url.into()))
    }
}

/// Returns the target for a URL of this server: the URL without its origin. Returns `None` if the path begins with two
/// slashes, because a browser would read the text after them as a host. An example is `/.//evil.example`, whose parsed
/// path is `//evil.example`.
fn local_target(url: &Url) -> Option<Target> {
    let path = &url[url::Position::BeforePath..];
    (!path.starts_with("//")).then(|| Target::Local(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redirects() -> Redirects {
        let hosts =
            ["app.example.com", "*.wild.example", "ported.example:8443"].map(|host| host.parse().expect("a host"));
        Redirects::new(&"https://auth.example.com".parse().expect("a URL"), &hosts)
    }

    fn read(next: &str) -> Option<String> {
        redirects().read(next).map(|target| target.as_str().to_owned())
    }

    #[test]
    fn the_host_of_another_server_is_displayed_with_its_port() {
        for (next, host) in [
            ("/account", None),
            ("https://auth.example.com/account", None),
            ("https://app.example.com/x?y=1", Some("app.example.com")),
            ("https://app.example.com:443/", Some("app.example.com")),
            ("https://ported.example:8443/", Some("ported.example:8443")),
            ("https://b\u{fc}cher.wild.example/", Some("xn--bcher-kva.wild.example")),
        ] {
            assert_eq!(redirects().read(next).and_then(|target| target.host()).as_deref(), host, "{next}");
        }
    }

    #[test]
    fn paths_of_this_server_and_allowed_hosts_are_read() {
        for (next, target) in [
            ("/", "/"),
            ("/account?tab=2#devices", "/account?tab=2#devices"),
            ("/a/../b", "/b"),
            ("/a b", "/a%20b"),
            ("/@evil.example", "/@evil.example"),
            ("/%2f%2fevil.example", "/%2f%2fevil.example"),
            ("https://auth.example.com/account", "/account"),
            ("https://app.example.com", "https://app.example.com/"),
            ("http://app.example.com:8080/x", "http://app.example.com:8080/x"),
            ("https://a.wild.example/x?y=https://evil.example", "https://a.wild.example/x?y=https://evil.example"),
            ("https://a.b.wild.example/", "https://a.b.wild.example/"),
            ("https://ported.example:8443/", "https://ported.example:8443/"),
        ] {
            assert_eq!(read(next).as_deref(), Some(target), "{next}");
        }
    }

    #[test]
    fn other_targets_are_refused() {
        for next in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/x/..//evil.example",
            "/%2e//evil.example",
            "/%2E%2e//evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "HTTPS://evil.example",
            "http:evil.example",
            "https://evil.example",
            "https://evil.example\\@app.example.com",
            "https://app.example.com@evil.example",
            "https://app.example.com:pw@evil.example",
            "https://ada@app.example.com/",
            "https://app.example.com.evil.example",
            "https://evilapp.example.com",
            "https://wild.example",
            "https://evilwild.example",
            "https://.wild.example",
            "https://app.example.com./",
            "https://ported.example/",
            "https://ported.example:443/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://app.example.com/",
            "%2f%2fevil.example",
            "https://аpp.example.com/",
            "https://app.example.com%2eevil.example/",
            "https://[::1]/",
        ] {
            assert_eq!(read(next), None, "{next:?}");
        }
    }

    #[test]
    fn a_target_of_more_than_2048_bytes_is_refused() {
        assert!(read(&format!("/{}", "a".repeat(MAX_BYTES - 1))).is_some());
        assert!(read(&format!("/{}", "a".repeat(MAX_BYTES))).is_none());
    }

    proptest! {
        #[test]
        fn every_accepted_target_is_on_an_allowed_host(next in r"[/\\.:@%2fFeEtT a-d?#\t-]{0,24}|https?:.{0,20}") {
            if let Some(target) = redirects().read(&next) {
                let url = redirects().own.join(target.as_str()).expect("a URL");
                let host = url.host_str().expect("a host in the URL");
                prop_assert!(host == "auth.example.com" || redirects().hosts.iter().any(|allowed| allowed.allows(&url)));
            }
        }
    }
}
