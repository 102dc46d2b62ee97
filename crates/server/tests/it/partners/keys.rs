//! Keys as they are handed in, as they end, and where they may come from.

use crate::cases_b::signing::{Draft, Pair};
use crate::cases_b::untouched::Picture;
use crate::harness::books::{Books, uid};
use crate::harness::client::Credentials;
use crate::harness::merchant::text;
use crate::harness::{Answer, Merchant, Server, on_own, until};
use crypto::key::{Alg, PrivateKey};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::time::Duration;

/// A self-signed certificate and its private key, in PEM.
pub fn certificate(from_s: i64, until_s: i64) -> (String, PrivateKey) {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let mut params = CertificateParams::new(vec!["till.example".to_owned()]).expect("a name");
    let at =
        |at_s: i64| date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(at_s).expect("after 1970"));
    (params.not_before, params.not_after) = (at(from_s), at(until_s));
    let key = PrivateKey::from_pkcs8_pem(&pair.serialize_pem()).expect("the same key");
    (params.self_signed(&pair).expect("a certificate").pem(), key)
}

fn file(server: &Server, name: &str, content: &str) -> String {
    let path = server.dir().join(server.next_no(name));
    std::fs::write(&path, content).expect("it is written");
    path.display().to_string()
}

async fn whoami(server: &Server, pair: &Pair) -> Answer {
    Draft::get(server, "/v1/whoami", pair).call(server, pair).send().await
}

/// Once the node knows the key.
async fn known(server: &Server, pair: &Pair) -> Answer {
    until("a node that knows the key", || async {
        let answer = whoami(server, pair).await;
        (answer.code() != "key_unknown").then_some(answer)
    })
    .await
}

async fn create(merchant: &Merchant<'_>, body: &Value) -> Answer {
    merchant.client.post("/v1/api_keys", body).key(&merchant.next_no("k")).send().await
}

#[test]
fn a_key_begins_and_ends_with_its_certificate() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let now_s = crate::harness::client::now_s();
        let pair = |id: String, key| Pair { id, key, alg: Alg::EcdsaP256Sha256 };
        // By the command line and by the API alike.
        let (pem, key) = certificate(now_s - 60, now_s + 86_400 * 90);
        let path = file(server, "good.crt", &pem);
        let made = server.cli(&["key", "create", "--merchant", &merchant.id, "--public-key", &path]);
        let ends_at = text(&made, "expires_at");
        let good = pair(text(&made, "id"), key);
        let answer = known(server, &good).await.expect(200);
        assert_eq!(answer["key_expires_at"], ends_at.as_str());
        let listed = merchant.all("/v1/api_keys").await;
        let listed = listed.iter().find(|key| key["id"] == good.id.as_str()).expect("the key");
        assert_eq!(listed["certificate"]["ends_at"], ends_at.as_str());
        assert_eq!(text(&listed["certificate"], "fingerprint").len(), 64);
        assert!(text(listed, "public_key").starts_with("-----BEGIN PUBLIC KEY-----"));

        // Its own wish counts where it is earlier.
        let soon = json!({ "name": "k", "public_key": certificate(now_s - 60, now_s + 900).0, "expires_at": "2099-01-01T00:00:00Z" });
        let made = create(&merchant, &soon).await.expect(201);
        assert_eq!(made["expires_at"], made["certificate"]["ends_at"]);

        let (pem, key) = certificate(now_s + 86_400, now_s + 2 * 86_400);
        let made = create(&merchant, &json!({ "name": "later", "public_key": pem })).await.expect(201);
        let later = pair(made.id(), key);
        let refused = known(server, &later).await.expect_problem(401, "key_not_yet_valid");
        assert!(refused["server_time"].is_string(), "{}", refused.text);

        let (pem, key) = certificate(now_s - 60, now_s + 4);
        let made = create(&merchant, &json!({ "name": "short", "public_key": pem })).await.expect(201);
        let short = pair(made.id(), key);
        let over = until("the certificate's end", || async {
            let answer = whoami(server, &short).await;
            (answer.status != 200).then_some(answer)
        });
        over.await.expect_problem(401, "key_expired");

        let before = Picture::of(server);
        let (over, _) = certificate(now_s - 120, now_s - 60);
        let rsa_1024 = "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/HR8AD5UIXhEm2LTljxGE2zbHZ55Mz3LL0PYMaycgmzsNwT3xHpbsFwWf//8UWqh8zxcanq1GTDkp0uQc7hZfQ+FkxurWNKyBuV68hdOSDCw52JxWyhiPYh1FMF6ZijdaLwqhgs2a18M2D4roSg6BzqXUEqfPkfVnzbTbrzVv0wIDAQAB\n-----END PUBLIC KEY-----";
        let private = PrivateKey::generate_ed25519().to_pkcs8_pem();
        // Whole lines, so that it is base64 still.
        let cut = over.lines().take(3).collect::<Vec<_>>().join("\n") + "\n-----END CERTIFICATE-----\n";
        for (pem, says) in [
            (over.as_str(), "validity is over"),
            (rsa_1024, "1024 bits"),
            (private.as_str(), "private key"),
            (cut.as_str(), "certificate"),
            (
                "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
                "CERTIFICATE REQUEST",
            ),
            ("hello", "PEM"),
        ] {
            let refused = create(&merchant, &json!({ "name": "bad", "public_key": pem })).await;
            let refused = refused.expect_problem(400, "field_invalid");
            assert_eq!(refused.pointer(), "/public_key");
            assert!(refused.text.contains(says), "{says}: {}", refused.text);
            let path = file(server, "bad.pem", pem);
            let output =
                server.try_cli(&["key", "create", "--merchant", &merchant.id, "--public-key", &path]);
            assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(says));
        }
        before.assert_same(server, "keys that can't be used");
    });
}

