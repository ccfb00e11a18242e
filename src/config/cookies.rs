//! Names and attributes of the cookies.
//!
//! A browser drops a cookie whose name promises what its attributes don't keep (RFC 6265bis §4.1.3), and
//! says nothing; so what wouldn't be stored is refused here.

use figment::value::Value;
use serde_json::{Value as Json, json};

use super::{
    Web,
    reader::{Read, Reader, share},
    setting::{Setting, text, vocabulary},
    url::{Address, is_domain},
};

vocabulary! {
    /// Whether a cookie comes along from other sites.
    pub SameSite {
        /// Never.
        Strict = "strict",
        /// When somebody follows a link.
        Lax = "lax",
        /// Always; only with `Secure`.
        None = "none",
    }
}

/// Names and attributes of the cookies; prefixes of names fit the attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookies {
    /// Whether they are sent over https only.
    pub secure: bool,
    /// Whether they come along from other sites.
    pub samesite: SameSite,
    /// Whose hosts get them; `None`: this host alone.
    pub domain: Option<String>,
    /// Of the access token, `Path=/`.
    pub access_name: String,
    /// Of the refresh token, whose path isn't `/`.
    pub refresh_name: String,
    /// Of the token against cross-site requests, `Path=/`, readable by script.
    pub csrf_name: String,
    /// In which a script sends that one back.
    pub csrf_header: String,
}

/// What decides which names a cookie may have.
struct Attributes<'a> {
    secure: bool,
    domain: Option<&'a str>,
}

impl Cookies {
    pub(super) fn read(reader: &mut Reader, web: Read<&Web>) -> Read<Self> {
        let secure = reader.read::<bool>("cookie_secure");
        let samesite = samesite(reader, secure);
        let domain = domain(reader, web);
        let csrf_header = reader.read::<HeaderName>("csrf_header_name");
        let attributes = match (secure, share(&domain)) {
            (Ok(secure), Ok(domain)) => Ok(Attributes { secure, domain: domain.as_deref() }),
            (Err(reported), _) | (_, Err(reported)) => Err(reported),
        };
        let access = name(reader, "access_cookie_name", "access_token", true, &attributes);
        let refresh = name(reader, "refresh_cookie_name", "refresh_token", false, &attributes);
        let csrf = name(reader, "csrf_cookie_name", "csrf_token", true, &attributes);
        let names = [("access_cookie_name", access?), ("refresh_cookie_name", refresh?), ("csrf_cookie_name", csrf?)];
        let [access_name, refresh_name, csrf_name] = differing(reader, names)?;
        Ok(Self {
            secure: secure?,
            samesite: samesite?,
            domain: domain?,
            access_name,
            refresh_name,
            csrf_name,
            csrf_header: csrf_header?.0,
        })
    }
}

fn samesite(reader: &mut Reader, secure: Read<bool>) -> Read<SameSite> {
    let samesite = reader.read("cookie_samesite")?;
    match secure {
        Ok(false) if samesite == SameSite::None => {
            let secure = reader.describe("cookie_secure");
            Err(reader.refuse("cookie_samesite", format!("none can't be used with {secure}")))
        }
        _ => Ok(samesite),
    }
}

fn domain(reader: &mut Reader, web: Read<&Web>) -> Read<Option<String>> {
    let Some(Domain(domain)) = reader.optional("cookie_domain")? else { return Ok(None) };
    let host = web.ok().and_then(|web| Address::parse(&web.public_url).ok()).map(|address| address.host);
    // Where public_url isn't set nobody said how the server is reached.
    if let Some(host) = host.filter(|_| reader.is_given("public_url"))
        && host != domain
        && !host.ends_with(&format!(".{domain}"))
    {
        let reached = reader.describe("public_url");
        return Err(reader.refuse("cookie_domain", format!("must be the host of {reached}, or a domain above it")));
    }
    Ok(Some(domain))
}

/// The name under `key`, or `plain` with the prefix that fits; `rooted`: its cookie has `Path=/`.
fn name(reader: &mut Reader, key: &str, plain: &str, rooted: bool, attributes: &Read<Attributes<'_>>) -> Read<String> {
    let usual = share(attributes).map(|attributes| {
        let prefix = match attributes {
            Attributes { secure: false, .. } => "",
            Attributes { domain: None, .. } if rooted => "__Host-",
            Attributes { .. } => "__Secure-",
        };
        CookieName(format!("{prefix}{plain}"))
    });
    let CookieName(name) = reader.or(key, usual)?;
    let Ok(Attributes { secure, domain }) = attributes else { return Ok(name) };
    // Browsers compare the prefix without regard to case.
    let has = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let wrong = match () {
        () if has("__Host-") && !rooted => "__Host- can't be used, since the path of this cookie isn't /".to_owned(),
        () if (has("__Host-") || has("__Secure-")) && !secure => {
            format!("its prefix can't be used with {}", reader.describe("cookie_secure"))
        }
        () if has("__Host-") && domain.is_some() => {
            format!("__Host- can't be used with {}", reader.describe("cookie_domain"))
        }
        () => return Ok(name),
    };
    Err(reader.refuse(key, wrong))
}

fn differing(reader: &mut Reader, names: [(&str, String); 3]) -> Read<[String; 3]> {
    for (place, (key, name)) in names.iter().enumerate() {
        if let Some((other, _)) = names[..place].iter().find(|(_, other)| other == name) {
            let other = reader.describe(other);
            return Err(reader.refuse(key, format!("must differ from {other}")));
        }
    }
    Ok(names.map(|(_, name)| name))
}

/// A token (RFC 9110 §5.6.2), which is what names of cookies and headers are.
fn token(value: &Value, allowed: &str) -> Result<String, String> {
    let text = text(value, allowed)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let fits = text.len() <= 64 && text.bytes().all(plain);
    fits.then(|| text.to_owned()).ok_or_else(|| allowed.to_owned())
}

struct CookieName(String);

impl Setting for CookieName {
    fn parse(value: &Value) -> Result<Self, String> {
        token(value, "a name of at most 64 letters, digits and !#$%&'*+-.^_`|~").map(Self)
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}

struct HeaderName(String);

/// What another site's page may send without being asked (Fetch, "CORS-safelisted request-header"), or
/// what already means something else.
const TAKEN_HEADERS: [&str; 10] = [
    "accept",
    "accept-language",
    "authorization",
    "content-language",
    "content-type",
    "cookie",
    "host",
    "origin",
    "range",
    "referer",
];

impl Setting for HeaderName {
    fn parse(value: &Value) -> Result<Self, String> {
        let name = token(value, "a header's name, such as X-CSRF-Token")?;
        match TAKEN_HEADERS.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
            true => Err("a header that has no other meaning, such as X-CSRF-Token".to_owned()),
            false => Ok(Self(name)),
        }
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}

struct Domain(String);

impl Setting for Domain {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a domain such as example.com, with no dot before it and not an address";
        let domain = text(value, allowed)?.to_ascii_lowercase();
        (is_domain(&domain) && domain.contains('.')).then_some(Self(domain)).ok_or_else(|| allowed.to_owned())
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}
