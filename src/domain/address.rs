//! Web addresses in settings: the URL of this server, the origin of a page, a host with a port, the domain of a cookie.
//!
//! Each address is parsed once, into the form that a browser sends in `Host` and `Origin`: scheme and host in lower
//! case, no default port, no slash at the end. So addresses can be compared byte by byte.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

use super::words::text;

text! {
    /// A domain with at least one dot, in lower case: the attribute `Domain` of a cookie.
    pub CookieDomain, |text| {
        let domain = text.to_ascii_lowercase();
        (domain.contains('.') && is_domain(&domain)).then_some(domain)
    }
}

text! {
    /// The path before the session endpoints, such as `/auth`. Empty for `/`.
    pub BasePath, |text| match plain_path(text) {
        Ok(plain) if text == "/" || plain == text => Some(plain.to_owned()),
        _ => None,
    }
}

/// A host name or an IP address, and optionally a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host in lower case. An IPv6 address is in brackets.
    pub host: String,
    /// The port, 1 to 65535. `None` if the text names no port.
    pub port: Option<u16>,
}

impl Authority {
    /// Returns the authority with a port: if it names no port, with the default port of `scheme`.
    #[must_use]
    pub fn with_port_of(mut self, scheme: &str) -> Self {
        self.port = self.port.or(default_port(scheme));
        self
    }

    /// Returns the authority without its port if the port is the default port of `scheme`. Otherwise returns it
    /// unchanged.
    fn without_port_of(mut self, scheme: &str) -> Self {
        self.port = self.port.filter(|port| Some(*port) != default_port(scheme));
        self
    }
}

impl FromStr for Authority {
    type Err = &'static str;

    /// Reads `host` or `host:port`. The host is a domain name of letters, digits and hyphens (RFC 1123 §2.1; other
    /// scripts in their `xn--` form), an IPv4 address of four numbers, or an IPv6 address in brackets. The error is a
    /// text such as "must have a port …", without the name of the setting.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WRONG_PORT: &str = "must have a port from 1 to 65535, or none";
        let (host, port) = split_port(text);
        let port = match port {
            // `parse` alone would accept a sign.
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().ok().filter(|port| *port > 0).ok_or(WRONG_PORT)?)
            }
            Some(_) => return Err(WRONG_PORT),
            None => None,
        };
        let host = host.to_ascii_lowercase();
        let host = match Host::parse(&host) {
            // The URL standard also accepts `1.2.3` and `0x7f.1` as addresses, and converts names of other scripts. The
            // host is compared with the host that a browser sends, so the setting must have the form that the browser
            // sends.
            Ok(Host::Domain(name)) => (name == host && is_domain(&host)).then_some(host),
            Ok(Host::Ipv4(address)) => (address.to_string() == host).then_some(host),
            // Each IPv6 address has many spellings, of which a browser sends one.
            Ok(address @ Host::Ipv6(_)) => Some(address.to_string()),
            Err(_) => None,
        };
        host.map(|host| Self { host, port })
            .ok_or("must have a host name or an IP address after the scheme (names beyond ASCII in their xn-- form)")
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Splits an authority into its host and the text of its port. Checks neither. The port is `None` if the authority has
/// no colon outside brackets.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    // The last colon separates the port, unless it is within the brackets of an IPv6 address.
    match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

/// Returns whether `name` is a domain name in lower case: labels of 1 to 63 letters, digits and hyphens, together at
/// most 253 characters. A label does not begin or end with a hyphen.
pub fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label) && matches!(Host::parse(name), Ok(Host::Domain(_)))
}

/// Returns whether a host is this machine: `localhost`, a name below `localhost` (RFC 6761 §6.3), or a loopback address. An
/// IPv6 address is in brackets.
pub fn is_localhost(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Returns the default port of a scheme in lower case, or `None` for a scheme other than `http`, `https`, `ws` and `wss`.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// The `http` or `https` URL under which clients reach a server: scheme, host, optionally a port, and optionally a
/// path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    url: Url,
    authority: Authority,
}