#[test]
fn a_generated_key_is_written_once_and_privately() {
    on_own(&[], async |server| {
        use std::os::unix::fs::PermissionsExt;
        let merchant = Merchant::new(server).await;
        let path = server.dir().join("till.pem");
        let arguments =
            ["key", "create", "--merchant", &merchant.id, "--generate", &path.display().to_string()];
        let made = server.cli(&arguments);
        let pem = std::fs::read_to_string(&path).expect("the private key");
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"), "PKCS#8");
        assert_eq!(std::fs::metadata(&path).expect("its file").permissions().mode() & 0o777, 0o600);
        assert!(!made.to_string().contains("PRIVATE KEY"), "{made}");
        let pair = Pair {
            id: text(&made, "id"),
            key: PrivateKey::from_pkcs8_pem(&pem).expect("it reads"),
            alg: Alg::Ed25519,
        };
        known(server, &pair).await.expect(200);
        let keys = merchant.all("/v1/api_keys").await.len();
        assert!(!server.try_cli(&arguments).status.success(), "never over a file");
        assert_eq!(std::fs::read_to_string(&path).expect("the private key"), pem);
        assert_eq!(merchant.all("/v1/api_keys").await.len(), keys);
        // A command that makes no key leaves no private key.
        let lost = server.dir().join("lost.pem");
        let nobody = [
            "key",
            "create",
            "--merchant",
            "mch_00000000000g00000000000000",
            "--generate",
            &lost.display().to_string(),
        ];
        assert!(!server.try_cli(&nobody).status.success() && !lost.exists());
        // The database never saw the private half.
        let secret: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        for entry in std::fs::read_dir(server.data_dir()).expect("the data") {
            let bytes = std::fs::read(entry.expect("a file").path()).unwrap_or_default();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }

        // Rotated on the command line: both sign, the old one for a day.
        let next = server.dir().join("next.pem");
        let rotated = server.cli(&["key", "rotate", &pair.id, "--generate", &next.display().to_string()]);
        let new_pem = std::fs::read_to_string(&next).expect("the next private key");
        let new = Pair {
            id: text(&rotated, "id"),
            key: PrivateKey::from_pkcs8_pem(&new_pem).expect("it reads"),
            alg: Alg::Ed25519,
        };
        known(server, &new).await.expect(200);
        whoami(server, &pair).await.expect(200);
        let old = merchant.all("/v1/api_keys").await;
        let old = old.iter().find(|key| key["id"] == pair.id.as_str()).expect("the old key").clone();
        assert!(old["expires_at"].is_string(), "{old}");
    });
}

