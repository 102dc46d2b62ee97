//! Every row of the table of outcomes is played: by name and by amount it tells exactly the events that the page says.

use crate::harness::merchant::{AUTH_CODE, text};
use crate::harness::{Merchant, on_shared, until};
use channels::sandbox::{OutcomeOf, OutcomeRow, outcome_rows};
use domain::channel::SandboxOutcome;
use domain::event::Type;
use futures::future::join_all;
use serde_json::json;

/// What comes before the row's events where a payer acts.
const BEFORE: [&str; 2] = ["payment.created", "payment.requires_action"];

fn names(kinds: &[Type]) -> Vec<String> {
    kinds.iter().map(|kind| kind.as_str().to_owned()).collect()
}

/// What was told of a payment, and what of its captures and refunds.
async fn told(merchant: &Merchant<'_>, payment: &str) -> [Vec<String>; 2] {
    let mut parts = Vec::new();
    for list in [format!("/v1/payments/{payment}/captures"), format!("/v1/refunds?payment={payment}")] {
        for part in merchant.client.get(&list).await.expect(200)["data"].as_array().expect("rows") {
            parts.extend(merchant.event_types(&text(part, "id")).await);
        }
    }
    [merchant.event_types(payment).await, parts]
}

async fn expect(merchant: &Merchant<'_>, payment: &str, what: &str, wanted: Vec<String>) {
    let (of_payment, of_parts): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|kind| kind.starts_with("payment."));
    let wanted = [of_payment, of_parts];
    until(&format!("{wanted:?} of {what}"), || async {
        let told = told(merchant, payment).await;
        // What was told is never taken back: a difference stays.
        let on_the_way = wanted.iter().zip(&told).all(|(wanted, told)| wanted.starts_with(told));
        assert!(on_the_way, "{what}: {told:?} instead of {wanted:?}");
        (told == wanted).then_some(())
    })
    .await;
}

/// Asks for an outcome by its name, or by the amount alone.
fn order(merchant: &Merchant<'_>, scene: &str, row: &OutcomeRow, by_amount: bool) -> serde_json::Value {
    let mut order = merchant.order(scene, if by_amount { row.amount_minor } else { 1_000 }, None);
    if let Some(outcome) = row.outcome.filter(|_| !by_amount) {
        order["sandbox_outcome"] = json!(outcome.as_str());
    }
    order
}

async fn play(merchant: &Merchant<'_>, row: OutcomeRow, by_amount: bool) {
    let what = format!("{:?} {:?}, by amount: {by_amount}", row.of, row.outcome.map(SandboxOutcome::as_str));
    let mut wanted = names(row.events);
    let payment = match row.of {
        OutcomeOf::AtTheTill => {
            let made =
                merchant.create(&order(merchant, "bar_code", &row, by_amount)).send().await.expect(201);
            act(merchant, &made.id(), &row).await;
            made.id()
        }
        OutcomeOf::PayerActs => {
            let made = merchant.create(&order(merchant, "qr_code", &row, by_amount)).send().await.expect(201);
            merchant.payment_in(&made.id(), "requires_action").await;
            wanted.splice(0..0, BEFORE.map(str::to_owned));
            merchant.pay(&made.id(), None).send().await.expect(200);
            act(merchant, &made.id(), &row).await;
            made.id()
        }
        OutcomeOf::Capture => {
            let held = merchant.authorized(row.amount_minor).await.id();
            wanted.insert(0, "payment.authorized".to_owned());
            merchant.capture(&held, &json!({})).send().await.expect(201);
            held
        }
        OutcomeOf::Refund => {
            let paid = merchant.paid(row.amount_minor).await.id();
            wanted.insert(0, "payment.succeeded".to_owned());
            let outcome = row.outcome.filter(|_| !by_amount).map(SandboxOutcome::as_str);
            merchant.refund(&paid, None, outcome).send().await.expect(201);
            paid
        }
    };
    expect(merchant, &payment, &what, wanted).await;
}

/// What the row leaves to the payer or to the merchant.
async fn act(merchant: &Merchant<'_>, id: &str, row: &OutcomeRow) {
    match (row.outcome, row.of) {
        (Some(SandboxOutcome::NeedsPassword), OutcomeOf::AtTheTill) => {
            merchant.payment_in(id, "requires_action").await;
            merchant.pay(id, None).send().await.expect(200);
        }
        (Some(SandboxOutcome::PayAfterClose), _) => {
            merchant.client.post(&format!("/v1/payments/{id}/close"), &json!({})).send().await.expect(200);
        }
        (Some(SandboxOutcome::Decline), OutcomeOf::PayerActs) => {
            let after = merchant.payment_when(id, "declined", |payment| !payment["failure"].is_null()).await;
            assert_eq!((&after["status"], &after["next_action"]), (&json!("requires_action"), &json!(null)));
        }
        _ => {}
    }
}

#[test]
fn every_row_of_the_table_is_true() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let rows = outcome_rows();
        let by_name = rows.iter().filter(|row| row.outcome.is_some()).map(|row| (*row, false));
        let all: Vec<_> = by_name.chain(rows.iter().map(|row| (*row, true))).collect();
        assert!(all.len() > 50, "{} rows", all.len());
        // A few at a time, so that no storm hides an order.
        for some in all.chunks(10) {
            join_all(some.iter().map(|(row, by_amount)| play(&merchant, *row, *by_amount))).await;
        }
    });
}

/// The other scenes of a row's kind behave like the one that was played.
#[test]
fn scenes_of_a_kind_behave_alike() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for scene in ["card", "pos", "web", "h5", "app", "mini_program"] {
            let mut input = merchant.order(scene, 100, None);
            input["auth_code"] = json!(AUTH_CODE);
            let made = merchant.create(&input).send().await.expect(201);
            if !matches!(scene, "card" | "pos") {
                merchant.payment_in(&made.id(), "requires_action").await;
                merchant.pay(&made.id(), None).send().await.expect(200);
            }
            merchant.payment_in(&made.id(), "succeeded").await;
        }
    });
}
