//! The main job, once, through the HTTP API: paid, told, partly refunded, and every cent on its account.

use super::receiver::Receiver;
use crate::client::Client;
use crate::client::fields::{money, rows, text};
use crate::output::line;
use anyhow::{Context, Result, bail};
use fast_qr::{ECL, QRBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// The order that is paid and partly refunded.
pub(super) const ORDER_NO: &str = "demo-0001";
/// How long an object may take to reach its end.
const END_MAX: Duration = Duration::from_secs(20);

/// Registers the receiver.
pub(super) async fn register(client: &Client, receiver: &Receiver) -> Result<()> {
    let input = json!({"url": receiver.url(), "events": ["*"]});
    let made = client.post("/v1/webhook_endpoints", &input, Some("demo-endpoint")).await?;
    receiver.trust(text(&made.body, "/secret"))
}

/// Pays by bar code, waits for the webhook, refunds a part, shows balance and ledger.
pub(super) async fn main_job(client: &Client, receiver: &Receiver) -> Result<()> {
    line("\n1 A payment at the counter 付款码收款");
    let order = json!({
        "merchant_order_no": ORDER_NO,
        "amount": {"value": 10_000, "currency": "CNY"},
        "method": "sandbox",
        "scene": "bar_code",
        "auth_code": "134567890123456789",
        "subject": "Longjing tea 龙井",
    });
    let made = client.post("/v1/payments", &order, None).await?;
    let id = text(&made.body, "/id").to_owned();
    line(&format!("  POST /v1/payments → {} {id}", made.status));
    let paid = until(client, &format!("/v1/payments/{id}"), "succeeded").await?;
    line(&format!(
        "  {} {}   fee {}   net {}",
        money(&paid, "/amount"),
        text(&paid, "/status"),
        money(&paid, "/fee"),
        money(&paid, "/net")
    ));
    receiver.wait_for("payment.succeeded", &id).await?;

    line("2 A part goes back 部分退款");
    let refund = json!({"merchant_refund_no": "demo-back-1", "payment": id, "amount": {"value": 3_000, "currency": "CNY"}});
    let made = client.post("/v1/refunds", &refund, None).await?;
    let refund_id = text(&made.body, "/id").to_owned();
    let done = until(client, &format!("/v1/refunds/{refund_id}"), "succeeded").await?;
    line(&format!(
        "  POST /v1/refunds → {} {refund_id} {} {}   fee given back {}",
        made.status,
        money(&done, "/amount"),
        text(&done, "/status"),
        money(&done, "/fee_returned"),
    ));
    receiver.wait_for("refund.succeeded", &refund_id).await?;

    line("3 Every cent on its account 余额与分录");
    let balances = client.get("/v1/balances").await?.body;
    for balance in rows(&balances) {
        line(&format!(
            "  balance {}   pending 待结算 {}   available 可用 {}",
            text(balance, "/currency"),
            money(balance, "/pending"),
            money(balance, "/available")
        ));
    }
    for path in [format!("/v1/payments/{id}/ledger"), format!("/v1/refunds/{refund_id}/ledger")] {
        for entry in rows(&client.get(&path).await?.body) {
            let words = (
                text(entry, "/side"),
                money(entry, "/amount"),
                text(entry, "/category"),
                text(entry, "/account"),
            );
            line(&format!("    {:<6} {:>12}  {:<10} {}", words.0, words.1, words.2, words.3));
        }
    }
    Ok(())
}

/// A payment for whoever watches to pay by hand.
pub(super) async fn to_try(client: &Client, public_url: &str, lan: bool) -> Result<()> {
    let order = json!({
        "merchant_order_no": "demo-0002",
        "amount": {"value": 1_800, "currency": "CNY"},
        "method": "sandbox",
        "scene": "qr_code",
        "subject": "A cup of tea 一杯茶",
    });
    let made = client.post("/v1/payments", &order, None).await?.body;
    let waiting = until(client, &format!("/v1/payments/{}", text(&made, "/id")), "requires_action").await?;
    let page = text(&waiting, "/next_action/text").to_owned();
    if !page.starts_with(public_url) {
        bail!("the payment has no payer's page: {}", waiting.pointer("/next_action").unwrap_or(&Value::Null));
    }
    let reach = if lan {
        "scan it with a phone in this network 手机扫码"
    } else {
        "open it; with --lan a phone can scan it"
    };
    line(&format!("4 Pay this one yourself 请您付款: {} {page}\n  {reach}", money(&waiting, "/amount")));
    let code = QRBuilder::new(page).ecl(ECL::L).build().ok().context("the page's address fits no QR code")?;
    for row in code.to_str().lines() {
        line(&format!("  {row}"));
    }
    Ok(())
}

/// Reads an object until it has a status; one that can't be left without it is an error.
async fn until(client: &Client, path: &str, wanted: &str) -> Result<Value> {
    let began = Instant::now();
    loop {
        let object = client.get(path).await?.body;
        let status = text(&object, "/status");
        if status == wanted {
            return Ok(object);
        }
        if matches!(status, "failed" | "closed") || began.elapsed() > END_MAX {
            bail!("{path} is {status}, not {wanted}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
