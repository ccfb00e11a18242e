//! The metrics for Prometheus: where the server gives them, and to which scrapers.

use super::{declare::settings, reader::Reader, web::check_reach};
use crate::domain::{listen_address::MetricsAddress, secret::Secret};

/// The least number of bytes of `metrics_token`.
const LEAST_TOKEN_BYTES: usize = 16;

settings! {
    /// The metrics for Prometheus: where the server gives them, and to which scrapers.
    pub struct Metrics, MetricKeys in "metrics", |reader| check {
        /// The IP address and the port on which the server gives its metrics to Prometheus, as plain http at `/metrics`, or
        /// `unix:` and the path of a unix socket. Unset: nowhere.
        #[key("metrics_address", example = "127.0.0.1:9464", main = true)]
        address: Option<MetricsAddress>,
        /// The token that a scraper sends as `Authorization: Bearer`, at least 16 visible ASCII characters. It must be set
        /// if `metrics_address` is neither a loopback address nor a unix socket.
        #[key("metrics_token", secret = true, main = true)]
        token: Option<Secret>,
    }
}

impl MetricKeys {
    /// Refuses settings that can't be used together, and a token that no scraper can send.
    fn check(&self, reader: &mut Reader) {
        if let Ok(Some(token)) = &self.token {
            if let Err(wrong) = token.check(LEAST_TOKEN_BYTES) {
                reader.refuse("metrics_token", wrong);
            } else if !token.expose().iter().all(u8::is_ascii_graphic) {
                reader.refuse("metrics_token", "must consist of visible ASCII characters, to be sent in a header");
            }
        }
        let reach = match &self.address {
            Ok(Some(address)) => check_reach(reader, "metrics_address", &address.address),
            _ => Ok(false),
        };
        match (&self.address, &self.token) {
            (_, Ok(None)) if matches!(reach, Ok(true)) => {
                reader.conflict("metrics_token", "must be set, since {metrics_address} isn't loopback");
            }
            (Ok(None), Ok(Some(_))) => {
                let setting = reader.describe("metrics_token");
                reader.note(format!("{setting}: has no effect without metrics_address"));
            }
            _ => {}
        }
    }
}