#[test]
fn a_rotation_keeps_rights_and_is_one_however_often_it_is_asked_for() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let narrow = json!({
            "name": "till", "generate_bearer": true, "permissions": ["payments.read"], "ip_allow": ["127.0.0.0/8"],
        });
        let old = create(&merchant, &narrow).await.expect(201);
        let path = format!("/v1/api_keys/{}/rotate", old.id());
        let wish = json!({ "expires_at": "2099-06-01T00:00:00.000Z" });
        let new = merchant.client.post(&path, &wish).key("turn").send().await.expect(200);
        for name in ["name", "permissions", "ip_allow", "world", "merchant"] {
            assert_eq!(new[name], old[name], "{name}");
        }
        assert_eq!(new["expires_at"], "2099-06-01T00:00:00.000Z");
        let caller =
            |answer: &Answer| merchant.client.with(Credentials::Bearer(text(&answer.json, "bearer")));
        caller(&new).get("/v1/payments").await.expect(200);
        let old_key = caller(&old).get("/v1/whoami").await.expect(200);
        let (now, ends) = (text(&old_key.json, "server_time"), text(&old_key.json, "key_expires_at"));
        let day = |at: &str| at[..10].to_owned();
        assert!(ends > now && day(&ends) > day(&now), "{now} {ends}: a day's overlap");

        // Whatever has become of the old key, the same request is the same rotation.
        merchant
            .client
            .post(&format!("/v1/api_keys/{}/revoke", old.id()), &json!({}))
            .send()
            .await
            .expect(200);
        let keys = merchant.all("/v1/api_keys").await.len();
        let again = merchant.client.post(&path, &wish).key("turn").send().await.expect(200);
        assert!(again.is_replayed() && again.id() == new.id() && again["bearer"].is_null(), "{}", again.text);
        assert_eq!(merchant.all("/v1/api_keys").await.len(), keys);
        merchant
            .client
            .post(&path, &json!({}))
            .key("turn")
            .send()
            .await
            .expect_problem(422, "idempotency_key_reused");
        merchant.client.post(&path, &wish).key("turn-2").send().await.expect_problem(400, "field_invalid");
    });
}

#[test]
fn lists_of_addresses_hold_behind_trusted_proxies() {
    on_own(&[("", "trusted_proxies", "[\"127.0.0.1/32\"]")], async |server| {
        let merchant = Merchant::new(server).await;
        for (allow, forwarded, may) in [
            (&["203.0.113.7"][..], "203.0.113.7", true),
            (&["203.0.113.7"], "203.0.113.8", false),
            (&["203.0.113.0/24"], "203.0.113.255", true),
            (&["203.0.113.0/24"], "203.0.114.1", false),
            (&["2001:db8::/48"], "2001:db8::1", true),
            (&["2001:db8::/48"], "[2001:db8::1]:443", true),
            (&["2001:db8::/48"], "2001:db8:1::1", false),
            (&["2001:db8::1"], "2001:db8:0:0::1", true),
            (&["203.0.113.7"], "::ffff:203.0.113.7", true),
            (&["::ffff:203.0.113.7"], "203.0.113.7", true),
            (&["10.0.0.0/8", "2001:db8::/48", "203.0.113.7"], "203.0.113.7", true),
            // What the client says before the last proxy counts for nothing.
            (&["203.0.113.7"], "203.0.113.7, 198.51.100.1", false),
            (&["203.0.113.7"], "198.51.100.1, 203.0.113.7", true),
            (&["203.0.113.7"], "nonsense", false),
            (&["0.0.0.0/0"], "203.0.113.7", true),
            (&["0.0.0.0/0"], "2001:db8::1", false),
        ] {
            let body = json!({ "name": "k", "generate_bearer": true, "ip_allow": allow });
            let made = create(&merchant, &body).await.expect(201);
            let caller = merchant.client.with(Credentials::Bearer(text(&made.json, "bearer")));
            let answer = caller.call("GET", "/v1/whoami").header("x-forwarded-for", forwarded).send().await;
            let expected = if may { (200, "") } else { (403, "ip_not_allowed") };
            assert_eq!(
                (answer.status, answer.code()),
                expected,
                "{allow:?} from {forwarded}: {}",
                answer.text
            );
        }
        for entry in ["203.0.113.0/33", "localhost", "", "2001:db8::/129", "203.0.113"] {
            let body = json!({ "name": "k", "generate_bearer": true, "ip_allow": ["127.0.0.1", entry] });
            let refused = create(&merchant, &body).await.expect_problem(400, "field_invalid");
            assert_eq!(refused.pointer(), "/ip_allow/1", "{entry}");
        }
    });
}

/// Keys near their end are announced by a running server too, as an event that a merchant can fetch.
#[test]
fn an_end_in_sight_is_told() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let body = json!({ "name": "k", "generate_bearer": true, "expires_at": "2099-01-01T00:00:00Z" });
        let key = create(&merchant, &body).await.expect(201).id();
        server.stop();
        // Time passes in the file: the suite can't wait for weeks.
        let ends_us = (crate::harness::client::now_s() + 6 * 86_400) * 1_000_000;
        let sql = format!("UPDATE api_key SET expires_at_us = {ends_us} WHERE id = ?1");
        Books::set_at(server, &sql, uid(&key).0);
        for _ in 0..2 {
            server.serve();
            let told = until("the notice", || async {
                let told = merchant.events_of(&key).await;
                (!told.is_empty()).then_some(told)
            })
            .await;
            assert_eq!(told.len(), 1, "once, also after a restart: {told:?}");
            assert_eq!(told[0].0, "api_key.expiring");
            assert_eq!(told[0].1["data"]["object"]["object"], "api_key");
            server.stop();
        }
        server.serve();
    });
}
