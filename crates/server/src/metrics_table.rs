//! Every metric, its unit and its help, in one table. Label values come from enums, never from ids.

use anyhow::Result;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

const TABLE: &[(Kind, &str, Unit, &str)] = &[
    (Kind::Counter, "feiqian_http_requests_total", Unit::Count, "Requests by route, method and status"),
    (Kind::Histogram, "feiqian_http_request_seconds", Unit::Seconds, "How long requests took, by route"),
    (Kind::Histogram, "feiqian_lane_batch_commands", Unit::Count, "Commands in one commit"),
    (Kind::Counter, "feiqian_lane_panics_total", Unit::Count, "Decisions that panicked; each is a defect"),
    (
        Kind::Counter,
        "feiqian_attempts_unresolved_total",
        Unit::Count,
        "Attempts left for later because the channel did not answer",
    ),
    (
        Kind::Counter,
        "feiqian_callbacks_refused_total",
        Unit::Count,
        "Channel callbacks with a wrong signature",
    ),
    (
        Kind::Counter,
        "feiqian_callbacks_unknown_total",
        Unit::Count,
        "Channel callbacks about numbers that no row knows",
    ),
    (Kind::Counter, "feiqian_webhook_tries_total", Unit::Count, "Tries at webhook deliveries"),
    (Kind::Gauge, "feiqian_up_seconds", Unit::Seconds, "How long this process has served"),
];

/// Bounds of histograms whose name ends in `_seconds`.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds of histograms that count.
const COUNTS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Installs the recorder; its handle renders what the internal listener shows.
pub(crate) fn install() -> Result<PrometheusHandle> {
    use metrics_exporter_prometheus::Matcher;
    let builder = PrometheusBuilder::new()
        .set_buckets(COUNTS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?;
    let handle = builder.install_recorder()?;
    for (kind, name, unit, help) in TABLE {
        match kind {
            Kind::Counter => describe_counter!(*name, *unit, *help),
            Kind::Gauge => describe_gauge!(*name, *unit, *help),
            Kind::Histogram => describe_histogram!(*name, *unit, *help),
        }
    }
    Ok(handle)
}
