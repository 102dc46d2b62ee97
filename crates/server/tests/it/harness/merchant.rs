//! A merchant with a price and a key, made through the command line.

use super::client::{Answer, Call, Client, Credentials};
use super::server::Server;
use super::until;
use crypto::key::PrivateKey;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a merchant pays.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// Percent.
    pub rate: &'static str,
    /// Minor units.
    pub fixed: &'static str,
    /// `returned`, `kept` or minor units.
    pub refund_fee: &'static str,
}

impl Default for Price {
    fn default() -> Price {
        Price { rate: "0.60", fixed: "0", refund_fee: "returned" }
    }
}

/// A merchant of the sandbox and its caller.
#[derive(Clone)]
pub struct Merchant<'s> {
    /// Its server.
    pub server: &'s Server,
    /// `mch_…`
    pub id: String,
    /// Signs what goes to the `notify_url` of its payments.
    pub webhook_secret: String,
    /// Its caller.
    pub client: Client,
}

/// An amount of CNY as WIRE writes it.
pub fn cny(minor: i64) -> Value {
    json!({ "value": minor, "currency": "CNY" })
}

/// The code that a payer's phone shows at the till.
pub const AUTH_CODE: &str = "134500000000000001";

impl<'s> Merchant<'s> {
    /// A merchant with the usual price (0.60 %, fee given back with refunds) and a bearer key.
    pub async fn new(server: &'s Server) -> Merchant<'s> {
        Merchant::with(server, Price::default(), &[]).await
    }

    /// A merchant with a price and further options of `merchant create`.
    pub async fn with(server: &'s Server, price: Price, options: &[&str]) -> Merchant<'s> {
        let name = server.next_no("Tea House");
        let create = ["merchant", "create", "--world", "sandbox", "--name", &name];
        let made = server.cli(&[&create[..], options].concat());
        let (id, webhook_secret) = (text(&made, "id"), text(&made, "webhook_secret"));
        let priced = ["price", "set", "--merchant", &id, "--method", "sandbox", "--currency", "CNY"];
        let rule = [
            "--rate",
            price.rate,
            "--fixed",
            price.fixed,
            "--minimum",
            "0",
            "--refund-fee",
            price.refund_fee,
        ];
        server.cli(&[&priced[..], &rule].concat());
        let bearer = text(&server.cli(&["key", "create", "--merchant", &id, "--bearer"]), "bearer");
        let client = server.client().with(Credentials::Bearer(bearer));
        let merchant = Merchant { server, id, webhook_secret, client };
        merchant.until_known().await;
        merchant
    }

    /// Its bearer token.
    ///
    /// # Panics
    /// For a merchant that signs.
    pub fn bearer(&self) -> &str {
        match &self.client.credentials {
            Credentials::Bearer(token) => token,
            Credentials::None | Credentials::Signed { .. } => panic!("it calls without a bearer key"),
        }
    }

    /// The same merchant, calling with an Ed25519 key registered by its public half.
    pub async fn signing(&self) -> Merchant<'s> {
        let key = PrivateKey::generate_ed25519();
        let path = self.server.dir().join(format!("{}.pem", self.server.next_no("public")));
        std::fs::write(&path, key.public_key_pem()).expect("the public key is written");
        let file = path.display().to_string();
        let keyid =
            text(&self.server.cli(&["key", "create", "--merchant", &self.id, "--public-key", &file]), "id");
        let client = self.client.with(Credentials::Signed { keyid, key: Arc::new(key) });
        let merchant = Merchant { client, ..self.clone() };
        merchant.until_known().await;
        merchant
    }

    /// The node reads what the command line wrote within a second or so.
    async fn until_known(&self) {
        until("answer of whoami to a new key", || async {
            let answer = self.client.get("/v1/whoami").await;
            (answer.status == 200 && answer["merchant"] == self.id).then_some(())
        })
        .await;
    }

    /// A number that nothing has yet.
    pub fn next_no(&self, noun: &str) -> String {
        self.server.next_no(noun)
    }

    /// The inputs of a payment with a new number.
    pub fn order(&self, scene: &str, minor: i64, outcome: Option<&str>) -> Value {
        let mut order = json!({
            "merchant_order_no": self.next_no("ORDER"), "amount": cny(minor), "method": "sandbox",
            "scene": scene, "subject": "tea",
        });
        if scene == "bar_code" {
            order["auth_code"] = json!(AUTH_CODE);
        }
        if let Some(outcome) = outcome {
            order["sandbox_outcome"] = json!(outcome);
        }
        order
    }

    /// `POST /v1/payments`
    pub fn create(&self, order: &Value) -> Call {
        self.client.post("/v1/payments", order)
    }

    /// A bar-code payment that is paid.
    pub async fn paid(&self, minor: i64) -> Answer {
        let made = self.create(&self.order("bar_code", minor, Some("succeed"))).send().await.expect(201);
        self.come_to(made, "succeeded").await
    }

    /// A payment at the till that authorizes.
    pub async fn authorized(&self, minor: i64) -> Answer {
        let mut order = self.order("bar_code", minor, Some("succeed"));
        order["capture_mode"] = json!("manual");
        let made = self.create(&order).send().await.expect(201);
        self.come_to(made, "authorized").await
    }

    /// A QR-code payment that waits for its payer.
    pub async fn waiting(&self, minor: i64, outcome: Option<&str>) -> Answer {
        let made = self.create(&self.order("qr_code", minor, outcome)).send().await.expect(201);
        self.come_to(made, "requires_action").await
    }

    /// A payment in this state. On a busy machine its creation may have been answered before the channel did.
    async fn come_to(&self, made: Answer, status: &str) -> Answer {
        if ["created", "processing"].contains(&made["status"].as_str().unwrap_or_default()) {
            return self.payment_when(&made.id(), status, |payment| payment["status"] == status).await;
        }
        assert_eq!(made["status"], status, "{}", made.text);
        made
    }

    /// The payer pays.
    pub fn pay(&self, payment: &str, outcome: Option<&str>) -> Call {
        let body = outcome.map_or_else(|| json!({}), |outcome| json!({ "outcome": outcome }));
        self.client.post(&format!("/v1/sandbox/payments/{payment}/pay"), &body)
    }

    /// `GET /v1/payments/{id}`
    pub async fn payment(&self, id: &str) -> Answer {
        self.client.get(&format!("/v1/payments/{id}")).await.expect(200)
    }

    /// Waits for a condition on a payment.
    pub async fn payment_when(&self, id: &str, what: &str, is: impl Fn(&Answer) -> bool) -> Answer {
        until(&format!("payment {id} {what}"), || async {
            let payment = self.payment(id).await;
            is(&payment).then_some(payment)
        })
        .await
    }

    /// Waits for a status of a payment.
    pub async fn payment_in(&self, id: &str, status: &str) -> Answer {
        self.payment_when(id, status, |payment| payment["status"] == status).await
    }

    /// `POST …/captures`
    pub fn capture(&self, payment: &str, body: &Value) -> Call {
        self.client.post(&format!("/v1/payments/{payment}/captures"), body).key(&self.next_no("capture"))
    }

    /// `POST /v1/refunds` of a payment, with a new number.
    pub fn refund(&self, payment: &str, minor: Option<i64>, outcome: Option<&str>) -> Call {
        let mut body = json!({ "payment": payment, "merchant_refund_no": self.next_no("REFUND") });
        if let Some(minor) = minor {
            body["amount"] = cny(minor);
        }
        if let Some(outcome) = outcome {
            body["sandbox_outcome"] = json!(outcome);
        }
        self.client.post("/v1/refunds", &body)
    }

    /// Waits for a status of a refund.
    pub async fn refund_in(&self, id: &str, status: &str) -> Answer {
        until(&format!("refund {id} {status}"), || async {
            let refund = self.client.get(&format!("/v1/refunds/{id}")).await.expect(200);
            (refund["status"] == status).then_some(refund)
        })
        .await
    }

    /// Rows of a list, all pages.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let joined = if path.contains('?') { '&' } else { '?' };
        let mut next = format!("{path}{joined}limit=100");
        loop {
            let page = self.client.get(&next).await.expect(200);
            rows.extend(page["data"].as_array().expect("rows").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{path}{joined}limit=100&cursor={cursor}"),
                None => return rows,
            }
        }
    }

