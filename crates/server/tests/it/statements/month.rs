//! R42 and a month of random life, judged by a program in another language: every day's files against each other, against the API
//! and against the ledger as it lies in the database.

use super::rows::{DAY_S, advance_past_midnight, day};
use crate::cases_b::python;
use crate::harness::client::Credentials;
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, Price, cny, on_own, until};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Days of the life; one more is advanced so that the last is over.
const DAYS: i64 = 31;

/// A linear congruential generator: enough to be different every time, and the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What a merchant and its payers do on one day.
enum Deed {
    Pay(i64),
    Declined(i64),
    Capture { authorized_minor: i64, parts_minor: Vec<i64> },
    Refund { payment: String, amount_minor: i64, outcome: &'static str },
}

struct Life<'m> {
    merchant: &'m Merchant<'m>,
    dice: Dice,
    paid: Vec<String>,
}

impl Life<'_> {
    fn amount_minor(&mut self) -> i64 {
        i64::try_from(self.dice.below(50_000)).expect("small") + 100
    }

    fn deed(&mut self) -> Deed {
        match self.dice.below(10) {
            0..=3 => Deed::Pay(self.amount_minor()),
            4 => Deed::Declined(self.amount_minor()),
            5 | 6 => {
                let authorized_minor = self.amount_minor() + 300;
                // Some of it stays uncaptured.
                let parts = 1 + i64::try_from(self.dice.below(3)).expect("small");
                Deed::Capture {
                    authorized_minor,
                    parts_minor: vec![authorized_minor / 4; usize::try_from(parts).expect("small")],
                }
            }
            _ if self.paid.is_empty() => Deed::Pay(self.amount_minor()),
            _ => {
                let at = self.dice.below(self.paid.len() as u64);
                let outcome =
                    ["succeed", "succeed", "fail"][usize::try_from(self.dice.below(3)).expect("small")];
                let amount_minor = 1 + i64::try_from(self.dice.below(4_000)).expect("small");
                Deed::Refund {
                    payment: self.paid[usize::try_from(at).expect("small")].clone(),
                    amount_minor,
                    outcome,
                }
            }
        }
    }

    async fn live_a_day(&mut self) {
        let count = self.dice.below(6);
        let deeds: Vec<Deed> = (0..count).map(|_| self.deed()).collect();
        let done = join_all(deeds.iter().map(|deed| act(self.merchant, deed))).await;
        self.paid.extend(done.into_iter().flatten());
    }
}

/// Answers a payment that can be refunded.
async fn act(merchant: &Merchant<'_>, deed: &Deed) -> Option<String> {
    match deed {
        Deed::Pay(minor) => Some(merchant.paid(*minor).await.id()),
        Deed::Declined(minor) => {
            let order = merchant.order("bar_code", *minor, Some("decline"));
            assert_eq!(merchant.create(&order).send().await.expect(201)["status"], "failed");
            None
        }
        Deed::Capture { authorized_minor, parts_minor } => {
            let id = merchant.authorized(*authorized_minor).await.id();
            for part_minor in parts_minor {
                let body = json!({ "amount": cny(*part_minor), "final": false });
                let capture = merchant.capture(&id, &body).send().await.expect(201);
                assert_eq!(capture["status"], "succeeded", "{}", capture.text);
            }
            merchant.client.call("POST", &format!("/v1/payments/{id}/void")).send().await.expect(200);
            Some(merchant.payment_in(&id, "succeeded").await.id())
        }
        Deed::Refund { payment, amount_minor, outcome } => {
            let answer: Answer = merchant.refund(payment, Some(*amount_minor), Some(outcome)).send().await;
            // More than what remains, or than what the merchant has: refused, and no line of it.
            assert!(matches!(answer.status, 201 | 422), "{}", answer.text);
            None
        }
    }
}

#[allow(clippy::disallowed_methods)] // every run lives another month; the seed is printed
fn seed() -> u64 {
    let asked = std::env::var("FEIQIAN_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    asked.unwrap_or_else(|| u64::from(now.subsec_nanos()))
}

#[test]
fn r42_a_month_of_random_life_adds_up_in_every_form() {
    let seed = seed();
    println!("FEIQIAN_TEST_SEED={seed}");
    on_own(&[], async |server| {
        let price = Price { refund_fee: "15", ..Price::default() };
        let merchant = Merchant::with(server, price, &["--debt-limit", "100000"]).await;
        let first = day(&merchant, 0).await;
        let mut life = Life { merchant: &merchant, dice: Dice(seed), paid: Vec::new() };
        life.paid.push(merchant.paid(30_000).await.id());
        for _ in 0..DAYS {
            life.live_a_day().await;
            merchant.advance(DAY_S).await;
        }
        until("end of all refunds", || async {
            let pending = merchant.all("/v1/refunds?status=pending").await;
            pending.is_empty().then_some(())
        })
        .await;
        advance_past_midnight(&merchant, 60).await;
        let Credentials::Bearer(token) = &merchant.client.credentials else { panic!("a bearer") };
        let input = json!({
            "base_url": server.public_url(), "token": token, "merchant": merchant.id, "first": first,
            "last": day(&merchant, -1).await, "zone": "Asia/Shanghai",
            "database": server.data_dir().join("feiqian.db").display().to_string(),
        });
        let judged = tokio::task::spawn_blocking(move || python::run("statements_month.py", &input));
        let judged: Value = judged.await.expect("the judge ends");
        assert_eq!(judged["wrong"], json!([]), "seed {seed}");
        // A judge that looked at nothing would find nothing.
        let counted = |name: &str| judged[name].as_i64().expect("a number");
        assert!(
            counted("days") > DAYS && counted("movements") > 60 && counted("trade_lines") > 30,
            "{judged}"
        );
        assert_eq!(counted("files"), counted("days") * 2 * 4);
        assert!(text(&judged, "month_total").parse::<i64>().expect("minor units") != 0);
    });
}
