//! What is foretold of instructions, and what is found in the end.

use super::*;
use crate::{Auditor, Evidence, Exchange, MerchantEvidence, RefundFee, Request, TrialRow};

const DONE: Option<u16> = Some(200);

fn auditor() -> Auditor {
    let free = FeeTerms {
        percent: "0".to_owned(),
        fixed_minor: 0,
        minimum_minor: 0,
        cap_minor: None,
        refund_fee: RefundFee::Kept,
    };
    let mut auditor = Auditor::new(free);
    for (id, world) in [("mch_a", "live"), ("mch_b", "live"), ("mch_c", "sandbox")] {
        auditor.merchant(Terms {
            id: id.to_owned(),
            world: world.to_owned(),
            zone: "UTC".to_owned(),
            maturity_days: 1,
            debt_limit_minor: 0,
        });
    }
    asked(
        &mut auditor,
        "POST",
        "/v1/payments",
        json!({"merchant_order_no": "O", "amount": cny(500)}),
        payment(),
    );
    auditor
}

fn cny(minor: i64) -> Value {
    json!({"value": minor, "currency": "CNY"})
}

fn payment() -> Value {
    json!({"object": "payment", "id": "pay_1", "merchant": "mch_a", "sequence": 1, "status": "succeeded",
        "merchant_order_no": "O", "amount": cny(500), "amount_captured": cny(500)})
}

/// Merchant A asks and is answered.
fn asked(auditor: &mut Auditor, method: &'static str, target: &str, body: Value, answer: Value) {
    let request = Request {
        merchant: "mch_a".to_owned(),
        method,
        target: target.to_owned(),
        key: None,
        body,
        key_is_good: true,
        void: None,
    };
    let foreseen = auditor.foresee(&request);
    auditor.exchange(&Exchange {
        request,
        foreseen,
        status: DONE,
        answer,
        open_at_channel: Vec::new(),
        excused: false,
    });
}

fn said(by: &str, wish: Wish) -> Instruction {
    Instruction { id: "adj_1".to_owned(), by: by.to_owned(), wish }
}

fn proposal(amount_minor: i64) -> Wish {
    Wish::Propose(Proposal {
        from: "mch_a".to_owned(),
        to: "mch_b".to_owned(),
        corrects: "pay_1".to_owned(),
        amount_minor,
        reason: "wrong".to_owned(),
    })
}

fn row(minor: i64, status: &str) -> Value {
    let decided = (status != "proposed").then_some("li");
    json!({"object": "adjustment", "id": "adj_1", "status": status, "from": "mch_a", "to": "mch_b",
        "amount": cny(minor), "corrects": "pay_1", "reason": "wrong", "proposed_by": "chen", "decided_by": decided})
}

/// Says it, and takes what is found in the answer.
fn found(
    auditor: &mut Auditor,
    said: &Instruction,
    status: Option<u16>,
    answer: &Value,
) -> Vec<&'static str> {
    let before = auditor.findings().len();
    let foreseen = auditor.foresee_instruction(said);
    auditor.instructed(said, &foreseen, (status, answer), false);
    auditor.findings().iter().skip(before).map(|found| found.check).collect()
}

/// An auditor who has seen a proposal accepted.
fn proposed(minor: i64) -> Auditor {
    let mut auditor = auditor();
    assert_eq!(found(&mut auditor, &said("Chen", proposal(minor)), DONE, &row(minor, "proposed")), [""; 0]);
    auditor
}

#[test]
fn what_can_not_be_must_be_refused() {
    let approved = row(100, "succeeded");
    for (minor, by, wish, is_found) in [
        (100, "li", Wish::Approve, false),
        (100, "CHEN", Wish::Approve, true),
        (501, "li", Wish::Approve, true),
        (100, "chen", proposal(101), true),
        (100, "chen", proposal(100), false),
    ] {
        let mut auditor = proposed(minor);
        let answer = if minor == 100 { approved.clone() } else { row(minor, "succeeded") };
        let checks = found(&mut auditor, &said(by, wish.clone()), DONE, &answer);
        assert_eq!(checks.contains(&"must be refused"), is_found, "{by} {wish:?} of {minor}: {checks:?}");
    }
    let mut auditor = auditor();
    assert_eq!(found(&mut auditor, &said("li", Wish::Approve), DONE, &approved), ["must be refused"]);
    let Wish::Propose(sound) = proposal(100) else { panic!("a proposal") };
    for unsound in [
        Proposal { to: "mch_a".to_owned(), ..sound.clone() },
        Proposal { to: "mch_c".to_owned(), ..sound.clone() },
        Proposal { amount_minor: 0, ..sound.clone() },
        Proposal { from: "mch_b".to_owned(), to: "mch_b".to_owned(), ..sound },
    ] {
        let said = said("chen", Wish::Propose(unsound.clone()));
        assert!(auditor.foresee_instruction(&said).refused.is_some(), "{unsound:?}");
    }
}

