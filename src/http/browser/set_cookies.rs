//! The fairing that writes the cookies of a response.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::Header,
};

use super::{cookies::Cookies, pending_cookies};

/// A fairing that writes the added cookies as `Set-Cookie`. Before each cookie, it removes cookies of the same name from other
/// places. Rocket's own cookie jar can't do this: it writes only one `Set-Cookie` for each name. It also percent-encodes the
/// names.
pub struct SetCookies;

#[rocket::async_trait]
impl Fairing for SetCookies {
    fn info(&self) -> Info {
        Info { name: "cookies", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Ok(cookies) = Cookies::of(request) else { return };
        let pending = std::mem::take(&mut *pending_cookies::of(request));
        // The removals are first, so that the new cookie is the last one with its name.
        for cookie in pending {
            for removal in cookies.other_places(&cookie) {
                response.adjoin_header(Header::new("Set-Cookie", removal.to_string()));
            }
            response.adjoin_header(Header::new("Set-Cookie", cookie.to_string()));
        }
    }
}
