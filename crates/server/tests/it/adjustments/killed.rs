//! The process is killed at any moment of an approval: the money is with the giver, or with the receiver once.

use super::desk::{Desk, Wish, decide, with_available};
use crate::harness::books::Books;
use crate::harness::merchant::text;
use crate::harness::{Merchant, on_shards, spawn, until};
use std::time::Duration;

/// Moments of an approval at which the process dies, microseconds after it was asked: before it is read, within, after.
const MOMENTS_US: [u64; 8] = [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000];

#[test]
fn killed_at_any_moment_it_moves_once() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 10_000).await;
        let receiver = Merchant::new(server).await;
        let mut moved = 0;
        for moment_us in MOMENTS_US {
            let id = text(&Wish::between(&giver, &receiver, &paid, 100).propose(server, "li"), "id");
            let asked = spawn(Desk::of(server).decide(&id, "approve", "wei").try_send());
            tokio::time::sleep(Duration::from_micros(moment_us)).await;
            server.crash();
            // Whoever asked may have had an answer or none.
            drop(asked.await);
            // What was approved ends by itself; what was not is approved now.
            if text(&super::desk::shown(server, &id), "status") == "proposed" {
                decide(server, "approve", &id, "wei");
            }
            until("end of the adjustment", || async {
                let shown = super::desk::shown(server, &id);
                (text(&shown, "status") == "succeeded").then_some(())
            })
            .await;
            moved += 100;
            assert_eq!(
                (giver.worth().await, receiver.worth().await),
                (10_000 - moved, moved),
                "after {moment_us} µs"
            );
            assert_eq!(Books::open(server).postings_of(&id), 2);
        }
        assert_eq!(Books::open(server).sum(1920), 0);
    });
}
