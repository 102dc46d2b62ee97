//! Own TLS on the public listener: what is agreed on, what is refused, what a client that does not belong there is told.

use super::certificates::{Authority, Files, HOST, Pair, serving};
use crate::harness::merchant::text;
use crate::harness::{Server, run};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[test]
fn merchants_pay_over_own_tls() {
    run(async {
        let authority = Authority::new();
        let files = Files::of(&authority.pair(&[HOST]));
        let server = serving(&files, &[]);
        let id =
            text(&server.cli(&["merchant", "create", "--world", "sandbox", "--name", "Tea House"]), "id");
        server.cli(&[
            "price",
            "set",
            "--merchant",
            &id,
            "--method",
            "sandbox",
            "--currency",
            "CNY",
            "--rate",
            "0.60",
        ]);
        let bearer = text(&server.cli(&["key", "create", "--merchant", &id, "--bearer"]), "bearer");
        let client = authority.client(server.port());
        let order = json!({
            "merchant_order_no": "T-1", "amount": { "value": 1250, "currency": "CNY" }, "method": "sandbox",
            "scene": "bar_code", "auth_code": "134500000000000001", "subject": "tea",
        });
        let paid = crate::harness::until("payment over TLS", || async {
            let request = client.post(format!("https://{HOST}/v1/payments")).bearer_auth(&bearer);
            let request = request.header("content-type", "application/json").body(order.to_string());
            let answer = request.send().await.expect("an answer");
            (answer.status() == 201).then_some(answer)
        })
        .await;
        assert_eq!(paid.version(), reqwest::Version::HTTP_11);
        let paid: Value = serde_json::from_str(&paid.text().await.expect("a body")).expect("JSON");
        assert_eq!(paid["status"], "succeeded", "{paid}");
        server.verify();
    });
}

/// The handshake as `openssl s_client` sees it; its output.
fn openssl(server: &Server, arguments: &[&str]) -> String {
    let output = std::process::Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{}", server.port()), "-servername", HOST])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn an_independent_client_agrees_on_tls_1_2_and_1_3_and_http_1_1_and_nothing_less() {
    run(async {
        let files = Files::of(&Authority::new().pair(&[HOST]));
        let server = serving(&files, &[]);
        for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let told = openssl(&server, &[version, "-alpn", "h2,http/1.1"]);
            assert!(told.contains(name) && told.contains("ALPN protocol: http/1.1"), "{version}: {told}");
        }
        for refused in [&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"][..], &["-alpn", "h2"][..]] {
            let told = openssl(&server, refused);
            assert!(told.contains("alert"), "{refused:?}: {told}");
        }
    });
}

#[test]
fn plain_http_on_the_tls_port_is_told_so() {
    run(async {
        let files = Files::of(&Authority::new().pair(&[HOST]));
        let server = serving(&files, &[]);
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.expect("a connection");
        stream
            .write_all(b"GET /v1/whoami HTTP/1.1\r\nhost: pay.example.com\r\n\r\n")
            .await
            .expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer and an end");
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("use https://"), "{answer}");
    });
}

#[test]
fn a_client_that_says_nothing_or_stops_half_way_is_closed() {
    run(async {
        let files = Files::of(&Authority::new().pair(&[HOST]));
        let server = serving(&files, &[("tls", "handshake_timeout_ms", "300")]);
        for bytes in
            [&b""[..], &b"\x16\x03\x01\x02\x00\x01"[..], &b"\x16\x03\x01\x00\x05hello"[..], &b"\x00\x00"[..]]
        {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.expect("a connection");
            stream.write_all(bytes).await.expect("it is sent");
            let mut answer = Vec::new();
            let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
            // An end or a reset, but no waiting for ever.
            let _ = end.unwrap_or_else(|_| panic!("{bytes:?}: still open"));
        }
        let timeouts = super::certificates::metric(
            &server,
            "feiqian_tls_handshakes_failed_total{listener=\"public\",reason=\"timeout\"}",
        )
        .await;
        assert_eq!(timeouts, Some(2.0));
        assert_eq!(authority_free_request(&server).await, 400);
    });
}

/// The server still answers whoever comes.
async fn authority_free_request(server: &Server) -> u16 {
    let answer = reqwest::get(format!("http://127.0.0.1:{}/", server.port())).await.expect("an answer");
    answer.status().as_u16()
}

/// What `serve` says when it does not start.
fn refusal(server: &Server) -> String {
    let output = server.try_cli(&["serve"]);
    assert!(!output.status.success(), "it served");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_pair_that_cannot_serve_is_refused_at_start_with_its_file() {
    let authority = Authority::new();
    let (good, other) = (authority.pair(&[HOST]), authority.pair(&[HOST]));
    let files = Files::of(&good);
    let settings =
        [&files.settings("tls")[..], &[("", "public_url", "\"https://pay.example.com\"")]].concat();
    let server = Server::make(&settings);
    let (certificate, key) = (files.certificate(), files.key());
    let mixed = Pair { certificate: good.certificate.clone(), key: other.key.clone() };
    files.put(&mixed);
    let told = refusal(&server);
    assert!(told.contains("key.pem is not the key of") && told.contains("certificate.pem"), "{told}");
    files.put(&good);
    files.replace(&key, &good.certificate);
    assert!(refusal(&server).contains("key.pem: no PEM private key in it"));
    files.put(&good);
    files.replace(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(refusal(&server).contains("certificate.pem"));
    files.replace(&certificate, "");
    assert!(refusal(&server).contains("certificate.pem: no PEM certificate in it"));
    files.put(&good);
    std::fs::remove_file(&certificate).expect("it was there");
    assert!(refusal(&server).contains("certificate.pem"));
    files.put(&good);
    for mode in [0o644, 0o604, 0o620, 0o660] {
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("its mode");
        let told = refusal(&server);
        assert!(told.contains(&format!("mode {mode:04o}")) && told.contains("chmod"), "{told}");
    }
}
