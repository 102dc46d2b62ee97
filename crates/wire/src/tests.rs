//! Shapes as JSON, on a payment that is as large as the limits on inputs allow.

use crate::{EVENT_BODY_MAX_BYTES, EventHead, event_body, render};
use domain::attempt::{self, Attempt};
use domain::channel::{Action, Failure};
use domain::event::{Event, Type};
use domain::id::{AttemptId, ChannelAccountId, EventId, MerchantId, PaymentId, PriceId, Shard, World};
use domain::job::Job;
use domain::payment::{CaptureMode, Details, Payment, Personal, Scene, Status};
use domain::{Id, Uid};
use money::{Amount, Currency};
use serde_json::{Value, json};
use std::sync::Arc;

fn id<I: Id>(random: u64) -> I {
    I::from_uid(Uid::new(1_795_595_400_000, Shard(1), random))
}

fn failure() -> Failure {
    Failure {
        code: "declined".to_owned(),
        message: "The payer's bank declined.".to_owned(),
        channel_code: Some("51".to_owned()),
        channel_message: None,
        retryable: true,
    }
}

fn attempt() -> Attempt {
    Attempt {
        id: id::<AttemptId>(2),
        payment: id(1),
        merchant: id(3),
        acting_key: None,
        status: attempt::Status::Failed,
        method: "sandbox".to_owned(),
        scene: Scene::QrCode,
        channel_account: id::<ChannelAccountId>(4),
        amount: Amount::new(1_250, Currency::CNY),
        channel_trade_no: Some("T1".to_owned()),
        failure: Some(failure()),
        sandbox_outcome: None,
        taken: None,
        bill_date: None,
        held_minor: 0,
        sent_back_minor: 0,
        contradiction: None,
        job: Job::default(),
        created_at_us: 0,
        updated_at_us: 1_000,
        sequence: 2,
    }
}

fn payment(details: Details) -> Payment {
    Payment {
        id: id::<PaymentId>(1),
        merchant: id::<MerchantId>(3),
        merchant_order_no: "order-1".to_owned(),
        status: Status::Succeeded,
        status_reason: None,
        amount: Amount::new(1_250, Currency::CNY),
        authorized_minor: 0,
        capturing_minor: 0,
        captured_minor: 1_250,
        refunded_minor: 250,
        refunding_minor: 0,
        fee_minor: Some(8),
        fee_returned_minor: 0,
        cost_minor: 0,
        cost_returned_minor: 0,
        method: "sandbox".to_owned(),
        scene: Scene::QrCode,
        capture_mode: CaptureMode::Automatic,
        price: id::<PriceId>(5),
        expires_at_us: 60_000_000,
        authorization_expires_at_us: None,
        ending: None,
        ended_by: None,
        next_action: Some(Action::QrCode { text: "https://pay.example/q".to_owned() }),
        failure: Some(failure()),
        latest_attempt: None,
        open_attempt: None,
        paid_attempt: None,
        available_on: None,
        created_at_us: 0,
        updated_at_us: 1_000,
        authorized_at_us: None,
        paid_at_us: Some(2_000),
        closed_at_us: None,
        sequence: 4,
        details: Arc::new(details),
    }
}

fn head() -> EventHead<'static> {
    EventHead {
        id: id::<EventId>(16),
        kind: Type::PaymentSucceeded,
        created_at_us: 2_000,
        world: World::Sandbox,
        merchant: id(3),
        previous_status: Some("processing"),
        sequence: 4,
    }
}

#[test]
fn a_payment_shows_every_documented_field() {
    let details =
        Details {
            subject: "茶".to_owned(), metadata: Some(r#"{"a":"1"}"#.to_owned()), ..Details::default()
        };
    let (payment, attempt) = (payment(details), attempt());
    let shown = serde_json::to_value(render::payment(&payment, Some(&attempt), World::Sandbox)).unwrap();
    for field in "id object world merchant created_at updated_at sequence merchant_order_no status status_reason \
                  amount amount_captured amount_refunded refund_status fee net method scene capture_mode subject \
                  description goods metadata payer client_ip device store terminal notify_url return_url expires_at \
                  next_action failure latest_attempt price_version authorized_at paid_at closed_at \
                  authorization_expires_at"
        .split_whitespace()
    {
        assert!(shown.get(field).is_some(), "{field}");
    }
    assert_eq!(shown["amount"], json!({"value": 1250, "currency": "CNY"}));
    assert_eq!((&shown["fee"]["value"], &shown["net"]["value"]), (&json!(8), &json!(1242)));
    assert_eq!(shown["refund_status"], "partial");
    assert_eq!(shown["metadata"], json!({"a": "1"}));
    assert_eq!(shown["goods"], Value::Null);
    assert_eq!(
        shown["next_action"],
        json!({"type": "qr_code", "text": "https://pay.example/q", "expires_at": "1970-01-01T00:01:00.000Z"})
    );
    assert_eq!(shown["latest_attempt"].get("payment"), None);
    assert_eq!(shown["latest_attempt"]["failure"]["code"], "declined");
    let alone = serde_json::to_value(render::attempt(&attempt, World::Sandbox)).unwrap();
    assert_eq!(alone["payment"], payment.id.to_string());
    assert!(shown.get("refunds").is_none(), "expansions only where asked for");
}

#[test]
fn an_event_carries_the_object_and_the_list_shows_what_was_sent() {
    let payment = payment(Details { subject: "tea".to_owned(), ..Details::default() });
    let body = event_body(&head(), &render::payment(&payment, None, World::Sandbox));
    let parsed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(parsed["type"], "payment.succeeded");
    assert_eq!(parsed["timestamp"], "1970-01-01T00:00:00.002Z");
    assert_eq!(parsed["data"]["object"]["status"], "succeeded");
    assert_eq!(parsed["data"]["previous_status"], "processing");
    let event = Event {
        seq: 9,
        id: id(16),
        merchant: id(3),
        kind: Type::PaymentSucceeded,
        object: payment.id.uid(),
        object_sequence: 4,
        created_at_us: 2_000,
        body,
        is_personal: false,
        deliveries: Vec::new(),
    };
    let row = serde_json::to_value(render::event(&event, World::Sandbox)).unwrap();
    assert_eq!(row["data"], parsed["data"]);
    assert_eq!((&row["object"], &row["sequence"]), (&json!("event"), &json!(1)));
}

/// The sum of the limits on inputs (api's `limits`), each text filled with what grows most when written as JSON.
#[test]
fn the_largest_payment_fits_an_event() {
    let fill = |bytes: usize| format!("[\"{}\"]", "x".repeat(bytes - 4));
    let details = Details {
        subject: "😀".repeat(127),
        description: Some("😀".repeat(255)),
        goods: Some(fill(4_096)),
        metadata: Some(fill(8_192)),
        payer: Some(Personal(fill(1_024))),
        client_ip: Some(Personal("2001:0db8:85a3:0000:0000:8a2e:0370:7334".to_owned())),
        device: Some(Personal(fill(512))),
        store: Some("😀".repeat(64)),
        terminal: Some("😀".repeat(64)),
        notify_url: Some(format!("https://{}", "n".repeat(504))),
        return_url: Some(format!("https://{}", "r".repeat(504))),
        ..Details::default()
    };
    let (payment, attempt) = (payment(details), attempt());
    let body = event_body(&head(), &render::payment(&payment, Some(&attempt), World::Sandbox));
    assert!(body.len() <= EVENT_BODY_MAX_BYTES - 1_000, "{} bytes", body.len());
}
