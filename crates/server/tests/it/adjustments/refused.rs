//! What is refused, with what to do, and changes nothing.

use super::desk::{Desk, Wish, decide, new_id, new_id_of, with_available};
use crate::cases_b::untouched::Picture;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Server, on_shards, until};
use domain::id::World;
use serde_json::{Value, json};

/// What a command says that does nothing.
fn said(server: &Server, arguments: &[&str]) -> String {
    let output = server.try_cli(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("feiqian: ") && !said.contains("panicked"), "{said}");
    said
}

fn said_to(server: &Server, verdict: &str, id: &str, by: &str) -> String {
    said(server, &["adjustment", verdict, "--adjustment", id, "--by", by])
}

#[test]
fn whoever_proposes_does_not_decide_and_what_is_decided_stays() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let receiver = Merchant::new(server).await;
        let more = Wish::between(&giver, &receiver, &paid, 1_001);
        let id = text(&more.propose(server, "li"), "id");
        let before = Picture::of(server);
        for by in ["li", "LI"] {
            assert!(said_to(server, "approve", &id, by).contains("ask another person"));
        }
        for verdict in ["approve", "reject"] {
            assert!(said_to(server, verdict, &id, "李").contains("--by: a login"));
            assert!(said_to(server, verdict, "pay_1", "wei").contains("not an adjustment's id"));
            let missing = new_id(&giver.id);
            assert!(said_to(server, verdict, &missing, "wei").contains("there is no such adjustment"));
        }
        let beyond = said_to(server, "approve", &id, "wei");
        assert!(beyond.contains("1000 minor units are left of what it corrects"), "{beyond}");
        let approve = ["adjustment", "approve", "--adjustment", &id, "--by", "wei", "--beyond"];
        let short = said(server, &approve);
        assert!(short.contains("short of 1 minor units; nothing was moved"), "{short}");
        before.assert_same(server, "refused adjustments");
        // More came in: what was short can be approved now.
        giver.paid(1).await;
        giver.advance(2 * 86_400).await;
        assert_eq!(text(&server.cli(&approve), "status"), "succeeded");
        assert!(
            said_to(server, "reject", &id, "wei")
                .contains("the adjustment is succeeded: it was decided before")
        );
        let other = text(&more.propose(server, "li"), "id");
        assert_eq!(text(&decide(server, "reject", &other, "wei"), "status"), "rejected");
        assert_eq!(text(&decide(server, "reject", &other, "chen"), "decided_by"), "wei");
        assert!(said_to(server, "approve", &other, "chen").contains("the adjustment is rejected"));
        assert_eq!((giver.worth().await, receiver.worth().await), (0, 1_001));
    });
}

#[test]
fn what_can_not_be_proposed() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let receiver = Merchant::new(server).await;
        let stranger = Merchant::new(server).await;
        let foreign = stranger.paid(500).await.id();
        let attempt = text(&stranger.payment(&foreign).await["latest_attempt"], "id");
        let live = text(&server.cli(&["merchant", "create", "--world", "live", "--name", "Alive"]), "id");
        let good = Wish::between(&giver, &receiver, &paid, 100);
        let nobody = crate::harness::books::uid(&new_id(&giver.id)).to_text();
        let to = |to: &str| Wish { to: to.to_owned(), ..good.clone() };
        let of = |corrects: &str| Wish { corrects: corrects.to_owned(), ..good.clone() };
        let before = Picture::of(server);
        let wrong = [
            (to(&giver.id), "--to: another merchant"),
            (to(&live), "--to: another merchant of the same world"),
            (to("mch_1"), "--to: not a merchant's id"),
            (to(&format!("mch_{nobody}")), "there is no such merchant"),
            (of(&foreign), "there is no such payment of one of the two"),
            (of(&format!("rfd_{nobody}")), "there is no such refund of one of the two"),
            (of(&attempt), "--corrects: not a payment's or refund's id"),
        ];
        for (wish, sentence) in wrong {
            let told = said(server, &wish.arguments("100", "why", "li"));
            assert!(told.contains(sentence), "{wish:?}: {told}");
        }
        for minor in ["0", "-1", "9007199254740992", "-9223372036854775808"] {
            let told = said(server, &good.arguments(minor, "why", "li"));
            assert!(told.contains("--amount: 1 to 9007199254740991 minor units"), "{told}");
        }
        for reason in ["", "  ", "a\nb", &"x".repeat(128)] {
            assert!(
                said(server, &good.arguments("100", reason, "li")).contains("--reason: 1 to 127"),
                "{reason:?}"
            );
        }
        for by in ["", "li wei", "李"] {
            assert!(said(server, &good.arguments("100", "why", by)).contains("--by: a login"), "{by:?}");
        }
        before.assert_same(server, "refused adjustments");
    });
}

