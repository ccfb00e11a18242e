//! The pages that show a secret once: a link, or the secret of an application. They are the response to a form, so no address
//! leads to them again.

use serde_json::json;

use super::{desk::Desk, events::name_of};
use crate::{
    domain::{User, one_time::LinkPurpose},
    flows::links::create_link::CreatedLink,
    http::pages::{Page, humanize, texts},
};

/// Returns the page with a link, to be sent to the user. `back` is the address of the page of the user.
pub(super) fn link_page(desk: &Desk<'_>, user: &User, purpose: LinkPurpose, link: &CreatedLink, back: &str) -> Page {
    let about = texts::find("admin_once", purpose.as_str()).unwrap_or_default();
    let own = json!({
        "title": texts::find("admin_once", "link_title"),
        "about": about.replace("{name}", &name_of(user)),
        "secret": link.url,
        "expires_at": humanize::instant(link.expires_at),
        "back": back,
    });
    desk.page("admin-once", "people", own, None)
}

/// Returns the page with the new secret of an application. `back` is the address of the page of the application.
pub(super) fn secret_page(desk: &Desk<'_>, id: &str, secret: &str, back: &str) -> Page {
    let about = texts::find("admin_once", "secret").unwrap_or_default();
    let own = json!({
        "title": texts::find("admin_once", "secret_title"),
        "about": about.replace("{name}", id),
        "secret": secret,
        "expires_at": null,
        "back": back,
    });
    desk.page("admin-once", "applications", own, None)
}
