//! Proofs that a merchant's lines are sealed: asked for, refused, checked offline by the command line and by a program in another
//! language, which share nothing.

use super::rows::{advance_past_midnight, day, lines, statement};
use crate::cases_b::python;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Server, on_own, on_shared, until};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

async fn proof(merchant: &Merchant<'_>, line: &str) -> Value {
    let path = format!("/v1/balance_transactions/{line}/proof");
    merchant.client.get(&path).await.expect(200).json
}

/// A proof in a file.
fn saved(server: &Server, proof: &Value) -> PathBuf {
    let path = server.dir().join(format!("{}.json", server.next_no("proof")));
    std::fs::write(&path, proof.to_string()).expect("it is written");
    path
}

/// The checkers: the command line, and the example in Python. Whether each believes a proof.
fn judged(server: &Server, proof: &Value, root: &str) -> [Output; 2] {
    let file = saved(server, proof);
    let ours = Server::binary().args(["proof", "check"]).arg(&file).args(["--root", root, "--json"]).output();
    let mut script = Command::new(python::interpreter());
    let theirs = script.arg(python::root().join("examples/proof_check.py")).arg(&file).arg(root).output();
    [ours.expect("it runs"), theirs.expect("it runs")]
}

fn believed(server: &Server, proof: &Value, root: &str) -> [bool; 2] {
    judged(server, proof, root).map(|output| output.status.success())
}

#[test]
fn every_line_of_a_day_is_proven_offline() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let paid = merchant.paid(9_900).await.id();
        let refund = merchant.refund(&paid, Some(1_000), None).send().await.expect(201).id();
        merchant.refund_in(&refund, "succeeded").await;
        advance_past_midnight(&merchant, 60).await;
        // A day of several blocks: each move of the clock seals what there is.
        merchant.paid(5_000).await;
        merchant.advance(60).await;
        merchant.paid(6_000).await;
        advance_past_midnight(&merchant, 60).await;
        let mut blocks = std::collections::BTreeSet::new();
        for date in [day(&merchant, -2).await, day(&merchant, -1).await] {
            let made = statement(&merchant, &date, "fund_flow").await;
            let root = text(&made, "root");
            let told = lines(&merchant, &made).await;
            let ids: Vec<String> =
                told.iter().filter(|l| l["type"] == "movement").map(|l| text(l, "id")).collect();
            assert!(!ids.is_empty());
            for id in &ids {
                let proof = proof(&merchant, id).await;
                assert_eq!(proof["balance_transaction"]["id"], json!(id));
                assert_eq!(
                    (&proof["statement"]["root"], &proof["statement"]["date"]),
                    (&json!(root), &json!(date))
                );
                assert_eq!(proof["statement"]["fund_flow"], made["id"]);
                blocks.insert(proof["block"]["number"].as_i64().expect("a number"));
                let [ours, theirs] = judged(server, &proof, &root);
                assert!(ours.status.success(), "{}", String::from_utf8_lossy(&ours.stderr));
                assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
                let told: Value = serde_json::from_slice(&ours.stdout).expect("a line of JSON");
                assert_eq!(
                    (&told["root_of"], &told["balance_transaction"]),
                    (&json!("statement"), &proof["balance_transaction"])
                );
            }
        }
        assert!(blocks.len() > 1, "{blocks:?}");
    });
}

#[test]
fn a_changed_amount_index_or_sibling_is_refused() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for minor in [100, 200, 300] {
            merchant.paid(minor).await;
        }
        advance_past_midnight(&merchant, 60).await;
        let made = statement(&merchant, &day(&merchant, -1).await, "fund_flow").await;
        let line = lines(&merchant, &made).await[1].clone();
        let (proof, root) = (proof(&merchant, &text(&line, "id")).await, text(&made, "root"));
        assert_eq!(believed(server, &proof, &root), [true, true]);
        let bytes = text(&proof["leaf"], "bytes");
        let minor = proof["balance_transaction"]["amount"]["value"].as_i64().expect("minor units");
        let hex = |minor: i64| crypto::hex(&(-minor).to_be_bytes());
        let more = bytes.replacen(&hex(minor), &hex(minor + 1), 1);
        assert_ne!(more, bytes);
        let other = json!("5a".repeat(32));
        let index = proof["leaf"]["index"].as_u64().expect("a number");
        // Of the line's own tree, since the day may have one block only.
        for (what, changes) in [
            ("the amount as people read it", vec![("/balance_transaction/amount/value", json!(minor + 1))]),
            ("the amount that is hashed", vec![("/leaf/bytes", json!(more))]),
            (
                "both amounts",
                vec![("/balance_transaction/amount/value", json!(minor + 1)), ("/leaf/bytes", json!(more))],
            ),
            ("the index", vec![("/leaf/index", json!(index ^ 1))]),
            ("the size", vec![("/leaf/size", json!(index))]),
            ("a sibling", vec![("/leaf/siblings/0", other.clone())]),
            ("the salt", vec![("/leaf/salt", json!("5a".repeat(16)))]),
            ("the block's root", vec![("/block/root", other.clone())]),
            ("the chain", vec![("/block/previous", other.clone())]),
            ("the block's place in the day", vec![("/statement/index", json!(1_000_000))]),
        ] {
            let mut changed = proof.clone();
            for (pointer, value) in changes {
                *changed.pointer_mut(pointer).expect("a member") = value;
            }
            assert_eq!(believed(server, &changed, &root), [false, false], "{what}");
        }
        assert_eq!(believed(server, &proof, &"5a".repeat(32)), [false, false], "another root");
    });
}

