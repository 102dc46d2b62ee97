//! Two listeners: what the internal one shows is not on the public one.

use crate::harness::{Server, on_shared, run};

#[test]
fn the_public_listener_shows_nothing_internal() {
    on_shared(async |server| {
        for path in [
            "/metrics",
            "/healthz",
            "/readyz",
            "/ops/v1/payments/pay_0/resolve",
            "//metrics",
            "/metrics/",
            "/%6detrics",
        ] {
            let public = server.client().get(path).await.expect_problem(404, "route_not_found");
            assert!(!public.text.contains("feiqian_http"), "{path}: {}", public.text);
        }
        for path in ["/metrics", "/healthz", "/readyz"] {
            server.internal().get(path).await.expect(200);
        }
        assert_eq!(server.internal().get("/v1/whoami").await.status, 404);
    });
}

#[test]
fn an_internal_listener_for_all_addresses_takes_an_explicit_word() {
    run(async {
        let server = Server::make(&[]);
        server.configure("internal_listen = \"127.0.0.1:", "internal_listen = \"0.0.0.0:");
        let refused = server.try_cli(&["serve"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains("internal_listen_exposed = true"), "{told}");
    });
}

#[test]
fn health_says_whether_commands_are_taken() {
    run(async {
        let server = Server::start(&[]);
        assert_eq!(server.cli(&["health"])["ready"], true);
        server.stop();
        let stopped = server.try_cli(&["health"]);
        let told = String::from_utf8_lossy(&stopped.stderr).into_owned();
        assert_eq!(stopped.status.code(), Some(1), "{told}");
        assert!(told.contains("nobody answers on internal_listen"), "{told}");
        server.verify();
    });
}
