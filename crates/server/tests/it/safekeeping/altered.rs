//! Backups that are not as they were made, and keys that are not theirs: refused, naming what is wrong, and nothing is there
//! afterwards.

use super::{backed_up, refused, text};
use crate::harness::{Merchant, Server, on_own, run};
use std::fs;
use std::path::{Path, PathBuf};

fn book(directory: &Path) -> PathBuf {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "book")).expect("a book")
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn edit_text(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Nothing of a refused restore stays.
fn assert_nothing_there(server: &Server) {
    assert!(!server.data_dir().exists());
    let beside = fs::read_dir(server.dir()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert!(!beside.into_iter().any(|name| name.contains("restoring")));
}

#[test]
fn every_alteration_is_refused_by_name() {
    run(async {
        let server = Server::start(&[]);
        let merchant = Merchant::new(&server).await;
        merchant.paid(1_000).await;
        let backup = backed_up(&server);
        server.stop();
        server.lose_data();
        type Change = fn(&Path);
        let cases: &[(&str, &str, Change)] = &[
            ("a cut database", "feiqian.db is truncated", |d| {
                edit(&d.join("feiqian.db"), |bytes| bytes.truncate(bytes.len() - 1))
            }),
            ("an empty database", "feiqian.db is truncated", |d| {
                fs::write(d.join("feiqian.db"), "").unwrap()
            }),
            ("a longer database", "feiqian.db is truncated or altered", |d| {
                edit(&d.join("feiqian.db"), |bytes| bytes.push(0))
            }),
            ("one bit of the database", "feiqian.db is altered", |d| {
                edit(&d.join("feiqian.db"), |bytes| bytes[20_000] ^= 1)
            }),
            ("a cut book", ".book is truncated", |d| edit(&book(d), |bytes| bytes.truncate(bytes.len() - 3))),
            ("one bit of the book", ".book is altered", |d| edit(&book(d), |bytes| bytes[30] ^= 1)),
            ("no database", "feiqian.db is missing", |d| fs::remove_file(d.join("feiqian.db")).unwrap()),
            ("no book", ".book is missing", |d| fs::remove_file(book(d)).unwrap()),
            ("a file more", "extra.txt does not belong", |d| fs::write(d.join("extra.txt"), "x").unwrap()),
            ("no manifest", "there is no manifest.json", |d| {
                fs::remove_file(d.join("manifest.json")).unwrap()
            }),
            ("half a manifest", "manifest.json can't be read", |d| {
                edit(&d.join("manifest.json"), |bytes| bytes.truncate(bytes.len() / 2))
            }),
            ("another time in the manifest", "manifest.json is altered", |d| {
                edit_text(&d.join("manifest.json"), "\"books_of\": \"2", "\"books_of\": \"3")
            }),
            ("a newer schema", "made by feiqian", |d| {
                edit_text(&d.join("manifest.json"), "\"schema\": ", "\"schema\": 9")
            }),
            ("another form", "made by feiqian", |d| {
                edit_text(&d.join("manifest.json"), "\"format\": 1", "\"format\": 7")
            }),
        ];
        for (what, said, change) in cases {
            let altered = server.dir().join(format!("altered {what}"));
            copy(&backup, &altered);
            change(&altered);
            let answer = refused(&server.try_cli(&["restore", text(&altered)]));
            assert!(answer.contains(said), "{what}: {answer}");
            assert_nothing_there(&server);
        }
        // As it was made it is restored; a second time not.
        server.cli(&["restore", text(&backup)]);
        let answer = refused(&server.try_cli(&["restore", text(&backup)]));
        assert!(answer.contains("is not empty"), "{answer}");
        server.verify();
    });
}

/// A database swapped for another installation's, with a manifest whose hashes fit it: nobody without the key can write that.
#[test]
fn a_manifest_with_the_right_hashes_is_still_not_genuine() {
    run(async {
        let server = Server::start(&[]);
        let backup = backed_up(&server);
        server.stop();
        server.lose_data();
        let file = rusqlite::Connection::open(backup.join("feiqian.db")).unwrap();
        file.execute("UPDATE merchant_head SET debt_limit_minor = 1000000", []).unwrap();
        file.execute("UPDATE shard_head SET open_day = open_day + 1", []).unwrap();
        file.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())).unwrap();
        file.close().unwrap();
        let bytes = fs::read(backup.join("feiqian.db")).unwrap();
        let path = backup.join("manifest.json");
        let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for entry in manifest["files"].as_array_mut().unwrap() {
            if entry["name"] == "feiqian.db" {
                entry["sha256"] = crypto::hex(&crypto::sha256(&bytes)).into();
                entry["size_bytes"] = bytes.len().into();
            }
        }
        fs::write(&path, manifest.to_string()).unwrap();
        let answer = refused(&server.try_cli(&["restore", text(&backup)]));
        assert!(answer.contains("manifest.json is altered"), "{answer}");
        assert_nothing_there(&server);
    });
}

#[test]
fn another_master_key_is_refused() {
    run(async {
        let server = Server::start(&[]);
        let backup = backed_up(&server);
        server.stop();
        server.lose_data();
        let right = fs::read_to_string(server.master_key_file()).unwrap();
        let other = crypto::seal::MasterKeyFile::create(&server.dir().join("other.key"));
        drop(other.unwrap());
        let wrong = fs::read_to_string(server.dir().join("other.key")).unwrap();
        for (text_of_key, said) in [
            (wrong.clone(), "is not the master key"),
            (wrong.replace("-v1:", "-v2:"), "needs version 1"),
            ("rubbish".to_owned(), "expected"),
        ] {
            fs::write(server.master_key_file(), text_of_key).unwrap();
            let answer = refused(&server.try_cli(&["restore", text(&backup)]));
            assert!(answer.contains(said), "{answer}");
            assert_nothing_there(&server);
        }
        fs::remove_file(server.master_key_file()).unwrap();
        let answer = refused(&server.try_cli(&["restore", text(&backup)]));
        assert!(answer.contains("is missing"), "{answer}");
        super::write_private(&server.master_key_file(), &right);
        server.cli(&["restore", text(&backup)]);
        server.verify();
    });
}

/// The channel's book of another installation, or one that is older than the backup's, is not taken for the channel's own.
#[test]
fn another_channels_book_is_refused() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(1_000).await;
        let backup = backed_up(server);
        server.kill();
        let lost = server.lose_data();
        let old = book(&lost);
        let whole = fs::read(&old).unwrap();
        edit(&old, |bytes| bytes[20] ^= 1);
        let answer = refused(&server.try_cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]));
        assert!(answer.contains("does not go on"), "{answer}");
        edit(&old, |bytes| bytes.truncate(14));
        let answer = refused(&server.try_cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]));
        assert!(answer.contains("does not go on"), "{answer}");
        fs::write(&old, whole).unwrap();
        assert_nothing_there(server);
        server.cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]);
        server.cli(&["resume"]);
        server.serve();
    });
}