impl PublicUrl {
    /// Returns the URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the URL, parsed as the URL standard (WHATWG) requires.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// Returns whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.scheme() == "https"
    }

    /// Returns the host and the port. The port is `None` if it is the default port of the scheme.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the origin as a browser sends it in `Origin` (RFC 6454 §6.1).
    pub fn origin(&self) -> &str {
        &self.text[..self.text.len() - self.path().len()]
    }

    /// Returns the path. It is empty, or it begins with `/` and does not end with `/`.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        // The text is not passed to the URL parser before these checks: the parser corrects malformed URLs silently.
        let lower = text.to_ascii_lowercase();
        let scheme = ["https", "http"]
            .into_iter()
            .find(|scheme| lower.strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://")))
            .ok_or("must begin with http:// or https://")?;
        let rest = &text[scheme.len() + "://".len()..];
        if rest.contains(['?', '#']) {
            return Err("must have no query and no fragment");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("must have no user name and password");
        }
        let authority = authority.parse::<Authority>()?.without_port_of(scheme);
        let text = format!("{scheme}://{authority}{}", plain_path(path)?);
        let url = Url::parse(&text).map_err(|_| "must be a URL")?;
        Ok(Self { text, url, authority })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns `path` without a slash at its end. Each segment must consist of unreserved characters (RFC 3986 §2.3) and
/// must not begin with a dot. An empty path and `/` are valid; the result is then empty.
///
/// # Errors
/// A text that begins with "must" and describes a valid path.
pub fn plain_path(path: &str) -> Result<&str, &'static str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |segment: &str| {
        !segment.starts_with('.')
            && !segment.is_empty()
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    match path.strip_prefix('/') {
        None if path.is_empty() => Ok(""),
        Some(segments) if segments.split('/').all(plain) => Ok(path),
        _ => Err("must have a path of plain segments (letters, digits, - . _ ~), \
                  each after one slash and none beginning with a dot"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_stored_in_the_form_that_a_browser_sends() {
        for (text, shown, origin, authority) in [
            (
                "https://auth.example.com/x",
                "https://auth.example.com/x",
                "https://auth.example.com",
                "auth.example.com",
            ),
            ("HTTP://LOCALHOST:8000/", "http://localhost:8000", "http://localhost:8000", "localhost:8000"),
            ("https://a.example:443", "https://a.example", "https://a.example", "a.example"),
            ("http://a.example:443/b/c", "http://a.example:443/b/c", "http://a.example:443", "a.example:443"),
            ("http://[::1]:80/~a", "http://[::1]/~a", "http://[::1]", "[::1]"),
            (
                "http://[2001:DB8:00::01]:8000",
                "http://[2001:db8::1]:8000",
                "http://[2001:db8::1]:8000",
                "[2001:db8::1]:8000",
            ),
            (
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example",
                "xn--bcher-kva.example",
            ),
        ] {
            let url: PublicUrl = text.parse().expect(text);
            assert_eq!((url.as_str(), url.origin(), url.authority().to_string().as_str()), (shown, origin, authority));
        }
    }

    #[test]
    fn a_url_that_a_browser_would_read_differently_is_refused() {
        for text in [
            "https:a.example",
            "https:/a.example",
            "https:///a.example",
            "//a.example",
            "https://a\\b.example",
            "https://a\tb.example",
            "https://a.example\\x",
            "https://0x7f.1",
            "https://127.1",
            "https://1.2.3",
            "https://999.1.1.1",
            "https://b\u{fc}cher.example",
            "https://-a.example",
            "https://a_b.example",
            "https://a.example.",
            "https://a.example:",
            "https://a.example:+1",
            "https://a.example:65536",
            "https://a%2eexample",
            "https://[::1",
            "https://::1",
            "https://[::1]x",
            "https://user@a.example",
            "https://a.example/%2e",
            "https://a.example/;x",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text:?}");
        }
    }
}
