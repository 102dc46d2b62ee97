//! A certificate is exchanged while serving: noticed by itself or by SIGHUP; a bad one is not taken.

use super::certificates::{Authority, Files, HOST, Pair, der, metric, metric_is, serving, shown};
use crate::harness::{Server, run, until};
use std::os::unix::fs::PermissionsExt;

const REFUSED: &str = "feiqian_tls_files_refused{listener=\"public\"}";
const TAKEN: &str = "feiqian_tls_reloads_total{listener=\"public\",outcome=\"taken\"}";

async fn until_shown(authority: &Authority, server: &Server, pair: &Pair) {
    until("the new certificate", || async {
        // A client of its own for each look: connections that stand keep what they were shown.
        (shown(&authority.client(server.port())).await == der(pair)).then_some(())
    })
    .await;
}

#[test]
fn new_files_are_noticed_and_standing_connections_stay() {
    run(async {
        let authority = Authority::new();
        let (first, second) = (authority.pair(&[HOST]), authority.pair_until(&[HOST], 2050));
        let files = Files::of(&first);
        let server = serving(&files, &[("tls", "reload_ms", "100")]);
        let standing = authority.client(server.port());
        assert_eq!(shown(&standing).await, der(&first));
        let expiry = "feiqian_tls_certificate_expiry_timestamp_seconds{listener=\"public\"}";
        assert_eq!(metric(&server, expiry).await, Some(3_976_214_400.0));
        files.put(&second);
        until_shown(&authority, &server, &second).await;
        assert_eq!(shown(&standing).await, der(&first), "the connection that stands was closed");
        assert_eq!(metric(&server, expiry).await, Some(2_524_608_000.0));
        metric_is(&server, REFUSED, 0.0).await;
    });
}

#[test]
fn a_bad_pair_is_not_taken_and_said_once() {
    run(async {
        let authority = Authority::new();
        let (first, other) = (authority.pair(&[HOST]), authority.pair(&[HOST]));
        let files = Files::of(&first);
        let server = serving(&files, &[("tls", "reload_ms", "100")]);
        let mixed = Pair { certificate: other.certificate.clone(), key: first.key.clone() };
        let garbage = Pair { certificate: "garbage".to_owned(), key: first.key.clone() };
        for (bad, told) in [
            (mixed, "is not the key of"),
            (garbage, "no PEM certificate in it"),
            (authority.pair(&["other.example.com"]), "does not name pay.example.com"),
            (authority.pair_until(&[HOST], 2021), "it has expired"),
        ] {
            files.put(&bad);
            until(&format!("complaint: {told}"), || async { server.log().contains(told).then_some(()) })
                .await;
            metric_is(&server, REFUSED, 1.0).await;
            assert_eq!(shown(&authority.client(server.port())).await, der(&first), "{told}");
            files.put(&first);
            metric_is(&server, REFUSED, 0.0).await;
            assert_eq!(server.log().matches(told).count(), 1, "{}", server.log());
        }
        let key = first.key.lines().nth(1).expect("a line of base64");
        assert!(!server.log().contains(key), "the key is in the log");
        files.put(&first);
        std::fs::set_permissions(files.key(), std::fs::Permissions::from_mode(0o644)).expect("its mode");
        metric_is(&server, REFUSED, 1.0).await;
        std::fs::remove_file(files.key()).expect("it was there");
        until("complaint", || async { server.log().contains("key.pem: No such file").then_some(()) }).await;
        assert_eq!(shown(&authority.client(server.port())).await, der(&first));
        files.put(&other);
        until_shown(&authority, &server, &other).await;
        assert_eq!(metric(&server, TAKEN).await, Some(1.0));
    });
}

#[test]
fn hangup_reads_the_files_at_once_and_ends_nobody() {
    run(async {
        let authority = Authority::new();
        let (first, second) = (authority.pair(&[HOST]), authority.pair(&[HOST]));
        let files = Files::of(&first);
        let server = serving(&files, &[("tls", "reload_ms", "3600000"), ("log", "level", "\"info\"")]);
        files.put(&second);
        server.signal("HUP");
        until_shown(&authority, &server, &second).await;
        server.signal("HUP");
        until("word about it", || async { server.log().contains("is the one in use").then_some(()) }).await;
        server.assert_alive();
        server.stop();
        let plain = Server::start(&[("log", "level", "\"info\"")]);
        plain.signal("HUP");
        until("word about it", || async {
            plain.log().contains("no certificate to read again").then_some(())
        })
        .await;
        plain.internal().get("/readyz").await.expect(200);
    });
}
