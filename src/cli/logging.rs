//! The log of the server. It is written to stderr, as text or as JSON.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_log::{LogTracer, log};
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::LogFormat;

/// Starts the log. It has the events of this program from level `INFO`, and the events of dependencies from level `WARN`.
pub(super) fn start(format: LogFormat) {
    // Rocket logs the URLs of requests, which may contain a mistyped secret. Without a logger, Rocket would install its own, so
    // a logger that drops everything is installed first. This fails only if the program already has a logger; then Rocket
    // does not install one either.
    LogTracer::init_with_filter(log::LevelFilter::Off).ok();
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    let wanted = Targets::new().with_default(LevelFilter::WARN).with_target("vestibule", LevelFilter::INFO);
    tracing_subscriber::registry().with(lines.with_filter(wanted)).try_init().ok();
}
