//! `sign explain` names what the server answers, and the first byte that differs.

use crate::cases_b::live::LiveMerchant;
use crate::cases_b::mistakes::{LINES, MISTAKES};
use crate::cases_b::signing::{Draft, Pair, der};
use crate::harness::merchant::text;
use crate::harness::{Answer, Call, Merchant, Server, on_own, on_shared};
use crypto::key::Alg;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

/// A request and its answer, one below the other, in a file.
async fn recorded(server: &Server, call: Call) -> (PathBuf, Answer) {
    let sent = call.as_sent();
    let answer = call.send().await;
    let head = format!("\r\n\r\nHTTP/1.1 {} \r\n\r\n", answer.status);
    let path = server.dir().join(server.next_no("refused"));
    std::fs::write(&path, [&sent, head.as_bytes(), answer.text.as_bytes(), b"\n"].concat()).expect("a file");
    (path, answer)
}

/// Explains a file beside an installation, which knows the key, or without one.
fn explained(server: &Server, beside: bool, arguments: &[&str]) -> (Output, Value) {
    let words = [&["sign", "explain", "--json"], arguments].concat();
    let output = if beside {
        server.try_cli(&words)
    } else {
        let elsewhere = tempfile::tempdir().expect("a folder");
        Server::binary().args(words).current_dir(elsewhere.path()).output().expect("it runs")
    };
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, json)
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn first<'v>(json: &'v Value, name: &str) -> &'v str {
    json["findings"][0][name].as_str().unwrap_or("")
}

/// Every mistake of the suite, by the code that the server answers with; `sign explain` must come to the same.
#[test]
fn what_the_server_refuses_is_explained_with_its_code() {
    on_own(&[("rate_limits", "failed_access", "{ per_second = 1000, burst = 1000 }")], async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let lines = LINES.iter().map(|(what, change)| (*what, *change));
        let mistakes = MISTAKES.iter().map(|(what, _, change)| (*what, *change)).chain(lines);
        for (what, change) in mistakes {
            let body = merchant.order("qr_code", 900, None).to_string();
            let mut draft = Draft::new(server, "POST", "/v1/payments", body.as_bytes(), &pair);
            draft.header("idempotency-key", &merchant.next_no("k"));
            let right = draft.method;
            change(&mut draft);
            let mut call = draft.call(server, &pair);
            call.set_method(right);
            let (file, answer) = recorded(server, call).await;
            assert_eq!(answer.status, 401, "{what}: {}", answer.text);
            for beside in [true, false] {
                let (output, json) = explained(server, beside, &[&shown(&file)]);
                assert_eq!(output.status.code(), Some(1), "{what}: {json}");
                assert_eq!(first(&json, "code"), answer.code(), "{what}, beside {beside}: {json}");
                assert_eq!(json["right"], false, "{what}: {json}");
                // More than an echo of the answer, but for a key of which only the server knows that there is none.
                let echo = first(&json, "detail").starts_with("the server answered");
                assert!(!beside || echo == (what == "an unknown key"), "{what}: {json}");
            }
        }
    });
}

