//! The rendering of a page: a template becomes a response with the headers that every page has.

use std::{io::Cursor, sync::LazyLock};

use minijinja::{
    AutoEscape, Environment, HtmlEscape, UndefinedBehavior, Value as TemplateValue, escape_formatter, value::Serde,
};
use rocket::{
    Request, Response,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use serde_json::{Value, json};

use super::texts;
use crate::{
    config::FingerprintPolicy,
    domain::{jwt::base64url, redirect::AllowedHost},
    flows::Vestibule,
    http::{app_state::app_state, assets, request::log_entry::LogEntry},
    random,
};

/// The value of `Permissions-Policy`: the features that a page may not use, in addition to the restrictions of its content
/// security policy.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), \
                           midi=(), payment=(), usb=()";

/// The name and the text of each template. Every name ends in `.html`, so minijinja escapes every value.
const TEMPLATES: [(&str, &str); 29] = [
    ("base.html", include_str!("../../../templates/base.html")),
    ("parts.html", include_str!("../../../templates/parts.html")),
    ("login.html", include_str!("../../../templates/login.html")),
    ("register.html", include_str!("../../../templates/register.html")),
    ("account.html", include_str!("../../../templates/account.html")),
    ("logout.html", include_str!("../../../templates/logout.html")),
    ("continue.html", include_str!("../../../templates/continue.html")),
    ("loop.html", include_str!("../../../templates/loop.html")),
    ("privacy.html", include_str!("../../../templates/privacy.html")),
    ("link.html", include_str!("../../../templates/link.html")),
    ("setup.html", include_str!("../../../templates/setup.html")),
    ("demo.html", include_str!("../../../templates/demo.html")),
    ("dev.html", include_str!("../../../templates/dev.html")),
    ("error.html", include_str!("../../../templates/error.html")),
    ("admin-base.html", include_str!("../../../templates/admin-base.html")),
    ("admin-parts.html", include_str!("../../../templates/admin-parts.html")),
    ("admin-overview.html", include_str!("../../../templates/admin-overview.html")),
    ("admin-people.html", include_str!("../../../templates/admin-people.html")),
    ("admin-new-person.html", include_str!("../../../templates/admin-new-person.html")),
    ("admin-person.html", include_str!("../../../templates/admin-person.html")),
    ("admin-once.html", include_str!("../../../templates/admin-once.html")),
    ("admin-password.html", include_str!("../../../templates/admin-password.html")),
    ("admin-signed-in.html", include_str!("../../../templates/admin-signed-in.html")),
    ("admin-roles.html", include_str!("../../../templates/admin-roles.html")),
    ("admin-role.html", include_str!("../../../templates/admin-role.html")),
    ("admin-applications.html", include_str!("../../../templates/admin-applications.html")),
    ("admin-application.html", include_str!("../../../templates/admin-application.html")),
    ("admin-activity.html", include_str!("../../../templates/admin-activity.html")),
    ("admin-server.html", include_str!("../../../templates/admin-server.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // A misspelt variable is an error. A test renders every page, so such a variable is found.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // The library also escapes `/`, for pages with inline scripts. These pages have no inline scripts, and a slash in HTML
    // needs no escape.
    environment.set_formatter(|out, state, value| {
        let is_text = !value.is_safe() && value.as_str().is_some();
        match state.auto_escape() {
            AutoEscape::Html if is_text => {
                let escaped = HtmlEscape(value.as_str().unwrap_or_default()).to_string();
                Ok(out.write_str(&escaped.replace("&#x2f;", "/"))?)
            }
            _ => escape_formatter(out, state, value),
        }
    });
    environment.add_global("text", TemplateValue::from(Serde(&*texts::TEXTS)));
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).expect("a test parses the templates");
    }
    environment
});

/// A page to be rendered.
#[derive(Debug)]
pub struct Page {
    name: &'static str,
    status: Status,
    retry_after: Option<u64>,
    /// The code of the error that the page displays.
    error: Option<&'static str>,
    /// Whether a proxy displays the page under the host of an application. Its addresses are then absolute.
    is_elsewhere: bool,
    context: Value,
}

impl Page {
    /// Creates a page from the template `name`, with the status 200. `context` is an object with the values of the template.
    pub fn new(name: &'static str, context: Value) -> Self {
        Self { name, status: Status::Ok, retry_after: None, error: None, is_elsewhere: false, context }
    }

    /// Sets the status of a refused request. `retry_after` is in seconds; `None` omits the header `Retry-After`.
    pub fn refused(self, status: Status, retry_after: Option<u64>) -> Self {
        Self { status, retry_after, ..self }
    }

    /// Makes the addresses of the page absolute, for a page that a proxy displays under the host of an application.
    pub fn elsewhere(self) -> Self {
        Self { is_elsewhere: true, ..self }
    }

    /// Sets the error code that the access log contains.
    pub fn because(self, code: &'static str) -> Self {
        Self { error: Some(code), ..self }
    }
}