    /// Events of one object, in the order in which they happened: (type, the body).
    pub async fn events_of(&self, object: &str) -> Vec<(String, Value)> {
        let mut rows = self.all(&format!("/v1/events?object_id={object}")).await;
        rows.reverse();
        rows.into_iter().map(|row| (text(&row, "type"), row)).collect()
    }

    /// The types of [`Merchant::events_of`].
    pub async fn event_types(&self, object: &str) -> Vec<String> {
        self.events_of(object).await.into_iter().map(|(kind, _)| kind).collect()
    }

    /// One bucket of the balance in CNY, minor units.
    pub async fn bucket(&self, name: &str) -> i64 {
        let balances = self.client.get("/v1/balances").await.expect(200);
        let rows = balances["data"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["currency"] == "CNY");
        row.map_or(0, |row| row[name]["value"].as_i64().expect("a number"))
    }

    /// Everything the merchant is owed, less what it owes, in CNY minor units.
    pub async fn worth(&self) -> i64 {
        let mut worth = 0;
        for bucket in ["pending", "available", "reserved", "escrow", "split_hold", "blocked", "in_transit"] {
            worth += self.bucket(bucket).await;
        }
        worth - self.bucket("owed").await
    }

    /// Moves the merchant's clock forward and comes back when what came due is done.
    pub async fn advance(&self, seconds: i64) {
        let mut answer =
            self.client.post("/v1/sandbox/clock", &json!({ "advance_seconds": seconds })).send().await;
        if answer.status == 202 {
            // It goes on by itself; a step of one second asks again.
            answer = until("end of what came due", || async {
                let one = json!({ "advance_seconds": 1 });
                let answer = self.client.post("/v1/sandbox/clock", &one).send().await;
                (answer.status == 200).then_some(answer)
            })
            .await;
        }
        answer.expect(200);
    }
}

/// A text field of an object.
#[track_caller]
pub fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no {name} in {object}")).to_owned()
}
