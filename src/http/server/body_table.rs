//! The rule which bodies are read before a request is routed.
//!
//! The guards of this server read a body themselves, after the checks that come before it. The guards of another
//! application, such as Rocket's `Json`, read the body from Rocket. Rocket gets a body only as a whole, so it is read
//! before the request is routed, but only if the application has a route for the request that is not this server's.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use rocket::{Orbit, Rocket, http::Method, local::asynchronous::LocalRequest, tokio::time::timeout};

use crate::http::{
    app_state::AppState,
    own_routes::{Ownership, is_own_route},
    request::{
        arriving_body::{Arriving, LeftBody},
        refusal::Refusal,
    },
};

/// The maximum size of a body of the application, in bytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The routes of the application that are not this server's.
pub struct BodyTable {
    foreign: Vec<(Method, Vec<String>)>,
    time: Duration,
}

impl BodyTable {
    pub fn of(rocket: &Rocket<Orbit>) -> Self {
        let is_whole = rocket.state::<Ownership>().is_some_and(|part| part.whole);
        let foreign = rocket.routes().filter(|route| !is_whole && !is_own_route(route));
        let segments = |path: &str| path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        Self {
            foreign: foreign.map(|route| (route.method, segments(route.uri.path()))).collect(),
            time: rocket
                .state::<AppState>()
                .map_or(Duration::from_secs(10), |of| of.config.connections.body_timeout.into()),
        }
    }

    /// Hands the body of a request over to the code that reads it: a guard of this server, or Rocket. Returns the body that
    /// is left for a guard. Fails if a body for Rocket does not arrive, or is too large.
    pub async fn hand_over(&self, request: &mut LocalRequest<'_>, body: Arriving) -> Result<Option<LeftBody>, Refusal> {
        if !self.is_for_the_application(request) {
            return Ok(Some(LeftBody::leave(request.inner(), body)));
        }
        let read = timeout(self.time, Limited::new(body, MAX_BYTES).collect()).await;
        let body = read.map_err(|_| Refusal::BodyTimeout)?.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() { Refusal::BodyTooLarge } else { Refusal::BodyTimeout }
        })?;
        request.set_body(body.to_bytes());
        Ok(None)
    }

    /// Returns whether the application has a route for the request that is not this server's.
    fn is_for_the_application(&self, request: &LocalRequest<'_>) -> bool {
        // As Rocket does: a path is decoded, and empty segments are left out.
        let path: Vec<&str> = request.uri().path().segments().collect();
        // Rocket may replace the method of a posted form by the value of its field `_method`.
        let is_form = request.content_type().is_some_and(|kind| kind.is_form());
        let method = Some(request.method()).filter(|method| !(is_form && *method == Method::Post));
        let is_wanted = |of: Method| method.is_none_or(|method| method == of);
        self.foreign.iter().any(|(method, route)| is_wanted(*method) && matches(route, &path))
    }
}

/// Returns whether a path is of the shape of a route.
fn matches(route: &[String], path: &[&str]) -> bool {
    match (route.split_first(), path.split_first()) {
        (Some((first, _)), _) if first.starts_with('<') && first.ends_with("..>") => true,
        (Some((first, route)), Some((part, path))) => (first.starts_with('<') || first == part) && matches(route, path),
        (None, None) => true,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_shape_of_a_route() {
        let shape = |route: &str, path: &str| {
            let route: Vec<String> = route.split('/').map(str::to_owned).collect();
            matches(&route, &path.split('/').collect::<Vec<_>>())
        };
        assert!(shape("notes/<id>", "notes/1") && shape("files/<path..>", "files/a/b") && shape("<any..>", "x"));
        assert!(!shape("notes/<id>", "notes") && !shape("notes", "notes/1") && !shape("notes/<id>", "other/1"));
    }
}
