//! The renewal of access tokens (setting `renew_within`). If the access token of a request expires soon, the response carries
//! the next token: in the header `New-Access-Token`, or in the cookie if the old token came in the cookie.
//!
//! Only a token that a guard granted is renewed, also on the routes of an embedding application. The endpoint `verify` inspects
//! a token without granting it, so nothing is renewed there.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::Header,
    response::{self, Responder},
};

use crate::{
    flows::sessions::renew,
    http::{app_state::app_state, browser::cookies::Cookies, guards},
};

/// The header that carries a renewed token.
const HEADER: &str = "New-Access-Token";

/// A fairing that renews access tokens that expire soon.
pub struct Renewal;

#[rocket::async_trait]
impl Fairing for Renewal {
    fn info(&self) -> Info {
        Info { name: "renewal of access tokens", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Ok(vestibule) = app_state(request) else { return };
        if vestibule.config.tokens.renew_within.seconds() == 0 {
            return;
        }
        let now = vestibule.clock.now();
        let due = guards::granted(request).filter(|token| renew::is_due(vestibule, token.claims(), now));
        let Ok(cookies) = Cookies::of(request) else { return };
        // The handler has set a new access cookie or removed it, for example at a sign-out. That must not be undone.
        let Some(token) = due.filter(|_| !cookies.sets_access()) else { return };
        let within = vestibule.config.tokens.renew_within.seconds();
        match renew::renew(vestibule, token.claims(), within, now).await {
            Ok(Some(renewed)) if token.came_in_cookie() => {
                cookies.set_access(renewed.access_token, renewed.refresh_expires_in);
                keep_out_of_caches(response);
            }
            Ok(Some(renewed)) => {
                response.set_header(Header::new(HEADER, renewed.access_token));
                keep_out_of_caches(response);
            }
            // The token can't be renewed, for example because the session has ended or is bound to its device.
            Ok(None) => {}
            // The client receives no error: its request was handled, and its token is still valid.
            Err(error) => tracing::warn!(%error, "an access token was not renewed"),
        }
    }
}

/// Forbids caches to keep the response, because it contains a token. Replaces a value that the handler set.
fn keep_out_of_caches(response: &mut Response<'_>) {
    response.set_header(Header::new("Cache-Control", "no-store"));
}

/// A response that already carries an access token. The fairing adds no renewed token to it.
pub struct WithOwnToken<R>(pub R);

impl<'r, 'o: 'r, R: Responder<'r, 'o>> Responder<'r, 'o> for WithOwnToken<R> {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'o> {
        guards::forget_granted(request);
        self.0.respond_to(request)
    }
}
