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
    (Kind::Gauge, "feiqian_nodes", Unit::Count, "Nodes that serve the database, this one among them"),
    (Kind::Gauge, "feiqian_work_leases_held", Unit::Count, "Shards whose background work this node does"),
    (
        Kind::Counter,
        "feiqian_channel_calls_total",
        Unit::Count,
        "Calls to channels that this node began, by call",
    ),
    (
        Kind::Counter,
        "feiqian_calls_left_total",
        Unit::Count,
        "Calls to channels left to another node, because this one's lease was over",
    ),
    (
        Kind::Counter,
        "feiqian_retention_removed_total",
        Unit::Count,
        "Rows removed because they were old, by table",
    ),
    (
        Kind::Counter,
        "feiqian_lane_restarts_total",
        Unit::Count,
        "Lanes that broke and were begun again; each is a defect",
    ),
    (
        Kind::Counter,
        "feiqian_lane_commits_unknown_total",
        Unit::Count,
        "Commits whose answer was lost and had to be looked for",
    ),
    (
        Kind::Counter,
        "feiqian_attempts_unresolved_total",
        Unit::Count,
        "Attempts left for later because the channel did not answer",
    ),
    (
        Kind::Counter,
        "feiqian_callbacks_total",
        Unit::Count,
        "Channel callbacks over HTTP, by whether they were accepted",
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
    (
        Kind::Gauge,
        "feiqian_channel_unmatched",
        Unit::Count,
        "What channels told or did and the books do not know: feiqian channel unmatched lists it",
    ),
    (
        Kind::Gauge,
        "feiqian_held",
        Unit::Count,
        "1 while nothing leaves the installation, until feiqian resume",
    ),
    (Kind::Gauge, "feiqian_webhook_queue", Unit::Count, "Webhook deliveries waiting in memory, by world"),
    (Kind::Gauge, "feiqian_webhook_tries_running", Unit::Count, "Webhook tries under way, by world"),
    (Kind::Counter, "feiqian_webhook_tries_total", Unit::Count, "Webhook tries, by world and outcome"),
    (
        Kind::Histogram,
        "feiqian_webhook_latency_seconds",
        Unit::Seconds,
        "How long webhook receivers took, by world",
    ),
    (
        Kind::Counter,
        "feiqian_webhook_put_off_total",
        Unit::Count,
        "Webhook deliveries put off because their receiver is slow or failing",
    ),
    (
        Kind::Counter,
        "feiqian_webhook_hints_lost_total",
        Unit::Count,
        "Commits whose webhooks are found by looking instead of at once",
    ),
    (
        Kind::Counter,
        "feiqian_webhook_outcomes_lost_total",
        Unit::Count,
        "Outcomes of webhook tries that could not be written; those are tried again",
    ),
    (
        Kind::Counter,
        "feiqian_webhook_notices_lost_total",
        Unit::Count,
        "Notices about failing endpoints that could not be written",
    ),
    (Kind::Counter, "feiqian_statements_formed_total", Unit::Count, "Statements of business days formed"),
    (
        Kind::Counter,
        "feiqian_statement_failures_total",
        Unit::Count,
        "Business days that could not be formed; each is tried again",
    ),
    (
        Kind::Counter,
        "feiqian_statement_differences_total",
        Unit::Count,
        "Statements whose lines are not those they were formed of; their files were not delivered",
    ),
    (
        Kind::Counter,
        "feiqian_tls_handshakes_failed_total",
        Unit::Count,
        "TLS handshakes that came to nothing, by listener and reason",
    ),
    (
        Kind::Gauge,
        "feiqian_tls_certificate_expiry_timestamp_seconds",
        Unit::Seconds,
        "When the certificate in use ends, seconds since 1970, by listener",
    ),
    (
        Kind::Gauge,
        "feiqian_tls_files_refused",
        Unit::Count,
        "1 while certificate and key on disk can't take over from those in use, by listener",
    ),
    (
        Kind::Counter,
        "feiqian_tls_reloads_total",
        Unit::Count,
        "Changes of certificate or key on disk, by listener and whether they were taken",
    ),
    (
        Kind::Gauge,
        "feiqian_clock_synchronized",
        Unit::Count,
        "1 while the kernel says that a time service keeps the clock; absent where it does not say",
    ),
    (
        Kind::Gauge,
        "feiqian_clock_error_bound_seconds",
        Unit::Seconds,
        "How far off the kernel says the clock can be",
    ),
    (
        Kind::Counter,
        "feiqian_clock_jumps_total",
        Unit::Count,
        "Moves of the clock of more than a second against the machine's own timer",
    ),
    (Kind::Gauge, "feiqian_data_disk_free_bytes", Unit::Bytes, "Room left on the disk of data_dir"),
    (Kind::Gauge, "feiqian_data_disk_size_bytes", Unit::Bytes, "Size of the disk of data_dir"),
    (
        Kind::Gauge,
        "feiqian_master_key_file_usable",
        Unit::Count,
        "1 while the master key's file could be read at the next start",
    ),
    (
        Kind::Gauge,
        "feiqian_attempts_unknown",
        Unit::Count,
        "Attempts whose outcome nobody knows yet, by world",
    ),
    (
        Kind::Gauge,
        "feiqian_attempts_unknown_oldest_seconds",
        Unit::Seconds,
        "How long the oldest of them has waited, by world",
    ),
    (
        Kind::Gauge,
        "feiqian_payments_held",
        Unit::Count,
        "Payments that took another amount or currency and wait for a decision, by world",
    ),
    (
        Kind::Gauge,
        "feiqian_payments_held_oldest_seconds",
        Unit::Seconds,
        "How long the oldest of them has waited, by world",
    ),
    (Kind::Gauge, "feiqian_refunds_attention", Unit::Count, "Refunds that wait for a person, by world"),
    (
        Kind::Gauge,
        "feiqian_refunds_attention_oldest_seconds",
        Unit::Seconds,
        "How long the oldest of them has waited, by world",
    ),
    (
        Kind::Gauge,
        "feiqian_webhook_late_seconds",
        Unit::Seconds,
        "How long the most overdue webhook delivery has waited for its try, by world",
    ),
    (Kind::Gauge, "feiqian_webhook_endpoints", Unit::Count, "Webhook endpoints, by world and status"),
    (
        Kind::Gauge,
        "feiqian_adjustment_late_seconds",
        Unit::Seconds,
        "How long the most overdue second half of an adjustment has waited to be booked, by world",
    ),
    (
        Kind::Gauge,
        "feiqian_unsealed_seconds",
        Unit::Seconds,
        "How long booked lines have waited to be sealed, by world",
    ),
    (
        Kind::Gauge,
        "feiqian_lane_queue_fill_ratio",
        Unit::Count,
        "How full the fullest lane's queue is, from 0 to 1, by world",
    ),
    (
        Kind::Gauge,
        "feiqian_verify_last_run_timestamp_seconds",
        Unit::Seconds,
        "When feiqian verify last ended, seconds since 1970; 0 for never",
    ),
    (
        Kind::Gauge,
        "feiqian_verify_difference",
        Unit::Count,
        "1 when the last feiqian verify found a difference",
    ),
    (Kind::Gauge, "feiqian_ready", Unit::Count, "1 while commands are taken"),
    (Kind::Gauge, "feiqian_up_seconds", Unit::Seconds, "How long this process has served"),
];

