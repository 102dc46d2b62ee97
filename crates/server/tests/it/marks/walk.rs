//! Everything that a merchant, a partner, a channel, an attacker and an operator do, with marks wherever something is secret or
//! personal.

use super::forms::Marks;
use crate::cases_b::endpoints::{all_told, listen_at};
use crate::cases_b::signing::{Draft, Pair};
use crate::harness::books::Books;
use crate::harness::callback::{Channel, paid};
use crate::harness::client::{Credentials, now_s};
use crate::harness::merchant::text;
use crate::harness::{Answer, Call, Merchant, Receiver, Server, cny};
use crate::partners::cast::Partner;
use crypto::key::{Alg, PrivateKey};
use serde_json::{Value, json};

/// Of a payer; made up, so that nothing else can hold them.
pub const PERSONAL: [(&str, &str); 6] = [
    ("a payer's name", "MARKED-PAYER-ZHANG-SAN"),
    ("a payer's phone", "MARKED-PHONE-13900001111"),
    ("a payer's openid", "MARKED-OPENID-oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
    ("a device", "MARKED-DEVICE-356938035643809"),
    ("a payer's code", "MARKED-AUTH-CODE-628812345678901234"),
    ("a payer's address", "203.0.113.199"),
];

/// Sent by callers where it does not belong.
const STRAY: [(&str, &str); 9] = [
    ("a wrong token", "MARKED-WRONG-TOKEN-q8Zr"),
    ("a cookie", "MARKED-COOKIE-session-77aa"),
    ("another API's key in a header", "MARKED-X-API-KEY-19cc"),
    ("a proxy's password", "MARKED-PROXY-PASSWORD-55"),
    ("a URL's password", "MARKED-URL-PASSWORD-31"),
    ("a token in a query", "MARKED-QUERY-TOKEN-aa03"),
    ("a forged signature", "MARKED-FORGED-SIGNATURE-00"),
    ("a word of a forged callback", "MARKED-CALLBACK-PAYER-LI-SI"),
    ("a wrong operator's token", "MARKED-OPERATOR-TOKEN-d41d"),
];

/// In the clear on purpose: the search must find it, or it finds nothing.
pub const IN_THE_CLEAR: &str = "CLEAR-SUBJECT-LONGJING";

/// What happened, apart from what the merchant itself was told of its own payers.
pub struct Walked {
    /// What must not come out.
    pub marks: Marks,
    /// Answers in which no mark has a place, with what they answered.
    pub told: Vec<(String, String)>,
}

impl Walked {
    fn note(&mut self, what: &str, answer: &Answer) {
        let headers: Vec<String> =
            answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        self.told.push((what.to_owned(), format!("{}\n\n{}", headers.join("\n"), answer.text)));
    }

    async fn refused(&mut self, what: &str, call: Call, status: u16) {
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        self.note(what, &answer);
    }
}

fn of_a_payer(order: &mut Value) {
    let [name, phone, openid, device, code, address] = PERSONAL.map(|(_, value)| value);
    order["subject"] = json!(IN_THE_CLEAR);
    order["payer"] = json!({ "name": name, "phone": phone, "openid": openid });
    order["device"] = json!({ "imei": device });
    order["client_ip"] = json!(address);
    if order["scene"] == "bar_code" {
        order["auth_code"] = json!(code);
    }
}

/// The part of a secret that is secret.
fn without_prefix(secret: &str) -> &str {
    let bare = secret.trim_start_matches("whsec_").trim_start_matches("fqsk_sandbox_");
    bare.trim_end_matches('=')
}

/// All of it.
pub async fn walk(server: &Server) -> Walked {
    let mut walked = Walked { marks: Marks::default(), told: Vec::new() };
    for (what, value) in PERSONAL.iter().chain(&STRAY) {
        walked.marks.add(what, value.as_bytes());
    }
    installation(server, &mut walked);
    let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
    walked.marks.add("a bearer key", without_prefix(merchant.bearer()).as_bytes());
    walked.marks.add("a merchant's webhook secret", without_prefix(&merchant.webhook_secret).as_bytes());
    keys(&merchant, &receiver, &mut walked).await;
    let ids = payments(&merchant, &mut walked).await;
    strangers(&merchant, &mut walked).await;
    channel(&merchant, &mut walked).await;
    partner(server, &mut walked).await;
    reads(&merchant, &ids, &mut walked).await;
    all_told(&merchant).await;
    walked
}

/// What the installation itself keeps secret.
fn installation(server: &Server, walked: &mut Walked) {
    let file = std::fs::read_to_string(server.master_key_file()).expect("the master key");
    let key = file.trim().rsplit(':').next().expect("its base64").trim();
    walked.marks.add("the master key", key.trim_end_matches('=').as_bytes());
    let books = Books::open(server);
    walked.marks.add("the operator's token", books.operator_token().as_bytes());
    walked.marks.add("the channel's callback secret", &books.callback_secret(books.channel_account()));
}

async fn keys(merchant: &Merchant<'_>, receiver: &Receiver, walked: &mut Walked) {
    let post = |path: &str, body: Value| merchant.client.post(path, &body).key(&merchant.next_no("k"));
    let endpoint = listen_at(merchant, &receiver.url, &["*"]).await;
    let rotate = format!("/v1/webhook_endpoints/{}/rotate_secret", endpoint.id());
    let rotated = post(&rotate, json!({})).send().await.expect(200);
    for (what, answer) in [("an endpoint's secret", &endpoint), ("an endpoint's next secret", &rotated)] {
        walked.marks.add(what, without_prefix(&text(&answer.json, "secret")).as_bytes());
    }
    let made = post("/v1/api_keys", json!({ "name": "k", "generate_bearer": true })).send().await.expect(201);
    walked.marks.add("a key made by the API", without_prefix(&text(&made.json, "bearer")).as_bytes());
    let next = post(&format!("/v1/api_keys/{}/rotate", made.id()), json!({})).send().await.expect(200);
    walked.marks.add("a rotated key", without_prefix(&text(&next.json, "bearer")).as_bytes());
    // Somebody registers the wrong half.
    let private = PrivateKey::generate_ed25519().to_pkcs8_pem();
    let body = private.lines().find(|line| !line.starts_with('-')).expect("its base64").to_owned();
    walked.marks.add("a private key", body.as_bytes());
    let wrong = post("/v1/api_keys", json!({ "name": "k", "public_key": *private }));
    walked.refused("a private key as a public one", wrong, 400).await;
}

async fn payments(merchant: &Merchant<'_>, walked: &mut Walked) -> Vec<String> {
    let server = merchant.server;
    let pair = Pair::new(merchant, Alg::Ed25519).await;
    let mut ids = Vec::new();
    for outcome in ["succeed", "decline", "timeout", "callback_twice"] {
        let mut order = merchant.order("bar_code", 1_234, Some(outcome));
        of_a_payer(&mut order);
        let mut signed = Draft::new(server, "POST", "/v1/payments", order.to_string().as_bytes(), &pair);
        signed.header("idempotency-key", &merchant.next_no("k"));
        let made = signed.call(server, &pair).send().await.expect(201);
        assert_eq!(made["payer"]["name"], PERSONAL[0].1, "its own merchant sees it");
        ids.push(made.id());
        // One that differs, one that was read and is refused, one in which personal values stand in the wrong place.
        order["amount"]["value"] = json!(99);
        walked.refused("another payment under the number", merchant.create(&order), 409).await;
        order["merchant_order_no"] = json!(merchant.next_no("ORDER"));
        order["amount"]["value"] = json!(-1);
        walked.refused("a negative amount", merchant.create(&order), 400).await;
        for (field, value) in
            [("scene", PERSONAL[0].1), ("amount", PERSONAL[1].1), ("client_ip", PERSONAL[2].1)]
        {
            let mut wrong = order.clone();
            wrong["amount"]["value"] = json!(1);
            wrong[field] = json!(value);
            walked.refused("a personal value in the wrong place", merchant.create(&wrong), 400).await;
        }
    }
    for id in [&ids[0], &ids[2], &ids[3]] {
        merchant.payment_in(id, "succeeded").await;
    }
    let refund = merchant.refund(&ids[0], Some(100), None).send().await.expect(201).id();
    merchant.refund_in(&refund, "succeeded").await;
    let too_much = merchant.refund(&ids[0], Some(1_234), None);
    walked.refused("a refund of too much", too_much, 422).await;
    // By QR code: the payer's own page.
    let mut order = merchant.order("qr_code", 700, None);
    of_a_payer(&mut order);
    let waiting = merchant.create(&order).send().await.expect(201);
    let link = text(&waiting["next_action"], "text").replacen(server.public_url(), "", 1);
    let page = server.client().get(&link).await.expect(200);
    assert!(page.text.contains(IN_THE_CLEAR), "the payer's page names the order: {}", page.text);
    walked.note("the payer's page", &page);
    merchant.pay(&waiting.id(), None).send().await.expect(200);
    ids
}

/// Callers who show something that is not ours, or show it where nobody should.
async fn strangers(merchant: &Merchant<'_>, walked: &mut Walked) {
    let [wrong, cookie, other, proxy, password, query, ..] = STRAY.map(|(_, value)| value);
    let nobody = merchant.server.client();
    for token in [format!("fqsk_sandbox_{wrong}"), wrong.to_owned()] {
        let caller = nobody.with(Credentials::Bearer(token));
        walked.refused("a wrong token", caller.call("GET", "/v1/whoami"), 401).await;
    }
    let basic = nobody.call("GET", "/v1/whoami").header("authorization", &format!("Basic {wrong}"));
    walked.refused("another scheme", basic, 401).await;
    let laden =
        merchant.client.call("GET", "/v1/payments/pay_0").header("cookie", &format!("session={cookie}"));
    let laden = laden.header("x-api-key", other).header("proxy-authorization", proxy);
    walked.refused("headers of somebody else's", laden, 404).await;
    for path in
        [format!("/v1/payments?api_key={query}"), format!("/v1/payments?status={query}"), format!("/{query}")]
    {
        let status = if path.starts_with("/v1") { 400 } else { 404 };
        // The caller itself wrote it; what counts is that it gets no further.
        assert_eq!(merchant.client.get(&path).await.status, status, "{path}");
    }
    for url in
        [format!("https://hook:{password}@shop.example/"), format!("https://{password}:x@shop.example/")]
    {
        let body = json!({ "url": url });
        let call = merchant.client.post("/v1/webhook_endpoints", &body).key(&merchant.next_no("k"));
        walked.refused("a URL with a password", call, 422).await;
        let mut order = merchant.order("qr_code", 1, None);
        order["notify_url"] = json!(url);
        walked.refused("a notify_url with a password", merchant.create(&order), 422).await;
    }
    let operator = merchant.server.internal().call("POST", "/ops/v1/master-key/reload");
    let operator = operator.header("authorization", &format!("Bearer {}", STRAY[8].1));
    walked.refused("a wrong operator's token", operator, 401).await;
}

/// Callbacks: forged ones, and one about a number that nobody knows.
async fn channel(merchant: &Merchant<'_>, walked: &mut Walked) {
    let channel = Channel::of(merchant.server);
    let waiting = merchant.waiting(800, None).await;
    let attempt = text(&waiting["latest_attempt"], "id");
    let forged = json!({ "payer": STRAY[7].1 }).to_string().into_bytes();
    let call = channel.post_with(&now_s().to_string(), STRAY[6].1, forged);
    walked.refused("a forged callback", call, 401).await;
    channel.post(&paid(&attempt, 800)).send().await.expect(200);
    let mut stray: Value = serde_json::from_slice(&paid(&waiting.id(), 800).to_bytes()).expect("JSON");
    stray["code"] = json!(STRAY[7].1);
    let answer = channel.post_bytes(stray.to_string().into_bytes()).send().await;
    assert!(answer.status >= 400, "{}", answer.text);
    walked.note("a callback about nothing", &answer);
}

async fn partner(server: &Server, walked: &mut Walked) {
    let partner = Partner::new(server, &[]).await;
    let Credentials::Bearer(token) = &partner.client.credentials else { panic!("a bearer key") };
    walked.marks.add("a partner's key", without_prefix(token).as_bytes());
    let merchant = partner.merchant(server).await;
    let mut order = merchant.order("bar_code", 1_000, Some("succeed"));
    of_a_payer(&mut order);
    partner.acting(&merchant.id, "POST", "/v1/payments").json(&order).send().await.expect(201);
    let stranger = Merchant::new(server).await;
    walked.refused("another's merchant", partner.acting(&stranger.id, "GET", "/v1/payments"), 403).await;
}

/// What is told of payments without telling of payers: ledgers, explanations, lines, statements, proofs, keys, deliveries.
async fn reads(merchant: &Merchant<'_>, ids: &[String], walked: &mut Walked) {
    merchant.advance(86_400).await;
    let mut paths: Vec<String> = [
        "balances",
        "balance_transactions",
        "api_keys",
        "webhook_endpoints",
        "webhook_deliveries",
        "statements",
        "whoami",
    ]
    .map(|noun| format!("/v1/{noun}"))
    .to_vec();
    for id in ids {
        paths.extend([
            format!("/v1/payments/{id}/ledger"),
            format!("/v1/payments/{id}/explain"),
            format!("/v1/payments/{id}/attempts"),
        ]);
    }
    for statement in merchant.all("/v1/statements").await {
        for format in ["csv", "jsonl"] {
            paths.push(format!("/v1/statements/{}/file?format={format}", text(&statement, "id")));
        }
    }
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        let answer = merchant.client.get(&path).await.expect(200);
        walked.note(&path, &answer);
    }
    let refund = json!({ "payment": ids[0], "merchant_refund_no": merchant.next_no("R"), "amount": cny(1) });
    let preview = merchant.client.post("/v1/refunds?dry_run=true", &refund).send().await.expect(200);
    walked.note("a refund that is only asked about", &preview);
}
