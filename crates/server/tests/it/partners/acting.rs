//! Every row says whose request made it: the operator sees the key, a merchant its own keys and which partner, a partner its own.

use super::cast::{Cast, Partner};
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, cny, on_own};
use serde_json::{Value, json};

/// (what, acting_key, acting_partner) of the steps that somebody asked for.
fn asked(steps: &Value) -> Vec<(String, Value, Value)> {
    let steps = steps.as_array().expect("steps").iter();
    steps
        .filter(|step| !step["acting_key"].is_null() || !step["acting_partner"].is_null())
        .map(|step| (text(step, "what"), step["acting_key"].clone(), step["acting_partner"].clone()))
        .collect()
}

fn key_of(whoami: &Answer) -> Value {
    whoami["key"].clone()
}

async fn explained(partner: &Partner, merchant: &Merchant<'_>, path: &str) -> Vec<(String, Value, Value)> {
    asked(&partner.acting(&merchant.id, "GET", path).send().await.expect(200)["history"])
}

#[test]
fn whoever_asked_is_told_to_whoever_may_know() {
    on_own(&[], async |server| {
        let cast = Cast::new(server).await;
        let (n1, own_key) = (&cast.n1, key_of(&cast.n1.client.get("/v1/whoami").await));
        let mut order = n1.order("bar_code", 900, Some("succeed"));
        order["capture_mode"] = json!("manual");
        let held = cast.n.acting(&n1.id, "POST", "/v1/payments").json(&order).send().await.expect(201);
        let captures = format!("/v1/payments/{}/captures", held.id());
        let part = json!({ "amount": cny(400), "final": false });
        let by_parent = cast.p.acting(&n1.id, "POST", &captures).json(&part).key("c-1");
        let capture = by_parent.send().await.expect(201).id();
        n1.client.post(&format!("/v1/payments/{}/void", held.id()), &json!({})).send().await.expect(200);
        n1.payment_in(&held.id(), "succeeded").await;
        let refund = json!({ "payment": held.id(), "merchant_refund_no": "R-1", "amount": cny(100) });
        let refund = cast.p.acting(&n1.id, "POST", "/v1/refunds").json(&refund).send().await.expect(201).id();
        n1.refund_in(&refund, "succeeded").await;

        let (n, p) = (Value::from(cast.n.id.as_str()), Value::from(cast.p.id.as_str()));
        let (n_key, p_key) = (Value::from(cast.n.key.as_str()), Value::from(cast.p.key.as_str()));
        let steps = |payment: &Value, attempt: &Value, captured: &Value| {
            vec![(payment.clone(), n.clone()), (attempt.clone(), n.clone()), (captured.clone(), p.clone())]
        };
        let path = format!("/v1/payments/{}/explain", held.id());
        let seen = |history: Vec<(String, Value, Value)>| {
            let mut seen: Vec<(Value, Value)> = history.into_iter().map(|(_, key, by)| (key, by)).collect();
            seen.sort_by_key(|pair| format!("{pair:?}"));
            seen
        };
        let sorted = |mut pairs: Vec<(Value, Value)>| {
            pairs.sort_by_key(|pair| format!("{pair:?}"));
            pairs
        };
        // The merchant learns which partner it was, and no key of the partner's.
        let to_merchant = asked(&n1.client.get(&path).await.expect(200)["history"]);
        assert_eq!(seen(to_merchant), sorted(steps(&Value::Null, &Value::Null, &Value::Null)));
        // A partner knows its own keys, and of the partner above or below that it was that one.
        let to_n = explained(&cast.n, n1, &path).await;
        assert_eq!(seen(to_n), sorted(steps(&n_key, &n_key, &Value::Null)));
        let to_p = explained(&cast.p, n1, &path).await;
        assert_eq!(seen(to_p), sorted(steps(&Value::Null, &Value::Null, &p_key)));
        let path = format!("/v1/refunds/{refund}/explain");
        assert_eq!(seen(explained(&cast.p, n1, &path).await), [(p_key.clone(), p.clone())]);
        assert_eq!(seen(explained(&cast.n, n1, &path).await), [(Value::Null, p.clone())]);

        // The operator sees all of it.
        let told = server.cli(&["explain", &held.id()]);
        let all = sorted(steps(&n_key, &n_key, &p_key));
        assert_eq!(seen(asked(&told["history"])), all);
        assert_eq!(server.cli(&["explain", &capture])["id"], held.id());
        let told = server.cli(&["explain", &refund]);
        assert_eq!(seen(asked(&told["history"])), [(p_key.clone(), p.clone())]);

        // Closing is told as well: by the merchant's own key, which it may see.
        let waiting = cast.n.acting(&n1.id, "POST", "/v1/payments").json(&n1.order("qr_code", 100, None));
        let waiting = waiting.send().await.expect(201).id();
        n1.client.post(&format!("/v1/payments/{waiting}/close"), &json!({})).send().await.expect(200);
        n1.payment_in(&waiting, "closed").await;
        let history = n1.client.get(&format!("/v1/payments/{waiting}/explain")).await.expect(200);
        let closed = (String::from("payment.closed"), own_key.clone(), Value::Null);
        assert!(asked(&history["history"]).contains(&closed), "{}", history.text);
    });
}

#[test]
fn control_rows_say_who_made_and_changed_them() {
    on_own(&[], async |server| {
        let cast = Cast::new(server).await;
        let a1 = &cast.a1;
        let own_key = key_of(&a1.client.get("/v1/whoami").await);
        let hook = json!({ "url": "http://127.0.0.1:9/hook", "events": ["*"] });
        let hook = cast.p.acting(&a1.id, "POST", "/v1/webhook_endpoints").json(&hook).key("w-1");
        let hook = hook.send().await.expect(201).id();
        let patch = a1.client.call("PATCH", &format!("/v1/webhook_endpoints/{hook}"));
        patch.json(&json!({ "description": "till" })).send().await.expect(200);
        let told = server.cli(&["explain", &hook]);
        let p = (Value::from(cast.p.key.as_str()), Value::from(cast.p.id.as_str()));
        let by: Vec<(Value, Value)> =
            asked(&told["history"]).into_iter().map(|(_, key, partner)| (key, partner)).collect();
        assert_eq!(by, [p.clone(), (own_key.clone(), Value::Null)]);

        let key = a1.client.post("/v1/api_keys", &json!({ "name": "till", "generate_bearer": true }));
        let key = key.key("k-1").send().await.expect(201).id();
        let revoke = cast.p.acting(&a1.id, "POST", &format!("/v1/api_keys/{key}/revoke"));
        revoke.send().await.expect(200);
        let told = server.cli(&["explain", &key]);
        let by = asked(&told["history"]);
        let wanted = [
            ("made: till".to_owned(), own_key, Value::Null),
            ("revoked".to_owned(), p.0.clone(), p.1.clone()),
        ];
        assert_eq!(by, wanted);
        let told = server.cli(&["explain", &cast.p.key]);
        assert!(text(&told, "summary").contains(&cast.p.id), "{told}");
        // The merchant's list has its own keys, and no key of the partner's.
        let keys = a1.all("/v1/api_keys").await;
        assert!(keys.iter().all(|key| key["merchant"] == a1.id.as_str() && key["id"] != cast.p.key.as_str()));
    });
}