/// WIRE's named mistakes: the cause by name, and for the texts the byte.
#[test]
fn each_named_mistake_has_its_cause_and_its_byte() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let (pair, ecdsa) =
            (Pair::new(&merchant, Alg::Ed25519).await, Pair::new(&merchant, Alg::EcdsaP256Sha256).await);
        let body = merchant.order("qr_code", 900, None);
        let compact = serde_json::to_string(&body).expect("JSON");
        let pretty = serde_json::to_string_pretty(&body).expect("JSON");
        let draft = |body: &str| Draft::new(server, "POST", "/v1/payments", body.as_bytes(), &pair);
        let mut cases: Vec<(&str, Call)> = Vec::new();
        let mut add = |cause, call| cases.push((cause, call));

        let mut der_signed = Draft::get(server, "/v1/balances", &ecdsa);
        der_signed.spoil = |signed| signed.bytes = der(&signed.bytes);
        add("ecdsa_der", der_signed.call(server, &ecdsa));
        let mut milliseconds = draft(&compact);
        milliseconds.set("created", &format!("{}000", crate::harness::client::now_s()));
        add("created_milliseconds", milliseconds.call(server, &pair));
        let mut unquoted = draft(&compact);
        unquoted.set("keyid", &pair.id);
        add("parameter_unquoted", unquoted.call(server, &pair));
        let mut missing = draft(&compact);
        missing.uncover("content-digest");
        add("not_signed", missing.call(server, &pair));
        let mut host = draft(&compact);
        host.target_uri = host.target_uri.replace("127.0.0.1", "localhost");
        add("uri_host", host.call(server, &pair));
        let mut unknown = draft(&compact);
        unknown.set("keyid", "\"merchant-7\"");
        add("keyid_malformed", unknown.call(server, &pair));
        // Hashed as one text, sent as another.
        let mut hashed = draft(&pretty);
        hashed.body = compact.clone().into_bytes();
        add("digest_of_other_body", hashed.call(server, &pair));

        for (cause, call) in cases {
            let (file, answer) = recorded(server, call).await;
            let (_, json) = explained(server, true, &[&shown(&file)]);
            assert_eq!((first(&json, "cause"), first(&json, "code")), (cause, answer.code()), "{json}");
            let difference = &json["findings"][0]["difference"];
            match cause {
                "uri_host" => {
                    let base = text(&answer.json, "signature_base");
                    let at = base.find("127.0.0.1").expect("the public URL");
                    assert_eq!(
                        (difference["in"].as_str(), difference["offset"].as_u64()),
                        (Some("signature_base"), Some(at as u64))
                    );
                    assert_eq!(
                        (&difference["line"], &difference["server"]["byte"], &difference["client"]["byte"]),
                        (&2.into(), &b'1'.into(), &b'l'.into())
                    );
                }
                "digest_of_other_body" => {
                    let at = compact.bytes().zip(pretty.bytes()).take_while(|(a, b)| a == b).count();
                    assert_eq!(
                        (difference["in"].as_str(), difference["offset"].as_u64()),
                        (Some("body"), Some(at as u64))
                    );
                    assert!(first(&json, "detail").contains("indented by 2"), "{json}");
                }
                _ => assert!(difference.is_null(), "{json}"),
            }
        }
    });
}

/// Neither key nor installation: the program's own base is enough, and so is what the sandbox answered.
#[test]
fn the_clients_own_base_is_compared() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::Ed25519).await;
        let mut draft = Draft::get(server, "/v1/payments?limit=5&status=failed", &pair);
        draft.target_uri = draft.target_uri.replace("limit=5&status=failed", "status=failed&limit=5");
        let (file, answer) = recorded(server, draft.call(server, &pair)).await;
        let right = text(&answer.json, "signature_base");
        let own = right.replace("limit=5&status=failed", "status=failed&limit=5");
        let base = server.dir().join(server.next_no("base"));
        for (bytes, causes) in [
            (own.clone(), vec!["uri_query_order"]),
            (format!("{own}\n"), vec!["uri_query_order", "trailing_line_end"]),
            (own.replace('\n', "\r\n"), vec!["carriage_returns", "uri_query_order"]),
        ] {
            std::fs::write(&base, &bytes).expect("a file");
            let (_, json) = explained(server, false, &[&shown(&file), "--base", &shown(&base)]);
            let found: Vec<&str> = json["findings"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| one["cause"].as_str().unwrap_or(""))
                .collect();
            let (mut found_sorted, mut expected) = (found.clone(), causes);
            found_sorted.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found_sorted, expected, "{json}");
            let offset = right.bytes().zip(bytes.bytes()).take_while(|(a, b)| a == b).count();
            assert_eq!(json["findings"][0]["difference"]["offset"], offset as u64, "{json}");
        }
        // The answer and the base by themselves, without the request.
        let both = server.dir().join(server.next_no("both"));
        std::fs::write(&both, format!("{}\n\n{own}\n", answer.text)).expect("a file");
        let (_, json) = explained(server, false, &[&shown(&both)]);
        assert_eq!(
            (first(&json, "cause"), first(&json, "code")),
            ("uri_query_order", "signature_invalid"),
            "{json}"
        );
        // The answer alone: what the server says, and what more is needed.
        std::fs::write(&both, &answer.text).expect("a file");
        let (output, json) = explained(server, false, &[&shown(&both)]);
        assert_eq!((output.status.code(), first(&json, "code")), (Some(1), "signature_invalid"), "{json}");
        assert!(json["notes"][0].as_str().is_some_and(|note| note.contains("--base")), "{json}");
    });
}

