//! What a backup is: consistent under load, proven, whole or not there, without the master key.

use super::{backed_up, place, refused, text};
use crate::harness::{Merchant, on_own, spawn};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn manifest(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(directory.join("manifest.json")).unwrap()).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Payments go on while the copy is made, and none is refused; the copy is one moment's books and holds by itself.
#[test]
fn under_load_it_is_one_moment_of_the_books() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        join_all((0..20).map(|_| merchant.paid(1_000))).await;
        let stop = Arc::new(AtomicBool::new(false));
        // Each caller has a merchant of its own, made before: the load begins at once.
        let load = join_all((0..4).map(|_| Merchant::new(server))).await;
        let orders: Vec<Vec<Value>> = load
            .iter()
            .map(|caller| (0..400).map(|n| caller.order("bar_code", 1_000 + n, Some("succeed"))).collect())
            .collect();
        let calls: Vec<_> = load
            .iter()
            .zip(orders)
            .map(|(caller, orders)| {
                let (client, stop) = (caller.client.clone(), Arc::clone(&stop));
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
        let mut taken = Vec::new();
        for _ in 0..3 {
            taken.push(tokio::task::block_in_place(|| backed_up(server)));
        }
        stop.store(true, Ordering::Relaxed);
        let paid: usize = join_all(calls).await.into_iter().map(Result::unwrap).sum();
        assert!(paid > 0, "nothing was paid meanwhile");
        let mut before = 0;
        for directory in taken {
            // By another process, from the copy alone.
            let proven = server.cli(&["verify", "--full", "--data-dir", text(&directory)]);
            let transactions = proven["transactions"].as_i64().unwrap();
            assert!(transactions >= before.max(20), "{proven}");
            before = transactions;
            let told = manifest(&directory);
            let sandbox =
                told["shards"].as_array().unwrap().iter().find(|s| s["world"] == "sandbox").unwrap();
            assert_eq!(sandbox["journal_seq"], transactions);
        }
    });
}

#[test]
fn it_names_every_file_and_holds_no_master_key() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(1_000).await;
        let directory = backed_up(server);
        let told = manifest(&directory);
        assert_eq!((told["object"].as_str(), told["format"].as_i64()), (Some("backup"), Some(1)));
        assert!(told["program"].as_str().unwrap().starts_with("feiqian "));
        assert!(told["master_key"][0].as_str().unwrap().starts_with("1:"));
        let files = told["files"].as_array().unwrap();
        let mut named: Vec<String> = files.iter().map(|f| f["name"].as_str().unwrap().to_owned()).collect();
        named.push("manifest.json".to_owned());
        named.sort();
        assert_eq!(names(&directory), named);
        assert!(named.iter().any(|name| name.ends_with(".book")), "{named:?}");
        for file in files {
            let bytes = fs::read(directory.join(file["name"].as_str().unwrap())).unwrap();
            assert_eq!(file["size_bytes"], bytes.len());
            assert_eq!(file["sha256"], crypto::hex(&crypto::sha256(&bytes)));
        }
        let key = fs::read_to_string(server.master_key_file()).unwrap();
        let encoded = key.trim().rsplit(':').next().unwrap();
        let raw = STANDARD.decode(encoded).unwrap();
        for name in names(&directory) {
            let bytes = fs::read(directory.join(&name)).unwrap();
            let has = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
            assert!(!has(encoded.as_bytes()) && !has(&raw), "the key is in {name}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(directory.join(&name)).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{name}");
            }
        }
        let beside = names(server.dir());
        assert!(!beside.iter().any(|name| name.contains("partial")), "{beside:?}");
    });
}

#[test]
fn places_that_are_used_are_refused_and_an_empty_one_is_taken() {
    on_own(&[], async |server| {
        let used = place(server, "used");
        fs::create_dir(&used).unwrap();
        fs::write(used.join("something"), "mine").unwrap();
        let said = refused(&server.try_cli(&["backup", text(&used)]));
        assert!(said.contains("is not empty"), "{said}");
        assert_eq!(names(&used), ["something"]);
        let inside = server.data_dir().join("backup");
        let said = refused(&server.try_cli(&["backup", text(&inside)]));
        assert!(said.contains("lie in one another"), "{said}");
        let missing = server.dir().join("no/such/parent/backup");
        server.cli(&["backup", text(&missing)]);
        let empty = place(server, "empty");
        fs::create_dir(&empty).unwrap();
        server.cli(&["backup", text(&empty), "--quick"]);
        assert_eq!(manifest(&empty)["proven"], "quick");
        // Also without a server.
        server.stop();
        backed_up(server);
        server.serve();
    });
}

/// A copy of books that do not hold is no backup, unless somebody wants just that.
#[test]
fn books_that_do_not_hold_are_not_backed_up() {
    crate::harness::run(async {
        let server = crate::harness::Server::start(&[]);
        let merchant = Merchant::new(&server).await;
        merchant.paid(1_000).await;
        server.stop();
        let file = rusqlite::Connection::open(server.data_dir().join("feiqian.db")).unwrap();
        let changed = file.execute("UPDATE balance SET amount_minor = amount_minor + 1", []).unwrap();
        assert!(changed > 0);
        drop(file);
        let directory = place(&server, "backup");
        let said = refused(&server.try_cli(&["backup", text(&directory)]));
        assert!(said.contains("the books do not hold") && said.contains("--no-verify"), "{said}");
        assert!(!directory.exists());
        let made = server.cli(&["backup", text(&directory), "--no-verify"]);
        assert_eq!(made["manifest"]["proven"], "no");
    });
}
