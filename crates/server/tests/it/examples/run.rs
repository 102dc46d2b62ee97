//! Each program pays, refunds and verifies; each is refused when a byte was changed on the way.

use super::nginx::{Nginx, run};
use super::programs::{Key, PROGRAMS, Program};
use crate::cases_b::endpoints::{listen_at, until_accepted};
use crate::harness::merchant::text;
use crate::harness::receiver::Delivered;
use crate::harness::{Merchant, Receiver, Server, Setting, cny, on_own, until};
use serde_json::{Value, json};
use std::process::Output;

/// A busy machine must not make a synchronous payment answer early: the programs refund at once.
const SETTINGS: &[Setting] = &[("", "sync_wait_ms", "20000")];

/// A merchant, its key, and a receiver that keeps what it is told.
struct Shop<'s> {
    server: &'s Server,
    merchant: Merchant<'s>,
    key: Key,
    receiver: Receiver,
    secret: String,
    /// How each language is told of a certificate authority.
    trust: Vec<(&'static str, String)>,
}

impl<'s> Shop<'s> {
    async fn open(server: &'s Server, trust: Vec<(&'static str, String)>) -> Shop<'s> {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let secret = text(&listen_at(&merchant, &receiver.url, &["payment.succeeded"]).await.json, "secret");
        let key = Key::generate(server, &merchant).await;
        let shop = Shop { server, merchant, key, receiver, secret, trust };
        shop.until_key_known().await;
        shop
    }

    async fn until_key_known(&self) {
        until("the key at the node", || async {
            let keys = self.merchant.all("/v1/api_keys").await;
            keys.iter().any(|key| key["id"] == self.key.id.as_str()).then_some(())
        })
        .await;
    }

    async fn pay(&self, program: Program) -> Output {
        let (url, key, trust) = (self.server.public_url().to_owned(), self.key.clone(), self.trust.clone());
        tokio::task::spawn_blocking(move || program.pay(&url, &key, &trust)).await.expect("it ran")
    }

    async fn judge(&self, program: Program, secret: &str, delivered: Delivered) -> bool {
        let secret = secret.to_owned();
        let run = tokio::task::spawn_blocking(move || program.verify(&secret, &delivered));
        run.await.expect("it ran").status.success()
    }

    /// 12.50 come in, 2.50 go back, and the merchant is told; answers what it was told.
    async fn pays_refunds_and_verifies(&self, program: Program) -> Delivered {
        let answers = program.answers(&self.pay(program).await);
        let [payment, refund, list] = answers.as_slice() else { panic!("{}: {answers:?}", program.file) };
        assert_eq!((&payment["status"], &payment["amount"]), (&json!("succeeded"), &cny(1_250)), "{payment}");
        assert_eq!((&refund["payment"], &refund["amount"]), (&payment["id"], &cny(250)), "{refund}");
        assert_eq!(list["data"][0]["id"], payment["id"], "{list}");
        let (payment, refund) = (text(payment, "id"), text(refund, "id"));
        self.merchant.refund_in(&refund, "succeeded").await;
        let stored = self.merchant.payment(&payment).await;
        // As stored: what a program prints also depends on the machine's locale.
        assert_eq!(stored["subject"], "茶", "{}", program.file);
        assert_eq!((&stored["amount_refunded"], &stored["refund_status"]), (&cny(250), &json!("partial")));
        until_accepted(&self.merchant, &self.receiver, &payment, 1).await;
        let genuine = self.receiver.accepted_of(&payment).remove(0);
        assert!(
            self.judge(program, &self.secret, genuine.clone()).await,
            "{}: a genuine delivery",
            program.file
        );
        genuine
    }

    async fn refuses_what_is_not_genuine(&self, program: Program, genuine: &Delivered) {
        let mut changed = genuine.clone();
        let at = changed.body.len() / 2;
        changed.body[at] ^= 1;
        let mut renamed = genuine.clone();
        renamed.id.push('0');
        let mut unsigned = genuine.clone();
        unsigned.signature = "v1,".to_owned();
        // Genuine once, and recorded by somebody.
        let mut old = genuine.clone();
        let then_s = genuine.timestamp.parse::<i64>().expect("seconds") - 301;
        old.timestamp = then_s.to_string();
        let key = crypto::webhook::WebhookSecret::parse(&self.secret).expect("a secret");
        old.signature = crypto::webhook::sign(&[key], &old.id, then_s, &old.body);
        let mut worded = genuine.clone();
        worded.timestamp = "a[$(exit 0)]".to_owned();
        let others = [
            ("a changed byte", changed),
            ("another id", renamed),
            ("no signature", unsigned),
            ("an old one", old),
            ("no time", worded),
        ];
        for (what, delivered) in others {
            assert!(!self.judge(program, &self.secret, delivered).await, "{}: {what}", program.file);
        }
        let other = self.judge(program, &self.merchant.webhook_secret, genuine.clone()).await;
        assert!(!other, "{}: another secret", program.file);
        let mut both = genuine.clone();
        both.signature = format!("v1,AAAA {}", genuine.signature);
        assert!(
            self.judge(program, &self.secret, both).await,
            "{}: the second of two, as in a rotation",
            program.file
        );
    }

    /// Refused with this code, and nothing was paid.
    async fn is_refused(&self, program: Program, code: &str) {
        let output = self.pay(program).await;
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!output.status.success(), "{}: {said}", program.file);
        assert!(said.contains(&format!("\"code\":\"{code}\"")), "{}: {said}", program.file);
    }

    async fn payments(&self) -> Vec<Value> {
        self.merchant.all("/v1/payments").await
    }
}

