//! The master key is rotated while the platform works.

use super::{backed_up, refused, text};
use crate::harness::books::Books;
use crate::harness::merchant::text as field;
use crate::harness::{Merchant, Receiver, Server, on_own, spawn, until};
use crypto::seal::{MasterKeyFile, Sealer, rotation::retired_file};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::Safekeeping;
use store::sqlite::{SqliteConfig, SqliteStore};

/// Versions that seal anything in any column of the database.
fn versions_in(server: &Server) -> BTreeSet<u32> {
    let path = server.data_dir().join("feiqian.db");
    let file = rusqlite::Connection::open(path).unwrap();
    let list = |sql: &str| -> Vec<String> {
        let mut statement = file.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut found = BTreeSet::new();
    for table in list("SELECT name FROM sqlite_schema WHERE type = 'table'") {
        for column in list(&format!("SELECT name FROM pragma_table_info('{table}') WHERE type = 'BLOB'")) {
            let mut statement = file.prepare(&format!("SELECT {column} FROM {table}")).unwrap();
            let values = statement.query_map([], |row| row.get::<_, Option<Vec<u8>>>(0)).unwrap();
            // An id begins with its time, so it would be of a version far beyond these.
            found.extend(
                values.filter_map(Result::unwrap).filter_map(|v| Sealer::version_of(&v)).filter(|v| *v < 99),
            );
        }
    }
    found
}

fn versions_of_file(path: &std::path::Path) -> Vec<u32> {
    MasterKeyFile::load(path).unwrap().versions()
}

/// An order that says who pays, which rests sealed and shows in its events.
fn personal(merchant: &Merchant<'_>, number: i64) -> Value {
    let mut order = merchant.order("bar_code", 1_000 + number, Some("succeed"));
    order["payer"] = json!({ "name": format!("payer {number}") });
    order["client_ip"] = json!("203.0.113.9");
    order
}

/// Every payment can be read with its payer.
async fn assert_readable(merchant: &Merchant<'_>, count: usize) {
    let rows = merchant.all("/v1/payments").await;
    assert_eq!(rows.len(), count);
    assert!(rows.iter().all(|row| row["payer"]["name"].as_str().unwrap().starts_with("payer ")));
    let events = merchant.all("/v1/events?type=payment.succeeded").await;
    assert_eq!(events.len(), count);
    assert!(events.iter().all(|event| event["data"]["object"]["payer"]["name"].is_string()));
}

#[test]
fn under_load_nothing_is_lost() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let receiver = Receiver::start().await;
        let hook = json!({ "url": receiver.url, "events": ["payment.succeeded"] });
        let hook = merchant.client.post("/v1/webhook_endpoints", &hook).key("hook").send().await.expect(201);
        let secret = field(&hook.json, "secret");
        join_all((0..40).map(|n| merchant.create(&personal(&merchant, n)).send())).await;
        let old = backed_up(server);
        assert_eq!(versions_in(server), BTreeSet::from([1]));

        let stop = Arc::new(AtomicBool::new(false));
        let orders: Vec<Vec<Value>> =
            (0..4).map(|_| (0..500).map(|n| personal(&merchant, n)).collect()).collect();
        let calls: Vec<_> = orders
            .into_iter()
            .map(|orders| {
                let (client, stop) = (merchant.client.clone(), Arc::clone(&stop));
                spawn(async move {
                    let mut paid = 0;
                    for order in orders {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        client.post("/v1/payments", &order).send().await.expect(201);
                        paid += 1;
                    }
                    paid
                })
            })
            .collect();
        let rotated = tokio::task::block_in_place(|| server.cli(&["master-key", "rotate"]));
        stop.store(true, Ordering::Relaxed);
        let paid: usize = join_all(calls).await.into_iter().map(Result::unwrap).sum();
        assert_eq!((rotated["version"].as_i64(), &rotated["retired"]), (Some(2), &json!([1])), "{rotated}");
        assert!(rotated["sealed_again"].as_i64().unwrap() >= 80 && paid > 0, "{rotated}");

        assert_eq!(versions_in(server), BTreeSet::from([2]));
        assert_eq!(versions_of_file(&server.master_key_file()), [2]);
        assert_eq!(versions_of_file(&retired_file(&server.master_key_file())), [1]);
        // The server goes on, without a restart and without the old key; then with one.
        for round in 0..2 {
            assert_readable(&merchant, 40 + paid + round).await;
            let id = merchant.create(&personal(&merchant, 900)).send().await.expect(201).id();
            until("a webhook under the same secret", || async {
                let heard = receiver.accepted_of(&id);
                heard.first().map(|delivered| assert!(delivered.is_signed_by(&secret)))
            })
            .await;
            assert_eq!(versions_in(server), BTreeSet::from([2]));
            // Blocks sealed before still prove: their salts outlived the key that they were derived from.
            server.verify();
            server.stop();
            server.serve();
        }
        // The operator's routes and backups work under it.
        let fresh = backed_up(server);
        server.kill();
        server.lose_data();
        let said = refused(&server.try_cli(&["restore", text(&old)]));
        assert!(said.contains("needs version 1") && said.contains("master.key.retired"), "{said}");
        server.cli(&["restore", text(&fresh)]);
        server.serve_held();
        server.cli(&["resume"]);
        assert_readable(&merchant, 42 + paid).await;
    });
}

