//! The names and attributes of the cookies. A name whose prefix does not fit the attributes is refused.

use figment::value::Value;

use super::{
    declare::settings,
    reader::{Read, Reader, share},
    setting::text_if,
    tokens::TokenKeys,
    web::WebKeys,
};
use crate::domain::{
    address::{is_domain, is_localhost},
    cookie_name::{Attributes, Conflict, CookieName, is_token},
    policy::{SameSite, TokenLocation},
};

settings! {
    /// The names and attributes of the cookies. The prefixes of the names fit the attributes.
    pub struct Cookies, CookieKeys in "cookies", |reader| {
        /// Whether browsers send the cookies over https only. `false` permits plain http, for development.
        #[key("cookie_secure", default = true, dev = false)]
        secure: bool,
        /// Whether browsers send the cookies with requests from other sites: `strict` (never), `lax` (only when the user
        /// follows a link to this server), or `none` (always; not if `cookie_secure` is `false`).
        #[key("cookie_samesite", default = "lax")]
        samesite: SameSite,
        /// The domain to which browsers send the access cookie, with all its subdomains, so that one sign-in counts for all
        /// hosts behind forward authentication. The other cookies stay with the host of this server. A public suffix such as
        /// `co.uk` or `duckdns.org` is refused. Unset: only the host of this server.
        #[key("cookie_domain", example = "example.com", main = true)]
        #[read(parse = domain)]
        domain: Option<String>,
        /// The name of the cookie that contains the access token. Unset: `__Host-access_token`; `__Secure-access_token` if
        /// `cookie_domain` is set; `access_token` if `cookie_secure` is `false`.
        #[key("access_cookie_name", example = "__Host-access_token")]
        #[read(otherwise = attributes(&secure, &domain, true).map(|of| CookieName::strictest("access_token", of)))]
        access_name: CookieName,
        /// The name of the cookie that contains the refresh token. Unset: `__Secure-refresh_token`; `refresh_token` if
        /// `cookie_secure` is `false`. The prefix `__Host-` is refused: it requires the path `/`, and this cookie has the path
        /// `base_path`.
        #[key("refresh_cookie_name", example = "__Secure-refresh_token")]
        #[read(otherwise = attributes(&secure, &Ok(None), false).map(|of| CookieName::strictest("refresh_token", of)))]
        refresh_name: CookieName,
        /// The name of the cookie that contains the CSRF token. Scripts can read this cookie. Unset: `__Host-csrf_token`;
        /// `csrf_token` if `cookie_secure` is `false`.
        #[key("csrf_cookie_name", example = "__Host-csrf_token")]
        #[read(otherwise = attributes(&secure, &Ok(None), true).map(|of| CookieName::strictest("csrf_token", of)))]
        csrf_name: CookieName,
        /// The name of the request header in which a script sends the CSRF token.
        #[key("csrf_header_name", default = "X-CSRF-Token")]
        #[read(parse = header_name)]
        csrf_header: String,
    }
}

/// Returns the attributes of a cookie whose path is `/`, or of the refresh cookie, whose path is the setting `base_path`. Only
/// the access cookie has a domain.
fn attributes(secure: &Read<bool>, domain: &Read<Option<String>>, is_at_root: bool) -> Read<Attributes> {
    Ok(Attributes { is_secure: (*secure)?, has_domain: share(domain)?.is_some(), is_at_root })
}

