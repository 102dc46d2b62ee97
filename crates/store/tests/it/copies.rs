//! Copies of a database that is written to meanwhile.

use crate::fixtures::*;
use domain::rows::ReadSet;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use store::sqlite::{Copying, OpenFault, SqliteConfig, SqliteStore, copy, damage, schema, settle};
use store::{Control, Reads};

/// An installation whose database has some hundred pages.
fn filled() -> Installation {
    let here = Installation::new(Engine::Sqlite);
    let mut ids = maker(SANDBOX, 40);
    for batch in 0..20 {
        let mut set = writes(1 + batch);
        set.new_payments = (0..50)
            .map(|number| full_payment(&mut ids, here.sandbox, &format!("order-{batch}-{number}")))
            .collect();
        here.commit(SANDBOX, &set).unwrap();
    }
    here
}

fn beside(here: &Installation, name: &str) -> SqliteConfig {
    let original = here.place.scratch().config();
    SqliteConfig { path: original.path.with_file_name(name), ..original }
}

fn count(config: &SqliteConfig, table: &str) -> i64 {
    let file = rusqlite::Connection::open(&config.path).unwrap();
    file.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// Commits go on while pages are copied; what they write is not in the copy, not even in part.
#[test]
fn a_copy_is_one_moment_of_a_database_that_is_written_to() {
    let here = filled();
    let (original, target) = (here.place.scratch().config(), beside(&here, "copy.db"));
    let batches = Cell::new(0u32);
    let progress = |_, _| {
        let mut ids = maker(SANDBOX, 50 + u128::from(batches.get()));
        let mut set = writes(1_000 + u128::from(batches.get()));
        set.new_payments =
            vec![full_payment(&mut ids, here.sandbox, &format!("meanwhile-{}", batches.get()))];
        here.commit(SANDBOX, &set).unwrap();
        batches.set(batches.get() + 1);
    };
    let fixed = Cell::new(false);
    let copying = Copying {
        fixed: Box::new(|| {
            fixed.set(true);
            Ok(())
        }),
        progress: Box::new(progress),
        ..Copying::default()
    };
    let copied = copy(&original, &target.path, copying).unwrap();
    assert!(fixed.get() && batches.get() > 1, "{} batches", batches.get());
    assert_eq!(copied.schema, schema());
    assert_eq!(count(&target, "payment"), 1_000);
    assert_eq!(count(&original, "payment"), 1_000 + i64::from(batches.get()));
    assert_eq!(damage(&target).unwrap(), [""; 0]);
    let store = SqliteStore::open_read_only(&target).unwrap();
    assert_eq!(block_on(store.snapshot()).unwrap().merchants.len(), 2);
    drop(store);
    settle(&target.path).unwrap();
    let names = std::fs::read_dir(target.path.parent().unwrap()).unwrap();
    let names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.starts_with("copy.db-")), "{names:?}");
    assert!(matches!(copy(&original, &target.path, Copying::default()), Err(OpenFault::Exists { .. })));
}

/// A lane commits at full speed while the copy is made: the copy ends, and no commit fails.
#[test]
fn writers_are_not_halted_by_a_copy() {
    let here = filled();
    let (original, target) = (here.place.scratch().config(), beside(&here, "copy.db"));
    let stop = AtomicBool::new(false);
    let committed = std::thread::scope(|scope| {
        let lane = scope.spawn(|| {
            let mut session = here.session(SANDBOX);
            let mut batch = 5_000;
            while !stop.load(Ordering::Relaxed) {
                block_on(session.load(&ReadSet::default())).unwrap();
                block_on(session.commit(&writes(batch))).unwrap();
                batch += 1;
            }
            batch - 5_000
        });
        let copied = copy(&original, &target.path, Copying::default());
        stop.store(true, Ordering::Relaxed);
        copied.unwrap();
        lane.join().unwrap()
    });
    assert!(committed > 0);
    assert_eq!(damage(&target).unwrap(), [""; 0]);
    assert!(block_on(SqliteStore::open_read_only(&target).unwrap().ping()).is_ok());
}

#[test]
fn a_copy_that_would_let_the_log_grow_too_long_is_given_up() {
    let here = filled();
    let target = beside(&here, "copy.db");
    let copying = Copying { log_max_bytes: 1, ..Copying::default() };
    let fault = copy(&here.place.scratch().config(), &target.path, copying).unwrap_err();
    assert!(matches!(fault, OpenFault::CopyTooSlow { log_max_bytes: 1 }), "{fault}");
    assert!(fault.to_string().contains("allow more"));
    // The database is as usable as before.
    here.commit(LIVE, &writes(9_000)).unwrap();
}

#[test]
fn a_damaged_page_is_found() {
    let here = filled();
    let target = beside(&here, "copy.db");
    copy(&here.place.scratch().config(), &target.path, Copying::default()).unwrap();
    let mut bytes = std::fs::read(&target.path).unwrap();
    // The inside of many pages, headers too.
    for page in bytes.chunks_mut(8_192).skip(20).step_by(3) {
        page[..64].fill(0x55);
    }
    std::fs::write(&target.path, bytes).unwrap();
    match damage(&target) {
        Ok(faults) => assert!(!faults.is_empty()),
        Err(fault) => assert!(matches!(fault, OpenFault::Sqlite(_)), "{fault}"),
    }
}

#[test]
fn a_hold_stands_until_it_is_lifted_and_the_restore_is_remembered() {
    let here = Installation::new(Engine::Sqlite);
    let read = || block_on(here.store.snapshot()).unwrap();
    assert_eq!((read().held_since_us, read().restored), (None, None));
    let restored = store::safekeeping::Restored { at_us: 50, books_of_us: 40 };
    let before = read().version;
    block_on(here.store.hold(50, Some(restored))).unwrap();
    assert_eq!((read().held_since_us, read().restored), (Some(50), Some(restored)));
    assert!(read().version > before, "nodes read it again");
    block_on(here.store.release()).unwrap();
    assert_eq!((read().held_since_us, read().restored), (None, Some(restored)));
    block_on(here.store.hold(90, None)).unwrap();
    assert_eq!((read().held_since_us, read().restored), (Some(90), Some(restored)));
}
