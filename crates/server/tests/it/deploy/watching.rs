//! What an operator's alerts are made of is there: metrics of what waits, of the machine, of the last verify.

use super::certificates::{metric, metric_is};
use crate::harness::{Merchant, run, until};
use crate::harness::{Server, on_shared};

#[test]
fn money_that_waits_for_a_person_is_a_metric_and_a_list() {
    run(async {
        let server = Server::start(&[]);
        let merchant = Merchant::new(&server).await;
        let held = "feiqian_payments_held{world=\"sandbox\"}";
        metric_is(&server, held, 0.0).await;
        assert_eq!(server.cli(&["waiting"])["data"], serde_json::json!([]));
        let waiting = merchant.waiting(1_000, Some("other_amount")).await;
        let id = waiting["id"].as_str().expect("an id").to_owned();
        merchant.pay(&id, None).send().await.expect(200);
        merchant.payment_when(&id, "with another amount", |p| p["status_reason"] == "amount_mismatch").await;
        metric_is(&server, held, 1.0).await;
        let list = server.cli(&["waiting"]);
        let row = &list["data"][0];
        assert_eq!(
            (&row["id"], &row["what"], &row["world"]),
            (&waiting["id"], &"payment_held".into(), &"sandbox".into())
        );
        server.cli(&["payment", "resolve", "--payment", &id, "--send-back"]);
        metric_is(&server, held, 0.0).await;
        assert_eq!(server.cli(&["waiting"])["data"], serde_json::json!([]));
        server.verify();
    });
}

#[test]
fn the_last_verify_and_the_machine_are_metrics() {
    run(async {
        let server = Server::start(&[]);
        let last = "feiqian_verify_last_run_timestamp_seconds";
        metric_is(&server, last, 0.0).await;
        server.verify();
        until("time of the last verify", || async { metric(&server, last).await.filter(|at| *at > 1.7e9) })
            .await;
        metric_is(&server, "feiqian_verify_difference", 0.0).await;
        metric_is(&server, "feiqian_ready", 1.0).await;
        metric_is(&server, "feiqian_lane_panics_total", 0.0).await;
        metric_is(&server, "feiqian_clock_jumps_total", 0.0).await;
        metric_is(&server, "feiqian_lane_queue_fill_ratio{world=\"live\"}", 0.0).await;
        let free = metric(&server, "feiqian_data_disk_free_bytes").await.expect("free space");
        assert!(free > 1e6 && free < metric(&server, "feiqian_data_disk_size_bytes").await.expect("a size"));
        // The key's file is needed at the next start, whatever this process has in memory.
        metric_is(&server, "feiqian_master_key_file_usable", 1.0).await;
        let (key, aside) = (server.master_key_file(), server.dir().join("aside"));
        std::fs::rename(&key, &aside).expect("it is moved away");
        metric_is(&server, "feiqian_master_key_file_usable", 0.0).await;
        assert!(server.log().contains("master key's file can't be used any more"), "{}", server.log());
        std::fs::rename(&aside, &key).expect("it is put back");
        metric_is(&server, "feiqian_master_key_file_usable", 1.0).await;
        server.verify();
    });
}

/// Alerts and dashboard name metrics; every one that the table declares without labels is there from the start, the others when
/// they first happen.
#[test]
fn what_the_watchers_keep_is_there_for_both_worlds() {
    on_shared(async |server| {
        for name in [
            "feiqian_attempts_unknown",
            "feiqian_attempts_unknown_oldest_seconds",
            "feiqian_payments_held",
            "feiqian_payments_held_oldest_seconds",
            "feiqian_refunds_attention",
            "feiqian_refunds_attention_oldest_seconds",
            "feiqian_webhook_late_seconds",
            "feiqian_adjustment_late_seconds",
            "feiqian_unsealed_seconds",
            "feiqian_lane_queue_fill_ratio",
        ] {
            for world in ["live", "sandbox"] {
                let line = format!("{name}{{world=\"{world}\"}}");
                until(&line, || async { metric(server, &line).await }).await;
            }
        }
    });
}
