//! The two kinds of web address that a setting may hold: where a server is reached, and a bare origin.
//!
//! Both come out in the form that a browser's `Origin` header has: scheme and host in lower case, no
//! default port, no slash at the end; so they can be compared byte by byte.

use std::net::{Ipv4Addr, Ipv6Addr};

/// `http(s)://host[:port][/path]`, parsed.
pub(super) struct Address {
    /// `scheme://host[:port]`
    pub origin: String,
    /// The host alone, an IPv6 address in its brackets.
    pub host: String,
    /// Empty, or from `/` to a last character that isn't `/`.
    pub path: String,
}

impl Address {
    /// Reads `text`, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (scheme, default_port) = match () {
            () if lower.starts_with("https://") => ("https", 443),
            () if lower.starts_with("http://") => ("http", 80),
            () => return Err("must begin with http:// or https://".to_owned()),
        };
        let rest = &text[scheme.len() + "://".len()..];
        if rest.contains(['?', '#']) {
            return Err("must have no query and no fragment".to_owned());
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("must have no user name and password".to_owned());
        }
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return Err("must have a host name or an IP address after the scheme \
                        (names beyond ASCII in their xn-- form)"
                .to_owned());
        }
        let origin = match port {
            Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        };
        Ok(Self { origin, host, path: plain_path(path)? })
    }
}

/// A host, and the port behind it.
pub(super) fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    // The last colon, but not one within the brackets of an IPv6 address.
    match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        None => Ok((authority, None)),
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => match port.parse() {
            Ok(port) if port > 0 => Ok((host, Some(port))),
            _ => Err("must have a port from 1 to 65535, or none".to_owned()),
        },
        Some(_) => Err("must have a port from 1 to 65535, or none".to_owned()),
    }
}

/// A domain name or an IP address, IPv6 in brackets.
pub(super) fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok() || is_domain(host),
    }
}

/// A domain name in ASCII lower case (RFC 1123 §2.1), which doesn't end like an IPv4 address.
pub(super) fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(label) && !name.rsplit('.').next().is_some_and(numeric)
}

/// A path of plain segments (RFC 3986 "unreserved", no dot segments) without a slash at its end.
pub(super) fn plain_path(path: &str) -> Result<String, String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |segment: &str| {
        !segment.starts_with('.')
            && !segment.is_empty()
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    match path.strip_prefix('/') {
        None if path.is_empty() => Ok(String::new()),
        Some(segments) if segments.split('/').all(plain) => Ok(path.to_owned()),
        _ => Err("must have a path of plain segments (letters, digits, - . _ ~), \
                  each after one slash and none beginning with a dot"
            .to_owned()),
    }
}