impl<'r> Responder<'r, 'static> for Page {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let vestibule = app_state(request).map_err(|error| error.status())?;
        if let Some(code) = self.error {
            LogEntry::of(request).set_error(code);
        }
        let nonce = base64url(&random::bytes::<16>());
        let rendered = self.render(vestibule, &nonce).map_err(|error| {
            tracing::error!(%error, page = self.name, "a page can't be rendered");
            Status::InternalServerError
        })?;
        let mut response = Response::build();
        response.status(self.status).header(ContentType::HTML).sized_body(rendered.len(), Cursor::new(rendered));
        let own = if self.is_elsewhere { vestibule.config.web.public_url.origin() } else { "'self'" };
        for (name, value) in headers(vestibule, &nonce, own) {
            response.header(Header::new(name, value));
        }
        if self.status == Status::Unauthorized {
            // Every 401 must have this header (RFC 9110 §15.5.2). Browsers do not prompt for the scheme `Bearer`.
            response.header(Header::new("WWW-Authenticate", r#"Bearer realm="vestibule""#));
        }
        if let Some(seconds) = self.retry_after {
            response.header(Header::new("Retry-After", seconds.to_string()));
        }
        response.ok()
    }
}

impl Page {
    /// Returns the text before each path of the page: `public_url`, or nothing for a page of the server's own host.
    fn server<'v>(&self, vestibule: &'v Vestibule) -> &'v str {
        if self.is_elsewhere { vestibule.config.web.public_url.as_str() } else { "" }
    }

    /// Renders the template. The values of the page replace common values with the same name.
    fn render(&self, vestibule: &Vestibule, nonce: &str) -> Result<String, minijinja::Error> {
        let cookies = &vestibule.config.cookies;
        let is_off = vestibule.config.devices.fingerprint == FingerprintPolicy::Off;
        let mut context = json!({
            "page": self.name,
            "site": *vestibule.config.web.site_name,
            "logo": vestibule.config.web.logo.as_ref().map(assets::address_of_logo),
            "base": *vestibule.config.web.base_path,
            "csrf_cookie": &*cookies.csrf_name,
            "csrf_header": *cookies.csrf_header,
            "fingerprint": if is_off { "off" } else { "on" },
            "server": self.server(vestibule),
            "assets": assets::folder(),
            // Null if the page has no script of its own.
            "script": assets::address(&format!("{}.js", self.name)),
            "nonce": nonce,
        });
        if let (Some(all), Some(own)) = (context.as_object_mut(), self.context.as_object()) {
            all.extend(own.clone());
        }
        ENVIRONMENT.get_template(&format!("{}.html", self.name))?.render(TemplateValue::from(Serde(context)))
    }
}

/// Returns the headers that every page has. `own` is the source of the style sheet and the icon in the content security policy.
fn headers(vestibule: &Vestibule, nonce: &str, own: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Content-Security-Policy", policy(&vestibule.config.web.redirect_hosts, nonce, own)),
        // With `no-referrer`, browsers would send `Origin: null` with the forms of these pages (Fetch, "append a request Origin
        // header"). The CSRF check would refuse it.
        ("Referrer-Policy", "same-origin".to_owned()),
        ("Cross-Origin-Opener-Policy", "same-origin".to_owned()),
        ("Permissions-Policy", PERMISSIONS.to_owned()),
        ("Cache-Control", "no-store".to_owned()),
    ]
}

/// Returns the content security policy. It allows the style sheet, the icon and the modules of this server, and no other
/// origin. It forbids frames around the page. It also forbids that text becomes markup or code (Trusted Types).
///
/// Chromium applies `form-action` also to the redirect after a form. This redirect may lead to a host of `redirect_hosts`, so
/// these hosts are in `form-action`. `own` is as for [`headers`].
fn policy(redirect_hosts: &[AllowedHost], nonce: &str, own: &str) -> String {
    // The grammar of the policy has no IPv6 addresses (CSP 3 §2.3.1, host-source), so they are left out.
    let hosts: String = redirect_hosts
        .iter()
        .filter(|host| !host.is_ipv6())
        .map(|host| {
            // An entry without a port allows every port.
            let port = if host.has_port() { "" } else { ":*" };
            format!(" https://{host}{port} http://{host}{port}")
        })
        .collect();
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src {own}; img-src {own}; \
         connect-src 'self'; form-action 'self'{hosts}; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_and_the_templates_are_parsed() {
        assert!(texts::TEXTS.is_object());
        for (name, _) in TEMPLATES {
            assert!(ENVIRONMENT.get_template(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn form_action_lists_this_server_and_the_allowed_hosts() {
        let hosts = ["app.example.com", "app.example.com:8443", "*.wild.example", "[::1]"]
            .map(|host| host.parse().expect("a host"));
        let policy = policy(&hosts, "n", "'self'");
        let form_action = policy.split("; ").find(|part| part.starts_with("form-action")).expect("it is there");
        assert_eq!(
            form_action,
            "form-action 'self' https://app.example.com:* http://app.example.com:* https://app.example.com:8443 \
             http://app.example.com:8443 https://*.wild.example:* http://*.wild.example:*"
        );
    }
}
