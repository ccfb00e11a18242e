//! `vestibule health`: asks a running server whether it is alive, for the health check of a container.

use std::time::Duration;

use tokio::time::timeout;

use super::{Failure, output};
use crate::{config::Config, domain::listen_address::ListenAddress, http::ask_health};

/// The time within which the server must answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the server that listens where the configuration says. Prints `ok`. Fails if it does not answer with 200 within five
/// seconds.
pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let failed = |why: &str| failed(&config.web.address, config.web.port, why);
    let asked = timeout(PATIENCE, ask_health(config)).await;
    let answer = asked.map_err(|_| failed("it did not answer within five seconds"))?;
    let answer = answer.map_err(|error| failed(&error.to_string()))?;
    match answer.split(' ').nth(1) {
        Some("200") => output::print("ok"),
        _ => Err(failed(&format!("it answered {:?}", answer.lines().next().unwrap_or_default()))),
    }
}

/// Returns the failure, with the place and the reason.
fn failed(address: &ListenAddress, port: u16, why: &str) -> Failure {
    let place = match address {
        ListenAddress::Ip(ip) => format!("{ip} port {port}"),
        ListenAddress::Unix(_) => address.to_string(),
    };
    Failure::new(format!("the server at {place} is not healthy: {why}"))
}
