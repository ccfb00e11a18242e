//! Whether signing in on a page can work, by how this request reached us. A browser drops a cookie that does not fit and says
//! nothing; so we say it, and name the setting.

use rocket::Request;
use serde_json::{Value, json};

use crate::{flows::Vestibule, http::request::caller};

/// What keeps people from signing in, for the page's `trouble_found`; null where nothing does.
pub fn diagnose(request: &Request<'_>, vestibule: &Vestibule) -> Value {
    let settings = &vestibule.config.cookies;
    let authority = authority(request);
    let host = without_port(authority);
    let found = |kind: &str, domain: &str| json!({"kind": kind, "host": host, "domain": domain});
    if !vestibule.config.tokens.location.cookies {
        return found("cookies_off", "");
    }
    // Browsers take a loopback host for as safe as https.
    if settings.secure && !is_local(host) && !is_https(request, vestibule, authority) {
        return found("insecure", "");
    }
    match &settings.domain {
        // A bare name or an address may be what a proxy calls us, with a header of its own; a domain is what people ask for.
        Some(domain) if is_domain(host) && !is_below(host, domain) => found("domain", domain),
        _ => Value::Null,
    }
}

/// The host that the browser asked for, and its port: as a trusted proxy says, else as the request says.
fn authority<'r>(request: &'r Request<'_>) -> &'r str {
    let forwarded = request.headers().get_one("X-Forwarded-Host").map(str::trim).filter(|host| !host.is_empty());
    let forwarded = forwarded.filter(|_| caller::is_behind_trusted_proxy(request));
    forwarded.or(request.headers().get_one("Host")).unwrap_or_default()
}

/// Whether the browser asked by https. This program has no TLS of its own, so something in front of it has, or nothing: what
/// the browser shows by sending `Sec-Fetch-Site`, which it sends by https only (Fetch Metadata §2); what a trusted proxy says;
/// else what `public_url` says of this very host, for a proxy that says nothing.
fn is_https(request: &Request<'_>, vestibule: &Vestibule, authority: &str) -> bool {
    if request.headers().contains("Sec-Fetch-Site") {
        return true;
    }
    let mut said = request.headers().get("X-Forwarded-Proto");
    match (said.next(), said.next()) {
        (Some(scheme), None) if caller::is_behind_trusted_proxy(request) => scheme.trim().eq_ignore_ascii_case("https"),
        _ => {
            let secure = vestibule.config.web.public_url.strip_prefix("https://");
            let own = secure.and_then(|rest| rest.split('/').next());
            own.is_some_and(|own| without_port(own).eq_ignore_ascii_case(without_port(authority)))
        }
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

fn is_local(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost")
}

fn is_domain(host: &str) -> bool {
    host.contains('.') && host.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_below(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}
