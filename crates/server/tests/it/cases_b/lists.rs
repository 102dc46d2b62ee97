//! R63: pages read while rows are inserted: none skipped, none doubled, in the order promised.

use crate::harness::merchant::text;
use crate::harness::{Merchant, on_shared};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads all pages of a few rows; whoever is asked may be inserting.
async fn pages(merchant: &Merchant<'_>, path: &str, limit: usize) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    let mut next = format!("{path}?limit={limit}");
    loop {
        let page = merchant.client.get(&next).await.expect(200);
        let data = page["data"].as_array().expect("rows");
        assert!(
            data.len() <= limit && (data.len() == limit || page["next_cursor"].is_null()),
            "{path}: a short page"
        );
        rows.extend(data.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit={limit}&cursor={cursor}"),
            None => return rows,
        }
    }
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(row, "id")).collect()
}

#[test]
fn r63_pages_read_while_rows_are_inserted() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let sell = async || {
            let id = merchant.paid(1_000).await.id();
            merchant.refund(&id, Some(10), None).send().await.expect(201);
        };
        for _ in 0..12 {
            sell().await;
        }
        let done = AtomicBool::new(false);
        let inserting = async {
            while !done.load(Ordering::SeqCst) {
                sell().await;
            }
        };
        let reading = async {
            for path in ["/v1/payments", "/v1/refunds", "/v1/balance_transactions", "/v1/events"] {
                for limit in [1, 3, 7] {
                    let before: BTreeSet<String> = ids(&merchant.all(path).await).into_iter().collect();
                    let read = pages(&merchant, path, limit).await;
                    let listed = ids(&read);
                    let distinct: BTreeSet<String> = listed.iter().cloned().collect();
                    assert_eq!(distinct.len(), listed.len(), "{path} by {limit}: doubled");
                    let missed: Vec<_> = before.difference(&distinct).collect();
                    assert!(missed.is_empty(), "{path} by {limit}: skipped {missed:?}");
                    if matches!(path, "/v1/payments" | "/v1/refunds") {
                        let order: Vec<(String, String)> =
                            read.iter().map(|row| (text(row, "created_at"), text(row, "id"))).collect();
                        assert!(order.is_sorted_by(|a, b| a > b), "{path} by {limit}: not newest first");
                    }
                }
            }
            done.store(true, Ordering::SeqCst);
        };
        tokio::join!(inserting, reading);
        // By number: every cursor that was read stays behind what is committed later.
        let page = merchant.client.get("/v1/events?limit=5").await.expect(200);
        let cursor = text(&page.json, "next_cursor");
        let before = ids(&behind(&merchant, "/v1/events", &cursor).await);
        sell().await;
        assert_eq!(ids(&behind(&merchant, "/v1/events", &cursor).await), before);
    });
}

/// The page that a cursor leads to.
async fn behind(merchant: &Merchant<'_>, path: &str, cursor: &str) -> Vec<Value> {
    let page = merchant.client.get(&format!("{path}?limit=100&cursor={cursor}")).await.expect(200);
    page["data"].as_array().expect("rows").clone()
}
