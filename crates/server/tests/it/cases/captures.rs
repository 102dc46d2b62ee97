//! Captures: R12, R13, R15, R30.

use crate::harness::books::{Books, bare};
use crate::harness::callback::{Channel, paid};
use crate::harness::merchant::{Price, text};
use crate::harness::{Merchant, cny, on_shared, until};
use channels::sandbox::{CAPTURE_LOSES_ANSWER_MINOR, CallbackBody, CallbackKind, CallbackState};
use serde_json::json;

/// 60 and 60 of 100 at once: one is accepted.
#[test]
fn r12_two_captures_of_sixty_on_one_hundred() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for _ in 0..4 {
            let id = merchant.authorized(10_000).await.id();
            let sixty = json!({ "amount": cny(6_000) });
            let (one, two) =
                tokio::join!(merchant.capture(&id, &sixty).send(), merchant.capture(&id, &sixty).send());
            let mut statuses = [one.status, two.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 422], "{} {}", one.text, two.text);
            let refused = if one.status == 422 { one } else { two };
            refused.expect_problem(422, "capture_exceeds_authorized");
            let open =
                merchant.payment_when(&id, "captured 60", |p| p["amount_captured"]["value"] == 6_000).await;
            assert_eq!((&open["status"], &open["fee"]["value"]), (&json!("authorized"), &json!(36)));
            let void =
                merchant.client.call("POST", &format!("/v1/payments/{id}/void")).send().await.expect(200);
            assert_ne!(void["status"], "failed");
            let ended = merchant.payment_in(&id, "succeeded").await;
            assert_eq!(
                (&ended["status_reason"], &ended["amount_captured"]["value"]),
                (&json!("voided"), &json!(6_000))
            );
        }
        assert_eq!(merchant.worth().await, 4 * (6_000 - 36));
        let books = Books::open(server);
        let memo = "SELECT count(*) FROM (SELECT dim, currency FROM journal_entry WHERE code IN (9010, 9020) GROUP BY code, dim, currency HAVING sum(amount_minor) <> 0) AS held";
        let held = books.number(memo, []);
        let authorized = books.number("SELECT 2 * count(*) FROM payment WHERE status = 'authorized'", []);
        assert_eq!(held, authorized, "memo accounts are zero when nothing is authorized any more");
    });
}

/// A capture's answer is lost: asked for, booked once; the notice that comes long after changes nothing.
#[test]
fn r13_a_capture_times_out_and_its_notice_comes_late() {
    on_shared(async |server| {
        let (merchant, channel) = (Merchant::new(server).await, Channel::of(server));
        let made = merchant.authorized(500_000).await;
        let (id, attempt) = (made.id(), text(&made["latest_attempt"], "id"));
        let body = json!({ "amount": cny(CAPTURE_LOSES_ANSWER_MINOR), "final": true });
        let capture = merchant.capture(&id, &body).send().await.expect(201);
        assert_eq!(capture["status"], "pending", "{}", capture.text);
        let paid_payment = merchant.payment_in(&id, "succeeded").await;
        assert_eq!(paid_payment["amount_captured"]["value"], CAPTURE_LOSES_ANSWER_MINOR);
        let captures = merchant.all(&format!("/v1/payments/{id}/captures")).await;
        assert_eq!((captures.len(), &captures[0]["status"]), (1, &json!("succeeded")));
        let before = Books::open(server).posting_kinds_of(&id);
        let notice = CallbackBody {
            kind: CallbackKind::Capture,
            capture_no: Some(bare(&capture.id())),
            state: CallbackState::Succeeded,
            ..paid(&attempt, CAPTURE_LOSES_ANSWER_MINOR)
        };
        channel.post(&notice).send().await.expect(200);
        channel.post(&notice).send().await.expect(200);
        assert_eq!(Books::open(server).posting_kinds_of(&id), before);
        assert_eq!(merchant.event_types(&capture.id()).await, ["capture.succeeded"]);
    });
}

