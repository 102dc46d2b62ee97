//! What a node decides by is known to be in force.

use super::hold::Hold;
use super::{at, on_two};
use crate::harness::books::Books;
use crate::harness::{Merchant, until_within};
use futures::future::join;
use std::time::{Duration, Instant};

/// A price takes effect five seconds after its commit.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(30);

/// It slept while a price was set and took effect, and a request waits at its door when it wakes.
#[test]
fn a_node_that_slept_takes_no_old_price() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        let before = here.paid(10_000).await;
        assert_eq!(Books::open(second).fee_of(&before.id()), 60);
        first.signal("STOP");
        let price = ["price", "set", "--merchant", &here.id, "--method", "sandbox", "--currency", "CNY"];
        second.cli(&[&price[..], &["--rate", "1.00"]].concat());
        until_within(EFFECTIVE_WITHIN, "price that is in force", || async {
            let paid = there.paid(10_000).await;
            (Books::open(second).fee_of(&paid.id()) == 100).then_some(())
        })
        .await;
        let order = here.order("bar_code", 10_000, Some("succeed"));
        let wake = async {
            // The request goes to the sleeper's socket first; should it not, it finds a node that just woke.
            tokio::time::sleep(Duration::from_millis(200)).await;
            first.signal("CONT");
        };
        let (made, ()) = join(here.create(&order).key("sleeper").send(), wake).await;
        let made = match made.status {
            503 => here.create(&order).key("sleeper").send().await.expect(201),
            _ => made.expect(201),
        };
        here.payment_in(&made.id(), "succeeded").await;
        assert_eq!(Books::open(second).fee_of(&made.id()), 100, "{}", made.text);
    });
}

/// A command waits for its merchant's root until the price that it carries may be over: it is refused, and nothing is made.
#[test]
fn a_command_that_waited_too_long_is_not_decided_by_what_it_was_made_by() {
    on_two(&[("store", "lock_timeout_ms", "20000")], async |first, second| {
        let here = Merchant::new(first).await;
        let hold = Hold::of(first, "PERFORM 1 FROM merchant_head FOR UPDATE").await;
        let order = here.order("bar_code", 5_000, Some("succeed"));
        let held = Instant::now();
        let release = async {
            // Longer than a configuration is sure.
            tokio::time::sleep_until((held + Duration::from_secs(6)).into()).await;
            hold.release();
        };
        let (made, ()) = join(here.create(&order).key("waits").send(), release).await;
        made.expect_problem(503, "store_unavailable");
        assert_eq!(Books::open(second).rows_of("payment", &here.id), 0);
        let made = here.create(&order).key("waits").send().await.expect(201);
        assert_eq!(made["status"], "succeeded", "{}", made.text);
    });
}
