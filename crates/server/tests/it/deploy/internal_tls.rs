//! Own TLS on the internal listener: the command line finds its way in, others do not.

use super::certificates::{Authority, Files};
use crate::harness::{Server, run, until};

#[test]
fn commands_reach_an_internal_listener_with_tls_by_its_certificate() {
    run(async {
        let authority = Authority::new();
        // Neither its name nor its issuer matter: the command line takes this one certificate.
        let files = Files::of(&authority.pair(&["feiqian.internal"]));
        let server = Server::make(&files.settings("internal_tls"));
        assert!(!server.try_cli(&["health"]).status.success(), "nobody serves yet");
        server.begin();
        until("readiness", || async {
            server.assert_alive();
            server.try_cli(&["health"]).status.success().then_some(())
        })
        .await;
        assert_eq!(server.cli(&["health"])["ready"], true);
        let plain = server.internal().get("/metrics").await;
        assert_eq!(plain.status, 400, "{}", plain.text);
        assert!(!plain.text.contains("feiqian_"), "{}", plain.text);
        // The operator's route is reached too: it knows that there is no such payment.
        let resolve = ["payment", "resolve", "--payment", "pay_00000000000000000000000000", "--keep"];
        let told = String::from_utf8_lossy(&server.try_cli(&resolve).stderr).into_owned();
        assert!(told.contains("no such payment"), "{told}");
        // Another certificate in the file is not what the server shows: the command line does not talk to it.
        let kept = (std::fs::read_to_string(files.certificate()), std::fs::read_to_string(files.key()));
        files.put(&authority.pair(&["feiqian.internal"]));
        let refused = server.try_cli(&["health"]);
        assert!(!refused.status.success(), "it trusted a certificate that nobody named");
        files.replace(&files.certificate(), &kept.0.expect("the first certificate"));
        files.replace(&files.key(), &kept.1.expect("the first key"));
        assert_eq!(server.cli(&["health"])["ready"], true);
        server.verify();
    });
}