/// 2.50 taken as 1.25, 1.13 and 0.12, and 0.20 as twenty times 0.01: the fees of the parts sum to the fee of the whole, whichever
/// part bears the odd unit, and so does what refunds of the same parts give back.
#[test]
fn r30_parts_bear_the_fee_of_the_whole() {
    on_shared(async |server| {
        for (rate, whole, parts, fees) in [
            ("10.00", 250, vec![125, 113, 12], vec![13, 11, 1]),
            ("50.00", 20, vec![1; 20], [1, 0].repeat(10)),
        ] {
            let merchant = Merchant::with(server, Price { rate, ..Price::default() }, &[]).await;
            let id = merchant.authorized(whole).await.id();
            let mut taken = 0;
            for part in &parts {
                merchant.capture(&id, &json!({ "amount": cny(*part) })).send().await.expect(201);
                taken += part;
                merchant.payment_when(&id, "captured", |p| p["amount_captured"]["value"] == taken).await;
            }
            let payment = merchant.payment_in(&id, "succeeded").await;
            let fee: i64 = fees.iter().sum();
            assert_eq!((taken, &payment["fee"]["value"]), (whole, &json!(fee)), "{}", payment.text);
            let mut lines = merchant.all(&format!("/v1/balance_transactions?source={id}&category=fee")).await;
            lines.reverse();
            let booked: Vec<i64> = lines.iter().filter_map(|line| line["amount"]["value"].as_i64()).collect();
            let charged: Vec<i64> = fees.iter().filter(|fee| **fee != 0).map(|fee| -fee).collect();
            assert_eq!(booked, charged, "{whole} at {rate} %");
            let mut given_back = 0;
            for part in &parts {
                let refund = merchant.refund(&id, Some(*part), None).send().await.expect(201).id();
                given_back += merchant.refund_in(&refund, "succeeded").await["fee_returned"]["value"]
                    .as_i64()
                    .expect("a number");
            }
            assert_eq!((given_back, merchant.worth().await), (fee, 0));
        }
    });
}

/// Amounts that are none have their own code, for payments, captures and refunds alike.
#[test]
fn r15_amounts_that_are_none() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let authorized = merchant.authorized(10_000).await.id();
        let paid = merchant.paid(10_000).await.id();
        let captures = format!("/v1/payments/{authorized}/captures");
        let values = [
            "0",
            "-1",
            "-9223372036854775808",
            "9223372036854775807",
            "9007199254740992",
            "100.0",
            "1e2",
            "12.5",
            "true",
            "\"100\"",
            "[]",
            "123456789012345678901234567890",
        ];
        for value in values {
            let amount = format!(r#""amount":{{"value":{value},"currency":"CNY"}}"#);
            let order = format!(
                r#"{{"merchant_order_no":"R15","method":"sandbox","scene":"qr_code","subject":"tea",{amount}}}"#
            );
            let refund = format!(r#"{{"payment":"{paid}","merchant_refund_no":"R15",{amount}}}"#);
            for (path, body) in [
                ("/v1/payments", order),
                (captures.as_str(), format!("{{{amount}}}")),
                ("/v1/refunds", refund),
            ] {
                let call = merchant.client.call("POST", path).bytes("application/json", body.into_bytes());
                let refused =
                    call.key(&merchant.next_no("k")).send().await.expect_problem(400, "amount_invalid");
                assert_eq!(refused.pointer(), "/amount/value", "{path} {value}: {}", refused.text);
            }
        }
        for (currency, code) in
            [("cny", "currency_unknown"), ("xyz", "currency_unknown"), ("XYZ", "currency_unknown")]
        {
            let mut order = merchant.order("qr_code", 1, None);
            order["amount"]["currency"] = json!(currency);
            merchant.create(&order).send().await.expect_problem(400, code);
        }
        let tail = merchant.all("/v1/refunds").await;
        assert!(tail.is_empty(), "{tail:?}");
        until("unchanged authorization", || async {
            (merchant.payment(&authorized).await["amount_captured"]["value"] == 0).then_some(())
        })
        .await;
    });
}