#[test]
fn each_pays_refunds_and_verifies_directly() {
    on_own(SETTINGS, async |server| {
        let shop = Shop::open(server, Vec::new()).await;
        for program in PROGRAMS {
            let genuine = shop.pays_refunds_and_verifies(program).await;
            shop.refuses_what_is_not_genuine(program, &genuine).await;
        }
        assert_eq!(shop.payments().await.len(), PROGRAMS.len());
    });
}

/// TLS ends at nginx: the server sees plain HTTP and another `Host`, and signatures hold, because they are over its public URL.
#[test]
fn each_pays_refunds_and_verifies_through_a_tls_proxy() {
    crate::harness::run(async {
        let mut nginx = Nginx::prepare();
        let server = nginx.server(SETTINGS);
        nginx.start("").await;
        let shop = Shop::open(&server, trust(&nginx)).await;
        for program in PROGRAMS {
            shop.pays_refunds_and_verifies(program).await;
        }
        let before = shop.payments().await;
        assert_eq!(before.len(), PROGRAMS.len());
        for (change, code) in [
            ("proxy_set_body \"$request_body \";", "digest_mismatch"),
            ("proxy_set_header Idempotency-Key other;", "signature_invalid"),
            ("proxy_set_header Content-Digest \"\";", "signature_component_missing"),
            ("rewrite ^(.*)$ $1?dry_run=true break;", "signature_invalid"),
        ] {
            nginx.start(change).await;
            for program in PROGRAMS {
                shop.is_refused(program, code).await;
            }
        }
        assert_eq!(shop.payments().await, before, "what was changed on the way pays nothing");
        nginx.stop();
        server.verify();
    });
}

/// The environment that makes each language trust the proxy's authority.
fn trust(nginx: &Nginx) -> Vec<(&'static str, String)> {
    let authority = nginx.authority();
    let dir = authority.parent().expect("its folder");
    let import = ["-importcert", "-noprompt", "-alias", "ca", "-file", "ca.pem", "-keystore", "ca.p12"];
    run("keytool", &[&import[..], &["-storetype", "PKCS12", "-storepass", "changeit"]].concat(), dir);
    let pem = authority.display().to_string();
    let store = dir.join("ca.p12").display().to_string();
    vec![
        ("SSL_CERT_FILE", pem.clone()),
        ("CURL_CA_BUNDLE", pem.clone()),
        ("NODE_EXTRA_CA_CERTS", pem),
        (
            "JDK_JAVA_OPTIONS",
            format!("-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit"),
        ),
    ]
}
