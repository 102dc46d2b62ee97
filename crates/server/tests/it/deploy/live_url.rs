//! Live is not served under a URL that only this machine can reach; the sandbox is.

use crate::harness::{Server, run};

fn refusal(server: &Server) -> String {
    let output = server.try_cli(&["serve"]);
    assert!(!output.status.success(), "it served");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn live_under_a_loopback_url_is_refused_at_start() {
    run(async {
        let server = Server::make(&[]);
        server.cli(&["merchant", "create", "--world", "sandbox", "--name", "Tea House"]);
        server.serve();
        server.stop();
        let live = server.try_cli(&["merchant", "create", "--world", "live", "--name", "Live House"]);
        assert!(live.status.success());
        let warned = String::from_utf8_lossy(&live.stderr).into_owned();
        assert!(warned.contains("public_url") && warned.contains("serve will refuse"), "{warned}");
        let told = refusal(&server);
        assert!(
            told.contains("public_url is http://127.0.0.1:") && told.contains("is live: set public_url"),
            "{told}"
        );
        for url in ["http://localhost:1", "http://[::1]:1", "http://0.0.0.0:1"] {
            let told = refusal(with_url(&server, url));
            assert!(told.contains(&format!("public_url is {url}")), "{told}");
        }
        let server = with_url(&server, "https://pay.example.com");
        server.serve();
        server.stop();
        server.verify();
    });
}

/// The same installation under another URL.
fn with_url<'s>(server: &'s Server, url: &str) -> &'s Server {
    server.set_public_url(url);
    server
}
