//! The names and attributes of the cookies.
//!
//! The prefixes `__Secure-` and `__Host-` of a cookie's name require certain attributes (RFC 6265bis §4.1.3). A browser drops a
//! cookie without these attributes and reports no error. So a name that does not fit the attributes is refused here.

use figment::value::Value;

use super::{
    declare::settings,
    reader::{Read, Reader, share},
    setting::{text_if, word_enum},
    web::WebKeys,
};
use crate::domain::address::is_domain;

word_enum! {
    /// The requests from other sites with which a browser sends a cookie: the attribute `SameSite`.
    pub SameSite {
        /// No request from another site.
        Strict = "strict",
        /// Only a request of a user who follows a link to this server.
        Lax = "lax",
        /// Every request. Browsers accept this value only together with the attribute `Secure`.
        None = "none",
    }
}

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
        /// The domain to which browsers send the cookies of a session, with all its subdomains. Unset: only the host of this
        /// server.
        #[key("cookie_domain", example = "example.com", main = true)]
        #[read(parse = domain)]
        domain: Option<String>,
        /// The name of the cookie that contains the access token. Unset: `__Host-access_token`; `__Secure-access_token` if
        /// `cookie_domain` is set; `access_token` if `cookie_secure` is `false`.
        #[key("access_cookie_name", example = "__Host-access_token")]
        #[read(parse = cookie_name, otherwise = default_name("access_token", Path::Root, &secure, &domain))]
        access_name: String,
        /// The name of the cookie that contains the refresh token. Unset: `__Secure-refresh_token`; `refresh_token` if
        /// `cookie_secure` is `false`. The prefix `__Host-` is refused: it requires the path `/`, and this cookie has the path
        /// `base_path`.
        #[key("refresh_cookie_name", example = "__Secure-refresh_token")]
        #[read(parse = cookie_name, otherwise = default_name("refresh_token", Path::Sessions, &secure, &domain))]
        refresh_name: String,
        /// The name of the cookie that contains the CSRF token. Scripts can read this cookie. Unset: `__Host-csrf_token`;
        /// `__Secure-csrf_token` if `cookie_domain` is set; `csrf_token` if `cookie_secure` is `false`.
        #[key("csrf_cookie_name", example = "__Host-csrf_token")]
        #[read(parse = cookie_name, otherwise = default_name("csrf_token", Path::Root, &secure, &domain))]
        csrf_name: String,
        /// The name of the request header in which a script sends the CSRF token.
        #[key("csrf_header_name", default = "X-CSRF-Token")]
        #[read(parse = header_name)]
        csrf_header: String,
    }
}

/// The path of a cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    /// `/`
    Root,
    /// The setting `base_path`, under which the session endpoints are.
    Sessions,
}

/// Returns the default name of a cookie: `plain` with the strictest prefix that the attributes permit.
fn default_name(plain: &str, path: Path, secure: &Read<bool>, domain: &Read<Option<String>>) -> Read<String> {
    let prefix = match ((*secure)?, share(domain)?) {
        (false, _) => "",
        (true, None) if path == Path::Root => "__Host-",
        (true, _) => "__Secure-",
    };
    Ok(format!("{prefix}{plain}"))
}

impl CookieKeys {
    /// Refuses settings that can't be used together.
    pub(super) fn check(&self, reader: &mut Reader, web: &WebKeys) {
        if let (Ok(false), Ok(SameSite::None)) = (self.secure, self.samesite) {
            let secure = reader.describe("cookie_secure");
            reader.refuse("cookie_samesite", format!("none can't be used with {secure}"));
        }
        self.check_domain(reader, web);
        let names = [
            ("access_cookie_name", &self.access_name, Path::Root),
            ("refresh_cookie_name", &self.refresh_name, Path::Sessions),
            ("csrf_cookie_name", &self.csrf_name, Path::Root),
        ];
        for (index, (key, name, path)) in names.iter().enumerate() {
            let Ok(name) = name else { continue };
            self.check_prefix(reader, key, name, *path);
            let same = |(_, other, _): &&(&str, &Read<String>, Path)| other.as_ref().is_ok_and(|other| other == name);
            if let Some((other, ..)) = names[..index].iter().find(same) {
                let other = reader.describe(other);
                reader.refuse(key, format!("must differ from {other}"));
            }
        }
    }

    /// Refuses a `cookie_domain` to which the host of `public_url` does not belong: a browser would drop the cookies.
    fn check_domain(&self, reader: &mut Reader, web: &WebKeys) {
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

    /// Refuses the name of a cookie whose prefix does not fit the cookie's path or attributes.
    fn check_prefix(&self, reader: &mut Reader, key: &str, name: &str, path: Path) {
        let (Ok(secure), Ok(domain)) = (self.secure, &self.domain) else { return };
        // Browsers compare the prefix without regard to case.
        let has = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let wrong = if has("__Host-") && path != Path::Root {
            "__Host- can't be used, since the path of this cookie isn't /".to_owned()
        } else if (has("__Host-") || has("__Secure-")) && !secure {
            format!("its prefix can't be used with {}", reader.describe("cookie_secure"))
        } else if has("__Host-") && domain.is_some() {
            format!("__Host- can't be used with {}", reader.describe("cookie_domain"))
        } else {
            return;
        };
        reader.refuse(key, wrong);
    }
}

/// Returns whether a text is a token (RFC 9110 §5.6.2) of at most 64 characters. Names of cookies and headers are tokens.
fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    text.len() <= 64 && text.bytes().all(plain)
}

/// Reads the name of a cookie.
fn cookie_name(value: &Value) -> Result<String, String> {
    text_if(value, "a name of at most 64 letters, digits and !#$%&'*+-.^_`|~", is_token)
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