impl CookieKeys {
    /// Refuses settings that can't be used together.
    pub(super) fn check(&self, reader: &mut Reader, web: &WebKeys, tokens: &TokenKeys) {
        if let (Ok(false), Ok(SameSite::None)) = (self.secure, self.samesite) {
            let secure = reader.describe("cookie_secure");
            reader.refuse("cookie_samesite", format!("none can't be used with {secure}"));
        }
        self.check_url(reader, web, tokens);
        self.check_csrf_name(reader);
        self.check_domain(reader, web);
        let names = [
            ("access_cookie_name", &self.access_name, attributes(&self.secure, &self.domain, true)),
            ("refresh_cookie_name", &self.refresh_name, attributes(&self.secure, &Ok(None), false)),
            ("csrf_cookie_name", &self.csrf_name, attributes(&self.secure, &Ok(None), true)),
        ];
        for (index, (key, name, attributes)) in names.iter().enumerate() {
            let Ok(name) = name else { continue };
            let wrong = match attributes.ok().and_then(|attributes| name.conflict(attributes)) {
                Some(Conflict::Path) => "__Host- can't be used, since the path of this cookie isn't /".to_owned(),
                Some(Conflict::Secure) => format!("its prefix can't be used with {}", reader.describe("cookie_secure")),
                Some(Conflict::Domain) => format!("__Host- can't be used with {}", reader.describe("cookie_domain")),
                None => String::new(),
            };
            if !wrong.is_empty() {
                reader.refuse(key, wrong);
            }
            let same = |(_, other, _): &&(&str, &Read<CookieName>, Read<Attributes>)| {
                other.as_ref().is_ok_and(|other| other == name)
            };
            if let Some((other, ..)) = names[..index].iter().find(same) {
                let other = reader.describe(other);
                reader.refuse(key, format!("must differ from {other}"));
            }
        }
    }

    /// Refuses secure cookies with a `public_url` of plain http: a browser would drop them, so nobody could sign in. Browsers
    /// accept them from this machine.
    fn check_url(&self, reader: &mut Reader, web: &WebKeys, tokens: &TokenKeys) {
        if let (Ok(true), Ok(url), Ok(TokenLocation { cookies: true, .. })) =
            (self.secure, &web.public_url, tokens.location)
            && !url.is_https()
            && !is_localhost(&url.authority().host)
        {
            let secure = reader.describe("cookie_secure");
            reader.refuse("public_url", format!("must be https, since browsers drop cookies over http with {secure}"));
        }
    }

    /// Refuses a CSRF cookie that another host of `cookie_domain` could set. The access cookie counts only beside it.
    fn check_csrf_name(&self, reader: &mut Reader) {
        if let (Ok(true), Ok(Some(_)), Ok(name)) = (self.secure, &self.domain, &self.csrf_name)
            && !name.starts_with("__Host-")
        {
            let domain = reader.describe("cookie_domain");
            reader.refuse("csrf_cookie_name", format!("must begin with __Host-, with {domain}"));
        }
    }

    /// Refuses a `cookie_domain` whose cookies a browser would drop: a public suffix, or a domain to which the host of
    /// `public_url` does not belong.
    fn check_domain(&self, reader: &mut Reader, web: &WebKeys) {
        if let Ok(Some(domain)) = &self.domain
            && psl::suffix_str(domain) == Some(domain)
        {
            let why = "must be a domain of your own below this public suffix, for which browsers accept no cookies";
            reader.refuse("cookie_domain", why);
        }
        // Without `public_url`, the host under which clients reach the server is not known.
        if let (Ok(Some(domain)), Ok(url)) = (&self.domain, &web.public_url)
            && reader.is_given("public_url")
        {
            let host = &url.authority().host;
            if host != domain && !host.ends_with(&format!(".{domain}")) {
                let reached = reader.describe("public_url");
                reader.refuse("cookie_domain", format!("must be the host of {reached}, or a domain above it"));
            }
        }
    }
}

/// Headers that can't carry the CSRF token. A page of another site can send some of them without a preflight request (Fetch,
/// "CORS-safelisted request-header"). The others already have a meaning.
const TAKEN_HEADERS: [&str; 10] = [
    "accept", "accept-language", "authorization", "content-language", "content-type", "cookie", "host", "origin",
    "range", "referer",
];

/// Reads the name of the CSRF header. Refuses [`TAKEN_HEADERS`].
fn header_name(value: &Value) -> Result<String, String> {
    let name = text_if(value, "a header's name, such as X-CSRF-Token", is_token)?;
    match TAKEN_HEADERS.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
        true => Err("a header that has no other meaning, such as X-CSRF-Token".to_owned()),
        false => Ok(name),
    }
}

/// Reads a domain with at least one dot. Returns it in lower case.
fn domain(value: &Value) -> Result<Option<String>, String> {
    let allowed = "a domain such as example.com, with no dot before it and not an address";
    let is_allowed = |text: &str| text.contains('.') && is_domain(&text.to_ascii_lowercase());
    text_if(value, allowed, is_allowed).map(|domain| Some(domain.to_ascii_lowercase()))
}
