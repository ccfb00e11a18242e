//! The names and attributes of the cookies. A name whose prefix does not fit the attributes is refused.

use super::{
    declare::settings,
    reader::{Read, Reader, share},
    tokens::TokenKeys,
    web::WebKeys,
};
use crate::{
    config::{CookieDomain, CookieName, CsrfHeader, SameSite},
    domain::{
        address::is_localhost,
        cookie_name::{Attributes, Conflict},
    },
};

settings! {
    /// The names and attributes of the cookies. The prefixes of the names fit the attributes.
    pub struct Cookies, CookieKeys in "cookies", |reader, web: &WebKeys, tokens: &TokenKeys| check {
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
        domain: Option<CookieDomain>,
        /// The name of the cookie that contains the access token. Unset: `__Host-access_token`; `__Secure-access_token` if
        /// `cookie_domain` is set; `access_token` if `cookie_secure` is `false`.
        #[key("access_cookie_name", example = "__Host-access_token")]
        #[otherwise(attributes(&secure, &domain, true).map(|of| CookieName::strictest("access_token", of)))]
        access_name: CookieName,
        /// The name of the cookie that contains the refresh token. Unset: `__Secure-refresh_token`; `refresh_token` if
        /// `cookie_secure` is `false`. The prefix `__Host-` is refused: it requires the path `/`, and this cookie has the path
        /// `base_path`.
        #[key("refresh_cookie_name", example = "__Secure-refresh_token")]
        #[otherwise(attributes(&secure, &Ok(None), false).map(|of| CookieName::strictest("refresh_token", of)))]
        refresh_name: CookieName,
        /// The name of the cookie that contains the CSRF token. Scripts can read this cookie. Unset: `__Host-csrf_token`;
        /// `csrf_token` if `cookie_secure` is `false`.
        #[key("csrf_cookie_name", example = "__Host-csrf_token")]
        #[otherwise(attributes(&secure, &Ok(None), true).map(|of| CookieName::strictest("csrf_token", of)))]
        csrf_name: CookieName,
        /// The name of the request header in which a script sends the CSRF token.
        #[key("csrf_header_name", default = "X-CSRF-Token")]
        csrf_header: CsrfHeader,
    }
}

/// Returns the attributes of a cookie whose path is `/`, or of the refresh cookie, whose path is the setting `base_path`. Only
/// the access cookie has a domain.
fn attributes(secure: &Read<bool>, domain: &Read<Option<CookieDomain>>, is_at_root: bool) -> Read<Attributes> {
    Ok(Attributes { is_secure: (*secure)?, has_domain: share(domain)?.is_some(), is_at_root })
}

impl CookieKeys {
    /// Refuses settings that can't be used together.
    fn check(&self, reader: &mut Reader, web: &WebKeys, tokens: &TokenKeys) {
        reader.check("cookie_samesite", "none can't be used with {cookie_secure}", || {
            Ok(!self.secure? && self.samesite? == SameSite::None)
        });
        // A browser would drop the cookies, so nobody could sign in. Browsers accept them from this machine.
        let why = "must be https, since browsers drop cookies over http with {cookie_secure}";
        reader.check("public_url", why, || {
            let url = share(&web.public_url)?;
            let is_dropped = !url.is_https() && !is_localhost(&url.authority().host);
            Ok(self.secure? && tokens.location?.cookies && is_dropped)
        });
        // Without this prefix, another host of the domain could set the CSRF cookie. The access cookie is accepted only
        // together with it.
        reader.check("csrf_cookie_name", "must begin with __Host-, with {cookie_domain}", || {
            Ok(self.secure? && share(&self.domain)?.is_some() && !share(&self.csrf_name)?.starts_with("__Host-"))
        });
        self.check_domain(reader, web);
        self.check_names(reader);
    }

    /// Refuses a name whose prefix does not fit the attributes of its cookie, and two cookies with the same name.
    fn check_names(&self, reader: &mut Reader) {
        let names = [
            ("access_cookie_name", &self.access_name, attributes(&self.secure, &self.domain, true)),
            ("refresh_cookie_name", &self.refresh_name, attributes(&self.secure, &Ok(None), false)),
            ("csrf_cookie_name", &self.csrf_name, attributes(&self.secure, &Ok(None), true)),
        ];
        for (index, (key, name, attributes)) in names.iter().enumerate() {
            let Ok(name) = name else { continue };
            let conflict = attributes.ok().and_then(|attributes| name.conflict(attributes));
            let wrong = conflict.map(|conflict| match conflict {
                Conflict::Path => "__Host- can't be used, since the path of this cookie isn't /",
                Conflict::Secure => "its prefix can't be used with {cookie_secure}",
                Conflict::Domain => "__Host- can't be used with {cookie_domain}",
            });
            if let Some(wrong) = wrong {
                reader.conflict(key, wrong);
            }
            let same = names[..index].iter().find(|(_, other, _)| matches!(other, Ok(other) if other == name));
            if let Some((other, ..)) = same {
                let other = reader.describe(other);
                reader.refuse(key, format!("must differ from {other}"));
            }
        }
    }

    /// Refuses a `cookie_domain` whose cookies a browser would drop: a public suffix, or a domain to which the host of
    /// `public_url` does not belong.
    fn check_domain(&self, reader: &mut Reader, web: &WebKeys) {
        let why = "must be a domain of your own below this public suffix, for which browsers accept no cookies";
        reader.check("cookie_domain", why, || {
            Ok(share(&self.domain)?.as_deref().is_some_and(|domain| psl::suffix_str(domain) == Some(domain)))
        });
        // Without `public_url`, the host under which clients reach the server is not known.
        let is_known = reader.is_given("public_url");
        reader.check("cookie_domain", "must be the host of {public_url}, or a domain above it", || {
            let (domain, host) = (share(&self.domain)?.as_deref(), &share(&web.public_url)?.authority().host);
            let is_above = |domain| host == domain || host.ends_with(&format!(".{domain}"));
            Ok(is_known && domain.is_some_and(|domain| !is_above(domain)))
        });
    }
}
