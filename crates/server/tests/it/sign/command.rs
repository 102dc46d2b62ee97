//! `feiqian sign`: what it prints can be pasted, and shows every byte.

use crate::cases_b::signing::Pair;
use crate::examples::nginx::Nginx;
use crate::harness::{Merchant, Server, on_shared, run};
use crypto::key::Alg;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A key pair in a file, as its owner holds it.
async fn key_file(server: &Server, merchant: &Merchant<'_>, alg: Alg) -> (Pair, PathBuf) {
    let pair = Pair::new(merchant, alg).await;
    let file = server.dir().join(server.next_no("private"));
    std::fs::write(&file, pair.key.to_pkcs8_pem().as_bytes()).expect("a file");
    (pair, file)
}

/// Signs; answers the command's JSON.
fn signed(server: &Server, pair: &Pair, file: &Path, arguments: &[&str]) -> Value {
    let file = file.display().to_string();
    server.cli(&[&["sign", "--key", &file, "--keyid", &pair.id], arguments].concat())
}

/// Pastes the curl line into a shell; answers status and body.
fn pasted(json: &Value, dir: &Path, trust: &[(&str, String)]) -> (String, Value) {
    let line = json["curl"].as_str().expect("a curl line");
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{line} --max-time 30 --noproxy '*' -w '\\n%{{http_code}}'"))
        .current_dir(dir);
    let output = command.envs(trust.iter().cloned()).output().expect("a shell");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = out.rsplit_once('\n').unwrap_or_else(|| panic!("{line}: {output:?}"));
    (status.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn its_curl_line_works_as_pasted() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let payments = format!("{}/v1/payments", server.public_url());
        for (alg, more) in [
            (Alg::Ed25519, vec![]),
            (Alg::EcdsaP256Sha256, vec![]),
            (Alg::RsaPssSha512, vec![]),
            (Alg::RsaV15Sha256, vec!["--alg", "rsa-v1_5-sha256"]),
        ] {
            let (pair, key) = key_file(server, &merchant, alg).await;
            let mut order = merchant.order("bar_code", 1_250, Some("succeed"));
            order["subject"] = "it's $(tea) `茶` \"!\\".into();
            let body = server.dir().join(server.next_no("it's a body"));
            // With a line end, as editors leave one: it is part of the body.
            std::fs::write(&body, format!("{order:#}\n")).expect("a file");
            let body = body.display().to_string();
            let attempt = |key_of_order: &str| {
                let fixed = ["post", &payments, "--body", &body, "--idempotency-key", key_of_order];
                signed(server, &pair, &key, &[&fixed[..], &more].concat())
            };
            // A space is no part of a key: the server says so, after it took the signature.
            let made = attempt("it's $k");
            assert_eq!((&made["object"], &made["method"]), (&"signed_request".into(), &"POST".into()));
            let (status, answer) = pasted(&made, server.dir(), &[]);
            let pointer = answer["errors"][0]["pointer"].as_str().unwrap_or("");
            assert_eq!((&*status, pointer), ("400", "/headers/idempotency-key"), "{alg}: {answer}");
            let (status, answer) = pasted(&attempt(&format!("it's-$k-{alg}")), server.dir(), &[]);
            assert_eq!((&*status, &answer["status"]), ("201", &"succeeded".into()), "{alg}: {answer}");
            assert_eq!(answer["subject"], order["subject"]);
            let list = format!(
                "{payments}?merchant_order_no={}&limit=5",
                order["merchant_order_no"].as_str().expect("it")
            );
            let (status, answer) = pasted(&signed(server, &pair, &key, &["GET", &list]), server.dir(), &[]);
            assert_eq!((&*status, &answer["data"][0]["subject"]), ("200", &order["subject"]), "{answer}");
        }
    });
}

/// What a proxy must not touch: escapes in either case, doubled slashes, dots.
#[test]
fn odd_urls_hold_through_a_proxy() {
    run(async {
        let mut nginx = Nginx::prepare();
        let server = nginx.server(&[]);
        let merchant = Merchant::new(&server).await;
        let (pair, key) = key_file(&server, &merchant, Alg::Ed25519).await;
        let trust = [("CURL_CA_BUNDLE", nginx.authority().display().to_string())];
        let targets = [
            ("/v1/payments?merchant_order_no=a%2fb", "400", "field_invalid"),
            ("/v1/payments?merchant_order_no=a%2Fb", "400", "field_invalid"),
            ("/v1/payments?merchant_order_no=%E8%8C%B6", "400", "field_invalid"),
            ("/v1/payments?limit=5&limit=6", "400", "field_invalid"),
            ("/v1/payments/%70ay_x", "404", "payment_not_found"),
            ("/v1/payments?limit=5", "200", ""),
            ("/v1/whoami?", "200", ""),
        ];
        for as_shipped in [false, true] {
            match as_shipped {
                false => nginx.start("").await,
                true => nginx.start_as_shipped().await,
            }
            for (target, status, code) in targets {
                let made = signed(&server, &pair, &key, &["GET", &format!("{}{target}", nginx.public_url())]);
                let (got, answer) = pasted(&made, server.dir(), &trust);
                let code_got = answer["code"].as_str().unwrap_or("");
                assert_eq!((&*got, code_got), (status, code), "{target}, as shipped {as_shipped}: {answer}");
            }
        }
        nginx.stop();
        server.verify();
    });
}

#[test]
fn the_same_input_gives_the_same_base() {
    let dir = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        Server::binary().args(arguments).current_dir(dir.path()).output().expect("it runs")
    };
    let fixed = [
        "sign",
        "POST",
        "https://pay.example.com/v1/refunds",
        "--created",
        "1767225600",
        "--nonce",
        "0123456789abcdef",
    ];
    let output = run(&fixed);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let base = "\"@method\": POST\n\"@target-uri\": https://pay.example.com/v1/refunds\n\"@signature-params\": (\"@method\" \"@target-uri\");\
                created=1767225600;keyid=\"KEYID\";nonce=\"0123456789abcdef\";alg=\"ed25519\"\n";
    assert!(output.status.success() && out.contains(base) && out.contains("--key"), "{out}");
    assert!(!out.contains("Signature: ") && !out.contains("curl"), "nothing is signed without a key: {out}");
    for (arguments, part) in [
        (&["sign"][..], ""),
        (&["sign", "POST"], ""),
        (&["sign", "PUT", "https://h/"], "METHOD"),
        (&["sign", "GET", "/v1/whoami"], "URL"),
        (&["sign", "GET", "https://h/#x"], "URL"),
        (&["sign", "GET", "https://h/", "--key", "absent"], "--keyid"),
        (&["sign", "GET", "https://h/", "--key", "absent", "--keyid", "k"], "absent"),
        (&["sign", "GET", "https://h/", "--keyid", "密钥"], "printable ASCII"),
        (&["sign", "POST", "https://h/", "--body", "absent"], "absent"),
        (&["sign", "POST", "https://h/", "--idempotency-key", "a\nb"], "Idempotency-Key"),
        (&["sign", "GET", "https://h/", "--alg", "none"], "--alg"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(part), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