/// Backed up while a rotation was under way: some values are sealed with one version, some with the next.
#[test]
fn a_backup_in_the_middle_of_a_rotation_needs_both_versions() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        join_all((0..5).map(|n| merchant.create(&personal(&merchant, n)).send())).await;
        server.cli(&["master-key", "prepare"]);
        server.stop();
        {
            let keys = MasterKeyFile::load(&server.master_key_file()).unwrap();
            let sealer = Arc::new(Sealer::new(Arc::new(keys)));
            let config = SqliteConfig::new(server.data_dir().join("feiqian.db"), sealer, 1);
            let store = SqliteStore::open(&config).unwrap();
            store.begin_rotation(2).await.unwrap();
        }
        server.serve();
        merchant.create(&personal(&merchant, 5)).send().await.expect(201);
        assert_eq!(versions_in(server), BTreeSet::from([1, 2]));
        assert_eq!(server.cli(&["master-key", "status"])["rotating_to"], 2);
        let backup = backed_up(server);
        server.kill();
        let lost = server.lose_data();
        let both = fs::read_to_string(server.master_key_file()).unwrap();
        for line in both.lines() {
            fs::write(server.master_key_file(), line).unwrap();
            let said = refused(&server.try_cli(&["restore", text(&backup)]));
            assert!(said.contains("needs version"), "{said}");
        }
        fs::write(server.master_key_file(), &both).unwrap();
        server.cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]);
        server.cli(&["resume"]);
        server.serve();
        // It goes on where it was.
        let rotated = server.cli(&["master-key", "rotate"]);
        assert_eq!((rotated["version"].as_i64(), &rotated["retired"]), (Some(2), &json!([1])), "{rotated}");
        assert_eq!(versions_in(server), BTreeSet::from([2]));
        assert_readable(&merchant, 6).await;
    });
}

#[test]
fn a_prepared_version_is_used_by_the_next_rotation() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        join_all((0..5).map(|n| merchant.create(&personal(&merchant, n)).send())).await;
        let prepared = server.cli(&["master-key", "prepare"]);
        assert_eq!(prepared["prepared"], 2);
        assert_eq!(server.cli(&["master-key", "prepare"])["prepared"], 2, "it stays the only one");
        server.stop();
        server.serve();
        merchant.create(&personal(&merchant, 5)).send().await.expect(201);
        assert_eq!(versions_in(server), BTreeSet::from([1]), "prepared is not used");
        let status = server.cli(&["master-key", "status"]);
        assert_eq!((&status["versions"], &status["version"]), (&json!([1, 2]), &json!(1)));
        // Without a server as well.
        server.stop();
        server.cli(&["master-key", "rotate"]);
        server.serve();
        assert_eq!(versions_in(server), BTreeSet::from([2]));
        assert_readable(&merchant, 6).await;
        let again = server.cli(&["master-key", "rotate"]);
        assert_eq!((again["version"].as_i64(), &again["retired"]), (Some(3), &json!([2])), "{again}");
        assert_eq!(versions_of_file(&retired_file(&server.master_key_file())), [1, 2]);
        assert_readable(&merchant, 6).await;
    });
}

/// The old version's line is put back for an old backup: it is restored, and rotated again.
#[test]
fn an_old_backup_is_restored_with_its_old_key() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.create(&personal(&merchant, 1)).send().await.expect(201);
        let old = backed_up(server);
        server.cli(&["master-key", "rotate"]);
        server.kill();
        let lost = server.lose_data();
        let file = server.master_key_file();
        let both = fs::read_to_string(retired_file(&file)).unwrap() + &fs::read_to_string(&file).unwrap();
        fs::write(&file, both).unwrap();
        server.cli(&["restore", text(&old), "--sandbox-books", text(&lost)]);
        server.cli(&["resume"]);
        server.serve();
        assert_eq!(versions_in(server), BTreeSet::from([1]));
        let rotated = server.cli(&["master-key", "rotate"]);
        assert_eq!(rotated["version"], 2, "{rotated}");
        assert_readable(&merchant, 1).await;
        assert_eq!(Books::open(server).total(), 0);
    });
}

#[test]
fn a_server_that_lacks_the_key_says_which() {
    crate::harness::run(async {
        let server = Server::start(&[]);
        let first = fs::read_to_string(server.master_key_file()).unwrap();
        server.cli(&["master-key", "rotate"]);
        server.stop();
        let second = fs::read_to_string(server.master_key_file()).unwrap();
        fs::write(server.master_key_file(), &first).unwrap();
        let said = refused(&server.try_cli(&["serve"]));
        assert!(said.contains("master key version 2 is not available"), "{said}");
        fs::write(server.master_key_file(), second).unwrap();
        server.serve();
        server.verify();
    });
}
