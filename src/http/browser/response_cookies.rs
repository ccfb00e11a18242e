//! The cookies of a response: those that [`Cookies`] sets and removes.

use std::collections::BTreeSet;

use rocket::{
    http::{Cookie, SameSite},
    time::Duration,
};

use super::{
    cookie_header::is_of_host,
    cookie_names::{DEVICE, ENDED, FORM, REDIRECTS, VISIT, host_name},
    cookies::Cookies,
    pending_cookies,
};
use crate::{
    config,
    flows::{Tokens, Vestibule, users::reauthenticate::FreshAccessToken},
};

/// Days for which a browser keeps the secret of the device, and the times of visits. This is the maximum that browsers allow.
const DEVICE_COOKIE_DAYS: i64 = 400;

/// The path of the cookies that the browser sends with every request.
const ROOT: &str = "/";

impl Cookies<'_> {
    /// Sets the cookies of a session: its tokens, the CSRF token, and the secret of the device if the server knows the device.
    pub fn set(self, tokens: &Tokens) {
        self.log_entry().set_user(tokens.user_id);
        let settings = self.settings();
        let session = Duration::seconds(tokens.refresh_expires_in);
        self.set_access(tokens.access_token.clone(), tokens.refresh_expires_in);
        let path = refresh_path(self.vestibule);
        pending_cookies::put(
            self.request,
            self.cookie(&settings.refresh_name, tokens.refresh_token.clone(), path, session),
        );
        pending_cookies::put(self.request, self.cookie(&settings.csrf_name, tokens.csrf_token.clone(), ROOT, session));
        if let Some(device) = &tokens.device_id {
            let days = Duration::days(DEVICE_COOKIE_DAYS);
            pending_cookies::put(
                self.request,
                self.host_cookie(DEVICE, device.clone(), same_site(settings), Some(days)),
            );
        }
    }

    /// Replaces the access cookie by a fresh access token.
    pub fn set_fresh(self, fresh: &FreshAccessToken) {
        self.set_access(fresh.access_token.clone(), fresh.refresh_expires_in);
    }

    /// Replaces only the access cookie. The browser keeps it for `seconds`: until the session's refresh token expires.
    pub fn set_access(self, token: String, seconds: i64) {
        let token = self.vestibule.token_for_cookie(token);
        let cookie = self.cookie(&self.settings().access_name, token, ROOT, Duration::seconds(seconds));
        pending_cookies::put(self.request, cookie);
    }

    /// Returns whether the response sets or removes the access cookie.
    pub fn sets_access(self) -> bool {
        let name = &self.settings().access_name;
        pending_cookies::of(self.request).iter().any(|cookie| *cookie.name() == **name)
    }

    /// Removes the cookies of a session. The secret of the device stays, so that the next login on the device recognises it.
    pub fn clear(self) {
        let settings = self.settings();
        // A browser removes a cookie only if name, path and domain are those with which it was set.
        let gone = [
            (&settings.access_name, ROOT),
            (&settings.refresh_name, refresh_path(self.vestibule)),
            (&settings.csrf_name, ROOT),
        ];
        for (name, path) in gone {
            pending_cookies::put(self.request, self.cookie(name, String::new(), path, Duration::ZERO));
        }
    }

    /// Removes the secret of the device and the times of visits. It is for a deleted account.
    pub fn clear_device(self) {
        for (name, same_site) in [(DEVICE, same_site(self.settings())), (VISIT, SameSite::Lax)] {
            let gone = self.host_cookie(name, String::new(), same_site, Some(Duration::ZERO));
            pending_cookies::put(self.request, gone);
        }
    }

    /// Sets the secret of this browser's forms. The browser keeps it until it is closed.
    pub fn set_form_secret(self, secret: String) {
        pending_cookies::put(self.request, self.host_cookie(FORM, secret, SameSite::Lax, None));
    }

    /// Sets the count of redirects. The browser keeps it for `seconds`.
    pub fn set_redirect_count(self, value: String, seconds: i64) {
        pending_cookies::put(
            self.request,
            self.host_cookie(REDIRECTS, value, SameSite::Lax, Some(Duration::seconds(seconds))),
        );
    }

    /// Stores the times at which this browser displayed the devices of its user.
    pub fn set_visit(self, value: String) {
        let days = Duration::days(DEVICE_COOKIE_DAYS);
        pending_cookies::put(self.request, self.host_cookie(VISIT, value, SameSite::Lax, Some(days)));
    }

    /// Stores why the session of this browser has ended. The browser keeps the reason for `seconds`; 0 removes it.
    pub fn set_ended(self, reason: &str, seconds: i64) {
        pending_cookies::put(
            self.request,
            self.host_cookie(ENDED, reason.to_owned(), SameSite::Lax, Some(Duration::seconds(seconds))),
        );
    }

    /// Returns a cookie of a session, with the configured attributes. Only the CSRF cookie can be read by scripts. A `max_age`
    /// of zero removes the cookie.
    fn cookie(self, name: &str, value: String, path: &str, max_age: Duration) -> Cookie<'static> {
        let settings = self.settings();
        let mut cookie = Cookie::build((name.to_owned(), value))
            .path(path.to_owned())
            .http_only(*name != *settings.csrf_name)
            .secure(settings.secure)
            .same_site(same_site(settings))
            .max_age(max_age);
        // Other hosts of the domain need only the access cookie, for forward authentication.
        if let Some(domain) = settings.domain.as_ref().filter(|_| *name == *settings.access_name) {
            cookie = cookie.domain(domain.to_string());
        }
        cookie.build()
    }

    /// Returns a cookie that the browser sends only to this host. Without `max_age`, the browser keeps the cookie until the
    /// browser is closed.
    fn host_cookie(
        self,
        plain: &str,
        value: String,
        same_site: SameSite,
        max_age: Option<Duration>,
    ) -> Cookie<'static> {
        let settings = self.settings();
        let mut cookie = Cookie::build((host_name(settings, plain), value))
            .path(ROOT)
            .http_only(true)
            .secure(settings.secure)
            .same_site(same_site)
            .build();
        cookie.set_max_age(max_age);
        cookie
    }

    /// Returns expired cookies that remove `cookie` from the other places where a browser may keep a cookie of its name: the
    /// paths `/` and `base_path`, each with and without `cookie_domain`. A cookie of any other path or domain can't be removed
    /// here, so the browser sends it too.
    pub(super) fn other_places(self, cookie: &Cookie<'static>) -> Vec<Cookie<'static>> {
        if is_of_host(cookie.name()) {
            // A `__Host-` cookie can be in one place only: its path is `/`, and it has no domain.
            return Vec::new();
        }
        let paths = BTreeSet::from([ROOT, refresh_path(self.vestibule)]);
        let domains = BTreeSet::from([None, self.settings().domain.as_deref()]);
        let places = paths.iter().flat_map(|path| domains.iter().map(move |domain| (*path, *domain)));
        let others = places.filter(|place| *place != (cookie.path().unwrap_or(ROOT), cookie.domain()));
        others
            .map(|(path, domain)| {
                let mut removal = cookie.clone();
                removal.set_value("");
                removal.set_path(path.to_owned());
                removal.set_max_age(Duration::ZERO);
                match domain {
                    Some(domain) => removal.set_domain(domain.to_owned()),
                    None => removal.unset_domain(),
                }
                removal
            })
            .collect()
    }
}

/// Returns the configured attribute `SameSite`.
fn same_site(cookies: &config::Cookies) -> SameSite {
    match cookies.samesite {
        config::SameSite::Strict => SameSite::Strict,
        config::SameSite::Lax => SameSite::Lax,
        config::SameSite::None => SameSite::None,
    }
}

/// Returns the path of the refresh cookie: `base_path`, or `/` if that is empty. The browser sends the cookie only to this path
/// and the paths below it.
fn refresh_path(vestibule: &Vestibule) -> &str {
    match vestibule.config.web.base_path.as_str() {
        "" => ROOT,
        path => path,
    }
}
