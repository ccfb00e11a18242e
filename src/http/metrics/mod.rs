//! The metrics for Prometheus, on an address of their own (`metrics_address`).

mod figures;
mod process;
mod server;

pub use self::server::MetricsServer;
