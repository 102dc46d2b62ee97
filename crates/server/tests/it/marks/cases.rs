//! The cases.

use super::forms::Marks;
use super::scan::Found;
use super::walk::{PERSONAL, walk};
use crate::harness::{Merchant, Server, Setting, on_own, run};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

/// Logs for machines, the most that can be had; every file, also right after a kill.
#[test]
fn r58_no_mark_in_any_output_and_none_on_the_disk() {
    on_own(&[("log", "level", "\"trace\"")], async |server| {
        let walked = walk(server).await;
        assert!(walked.marks.count() >= 25, "{} marks", walked.marks.count());
        let mut found = Found::default();
        for (what, text) in &walked.told {
            found.look(&walked, what, text.as_bytes());
        }
        for path in ["/metrics", "/readyz", "/healthz"] {
            let answer = server.internal().get(path).await.expect(200);
            found.look(&walked, path, answer.text.as_bytes());
        }
        found.look_at_process(&walked, server);
        found.look_at_command(&walked, server, &["verify", "--full"]);
        found.look_at_command(&walked, server, &["config", "check"]);
        let backup = server.dir().join("backup");
        server.cli(&["backup", backup.to_str().expect("letters")]);
        found.look_into(&walked, &backup);
        // As it lies there when the machine dies.
        server.kill();
        found.look_into(&walked, &server.data_dir());
        server.serve();
        server.stop();
        found.look_into(&walked, &server.data_dir());
        let log = server.log();
        assert!(log.contains("/v1/payments") && log.lines().count() > 100, "quiet at level trace:\n{log}");
        found.look(&walked, "the log", log.as_bytes());
        found.none();
        server.serve();
    });
}

/// Logs for people are written by another formatter.
#[test]
fn r58_nor_in_logs_for_people() {
    let settings: [Setting; 2] = [("log", "level", "\"trace\""), ("log", "format", "\"pretty\"")];
    on_own(&settings, async |server| {
        let walked = walk(server).await;
        let log = server.log();
        assert!(log.contains("/v1/payments") && !log.contains("\"level\""), "not for people:\n{log}");
        let mut found = Found::default();
        found.look(&walked, "the log", log.as_bytes());
        found.none();
    });
}

/// What is sealed is not lost: its merchant reads it after a restart.
#[test]
fn r58_what_is_sealed_comes_back_to_its_merchant() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let mut order = merchant.order("bar_code", 500, Some("succeed"));
        order["payer"] = json!({ "phone": PERSONAL[1].1 });
        let id = merchant.create(&order).send().await.expect(201).id();
        server.crash();
        assert_eq!(merchant.payment(&id).await["payer"]["phone"], PERSONAL[1].1);
    });
}

/// A database's password is repeated nowhere: neither when it was written into the URL, where it does not belong, nor when it is taken from
/// its file and the database does not answer.
#[test]
fn r58_a_databases_password_is_not_repeated() {
    run(async {
        const PASSWORD: &str = "MARKED-DATABASE-PASSWORD";
        let mut marks = Marks::default();
        marks.add("the database's password", PASSWORD.as_bytes());
        let server = Server::make(&[]);
        let file = server.dir().join("database-password");
        std::fs::write(&file, PASSWORD).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        let in_url = format!("url = \"postgres://feiqian:{PASSWORD}@127.0.0.1:9/feiqian\"");
        let in_file = format!(
            "url = \"postgres://feiqian@127.0.0.1:9/feiqian\"\npassword_file = \"{}\"",
            file.display()
        );
        let mut before = "[sandbox]".to_owned();
        for store in [in_url, in_file] {
            let section = format!("[store]\n{store}\n\n[sandbox]");
            server.configure(&before, &section);
            before = section;
            for command in
                [&["config", "check"][..], &["config", "check", "--json"], &["init"], &["serve"], &["verify"]]
            {
                let output = server.try_cli(command);
                let said = [output.stdout, output.stderr].concat();
                let text = String::from_utf8_lossy(&said);
                assert!(!said.is_empty(), "{command:?} says nothing");
                assert_eq!(marks.found_in(&said), Vec::<String>::new(), "{command:?}: {text}");
            }
        }
        let shown = server.try_cli(&["config", "check"]);
        assert!(shown.status.success(), "the settings with a file were not taken");
    });
}
