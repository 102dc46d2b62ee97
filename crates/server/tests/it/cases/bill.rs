//! The books against the channel's bill: date by date, 1110 is what it took and 2120 what it charges.

use crate::harness::books::{Books, ByDay};
use crate::harness::{Merchant, Price, Server, cny, on_own, until};
use futures::future::join_all;
use serde_json::{Value, json};

/// Everything that a channel's bill can show, over several of the merchants' days.
async fn live(merchant: &Merchant<'_>) {
    let (paid, failing, thirds) =
        (merchant.paid(12_345).await, merchant.paid(40_000).await, merchant.paid(10_000).await);
    for outcome in ["timeout", "answer_late", "callback_twice", "callback_first", "contradict", "decline"] {
        merchant.create(&merchant.order("bar_code", 5_555, Some(outcome))).send().await.expect(201);
    }
    let waiting = merchant.waiting(8_888, None).await.id();
    merchant.pay(&waiting, None).send().await.expect(200);
    let authorized = merchant.authorized(1_000_000).await.id();
    for minor in [100_001, 400_203] {
        merchant.capture(&authorized, &json!({ "amount": cny(minor) })).send().await.expect(201);
    }
    merchant.refund(&paid.id(), Some(2_345), None).send().await.expect(201);
    merchant.refund(&paid.id(), None, Some("lose_answer")).send().await.expect(201);
    merchant.refund(&failing.id(), None, Some("fail")).send().await.expect(201);
    merchant.advance(86_400).await;
    for minor in [3_333, 3_333] {
        merchant.refund(&thirds.id(), Some(minor), None).send().await.expect(201);
    }
    merchant.advance(86_400).await;
    merchant.refund(&thirds.id(), None, None).send().await.expect(201);
    let late = merchant.waiting(7_000, Some("pay_after_close")).await.id();
    merchant.pay(&late, None).send().await.expect(200);
    merchant.client.call("POST", &format!("/v1/payments/{late}/close")).send().await.expect(200);
    merchant.payment_when(&authorized, "captured", |p| p["amount_captured"]["value"] == 500_204).await;
    merchant.client.call("POST", &format!("/v1/payments/{authorized}/void")).send().await.expect(200);
    // Held for a person, who sends it back.
    let other = merchant
        .create(&merchant.order("bar_code", 9_000, Some("other_amount")))
        .send()
        .await
        .expect(201)
        .id();
    merchant.payment_when(&other, "held", |p| p["status_reason"] == "amount_mismatch").await;
    merchant.server.cli(&["payment", "resolve", "--payment", &other, "--send-back"]);
    merchant.create(&merchant.order("bar_code", 9_000, Some("other_currency"))).send().await.expect(201);
    until("end of everything that moves", || async {
        let books = Books::open(merchant.server);
        let open = books.number("SELECT count(*) FROM refund WHERE status = 'pending'", [])
            + books.number("SELECT count(*) FROM capture WHERE status = 'pending'", [])
            + books.number("SELECT count(*) FROM attempt WHERE status IN ('created', 'unknown', 'requires_action') OR (status = 'processing' AND held_minor = 0)", []);
        (open == 0 && books.number("SELECT count(*) FROM payment WHERE status_reason = 'paid_after_close'", []) > 0).then_some(())
    })
    .await;
    // What fails late is booked by now: the failing refund ended failed.
    until("the failed refund", || async {
        let rows = merchant.all("/v1/refunds?status=failed").await;
        (rows.len() == 1).then_some(())
    })
    .await;
}

/// What the simulator says of one day: (1110, -2120) by (day, currency).
fn of_bill(server: &Server, day: i64, receivable: &mut ByDay, fees: &mut ByDay) -> usize {
    let date = ledger::Day(i32::try_from(day).expect("a day")).to_string();
    let bill = server.cli(&["sandbox", "bill", "--date", &date]);
    assert_eq!(bill["date"], date);
    let rows = bill["rows"].as_array().expect("rows");
    let minor = |money: &Value| money["value"].as_i64().expect("a number");
    for total in bill["totals"].as_array().expect("totals") {
        let currency =
            money::Currency::parse(total["currency"].as_str().expect("a code")).expect("a currency");
        let key = (day, i64::from(currency.numeric()));
        let of_rows = |name: &str| -> i64 {
            rows.iter()
                .filter(|row| row[name]["currency"] == currency.code())
                .map(|row| minor(&row[name]))
                .sum()
        };
        assert_eq!(of_rows("amount"), minor(&total["gross"]) - minor(&total["refunded"]));
        assert_eq!(of_rows("fee"), minor(&total["fee"]));
        receivable.insert(key, of_rows("amount"));
        fees.insert(key, of_rows("fee"));
    }
    receivable.retain(|_, sum| *sum != 0);
    fees.retain(|_, sum| *sum != 0);
    rows.len()
}

/// For every bill date: the rows' sum is the lines on 1110, their fees are 2120.
#[test]
fn bill_rows_are_the_lines_on_1110_and_their_fees_2120() {
    on_own(&[], async |server| {
        let kept = Price { rate: "1.00", fixed: "20", refund_fee: "kept" };
        let charged = Price { rate: "0.38", fixed: "0", refund_fee: "50" };
        let options = ["--debt-limit", "100000"];
        let merchants = join_all([
            Merchant::with(server, Price::default(), &[]),
            Merchant::with(server, kept, &options),
            Merchant::with(server, charged, &options),
        ])
        .await;
        join_all(merchants.iter().map(live)).await;
        let books = Books::open(server);
        let (our_receivable, our_fees) = (books.lines_by_day(1110), books.lines_by_day(2120));
        let days: std::collections::BTreeSet<i64> =
            our_receivable.keys().chain(our_fees.keys()).map(|(day, _)| *day).collect();
        assert!(days.len() >= 3, "{days:?}");
        let (first, last) = (*days.first().unwrap(), *days.last().unwrap());
        let (mut receivable, mut fees) = (ByDay::new(), ByDay::new());
        let rows: usize =
            (first - 2..=last + 2).map(|day| of_bill(server, day, &mut receivable, &mut fees)).sum();
        assert!(rows >= 3 * 14, "{rows}");
        assert_eq!(our_receivable, receivable);
        let our_fees: ByDay = our_fees.into_iter().map(|(key, credit)| (key, -credit)).collect();
        assert_eq!(our_fees, fees);
        assert_eq!(books.total(), 0);
        // Nothing hangs in the accounts that must come to zero, but what is held for a person.
        assert_eq!(books.sum(2130), 0);
        let held = "SELECT coalesce(sum(held_minor), 0) FROM attempt";
        assert_eq!(-books.sum(2910), books.number(held, []));
    });
}
