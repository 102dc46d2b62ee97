//! What moves, and what each merchant sees of it.

use super::desk::{Wish, decide, lines, shown, with_available};
use crate::harness::books::Books;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Price, on_shards};
use crate::statements::rows;
use serde_json::Value;

fn line(category: &str, bucket: &str, minor: i64) -> (String, String, i64) {
    (category.to_owned(), bucket.to_owned(), minor)
}

#[test]
fn it_moves_once_when_another_person_approves() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 10_000).await;
        let receiver = Merchant::new(server).await;
        let wish = Wish::between(&giver, &receiver, &paid, 2_500);
        let proposed = wish.propose(server, "Li.Wei");
        let id = text(&proposed, "id");
        assert_eq!(
            (text(&proposed, "status"), text(&proposed, "proposed_by")),
            ("proposed".into(), "li.wei".into())
        );
        assert_eq!(proposed["amount"], crate::harness::cny(2_500));
        assert_eq!(
            (giver.worth().await, receiver.worth().await),
            (10_000, 0),
            "nothing moves before it is approved"
        );
        let open = server.cli(&["adjustment", "list"]);
        assert_eq!(open["data"].as_array().map(Vec::len), Some(1), "{open}");

        let waits = server.cli(&["waiting"]);
        assert_eq!(text(&waits["data"][0], "what"), "adjustment_proposed", "{waits}");

        let approved = decide(server, "approve", &id, "chen");
        assert_eq!(
            (text(&approved, "status"), text(&approved, "decided_by")),
            ("succeeded".into(), "chen".into())
        );
        assert_eq!((giver.bucket("available").await, receiver.bucket("available").await), (7_500, 2_500));
        for by in ["chen", "somebody.else", "li.wei"] {
            assert_eq!(decide(server, "approve", &id, by), approved, "it was approved, and stays so");
        }
        assert_eq!((giver.worth().await, receiver.worth().await), (7_500, 2_500));
        assert_eq!(lines(&giver, &id).await, [line("adjustment", "available", -2_500)]);
        assert_eq!(lines(&receiver, &id).await, [line("adjustment", "available", 2_500)]);
        assert_eq!(shown(server, &id), approved);
        assert_eq!(server.cli(&["adjustment", "list"])["data"].as_array().map(Vec::len), Some(0));

        let books = Books::open(server);
        assert_eq!((books.sum(1920), books.postings_of(&id)), (0, 2), "each half is a transaction");
        let verified = server.cli(&["verify", "--full"]);
        assert_eq!((&verified["clean"], &verified["adjustments_in_transit"]), (&true.into(), &0.into()));
    });
}

/// On an engine with several shards the two halves lie in two of them.
#[test]
fn halves_lie_in_the_shards_of_their_merchants() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let receiver = Merchant::new(server).await;
        let id = text(&Wish::between(&giver, &receiver, &paid, 400).propose(server, "li"), "id");
        decide(server, "approve", &id, "wei");
        let shard = |id: &str| i64::from(crate::harness::books::uid(id).shard().0);
        let (gives, receives) = (shard(&giver.id), shard(&receiver.id));
        assert_eq!(gives != receives, server.database_url().is_some());
        let books = Books::open(server);
        let of = |shard: i64, side: &str| {
            let sql = format!(
                "SELECT coalesce(sum(amount_minor), 0) FROM journal_entry WHERE code = 1920 AND {side} AND shard = ?1"
            );
            books.number(&sql, [shard])
        };
        assert_eq!((of(gives, "amount_minor < 0"), of(receives, "amount_minor > 0")), (-400, 400));
    });
}

/// Each half is dated by its own merchant's business time, and is in its own merchant's statement of that day.
#[test]
fn each_half_is_in_the_statement_of_its_own_merchants_day() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let receiver = Merchant::new(server).await;
        let (there, here) = (rows::day(&giver, 0).await, rows::day(&receiver, 0).await);
        assert_ne!(there, here, "the giver's clock is two days ahead");
        let id = text(&Wish::between(&giver, &receiver, &paid, 300).propose(server, "li"), "id");
        decide(server, "approve", &id, "wei");
        for (merchant, day, gain) in [(&giver, there, -300), (&receiver, here, 300)] {
            rows::advance_past_midnight(merchant, 60).await;
            let flow = rows::statement(merchant, &day, "fund_flow").await;
            let lines = rows::lines(merchant, &flow).await;
            let of_it: Vec<&Value> = lines.iter().filter(|line| line["source"] == *id).collect();
            assert_eq!(of_it.len(), 1, "{lines:?}");
            assert_eq!(
                (&of_it[0]["category"], &of_it[0]["amount"]),
                (&"adjustment".into(), &rows::money(gain))
            );
            let trade = rows::statement(merchant, &day, "trade").await;
            let lines = rows::lines(merchant, &trade).await;
            assert!(lines.iter().all(|line| !line.to_string().contains(&id)), "it is no trade: {lines:?}");
        }
    });
}

#[test]
fn what_the_receiver_owes_is_taken_from_it_at_once() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let kept = Price { refund_fee: "kept", ..Price::default() };
        let receiver = Merchant::with(server, kept, &["--debt-limit", "1000"]).await;
        let back = receiver.paid(10_000).await.id();
        receiver.refund(&back, None, None).send().await.expect(201);
        assert_eq!(receiver.bucket("owed").await, 60, "the fee was kept");
        let id = text(&Wish::between(&giver, &receiver, &paid, 100).propose(server, "li"), "id");
        decide(server, "approve", &id, "wei");
        assert_eq!((receiver.bucket("owed").await, receiver.bucket("available").await), (0, 40));
        let recovered = [
            line("adjustment", "available", 100),
            line("debt_recovery", "available", -60),
            line("debt_recovery", "owed", 60),
        ];
        assert_eq!(lines(&receiver, &id).await, recovered);
        // A refund may be corrected too, also by the other way round.
        let refund = text(&receiver.all("/v1/refunds").await[0], "id");
        let id = text(&Wish::between(&receiver, &giver, &refund, 40).propose(server, "li"), "id");
        decide(server, "approve", &id, "wei");
        assert_eq!((receiver.worth().await, giver.worth().await), (0, 940));
    });
}
