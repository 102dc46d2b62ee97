//! Every partner, every merchant, every route.

use super::cast::{Cast, Stock};
use super::routes::{Row, WHOAMI, rows};
use crate::cases_b::untouched::Picture;
use crate::harness::{Answer, Client, Merchant, Receiver, on_own};
use serde_json::Value;

/// Sends a row's request about a merchant's stock, with these lines of `Feiqian-Merchant`.
pub async fn ask(
    client: &Client,
    named: &[&str],
    row: &Row,
    merchant: &Merchant<'_>,
    stock: &Stock,
) -> Answer {
    let body = row.body_of(merchant, stock);
    ask_with(client, named, row, (&row.path_of(stock), body), &merchant.next_no("matrix")).await
}

/// Sends a row's request with this path and body.
pub async fn ask_with(
    client: &Client,
    named: &[&str],
    row: &Row,
    (path, body): (&str, Option<Value>),
    key: &str,
) -> Answer {
    let mut call = client.call(row.method, path);
    if let Some(body) = body {
        call = call.json(&body);
    }
    if row.method == "POST" {
        call = call.key(key);
    }
    for line in named {
        call = call.header("feiqian-merchant", line);
    }
    call.send().await
}

/// Every object in the answer is the merchant's.
#[track_caller]
pub fn all_of(merchant: &str, answer: &Answer, what: &str) {
    let rows = answer["data"].as_array().cloned().unwrap_or_else(|| vec![answer.json.clone()]);
    for row in rows {
        let owner = row.get("merchant").or_else(|| row.pointer("/data/merchant"));
        assert!(owner.is_none_or(|owner| owner == merchant), "{what}: {row}");
    }
}

#[test]
fn a_partner_does_for_its_merchants_what_they_may_do_themselves() {
    on_own(&[], async |server| {
        let (cast, receiver) = (Cast::new(server).await, Receiver::start().await);
        let rows = rows(server).await;
        for (partner, merchant) in cast.served() {
            let stock = Stock::of(merchant, &receiver).await;
            for row in rows {
                let answer = ask(&partner.client, &[&merchant.id], row, merchant, &stock).await;
                let what = format!("{} {} for {}", row.method, row.path, merchant.id);
                assert_eq!(answer.status, row.status, "{what}: {}", answer.text);
                assert_eq!(answer.header("feiqian-world"), "sandbox", "{what}");
                all_of(&merchant.id, &answer, &what);
            }
            let whoami = partner.acting(&merchant.id, "GET", WHOAMI).send().await.expect(200);
            let shown = [&whoami["merchant"], &whoami["partner"], &whoami["key"]];
            assert_eq!(
                shown,
                [&merchant.id, &partner.id, &partner.key].map(|id| Value::from(id.as_str())).each_ref()
            );
        }
        // With its own key a merchant may name itself, and needs not.
        let stock = Stock::of(&cast.a1, &receiver).await;
        for row in rows.iter().filter(|row| row.method == "GET") {
            for named in [&[][..], &[cast.a1.id.as_str()]] {
                ask(&cast.a1.client, named, row, &cast.a1, &stock).await.expect(200);
            }
        }
        let whoami = cast.a1.client.get(WHOAMI).await.expect(200);
        assert!(whoami["partner"].is_null(), "its own key is no partner's: {}", whoami.text);
    });
}

#[test]
fn a_partner_reaches_nobody_elses_merchant() {
    on_own(&[], async |server| {
        let (cast, receiver) = (Cast::new(server).await, Receiver::start().await);
        let rows = rows(server).await;
        let mut stocks = Vec::new();
        for merchant in [&cast.a1, &cast.a2, &cast.n1, &cast.b1, &cast.u] {
            stocks.push((merchant, Stock::of(merchant, &receiver).await));
        }
        let stock_of = |id: &str| &stocks.iter().find(|(merchant, _)| merchant.id == id).expect("a stock").1;
        for (merchant, _) in &stocks {
            crate::cases_b::endpoints::all_told(merchant).await;
        }
        let before = Picture::of(server);
        for row in rows {
            let route = format!("{} {}", row.method, row.path);
            let mut pages = Vec::new();
            let mut refused = |answer: Answer, what: String| {
                assert_eq!(
                    (answer.status, answer.code()),
                    (403, "merchant_not_permitted"),
                    "{what}: {}",
                    answer.text
                );
                let answer = answer.expect_problem(403, "merchant_not_permitted");
                pages.push((answer["title"].clone(), answer["detail"].clone(), answer["errors"].clone()));
            };
            for (partner, merchant) in cast.foreign() {
                let answer =
                    ask(&partner.client, &[&merchant.id], row, merchant, stock_of(&merchant.id)).await;
                refused(answer, format!("{route}: {} for {}", partner.id, merchant.id));
            }
            // What does not exist, what is no id, and more than one look the same.
            let own = &cast.a1.id;
            let unknown = format!("{}000000", &own[..own.len() - 6]);
            let twice = [own.as_str(), own];
            for named in [&[unknown.as_str()][..], &["mch_7"], &[""], &[&cast.p.id], &["*"], &twice] {
                let answer = ask(&cast.p.client, named, row, &cast.a1, stock_of(own)).await;
                refused(answer, format!("{route}: {named:?}"));
            }
            // A merchant's own key is for that merchant, also where both have the same partner.
            let answer = ask(&cast.a1.client, &[&cast.a2.id], row, &cast.a2, stock_of(&cast.a2.id)).await;
            refused(answer, format!("{route}: one merchant for another"));
            assert!(pages.iter().all(|page| *page == pages[0]), "{route} tells them apart: {pages:?}");
            if row.path != WHOAMI {
                let nobody = ask(&cast.p.client, &[], row, &cast.a1, stock_of(own)).await;
                let nobody = nobody.expect_problem(403, "merchant_not_permitted");
                assert!(nobody["detail"].as_str().is_some_and(|detail| detail.contains("Feiqian-Merchant")));
            }
            // Served by the partner, and still not this merchant's: its objects are not found.
            if row.has_object() {
                let answer = ask(&cast.p.client, &[own], row, &cast.a1, stock_of(&cast.a2.id)).await;
                assert_eq!(answer.status, 404, "{route}: {}", answer.text);
            }
            before.assert_same(server, &route);
        }
        let order_no = cast.a2.payment(stock_of(&cast.a2.id).id("paid")).await["merchant_order_no"].clone();
        let refund = serde_json::json!({ "merchant_order_no": order_no, "merchant_refund_no": "THEIRS" });
        let refund = cast.p.acting(&cast.a1.id, "POST", "/v1/refunds").json(&refund).send().await;
        refund.expect_problem(404, "payment_not_found");
        before.assert_same(server, "a refund of the other merchant's payment");
    });
}
