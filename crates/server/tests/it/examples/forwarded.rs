//! Whose address counts: that of the client, as far as a trusted proxy vouches for it.

use super::nginx::Nginx;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Server, run, until};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Calls whoami from an address of this machine, and says that it is somebody else; answers status and code.
fn whoami(url: &str, nginx: &Nginx, headers: &Path, from: &str) -> (String, String) {
    let mut command = Command::new("curl");
    command.args(["-sS", "--noproxy", "*", "--max-time", "30", "-w", "\n%{http_code}", "--interface", from]);
    command.arg("--cacert").arg(nginx.authority()).arg("-H").arg(format!("@{}", headers.display()));
    let output = command.arg(format!("{url}/v1/whoami")).output().expect("curl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = out.rsplit_once('\n').expect("body and status");
    let body: Value = serde_json::from_str(body).expect("JSON");
    (status.to_owned(), body["code"].as_str().unwrap_or("").to_owned())
}

/// A bearer key that may be used from these addresses only, as header lines in a file.
async fn key_for(server: &Server, merchant: &Merchant<'_>, ip_allow: &[&str]) -> std::path::PathBuf {
    let body = json!({ "name": "shop", "generate_bearer": true, "ip_allow": ip_allow });
    let made =
        merchant.client.post("/v1/api_keys", &body).key(&merchant.next_no("k")).send().await.expect(201);
    until("the key at the node", || async {
        let keys = merchant.all("/v1/api_keys").await;
        keys.iter().any(|key| key["id"] == made["id"]).then_some(())
    })
    .await;
    let file = server.dir().join(server.next_no("headers"));
    let bearer = text(&made.json, "bearer");
    // The client claims an address that it does not have.
    std::fs::write(&file, format!("Authorization: Bearer {bearer}\nX-Forwarded-For: 203.0.113.7\n"))
        .expect("a file");
    file
}

#[test]
fn the_client_address_comes_from_a_trusted_proxy_only() {
    run(async {
        let mut nginx = Nginx::prepare();
        let server = nginx.server(&[]);
        let merchant = Merchant::new(&server).await;
        let own = key_for(&server, &merchant, &["127.0.0.3"]).await;
        let claimed = key_for(&server, &merchant, &["203.0.113.7"]).await;
        let proxy = key_for(&server, &merchant, &["127.0.0.2"]).await;
        let (through, direct) = (nginx.public_url(), server.listen_url().to_owned());
        let allowed = (String::from("200"), String::new());
        let refused = (String::from("403"), String::from("ip_not_allowed"));
        let table = [
            ("its own address, as nginx saw it", &own, &through, "127.0.0.3", &allowed),
            ("another address, as nginx saw it", &own, &through, "127.0.0.1", &refused),
            ("an address that the client claimed to nginx", &claimed, &through, "127.0.0.3", &refused),
            ("the proxy's address is not the client's", &proxy, &through, "127.0.0.3", &refused),
            ("its own address, without a proxy", &own, &direct, "127.0.0.3", &allowed),
            ("an address that the client claimed to the server", &claimed, &direct, "127.0.0.3", &refused),
        ];
        for as_shipped in [false, true] {
            match as_shipped {
                false => nginx.start("").await,
                true => nginx.start_as_shipped().await,
            }
            for (what, key, url, from, expected) in table {
                assert_eq!(whoami(url, &nginx, key, from), *expected, "{what}, as shipped {as_shipped}");
            }
        }
        nginx.stop();
        server.verify();
    });
}
