//! Money on its way between merchants of two shards, while nodes race, die and wait.

use super::hold::Hold;
use super::rounds;
use crate::adjustments::desk::{Desk, Wish, new_id, with_available};
use crate::harness::books::{Books, uid};
use crate::harness::merchant::text;
use crate::harness::{Engine, Merchant, Server, run, spawn, until, until_within};
use futures::future::join_all;
use std::time::Duration;

/// The lease of these tests is 5.7 s; then the other node must find the work and finish it.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(40);

/// Two nodes of an installation with two shards for each world; ends with `verify --full`.
fn on_two_with_shards(case: impl AsyncFnOnce(&Server, &Server)) {
    run(async {
        let first = Server::make_sharded(Engine::Postgres, &[("lanes", "per_shard", "4")]);
        let second = first.beside(&[("lanes", "per_shard", "4")]);
        first.serve();
        second.serve();
        case(&first, &second).await;
        first.verify();
    });
}

/// R36: A→B against B→A, each approved at both nodes at once by two people: each moves once, and nobody sees a deadlock.
#[test]
fn r36_a_to_b_against_b_to_a() {
    on_two_with_shards(async |first, second| {
        let ((a, of_a), (b, of_b)) =
            (with_available(first, 1_000_000).await, with_available(first, 1_000_000).await);
        assert_ne!(uid(&a.id).shard(), uid(&b.id).shard());
        let (here, there) = (Desk::of(first), Desk::of(second));
        let (to_b, to_a) = (Wish::between(&a, &b, &of_a, 7), Wish::between(&b, &a, &of_b, 5));
        for round in 0..rounds() {
            let (one, other) = (new_id(&a.id), new_id(&b.id));
            let asked = [
                here.propose(&to_b, &one, "li"),
                there.propose(&to_b, &one, "li"),
                there.propose(&to_a, &other, "li"),
                here.propose(&to_a, &other, "li"),
            ];
            for answer in join_all(asked.map(|call| call.send())).await {
                answer.expect(200);
            }
            let decided = [
                here.decide(&one, "approve", "wei"),
                there.decide(&other, "approve", "wei"),
                there.decide(&one, "approve", "chen"),
                here.decide(&other, "approve", "chen"),
            ];
            for answer in join_all(decided.map(|call| call.send())).await {
                let answer = answer.expect(200);
                assert!(
                    ["in_transit", "succeeded"].contains(&&*text(&answer.json, "status")),
                    "round {round}"
                );
            }
            let (a_minor, b_minor) = (a.worth().await, b.worth().await);
            let moved = i64::try_from(round + 1).unwrap() * 2;
            assert_eq!((a_minor, b_minor), (1_000_000 - moved, 1_000_000 + moved), "round {round}");
        }
        assert_eq!(Books::open(first).sum(1920), 0);
    });
}

/// The second half can't be booked while somebody holds the receiver. Meanwhile the money is between the shards, by name, and the
/// books hold; the node that approved dies, and the other finishes it once.
#[test]
fn what_a_killed_node_left_between_the_shards_arrives_once() {
    on_two_with_shards(async |first, second| {
        let (giver, paid) = with_available(second, 1_000).await;
        let receiver = Merchant::new(second).await;
        let id = new_id(&giver.id);
        let wish = Wish::between(&giver, &receiver, &paid, 400);
        Desk::of(first).propose(&wish, &id, "li").send().await.expect(200);
        let head = crypto::hex(&uid(&receiver.id).0);
        let hold =
            Hold::of(first, &format!("PERFORM 1 FROM merchant_head WHERE merchant = '{head}' FOR UPDATE"))
                .await;
        let asked = spawn(Desk::of(first).decide(&id, "approve", "wei").try_send());
        until("first half", || async { (giver.worth().await == 600).then_some(()) }).await;
        assert_eq!(receiver.worth().await, 0);
        let between = second.cli(&["verify", "--full"]);
        assert_eq!((&between["clean"], &between["adjustments_in_transit"]), (&true.into(), &1.into()));
        assert_eq!(Books::open(second).sum(1920), -400);
        let open = second.cli(&["adjustment", "list"]);
        assert_eq!(text(&open["data"][0], "status"), "in_transit", "{open}");
        first.kill();
        assert!(asked.await.expect("the caller").is_err(), "its node was killed");
        hold.release();
        until_within(TAKEN_OVER_WITHIN, "arrival of what the other node gave", || async {
            (super::super::adjustments::desk::shown(second, &id)["status"] == "succeeded").then_some(())
        })
        .await;
        assert_eq!((giver.worth().await, receiver.worth().await), (600, 400));
        let books = Books::open(second);
        assert_eq!((books.sum(1920), books.postings_of(&id)), (0, 2));
        first.serve();
        Desk::of(first).decide(&id, "approve", "wei").send().await.expect(200);
        assert_eq!((giver.worth().await, receiver.worth().await), (600, 400));
    });
}