/// The route behind the command line, spoken to by hand.
#[test]
fn bad_bodies_are_refused_and_change_nothing() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let receiver = Merchant::new(server).await;
        let desk = Desk::of(server);
        let wish = Wish::between(&giver, &receiver, &paid, 100);
        let id = new_id(&giver.id);
        let made = desk.propose(&wish, &id, "li").send().await.expect(200);
        let before = Picture::of(server);
        // The same again is the same; anything else under this id is refused.
        assert_eq!(desk.propose(&wish, &id, "li").send().await.expect(200).json, made.json);
        for other in [
            Wish { minor: 101, ..wish.clone() },
            Wish { to: giver.id.clone(), from: receiver.id.clone(), ..wish.clone() },
        ] {
            let refused = desk.propose(&other, &id, "li").send().await;
            assert!([400, 409].contains(&refused.status), "{}", refused.text);
        }
        desk.propose(&wish, &id, "another").send().await.expect(409);
        let body = |member: &str, value: Value| {
            let mut body = wish.body(&new_id(&giver.id), "li");
            body[member] = value;
            body
        };
        let strange_shard = new_id_of(World::Live.first_shard());
        for body in [
            body("id", json!(strange_shard)),
            body("id", json!(paid)),
            body("id", json!(paid.replace("pay_", "adj_"))),
            body("id", json!(7)),
            body("from", json!(null)),
            body("amount_minor", json!("100")),
            body("amount_minor", json!(1.5)),
            body("amount_minor", json!(0)),
            body("amount_minor", json!(i64::MAX)),
            body("amount_minor", json!(u64::MAX)),
            body("currency", json!("CNY")),
            body("reason", json!("x".repeat(5_000))),
            json!([]),
            json!({}),
        ] {
            let refused = desk.send("/ops/v1/adjustments", &body).send().await;
            assert!([400, 413].contains(&refused.status), "{body}: {} {}", refused.status, refused.text);
        }
        desk.send(&format!("/ops/v1/adjustments/{id}/decide"), &json!({ "verdict": "perhaps", "by": "wei" }))
            .send()
            .await
            .expect(400);
        desk.decide(&strange_shard, "approve", "wei").send().await.expect(404);
        desk.decide(&new_id_of(domain::id::Shard(4_095)), "approve", "wei").send().await.expect(404);
        desk.decide("adj_x", "approve", "wei").send().await.expect(404);
        before.assert_same(server, "refused adjustments");
    });
}

/// Two people who handle the same complaint, each with a colleague of their own, give the same money once; and whoever proposed by mistake
/// takes it back alone.
#[test]
fn for_one_payment_no_more_is_given_than_it_is_about() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        giver.paid(5_000).await;
        giver.advance(2 * 86_400).await;
        let receiver = Merchant::new(server).await;
        let wish = Wish::between(&giver, &receiver, &paid, 700);
        let [first, second] = ["li", "zhao"].map(|by| text(&wish.propose(server, by), "id"));
        let small = text(&Wish { minor: 300, ..wish.clone() }.propose(server, "zhao"), "id");
        decide(server, "approve", &first, "wei");
        let refused = said_to(server, "approve", &second, "chen");
        assert!(refused.contains("300 minor units are left of what it corrects"), "{refused}");
        decide(server, "approve", &small, "chen");
        assert!(said_to(server, "approve", &second, "chen").contains("0 minor units are left"));
        let listed = server.cli(&["adjustment", "list", "--corrects", &paid]);
        let stands: Vec<String> =
            listed["data"].as_array().unwrap().iter().map(|row| text(row, "status")).collect();
        assert_eq!(stands, ["succeeded", "proposed", "succeeded"]);
        assert_eq!(text(&decide(server, "reject", &second, "zhao"), "decided_by"), "zhao");
        // The other way round it is the other merchant's to give.
        let back = Wish::between(&receiver, &giver, &paid, 1_000);
        decide(server, "approve", &text(&back.propose(server, "li"), "id"), "wei");
        assert_eq!((giver.worth().await, receiver.worth().await), (6_000, 0));
        // An answer that was lost is asked for again, under the id that was named.
        let id = text(&wish.propose(server, "li"), "id");
        let again =
            [&wish.arguments("700", "booked for the wrong shop", "li")[..], &["--adjustment", &id]].concat();
        assert_eq!(text(&server.cli(&again), "id"), id);
        assert_eq!(server.cli(&["adjustment", "list"])["data"].as_array().map(Vec::len), Some(1));
    });
}

/// Restored books may lack refunds that take what is there: nothing is given away before `resume`.
#[test]
fn nothing_is_approved_while_the_installation_is_held() {
    on_shards(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let receiver = Merchant::new(server).await;
        let id = text(&Wish::between(&giver, &receiver, &paid, 100).propose(server, "li"), "id");
        server.cli(&["hold"]);
        until("hold", || async { (server.internal().get("/readyz").await.status == 503).then_some(()) })
            .await;
        assert!(said_to(server, "approve", &id, "wei").contains("held: nothing leaves this installation"));
        assert_eq!((giver.worth().await, receiver.worth().await), (1_000, 0));
        server.cli(&["resume"]);
        decide(server, "approve", &id, "wei");
        assert_eq!((giver.worth().await, receiver.worth().await), (900, 100));
    });
}
