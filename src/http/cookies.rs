//! The cookies of cookie transport: two tokens that script can't read, a CSRF token that it must, and the device's secret.

use rocket::{
    http::{Cookie, CookieJar, SameSite},
    time::Duration,
};

use crate::{
    config,
    flows::{Tokens, Vestibule, reauthenticate::Fresh},
};

/// How long a browser keeps the device's secret: the most that browsers grant.
const DEVICE_COOKIE_DAYS: i64 = 400;

/// The cookie that holds `device_id`. It never leaves this host, whatever `cookie_domain` says: nobody else needs it.
fn device_cookie_name(cookies: &config::Cookies) -> &'static str {
    if cookies.secure { "__Host-device_id" } else { "device_id" }
}

/// The name of a cookie that this host alone gets back, whatever `cookie_domain` says.
fn host_name(cookies: &config::Cookies, plain: &str) -> String {
    if cookies.secure { format!("__Host-{plain}") } else { plain.to_owned() }
}

/// A cookie that this host alone gets back; until the browser is closed, where no age is given.
fn of_host(vestibule: &Vestibule, plain: &str, value: String, max_age: Option<Duration>) -> Cookie<'static> {
    let settings = &vestibule.config.cookies;
    let cookie = Cookie::build((host_name(settings, plain), value))
        .path("/")
        .http_only(true)
        .secure(settings.secure)
        .same_site(SameSite::Lax);
    match max_age {
        Some(age) => cookie.max_age(age).build(),
        None => cookie.build(),
    }
}

/// Plain name of the cookie that the forms before a sign-in are tied to.
const FORM: &str = "vestibule_form";

/// The secret of this browser's forms.
pub fn form_secret<'j>(jar: &'j CookieJar<'_>, vestibule: &Vestibule) -> Option<&'j str> {
    jar.get(&host_name(&vestibule.config.cookies, FORM)).map(Cookie::value)
}

/// Sets the secret of this browser's forms.
pub fn set_form_secret(jar: &CookieJar<'_>, vestibule: &Vestibule, secret: String) {
    jar.add(of_host(vestibule, FORM, secret, None));
}

/// Plain name of the cookie that counts how often a browser was sent on.
const HOPS: &str = "vestibule_hops";

/// How often this browser was sent on, as it was written.
pub fn hops<'j>(jar: &'j CookieJar<'_>, vestibule: &Vestibule) -> Option<&'j str> {
    jar.get(&host_name(&vestibule.config.cookies, HOPS)).map(Cookie::value)
}

/// Writes it, for a few seconds.
pub fn set_hops(jar: &CookieJar<'_>, vestibule: &Vestibule, value: String, seconds: i64) {
    jar.add(of_host(vestibule, HOPS, value, Some(Duration::seconds(seconds))));
}

/// The refresh cookie goes to the session endpoints alone.
fn refresh_path(vestibule: &Vestibule) -> String {
    match vestibule.config.web.base_path.as_str() {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

fn cookie(vestibule: &Vestibule, name: &str, value: String, path: String, max_age: Duration) -> Cookie<'static> {
    let settings = &vestibule.config.cookies;
    let mut cookie = Cookie::build((name.to_owned(), value))
        .path(path)
        .http_only(name != settings.csrf_name)
        .secure(settings.secure)
        .same_site(match settings.samesite {
            config::SameSite::Strict => SameSite::Strict,
            config::SameSite::Lax => SameSite::Lax,
            config::SameSite::None => SameSite::None,
        })
        .max_age(max_age);
    if let Some(domain) = settings.domain.as_ref().filter(|_| name != device_cookie_name(settings)) {
        cookie = cookie.domain(domain.clone());
    }
    cookie.build()
}

/// Sets the cookies of a session.
pub fn set(jar: &CookieJar<'_>, vestibule: &Vestibule, tokens: &Tokens) {
    let settings = &vestibule.config.cookies;
    let session = Duration::seconds(tokens.refresh_expires_in);
    let root = || "/".to_owned();
    jar.add(access(vestibule, tokens.access_token.clone(), tokens.refresh_expires_in));
    jar.add(cookie(vestibule, &settings.refresh_name, tokens.refresh_token.clone(), refresh_path(vestibule), session));
    jar.add(cookie(vestibule, &settings.csrf_name, tokens.csrf_token.clone(), root(), session));
    if let Some(device) = &tokens.device_id {
        let days = Duration::days(DEVICE_COOKIE_DAYS);
        jar.add(cookie(vestibule, device_cookie_name(settings), device.clone(), root(), days));
    }
}

/// Replaces the access cookie alone.
pub fn set_access(jar: &CookieJar<'_>, vestibule: &Vestibule, fresh: &Fresh) {
    jar.add(access(vestibule, fresh.access_token.clone(), fresh.refresh_expires_in));
}

/// The cookie of an access token, kept as long as the session's refresh token lasts: `seconds`.
pub fn access(vestibule: &Vestibule, token: String, seconds: i64) -> Cookie<'static> {
    let name = &vestibule.config.cookies.access_name;
    cookie(vestibule, name, token, "/".to_owned(), Duration::seconds(seconds))
}

/// Removes the cookies of a session. The device stays known, for the next login on it.
pub fn clear(jar: &CookieJar<'_>, vestibule: &Vestibule) {
    let settings = &vestibule.config.cookies;
    let gone = [
        (&settings.access_name, "/".to_owned()),
        (&settings.refresh_name, refresh_path(vestibule)),
        (&settings.csrf_name, "/".to_owned()),
    ];
    for (name, path) in gone {
        jar.add(cookie(vestibule, name, String::new(), path, Duration::ZERO));
    }
}

/// Removes the device's secret, of an account that is gone.
pub fn clear_device(jar: &CookieJar<'_>, vestibule: &Vestibule) {
    let name = device_cookie_name(&vestibule.config.cookies);
    jar.add(cookie(vestibule, name, String::new(), "/".to_owned(), Duration::ZERO));
}

/// The refresh token in its cookie.
pub fn refresh_token<'j>(jar: &'j CookieJar<'_>, vestibule: &Vestibule) -> Option<&'j str> {
    let cookie = jar.get(&vestibule.config.cookies.refresh_name).filter(|_| vestibule.config.tokens.location.cookies);
    cookie.map(Cookie::value).filter(|token| !token.is_empty())
}

/// The device's secret in its cookie.
pub fn device_id<'j>(jar: &'j CookieJar<'_>, vestibule: &Vestibule) -> Option<&'j str> {
    jar.get(device_cookie_name(&vestibule.config.cookies)).map(Cookie::value)
}
