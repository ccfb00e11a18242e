//! The log of the server. It is written to stderr, as text or as JSON.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_log::{LogTracer, log};
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{LogFormat, LogLevel};

/// Starts the log. It contains the events of this program from `level` on, and the events of dependencies from level `WARN` on
/// if `level` permits it. Does nothing if the process already has a log.
pub(super) fn start(format: LogFormat, level: LogLevel) {
    // Rocket logs the URLs of requests, and a user may have typed a secret into a URL. Rocket installs its own logger if there
    // is no logger. So a logger that drops everything is installed first. This fails only if the process already has a logger,
    // and then Rocket does not install its own either.
    LogTracer::init_with_filter(log::LevelFilter::Off).ok();
    // An event that can't be written to stderr can't be reported there either, so internal errors are not logged.
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // A filter that is greater lets more events through.
    let of_others = level.min(LevelFilter::WARN);
    let wanted = Targets::new().with_default(of_others).with_target("vestibule", level);
    tracing_subscriber::registry().with(lines.with_filter(wanted)).try_init().ok();
}
