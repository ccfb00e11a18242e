//! The check whether the browser will keep the cookies of a sign-in. It uses the host and the scheme of the request. A browser
//! drops an unsuitable cookie without a message, so the page displays the cause and names the setting.

use rocket::Request;
use serde_json::{Value, json};

use crate::{
    domain::address::{is_localhost, split_port},
    flows::Vestibule,
    http::request::caller,
};

/// Returns the problem that will prevent a sign-in, as the template's value `trouble_found`. Returns null if there is no
/// problem.
pub fn diagnose(request: &Request<'_>, vestibule: &Vestibule) -> Value {
    let settings = &vestibule.config.cookies;
    let authority = authority(request);
    let host = split_port(authority).0;
    let found = |kind: &str, domain: &str| json!({"kind": kind, "host": host, "domain": domain});
    if !vestibule.config.tokens.location.cookies {
        return found("cookies_off", "");
    }
    // Browsers treat a loopback host like https: they keep a `Secure` cookie from it.
    if settings.secure && !is_localhost(&host.to_ascii_lowercase()) && !is_https(request, vestibule, authority) {
        return found("insecure", "");
    }
    match &settings.domain {
        // Only a domain name is compared with `cookie_domain`. A name without a dot, or an IP address, may be the name of the
        // upstream that a proxy put into `Host`; then it is not the host that the browser requested.
        Some(domain) if is_domain(host) && !is_below(host, domain) => found("domain", domain),
        _ => Value::Null,
    }
}

/// Returns the host that the browser requested, with its port if there is one. The value is the `X-Forwarded-Host` of a trusted
/// proxy, otherwise `Host`. It is empty if both headers are absent.
fn authority<'r>(request: &'r Request<'_>) -> &'r str {
    let forwarded = request.headers().get_one("X-Forwarded-Host").map(str::trim).filter(|host| !host.is_empty());
    let forwarded = forwarded.filter(|_| caller::peer_is_trusted_proxy(request));
    forwarded.or(request.headers().get_one("Host")).unwrap_or_default()
}

/// Returns whether the browser used https. The server itself may speak https. The other signs of it are checked in this order:
/// * `Sec-Fetch-Site`, which browsers send over https only (Fetch Metadata §2).
/// * `X-Forwarded-Proto` of a trusted proxy.
/// * For a proxy that does not send `X-Forwarded-Proto` exactly once, `public_url` with https and the requested host. A browser
///   that sends `Upgrade-Insecure-Requests` with its pages would then have sent `Sec-Fetch-Site` over https, except Safari
///   before 16.4, which sees the warning without a cause.
fn is_https(request: &Request<'_>, vestibule: &Vestibule, authority: &str) -> bool {
    if vestibule.config.connections.tls.is_some() || request.headers().contains("Sec-Fetch-Site") {
        return true;
    }
    let mut said = request.headers().get("X-Forwarded-Proto").map(str::trim).filter(|scheme| !scheme.is_empty());
    match (said.next(), said.next()) {
        (Some(scheme), None) if caller::peer_is_trusted_proxy(request) => {
            ["https", "wss"].iter().any(|secure| scheme.eq_ignore_ascii_case(secure))
        }
        _ => {
            let own = &vestibule.config.web.public_url;
            let is_modern = request.headers().contains("Upgrade-Insecure-Requests");
            own.is_https() && !is_modern && own.authority().host.eq_ignore_ascii_case(split_port(authority).0)
        }
    }
}

/// Returns whether a host is a name with a dot, not an IP address.
fn is_domain(host: &str) -> bool {
    host.contains('.') && host.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Returns whether a host is `domain` or one of its subdomains.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}
