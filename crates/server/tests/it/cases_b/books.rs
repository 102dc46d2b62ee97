//! R35, R46, R66: many at once, fees above the amount, three refunds against one.

use crate::harness::books::{Books, uid};
use crate::harness::merchant::text;
use crate::harness::{Merchant, Price, on_shared};
use futures::future::join_all;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// R35: fifty clients at once: fifty bodies, fifty ids, fifty rows.
#[test]
fn r35_fifty_clients_create_at_once() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let orders: Vec<_> =
            (0..50).map(|n| merchant.order("bar_code", 1_000 + n, Some("succeed"))).collect();
        let answers = join_all(orders.iter().map(|order| merchant.create(order).send())).await;
        for (answer, order) in answers.iter().zip(&orders) {
            assert_eq!(answer.status, 201, "{}", answer.text);
            assert_eq!(answer["merchant_order_no"], order["merchant_order_no"], "each hears of its own");
            assert_eq!(answer["amount"], order["amount"]);
        }
        let ids: BTreeSet<String> = answers.iter().map(|answer| answer.id()).collect();
        let attempts: BTreeSet<String> =
            answers.iter().map(|answer| text(&answer["latest_attempt"], "id")).collect();
        let requests: BTreeSet<&str> = answers.iter().map(|answer| answer.header("request-id")).collect();
        assert_eq!((ids.len(), attempts.len(), requests.len()), (50, 50, 50));
        for id in &ids {
            merchant.payment_in(id, "succeeded").await;
        }
        let listed: BTreeSet<String> =
            merchant.all("/v1/payments").await.iter().map(|row| text(row, "id")).collect();
        assert_eq!(listed, ids);
        let fees: i64 = merchant
            .all("/v1/payments")
            .await
            .iter()
            .map(|row| row["fee"]["value"].as_i64().expect("a fee"))
            .sum();
        assert_eq!(merchant.worth().await, (1_000..1_050).sum::<i64>() - fees);
    });
}

/// R46: the price's rule holds also where its fixed part is above the amount: the merchant owes the rest, nothing is credited
/// below zero and nothing is tried for ever.
#[test]
fn r46_a_fixed_fee_above_the_amount() {
    on_shared(async |server| {
        let merchant =
            Merchant::with(server, Price { rate: "0.60", fixed: "100", refund_fee: "returned" }, &[]).await;
        let payment = merchant.paid(30).await;
        assert_eq!(
            (&payment["fee"]["value"], &payment["net"]["value"]),
            (&json!(100), &json!(-70)),
            "{}",
            payment.text
        );
        assert_eq!(merchant.worth().await, -70);
        for bucket in ["pending", "available", "owed"] {
            assert!(merchant.bucket(bucket).await >= 0, "{bucket} is below zero");
        }
        assert_eq!(Books::open(server).postings_of(&payment.id()), 1);
        // It gives 30 out and gets its 100 back.
        let refund = merchant.refund(&payment.id(), None, None).send().await.expect(201).id();
        let refund = merchant.refund_in(&refund, "succeeded").await;
        assert_eq!(refund["fee_returned"]["value"], 100);
        assert_eq!(merchant.worth().await, 0);
        merchant.paid(100_000).await;
        assert_eq!(merchant.bucket("owed").await, 0, "the next sale pays it back");
    });
}

/// Lines by account number of everything that a merchant's transactions booked, whoever owns the account.
fn lines(books: &Books, merchant: &str) -> BTreeMap<String, String> {
    let sql = "SELECT e.code || ' ' || sum(e.amount_minor) FROM journal_entry e JOIN journal_tx t ON t.shard = e.shard AND t.seq = e.seq
               WHERE t.merchant = ?1 GROUP BY e.code ORDER BY e.code";
    let rows = books.texts(sql, [uid(merchant).0]);
    rows.into_iter()
        .map(|row| row.split_once(' ').map(|(code, sum)| (code.to_owned(), sum.to_owned())).expect("two"))
        .collect()
}

/// R66: 33.33 + 33.33 + 33.34 against one refund of 100, at several prices: the same fee comes back, nothing is left behind.
#[test]
fn r66_three_refunds_against_one() {
    on_shared(async |server| {
        for (rate, fixed, refund_fee) in [
            ("0.60", "0", "returned"),
            ("0.38", "1", "returned"),
            ("2.90", "30", "returned"),
            ("0.01", "0", "returned"),
            ("1.00", "7", "kept"),
            ("33.33", "0", "returned"),
        ] {
            let price = Price { rate, fixed, refund_fee };
            // What a kept fee leaves open may be owed.
            let options = ["--debt-limit", "100000"];
            let (thrice, once) = (
                Merchant::with(server, price, &options).await,
                Merchant::with(server, price, &options).await,
            );
            let (first, second) = (thrice.paid(10_000).await, once.paid(10_000).await);
            let fee = first["fee"]["value"].as_i64().expect("a fee");
            let mut returned = 0;
            for minor in [3_333, 3_333, 3_334] {
                let refund = thrice.refund(&first.id(), Some(minor), None).send().await.expect(201).id();
                let refund = thrice.refund_in(&refund, "succeeded").await;
                returned += refund["fee_returned"]["value"].as_i64().expect("a fee");
            }
            let refund = once.refund(&second.id(), None, None).send().await.expect(201).id();
            let refund = once.refund_in(&refund, "succeeded").await;
            let expected = if refund_fee == "returned" { fee } else { 0 };
            assert_eq!(
                (returned, &refund["fee_returned"]["value"]),
                (expected, &json!(expected)),
                "{price:?}"
            );
            assert_eq!(
                (thrice.worth().await, once.worth().await),
                (expected - fee, expected - fee),
                "{price:?}"
            );
            let books = Books::open(server);
            let (by_three, by_one) = (lines(&books, &thrice.id), lines(&books, &once.id));
            assert_eq!(by_three, by_one, "{price:?}: an account that three refunds leave otherwise than one");
            if refund_fee == "returned" {
                let left: Vec<_> = by_three.iter().filter(|(_, sum)| *sum != "0").collect();
                assert!(left.is_empty(), "{price:?}: residue {left:?}");
            }
            let payment = thrice.payment(&first.id()).await;
            assert_eq!((&payment["refund_status"], &payment["fee"]["value"]), (&json!("full"), &json!(fee)));
        }
    });
}
