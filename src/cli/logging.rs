//! The log of the server: on stderr, for people or for machines.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_log::{LogTracer, log};
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::LogFormat;

/// Begins to write the log: what we say from `INFO` on, what others say from `WARN` on.
pub(super) fn start(format: LogFormat) {
    // Rocket logs addresses of requests, in which there may be a mistyped secret, and takes the place of a missing logger.
    // Only a program that has a logger already makes this fail, and then Rocket takes no place either.
    LogTracer::init_with_filter(log::LevelFilter::Off).ok();
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    let wanted = Targets::new().with_default(LevelFilter::WARN).with_target("vestibule", LevelFilter::INFO);
    tracing_subscriber::registry().with(lines.with_filter(wanted)).try_init().ok();
}