#[test]
fn what_is_not_sealed_or_not_ones_own_is_refused() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(100).await;
        // The first block is closed at once; what comes right after it waits for the next.
        let line = async || {
            let newest = merchant.client.get("/v1/balance_transactions?limit=1").await.expect(200);
            text(&newest["data"][0], "id")
        };
        let path = |id: &str| format!("/v1/balance_transactions/{id}/proof");
        let first = line().await;
        until("the first block", || async {
            (merchant.client.get(&path(&first)).await.status == 200).then_some(())
        })
        .await;
        let sealed = proof(&merchant, &first).await;
        assert_eq!(sealed["statement"], Value::Null, "the day is not over");
        merchant.paid(200).await;
        let fresh = line().await;
        let early = merchant.client.get(&path(&fresh)).await.expect_problem(409, "proof_not_ready");
        assert_eq!((early.header("retry-after"), &early["retryable"]), ("60", &json!(true)));
        // Without the day's statement the chained root is what there is to check against.
        let chained = text(&sealed["block"], "chained");
        let [ours, _] = judged(server, &sealed, &chained);
        assert!(ours.status.success(), "{}", String::from_utf8_lossy(&ours.stderr));

        let other = Merchant::new(server).await;
        let beside = wire_neighbours(&first);
        for id in beside.iter().map(String::as_str).chain([
            "btx_00000000000000000000000000",
            "btx_7zzzzzzzzzzzzzzzzzzzzzzzzz",
            "btx_x",
            &merchant.id,
        ]) {
            merchant.client.get(&path(id)).await.expect_problem(404, "balance_transaction_not_found");
        }
        other.client.get(&path(&first)).await.expect_problem(404, "balance_transaction_not_found");
    });
}

/// Ids of the same posting that are no lines of the merchant: the platform's own line, one too far, another time.
fn wire_neighbours(id: &str) -> Vec<String> {
    use domain::id::{BalanceTransactionId, Id};
    let known = BalanceTransactionId::parse(id).expect("an id");
    let (place, at_ms) = (
        wire::line_position(known),
        i64::from_be_bytes({
            let [b0, b1, b2, b3, b4, b5, ..] = known.uid().0;
            [0, 0, b0, b1, b2, b3, b4, b5]
        }),
    );
    let line = |line: i64, at_ms: i64| {
        wire::line_id(wire::LinePosition { line, ..place }, at_ms * 1_000).to_string()
    };
    vec![line(0, at_ms), line(500, at_ms), line(place.line, at_ms + 1)]
}

#[test]
fn the_command_line_refuses_what_is_no_proof() {
    on_shared(async |server| {
        let root = "5a".repeat(32);
        let missing = Server::binary().args(["proof", "check", "/nowhere.json", "--root", &root]).output();
        assert!(!missing.expect("it runs").status.success());
        let file = saved(server, &json!({ "object": "payment" }));
        for root in [root.as_str(), "5a", "zz", ""] {
            let refused =
                Server::binary().args(["proof", "check"]).arg(&file).args(["--root", root]).output();
            let refused = refused.expect("it runs");
            assert!(!refused.status.success() && refused.stdout.is_empty(), "{root}");
            assert!(!refused.stderr.is_empty());
        }
        let huge = server.dir().join("huge.json");
        std::fs::write(&huge, vec![b' '; 100_000]).expect("it is written");
        let refused = Server::binary().args(["proof", "check"]).arg(&huge).args(["--root", &root]).output();
        assert!(String::from_utf8_lossy(&refused.expect("it runs").stderr).contains("no proof"));
    });
}