/// Counters without labels that alerts watch. They begin at 0, not when they are first counted: a counter that is born at 1 has not
/// increased.
const BORN_AT_ZERO: &[&str] = &[
    "feiqian_lane_panics_total",
    "feiqian_lane_restarts_total",
    "feiqian_callbacks_refused_total",
    "feiqian_callbacks_unknown_total",
    "feiqian_clock_jumps_total",
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
    for name in BORN_AT_ZERO {
        metrics::counter!(*name).absolute(0);
    }
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Names of metrics that the sources record.
    fn recorded(directory: &Path, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                recorded(&path, names);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for kind in ["counter!(", "gauge!(", "histogram!("] {
                    let calls =
                        text.split(kind).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                    names.extend(
                        calls.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name.to_owned()),
                    );
                    names.retain(|name| name.starts_with("feiqian_"));
                }
            }
        }
    }

    #[test]
    fn the_table_declares_what_is_recorded_and_nothing_else() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut names = Vec::new();
        for name in ["api", "app", "channels", "store", "server"] {
            recorded(&crates.join(name).join("src"), &mut names);
        }
        names.sort_unstable();
        names.dedup();
        let mut declared: Vec<&str> = TABLE.iter().map(|(_, name, _, _)| *name).collect();
        declared.sort_unstable();
        assert_eq!(names, declared);
    }
}
