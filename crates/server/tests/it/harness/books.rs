//! The books as they lie in the database: read only, beside the server, by SQL of the test's own.

use super::server::Server;
use crypto::seal::{Aad, MasterKeyFile, Sealer};
use domain::Uid;
use domain::id::{ChannelAccountId, Id};
use rusqlite::{Connection, OpenFlags, Params};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The database of an installation.
pub struct Books {
    connection: Connection,
    sealer: Sealer,
}

/// Of one bill date and currency, minor units.
pub type ByDay = BTreeMap<(i64, i64), i64>;

impl Books {
    /// Opens it beside the server.
    pub fn open(server: &Server) -> Books {
        let path = server.data_dir().join("feiqian.db");
        let connection =
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database");
        connection.busy_timeout(std::time::Duration::from_secs(5)).expect("a time-out");
        let provider = MasterKeyFile::load(&server.master_key_file()).expect("the master key");
        Books { connection, sealer: Sealer::new(Arc::new(provider)) }
    }

    /// One number.
    pub fn number(&self, sql: &str, params: impl Params) -> i64 {
        self.connection
            .query_row(sql, params, |row| row.get(0))
            .unwrap_or_else(|fault| panic!("{sql}: {fault}"))
    }

    /// One column of text.
    pub fn texts(&self, sql: &str, params: impl Params) -> Vec<String> {
        let mut statement = self.connection.prepare(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
        let rows = statement.query_map(params, |row| row.get(0)).expect("it runs");
        rows.map(|row| row.expect("a text")).collect()
    }

    /// How many postings an object caused.
    pub fn postings_of(&self, id: &str) -> i64 {
        self.number("SELECT count(*) FROM journal_tx WHERE source = ?1", [uid(id).0])
    }

    /// The kinds of an object's postings, in order.
    pub fn posting_kinds_of(&self, id: &str) -> Vec<String> {
        self.texts("SELECT kind FROM journal_tx WHERE source = ?1 ORDER BY seq", [uid(id).0])
    }

    /// Rows of a table that hang under a merchant.
    pub fn rows_of(&self, table: &str, merchant: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table} WHERE merchant = ?1"), [uid(merchant).0])
    }

    /// The sum of all lines; zero in every currency, or the books are broken.
    pub fn total(&self) -> i64 {
        self.number("SELECT coalesce(sum(abs(s)), 0) FROM (SELECT sum(amount_minor) AS s FROM journal_entry GROUP BY currency)", [])
    }

    /// Lines of one account number by day and currency, debit positive.
    pub fn lines_by_day(&self, code: i64) -> ByDay {
        let sql = "SELECT day, currency, sum(amount_minor) FROM journal_entry WHERE code = ?1 GROUP BY day, currency";
        let mut statement = self.connection.prepare(sql).expect("it fits the schema");
        let rows = statement
            .query_map([code], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
            .expect("it runs");
        rows.map(|row| row.expect("three numbers")).filter(|(_, sum)| *sum != 0).collect()
    }

    /// What all lines of an account number sum to, debit positive.
    pub fn sum(&self, code: i64) -> i64 {
        self.number("SELECT coalesce(sum(amount_minor), 0) FROM journal_entry WHERE code = ?1", [code])
    }

    /// The sandbox's channel account.
    pub fn channel_account(&self) -> ChannelAccountId {
        let sql = "SELECT id FROM channel_account WHERE world = 'sandbox' AND method = 'sandbox'";
        let id: [u8; 16] = self.connection.query_row(sql, [], |row| row.get(0)).expect("an account");
        ChannelAccountId::from_uid(Uid(id))
    }

    /// What the command line shows to the process that serves: derived from the first version of the master key.
    pub fn operator_token(&self) -> String {
        crypto::hex(self.sealer.derive("operator route v1").expect("it derives").as_slice())
    }

    /// What signs its callbacks.
    pub fn callback_secret(&self, account: ChannelAccountId) -> [u8; 32] {
        let sql = "SELECT callback_secret FROM channel_account WHERE id = ?1";
        let sealed: Vec<u8> =
            self.connection.query_row(sql, [account.uid().0], |row| row.get(0)).expect("its row");
        let aad = Aad { table: "channel_account", column: "callback_secret", row_id: &account.uid().0 };
        let secret = self.sealer.open(aad, &sealed).expect("it opens");
        secret.as_slice().try_into().expect("32 bytes")
    }
}

/// The number inside an id.
pub fn uid(id: &str) -> Uid {
    let bare = id.split_once('_').map_or(id, |(_, bare)| bare);
    Uid::parse(bare).unwrap_or_else(|| panic!("{id} is no id"))
}

/// An id without its prefix: its number at the channel.
pub fn bare(id: &str) -> String {
    uid(id).to_text()
}
