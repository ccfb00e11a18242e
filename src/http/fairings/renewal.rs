//! `renew_within`: the answer to a request whose token is near its end brings the next one, in the header `New-Access-Token`
//! or in the cookie, as the old one came.
//!
//! It acts on whatever a guard let in, on routes of an embedding application too. `/verify` lets nothing in, it only looks;
//! so nothing is renewed there.

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

/// The header that brings a renewed token.
const HEADER: &str = "New-Access-Token";

/// Renews tokens.
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
            Ok(None) => {}
            // The request was answered; the client has a token that holds.
            Err(error) => tracing::warn!(%error, "an access token was not renewed"),
        }
    }
}

/// An answer with a token is nobody else's, whatever the handler said of it.
fn keep_out_of_caches(response: &mut Response<'_>) {
    response.set_header(Header::new("Cache-Control", "no-store"));
}

/// An answer that brings an access token of its own, beside which another would confuse.
pub struct WithOwnToken<R>(pub R);

impl<'r, 'o: 'r, R: Responder<'r, 'o>> Responder<'r, 'o> for WithOwnToken<R> {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'o> {
        guards::forget_granted(request);
        self.0.respond_to(request)
    }
}