#[test]
fn a_decision_stands() {
    let mut auditor = proposed(100);
    assert_eq!(found(&mut auditor, &said("li", Wish::Approve), DONE, &row(100, "in_transit")), [""; 0]);
    for (by, wish, status, answer, checks) in [
        ("wang", Wish::Reject, Some(409), json!({"code": "adjustment_decided"}), vec![]),
        ("chen", Wish::Approve, DONE, row(100, "succeeded"), vec![]),
        (
            "wang",
            Wish::Approve,
            Some(409),
            json!({"code": "insufficient_funds"}),
            vec!["refused without reason"],
        ),
        ("wang", Wish::Approve, Some(500), json!({"code": "internal"}), vec!["no defect"]),
        ("wang", Wish::Approve, DONE, row(99, "succeeded"), vec!["what was asked"]),
        ("wang", Wish::Reject, DONE, row(100, "rejected"), vec!["must be refused"]),
    ] {
        let said = said(by, wish);
        assert_eq!(found(&mut auditor, &said, status, &answer), checks, "{said:?}");
    }
}

#[test]
fn a_refusal_needs_a_true_reason() {
    let short = json!({"code": "insufficient_funds"});
    let shown = json!({"data": [{"currency": "CNY", "available": cny(100)}]});
    let approve = said("li", Wish::Approve);
    let mut auditor = proposed(90);
    assert_eq!(found(&mut auditor, &approve, Some(409), &short), [""; 0], "nobody looked");
    asked(&mut auditor, "GET", "/v1/balances", Value::Null, shown);
    assert_eq!(found(&mut auditor, &approve, Some(409), &short), ["refused without reason"]);
    let same = json!({"code": "same_person"});
    assert_eq!(found(&mut auditor, &approve, Some(409), &same), ["refused without reason"]);
}

#[test]
fn of_what_is_said_at_once_nobody_knows_what_is_heard_first() {
    let mut auditor = proposed(90);
    let own = said("chen", Wish::Approve);
    let (approve, reject) = (said("li", Wish::Approve), said("wang", Wish::Reject));
    let foreseen: Vec<Foreseen> =
        [&own, &approve, &reject].map(|said| auditor.foresee_instruction(said)).into();
    let moved = row(90, "succeeded");
    let decided = json!({"code": "adjustment_decided"});
    for (said, foreseen, status, answer) in [
        (&own, &foreseen[0], DONE, &moved),
        (&approve, &foreseen[1], DONE, &moved),
        (&reject, &foreseen[2], Some(409), &decided),
    ] {
        auditor.instructed(said, foreseen, (status, answer), false);
    }
    assert_eq!(auditor.findings(), []);
}

/// Both merchants' lines, and what 1920 holds.
fn evidence(row: Value, lines: [&[i64]; 2], between_minor: i64) -> Evidence {
    let line = |minor: i64| json!({"id": "txn", "source": "adj_1", "category": "adjustment", "bucket": "available", "amount": cny(minor)});
    let merchants = ["mch_a", "mch_b"].iter().zip(lines).map(|(id, lines)| MerchantEvidence {
        id: (*id).to_owned(),
        payments: if *id == "mch_a" { vec![payment()] } else { Vec::new() },
        lines: lines.iter().map(|minor| line(*minor)).collect(),
        ..MerchantEvidence::default()
    });
    let trial = TrialRow {
        world: "live".to_owned(),
        code: 1920,
        currency: "CNY".to_owned(),
        debit_minor: between_minor,
    };
    Evidence {
        merchants: merchants.collect(),
        adjustments: vec![row],
        trial: vec![trial],
        ..Evidence::default()
    }
}

#[test]
fn each_half_is_booked_once() {
    let once: [&[i64]; 2] = [&[-90], &[90]];
    for (row, lines, between_minor, checks) in [
        (row(90, "succeeded"), once, 0, vec![]),
        (row(90, "proposed"), [&[], &[]], 0, vec![]),
        (
            row(90, "succeeded"),
            [&[-90], &[90, 90]],
            90,
            vec!["an adjustment moves once", "nothing in transit"],
        ),
        (row(90, "succeeded"), [&[-90], &[]], -90, vec!["an adjustment moves once", "nothing in transit"]),
        (row(90, "rejected"), once, 0, vec!["an adjustment moves once"; 2]),
    ] {
        let mut auditor = auditor();
        auditor.adjustments(&evidence(row.clone(), lines, between_minor));
        let found: Vec<&str> = auditor.findings().iter().map(|found| found.check).collect();
        assert_eq!(found, checks, "{row} {lines:?}");
    }
}

#[test]
fn what_was_acknowledged_is_there_and_what_was_refused_is_not() {
    let mut auditor = proposed(90);
    let approve = said("li", Wish::Approve);
    assert_eq!(found(&mut auditor, &approve, Some(409), &json!({"code": "insufficient_funds"})), [""; 0]);
    for (rows, check) in [
        (vec![row(90, "proposed")], None),
        (vec![row(90, "succeeded")], Some("refused means not done")),
        (vec![row(91, "proposed")], Some("what was asked")),
        (vec![], Some("acknowledged means durable")),
    ] {
        let mut found = Vec::new();
        auditor.desk.all_there(&rows, &mut |check, _| found.push(check));
        assert_eq!(found.first().copied(), check, "{rows:?}");
    }
}
