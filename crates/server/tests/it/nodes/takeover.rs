//! A node that dies, or sleeps past its leases.

use super::{at, on_two};
use crate::harness::books::Books;
use crate::harness::{Merchant, until_within};
use std::time::Duration;

/// The lease of these tests is 5.7 s; then the other node must find the work and finish it.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(40);

async fn succeeded_at(merchant: &Merchant<'_>, id: &str) {
    until_within(TAKEN_OVER_WITHIN, "end of what the other node began", || async {
        let payment = merchant.payment(id).await;
        (payment["status"] == "succeeded").then_some(())
    })
    .await;
}

#[test]
fn what_a_killed_node_began_is_finished_by_the_other() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        let order = here.order("bar_code", 3_000, Some("timeout"));
        let made = here.create(&order).key("dies").send().await.expect(201);
        assert_ne!(made["status"], "succeeded", "{}", made.text);
        first.kill();
        succeeded_at(&there, &made.id()).await;
        let again = there.create(&order).key("dies").send().await.expect(200);
        assert_eq!(again.id(), made.id());
        assert_eq!(Books::open(second).postings_of(&made.id()), 1);
        first.serve();
    });
}

/// R60: taken over; the sleeper calls nothing more, and what it learns late is applied like a notice, which moves nothing here.
#[test]
fn r60_a_node_that_sleeps_past_its_lease_calls_nothing_more() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        let made = here.create(&here.order("bar_code", 3_000, Some("timeout"))).send().await.expect(201);
        assert_ne!(made["status"], "succeeded", "{}", made.text);
        first.signal("STOP");
        succeeded_at(&there, &made.id()).await;
        first.signal("CONT");
        // It wakes in the middle of the call whose answer is late.
        let paid = here.payment_in(&made.id(), "succeeded").await;
        assert_eq!(paid["amount_captured"]["value"], 3_000);
        let more = here.paid(700).await;
        assert_eq!(Books::open(second).postings_of(&made.id()), 1);
        assert_eq!(Books::open(second).postings_of(&more.id()), 1);
        assert_eq!(here.worth().await, there.worth().await);
    });
}

/// A key that is revoked through one node signs nothing more at the other, and a price reaches it.
#[test]
fn what_is_changed_at_one_node_holds_at_the_other() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let there = at(&here, second);
        there.paid(1_000).await;
        let key = here.client.get("/v1/whoami").await.expect(200)["key"].as_str().map(str::to_owned);
        let Some(key) = key else { panic!("whoami names the key") };
        first.cli(&["key", "revoke", &key]);
        let refused = there.create(&there.order("bar_code", 1_000, None)).send().await;
        assert_eq!(refused.status, 401, "{}", refused.text);
        assert_eq!(Books::open(first).rows_of("payment", &here.id), 1);
    });
}
