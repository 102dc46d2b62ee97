//! The master key kept by a program, and inside a token (SoftHSM).

use super::{refused, text, write_private};
use crate::harness::{Merchant, Server, Setting, run};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Settings live as long as the test binary.
fn quoted(text: &str) -> &'static str {
    Box::leak(format!("{text:?}").into_boxed_str())
}

fn line(version: u32, byte: u8) -> String {
    format!("feiqian-master-key-v{version}:{}\n", STANDARD.encode([byte; 32]))
}

/// Something that rests sealed is written, and read after a restart.
async fn seals_and_reads(server: &Server, number: i64) {
    let merchant = Merchant::new(server).await;
    let mut order = merchant.order("bar_code", 1_000 + number, Some("succeed"));
    order["payer"] = json!({ "name": "payer" });
    let id = merchant.create(&order).send().await.expect(201).id();
    server.crash();
    let found = merchant.client.get(&format!("/v1/payments/{id}")).await.expect(200);
    assert_eq!(found["payer"]["name"], "payer");
    server.verify();
}

#[test]
fn a_program_keeps_the_master_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    write_private(&keys, &line(1, 7));
    let command = format!("[\"/bin/cat\", {:?}]", text(&keys));
    let settings: [Setting; 2] = [
        ("master_key", "provider", "\"command\""),
        ("master_key", "command", Box::leak(command.into_boxed_str())),
    ];
    run(async {
        let server = Server::start(&settings);
        assert!(!server.master_key_file().exists(), "nothing is written where the file would be");
        seals_and_reads(&server, 1).await;
        // Rotation: its keeper adds the version, this program says so.
        let told = refused(&server.try_cli(&["master-key", "rotate"]));
        assert!(told.contains("add 32 random bytes as version 2"), "{told}");
        fs::write(&keys, line(1, 7) + &line(2, 8)).expect("the keeper adds a version");
        let rotated = server.cli(&["master-key", "rotate"]);
        assert_eq!((&rotated["version"], &rotated["retired"]), (&json!(2), &json!([])), "{rotated}");
        assert_eq!(server.cli(&["master-key", "status"])["version"], 2);
        fs::write(&keys, line(2, 8)).expect("the keeper takes the old one away");
        seals_and_reads(&server, 2).await;
        // What it can't do without is named.
        server.stop();
        for (content, words) in [
            (line(2, 9), "not the master key"),
            (line(3, 8), "version 2 is not available"),
            (String::new(), "is no key"),
        ] {
            fs::write(&keys, content).expect("another key");
            let told = refused(&server.try_cli(&["serve"]));
            assert!(told.contains(words), "{told}");
        }
        fs::remove_file(&keys).expect("no keys");
        let told = refused(&server.try_cli(&["verify"]));
        assert!(told.contains("/bin/cat") && told.contains("run it by hand"), "{told}");
    });
}

/// A new token of this label. Its directory is this test binary's own.
fn token(label: &str, pin: &str) {
    let configuration = Server::token_configuration();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", label, "--so-pin", "so-pin-of-a-test", "--pin", pin])
        .env("SOFTHSM2_CONF", configuration)
        .output()
        .expect("softhsm2-util runs: scripts/setup.sh test installs it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn module() -> &'static str {
    let known = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    known
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("SoftHSM's module: scripts/setup.sh test installs it")
}

#[test]
fn a_token_keeps_the_master_key_and_never_gives_it_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let pin_file = folder.path().join("pin");
    write_private(&pin_file, "1234-of-a-test\n");
    let label = "feiqian of a test";
    token(label, "1234-of-a-test");
    let settings: [Setting; 4] = [
        ("master_key", "provider", "\"pkcs11\""),
        ("master_key", "module", quoted(module())),
        ("master_key", "token_label", quoted(label)),
        ("master_key", "pin_file", quoted(text(&pin_file))),
    ];
    run(async {
        let server = Server::start(&settings);
        assert!(!server.master_key_file().exists(), "nothing is written where the file would be");
        seals_and_reads(&server, 1).await;
        let rotated = server.cli(&["master-key", "rotate"]);
        assert_eq!((&rotated["version"], &rotated["retired"]), (&json!(2), &json!([1])), "{rotated}");
        assert_eq!(server.cli(&["master-key", "status"])["versions"], json!([2]));
        seals_and_reads(&server, 2).await;
        server.stop();
        // Another PIN, a PIN that others can read, a token that is away, no token of this program's.
        fs::write(&pin_file, "1235-of-a-test").expect("another PIN");
        let told = refused(&server.try_cli(&["serve"]));
        assert!(told.contains("master_key.pin_file is not the token's"), "{told}");
        fs::write(&pin_file, "1234-of-a-test").expect("the PIN");
        let readable: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&pin_file, readable).expect("its mode");
        let told = refused(&server.try_cli(&["serve"]));
        assert!(told.contains("chmod 600"), "{told}");
        fs::set_permissions(&pin_file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("its mode");
        server.configure(label, "another token");
        let told = refused(&server.try_cli(&["serve"]));
        assert!(told.contains("no token with this label is there"), "{told}");
        token("another token", "1234-of-a-test");
        let told = refused(&server.try_cli(&["serve"]));
        assert!(told.contains("there is no master key in it"), "{told}");
        // Whoever has all the files and not the token has nothing.
        server.configure("\"pkcs11\"", "\"file\"");
        write_private(&server.master_key_file(), &line(2, 7));
        let told = refused(&server.try_cli(&["verify"]));
        assert!(told.contains("not the master key"), "{told}");
    });
}
