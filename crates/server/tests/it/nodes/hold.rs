//! A lock of the database that a test holds while nodes want it.

use crate::harness::{Server, until};
use std::thread::JoinHandle;

/// Held until it is given free.
pub(super) struct Hold {
    url: String,
    holder: Option<JoinHandle<()>>,
}

impl Hold {
    /// Takes it by statements of PL/pgSQL; comes back when it is had.
    pub(super) async fn of(server: &Server, take: &str) -> Hold {
        let url = server.database_url().expect("it is PostgreSQL").to_owned();
        let words = format!(
            "DROP TABLE IF EXISTS go_on; DO $hold$ BEGIN {take}; WHILE NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'go_on') LOOP \
             PERFORM pg_sleep(0.02); END LOOP; END $hold$; DROP TABLE go_on"
        );
        let of = url.clone();
        let holder = std::thread::spawn(move || testdb::say(&of, &words));
        let hold = Hold { url, holder: Some(holder) };
        let sleeps =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        until("lock that the test holds", || async {
            (!testdb::rows(&hold.url, sleeps).is_empty()).then_some(())
        })
        .await;
        hold
    }

    /// Gives it free, and waits until it is.
    pub(super) fn release(mut self) {
        testdb::say(&self.url, "CREATE TABLE go_on ()");
        self.holder.take().expect("it is held").join().expect("the holder's statements");
    }
}
