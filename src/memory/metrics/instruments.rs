//! The instruments of which the metrics consist. Each is registered under its name when it is created.

use std::{marker::PhantomData, time::Duration};

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, core::Collector,
};

use super::labels::Label;

/// Counters, one for each value of a label.
pub struct Counters<L> {
    by_value: Vec<IntCounter>,
    label: PhantomData<L>,
}

impl<L: Label> Counters<L> {
    /// Creates the counters. All of them are in the first scrape already, so that a first event is seen as an increase.
    pub(super) fn new(registry: &Registry, name: &str, help: &str, label: &str) -> Self {
        let all = counters(registry, name, help, &[label]);
        let by_value = L::ALL.iter().map(|value| all.with_label_values(&[value.text()])).collect();
        Self { by_value, label: PhantomData }
    }

    /// Adds 1 to the counter of this value.
    pub fn count(&self, value: L) {
        self.by_value[value.index()].inc();
    }
}

/// A histogram of durations, in seconds.
pub struct Durations(Histogram);

impl Durations {
    pub(super) fn new(registry: &Registry, name: &str, help: &str, bounds: &[f64]) -> Self {
        Self(histogram(registry, name, help, bounds))
    }

    /// Records a duration.
    pub fn record(&self, took: Duration) {
        self.0.observe(took.as_secs_f64());
    }
}

/// A histogram of sizes.
pub struct Sizes(Histogram);

impl Sizes {
    pub(super) fn new(registry: &Registry, name: &str, help: &str, bounds: &[f64]) -> Self {
        Self(histogram(registry, name, help, bounds))
    }

    /// Records a size.
    pub fn record(&self, size: usize) {
        // A size of more than 2^53 would be rounded.
        self.0.observe(size as f64);
    }
}

/// Creates counters with labels.
pub(super) fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

/// Creates a counter.
pub(super) fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    register(registry, IntCounter::new(name, help))
}

/// Creates a gauge.
pub(super) fn gauge(registry: &Registry, opts: Opts) -> IntGauge {
    register(registry, IntGauge::with_opts(opts))
}

/// Creates histograms with labels. `bounds` are the upper bounds of the buckets, in ascending order.
pub(super) fn histograms(registry: &Registry, name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> HistogramVec {
    register(registry, HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), labels))
}

fn histogram(registry: &Registry, name: &str, help: &str, bounds: &[f64]) -> Histogram {
    register(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec())))
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, created: prometheus::Result<C>) -> C {
    let created = created.expect("the names, labels and bounds of the metrics are constants, and a test creates them");
    registry.register(Box::new(created.clone())).expect("each name is registered once, which the same test shows");
    created
}
