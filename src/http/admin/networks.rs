//! The setting `admin_networks`: from other networks, nothing is at `/admin`.

use std::net::IpAddr;

use rocket::{
    Data, Request, Route, async_trait,
    route::{Handler, Outcome},
};

use crate::http::{
    app_state::app_state,
    errors::{ApiError, ErrorCode},
    own_routes::wrapped,
    request::caller::{Caller, is_trusted},
};

/// Wraps routes so that they answer 404 to a client from outside of `admin_networks`, as an unknown path does. The routes that
/// answer 405 and `OPTIONS` are wrapped too, so that no answer tells that there is something.
pub fn within_networks(routes: impl IntoIterator<Item = Route>) -> Vec<Route> {
    wrapped(routes, WithinNetworks)
}

/// The handler of a wrapped route.
#[derive(Clone)]
struct WithinNetworks(Box<dyn Handler>);

#[async_trait]
impl Handler for WithinNetworks {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match is_within(request) {
            Ok(true) => self.0.handle(request, data).await,
            Ok(false) => Outcome::from(request, ApiError::new(ErrorCode::NotFound, "Nothing is at this path.")),
            Err(error) => Outcome::from(request, error),
        }
    }
}

/// Returns whether the client is in one of the networks, or whether none is set. A client without a known address is in none.
fn is_within(request: &Request<'_>) -> Result<bool, ApiError> {
    let networks = &app_state(request)?.config.web.admin_networks;
    let address = Caller::of(request).ip().and_then(|ip| ip.parse::<IpAddr>().ok());
    Ok(networks.is_empty() || address.is_some_and(|address| is_trusted(networks, address)))
}
