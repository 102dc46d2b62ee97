//! What must be the same before and after a refusal: every row that is money, state or a promise.

use crate::harness::Server;
use crate::harness::books::Books;

/// Tables whose rows may neither come, go nor change by a refused request, with what tells a change of each row.
const TABLES: [(&str, &str); 16] = [
    ("payment", "hex(id) || status || sequence"),
    ("attempt", "hex(id) || status"),
    ("capture", "hex(id) || status || sequence"),
    ("refund", "hex(id) || status || sequence"),
    ("adjustment", "hex(id) || status || sequence"),
    ("arrival", "hex(adjustment)"),
    ("journal_tx", "seq"),
    ("journal_entry", "seq || ':' || line || ':' || amount_minor"),
    ("balance", "hex(dim) || code || day || currency || amount_minor"),
    ("platform_balance", "hex(dim) || code || day || currency || amount_minor"),
    ("event", "seq"),
    ("delivery", "seq || ':' || slot"),
    ("endpoint", "hex(id) || url || status || sequence"),
    ("api_key", "hex(id) || coalesce(revoked_at_us, 0) || sequence"),
    ("merchant_head", "hex(merchant) || clock_offset_us || business_day"),
    ("shard_head", "shard || ':' || journal_seq || ':' || event_seq"),
];

/// A picture of the installation.
#[derive(Debug, PartialEq, Eq)]
pub struct Picture(Vec<(&'static str, i64, Vec<String>)>);

impl Picture {
    /// Takes one.
    pub fn of(server: &Server) -> Picture {
        let books = Books::open(server);
        let row = |(table, tells): &(&'static str, &str)| {
            let count = books.number(&format!("SELECT count(*) FROM {table}"), []);
            let sql = format!("SELECT cast({tells} AS TEXT) AS tells FROM {table} ORDER BY tells");
            (*table, count, books.texts(&sql, []))
        };
        Picture(TABLES.iter().map(row).collect())
    }

    /// Asserts that nothing changed since.
    #[track_caller]
    pub fn assert_same(&self, server: &Server, after: &str) {
        let now = Picture::of(server);
        for (before, after_it) in self.0.iter().zip(&now.0) {
            assert_eq!(before, after_it, "changed by: {after}");
        }
    }
}