#[test]
fn a_right_request_is_called_right() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let pair = Pair::new(&merchant, Alg::EcdsaP256Sha256).await;
        let (file, answer) =
            recorded(server, Draft::get(server, "/v1/whoami", &pair).call(server, &pair)).await;
        answer.expect(200);
        let (output, json) = explained(server, true, &[&shown(&file)]);
        assert!(output.status.success() && json["right"] == true, "{json}");
        let (output, json) = explained(server, false, &[&shown(&file)]);
        assert!(output.status.success() && json["right"].is_null(), "nobody knows without the key: {json}");
        // The key by a file: either half, and nothing of it in what is printed.
        let private = server.dir().join(server.next_no("private"));
        let pem = pair.key.to_pkcs8_pem();
        std::fs::write(&private, pem.as_bytes()).expect("a file");
        let (output, json) = explained(server, false, &[&shown(&file), "--key", &shown(&private)]);
        assert_eq!(json["right"], true, "{json}");
        let secret = pem.lines().nth(1).expect("its text").to_owned();
        assert!(!String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).contains(&secret));
        let public = server.dir().join(server.next_no("public"));
        std::fs::write(&public, Pair::new(&merchant, Alg::EcdsaP256Sha256).await.key.public_key_pem())
            .expect("a file");
        let (_, json) = explained(server, false, &[&shown(&file), "--key", &shown(&public)]);
        assert_eq!(first(&json, "cause"), "other_key", "{json}");
    });
}

/// Live names no base; with the key the mistake is found all the same. A key of the other world is told by its id.
#[test]
fn live_and_the_other_world() {
    on_own(&[], async |server| {
        let (live, sandbox) = (LiveMerchant::new(server).await, Merchant::new(server).await);
        let mut wrong = live.draft("GET", "/v1/balances", None);
        wrong.target_uri = wrong.target_uri.replace("http:", "https:");
        let (file, answer) = recorded(server, wrong.call(server, &live.pair)).await;
        assert!(answer.json.get("signature_base").is_none(), "{}", answer.text);
        let (_, json) = explained(server, true, &[&shown(&file)]);
        assert_eq!(first(&json, "cause"), "uri_scheme", "{json}");
        let (_, json) = explained(server, false, &[&shown(&file)]);
        assert_eq!(first(&json, "code"), "signature_invalid", "what the server said at least: {json}");
        let mut other = live.draft("GET", "/v1/balances", None);
        other.header("feiqian-merchant", &sandbox.id);
        let (file, answer) = recorded(server, other.call(server, &live.pair)).await;
        assert_eq!(answer.code(), "key_wrong_world");
        for beside in [true, false] {
            let (_, json) = explained(server, beside, &[&shown(&file)]);
            assert_eq!(first(&json, "code"), "key_wrong_world", "{json}");
        }
    });
}

#[test]
fn what_can_not_be_explained_is_refused_with_advice() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        shown(&path)
    };
    let request = file("request", b"GET /v1/whoami HTTP/1.1\nHost: h\n\n");
    for (arguments, part) in [
        (vec![file("empty", b"")], "no request in the file"),
        (vec![file("binary", &[0xff; 4096])], "no request in the file"),
        (vec![file("long", &vec![b'x'; 17 * 1024 * 1024])], "longer than"),
        (vec![shown(dir.path())], ""),
        (vec![shown(&dir.path().join("absent"))], "absent"),
        (vec![file("headers", b"GET / HTTP/1.1\nno colon\n\n")], "header line 1"),
        (vec![file("nameless", b"GET / HTTP/1.1\nSignature: x\n\n")], "--public-url"),
        (vec![request.clone(), "--public-url".to_owned(), "pay.example.com".to_owned()], "--public-url"),
        (vec![request.clone(), "--key".to_owned(), file("key", b"no key")], "PEM"),
        (vec![request.clone(), "--answer".to_owned(), file("answer", b"{}")], "no problem document"),
    ] {
        let words = ["sign", "explain", "--json"].into_iter().chain(arguments.iter().map(String::as_str));
        let output = Server::binary().args(words).current_dir(dir.path()).output().expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.starts_with("feiqian: ") && error.contains(part), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    // For people: both languages, and where to look.
    let output = Server::binary()
        .args(["sign", "explain", &request])
        .current_dir(dir.path())
        .output()
        .expect("it runs");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("signature_encoding · field_absent") && out.contains("缺少"), "{out}");
}
