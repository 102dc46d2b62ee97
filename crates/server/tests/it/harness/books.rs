//! The books as they lie in the database: read only, beside the server, by SQL of the test's own that both engines read.

use super::server::Server;
use crypto::seal::{Aad, MasterKeyFile, Sealer};
use domain::Uid;
use domain::id::{ChannelAccountId, Id};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The database of an installation.
pub struct Books {
    source: Source,
    sealer: Sealer,
}

enum Source {
    File(Connection),
    /// The url of a PostgreSQL database.
    Server(String),
}

/// A value for the only parameter of a query.
pub enum Given {
    Nothing,
    Uid([u8; 16]),
    Text(String),
    Int(i64),
}

/// What is given to a query: an array of at most one.
pub trait Gives {
    fn given(self) -> Given;
}

impl Gives for [Given; 0] {
    fn given(self) -> Given {
        Given::Nothing
    }
}

impl Gives for [[u8; 16]; 1] {
    fn given(self) -> Given {
        let [uid] = self;
        Given::Uid(uid)
    }
}

impl Gives for [String; 1] {
    fn given(self) -> Given {
        let [text] = self;
        Given::Text(text)
    }
}

impl Gives for [i64; 1] {
    fn given(self) -> Given {
        let [number] = self;
        Given::Int(number)
    }
}

/// Of one bill date and currency, minor units.
pub type ByDay = BTreeMap<(i64, i64), i64>;

/// A row, each value as text; ids and other bytes in hexadecimal digits.
type Row = Vec<Option<String>>;

impl Books {
    /// Opens it beside the server.
    pub fn open(server: &Server) -> Books {
        let provider = MasterKeyFile::load(&server.master_key_file()).expect("the master key");
        let source = match server.database_url() {
            Some(url) => Source::Server(url.to_owned()),
            None => {
                let path = server.data_dir().join("feiqian.db");
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
                let connection = Connection::open_with_flags(&path, flags).expect("the database");
                connection.busy_timeout(std::time::Duration::from_secs(5)).expect("a time-out");
                Source::File(connection)
            }
        };
        Books { source, sealer: Sealer::new(Arc::new(provider)) }
    }

    fn rows(&self, sql: &str, gives: impl Gives) -> Vec<Row> {
        match &self.source {
            Source::File(file) => file_rows(file, sql, gives.given()),
            Source::Server(url) => {
                let literal = match gives.given() {
                    Given::Nothing => String::new(),
                    Given::Uid(uid) => format!("'{}'", crypto::hex(&uid)),
                    Given::Text(text) => format!("'{}'", text.replace('\'', "''")),
                    Given::Int(number) => number.to_string(),
                };
                let plain = |value: String| value.strip_prefix("\\x").map_or(value.clone(), str::to_owned);
                let rows = testdb::rows(url, &for_postgres(&sql.replace("?1", &literal)));
                rows.into_iter().map(|row| row.into_iter().map(|value| value.map(plain)).collect()).collect()
            }
        }
    }

    /// One number.
    pub fn number(&self, sql: &str, gives: impl Gives) -> i64 {
        let rows = self.rows(sql, gives);
        let value = rows.first().and_then(|row| row.first()).cloned().flatten();
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{sql}: {rows:?}"))
    }

    /// Changes one row of a server that is stopped, past all rules: time passes in the database where a suite can't wait for it.
    pub fn set_at(server: &Server, sql: &str, id: [u8; 16]) {
        let hex = crypto::hex(&id);
        match server.database_url() {
            Some(url) => testdb::say(url, &sql.replace("?1", &format!("'{hex}'"))),
            None => {
                let file = Connection::open(server.data_dir().join("feiqian.db")).expect("the database");
                assert_eq!(file.execute(sql, [id]).expect("it is written"), 1);
            }
        }
    }

    /// One column of text.
    pub fn texts(&self, sql: &str, gives: impl Gives) -> Vec<String> {
        let first = |row: Row| row.into_iter().next().flatten().expect("a text");
        self.rows(sql, gives).into_iter().map(first).collect()
    }

    /// How many postings an object caused.
    pub fn postings_of(&self, id: &str) -> i64 {
        self.number("SELECT count(*) FROM journal_tx WHERE source = ?1", [uid(id).0])
    }

    /// A payment's fee, minor units.
    pub fn fee_of(&self, id: &str) -> i64 {
        self.number("SELECT fee_minor FROM payment WHERE id = ?1", [uid(id).0])
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
        self.number(
            "SELECT coalesce(sum(abs(s)), 0) FROM \
             (SELECT sum(amount_minor) AS s FROM journal_entry GROUP BY currency) AS sums",
            [],
        )
    }

    /// Lines of one account number by day and currency, debit positive.
    pub fn lines_by_day(&self, code: i64) -> ByDay {
        let sql = "SELECT day, currency, sum(amount_minor) FROM journal_entry WHERE code = ?1 GROUP BY day, currency";
        let number = |value: &Option<String>| {
            value.as_deref().and_then(|text| text.parse::<i64>().ok()).expect("a number")
        };
        let rows = self.rows(sql, [code]).into_iter().map(|row| {
            let [day, currency, sum] = <[_; 3]>::try_from(row).expect("three columns");
            ((number(&day), number(&currency)), number(&sum))
        });
        rows.filter(|(_, sum)| *sum != 0).collect()
    }

    /// What all lines of an account number sum to, debit positive.
    pub fn sum(&self, code: i64) -> i64 {
        self.number("SELECT coalesce(sum(amount_minor), 0) FROM journal_entry WHERE code = ?1", [code])
    }

    /// The sandbox's channel account.
    pub fn channel_account(&self) -> ChannelAccountId {
        let sql = "SELECT id FROM channel_account WHERE world = 'sandbox' AND method = 'sandbox'";
        let id = unhex(&self.texts(sql, []).pop().expect("an account").replace('-', ""));
        ChannelAccountId::from_uid(Uid(id.try_into().expect("16 bytes")))
    }

    /// What the command line shows to the process that serves: derived from the first version of the master key.
    pub fn operator_token(&self) -> String {
        crypto::hex(self.sealer.derive("operator route v1").expect("it derives").as_slice())
    }

    /// What signs its callbacks.
    pub fn callback_secret(&self, account: ChannelAccountId) -> [u8; 32] {
        let sql = "SELECT callback_secret FROM channel_account WHERE id = ?1";
        let sealed = unhex(&self.texts(sql, [account.uid().0]).pop().expect("its row"));
        let aad = Aad { table: "channel_account", column: "callback_secret", row_id: &account.uid().0 };
        let secret = self.sealer.open(aad, &sealed).expect("it opens");
        secret.as_slice().try_into().expect("32 bytes")
    }
}

fn file_rows(file: &Connection, sql: &str, given: Given) -> Vec<Row> {
    let mut statement = file.prepare(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    let given: Vec<Value> = match given {
        Given::Nothing => Vec::new(),
        Given::Uid(uid) => vec![Value::Blob(uid.to_vec())],
        Given::Text(text) => vec![Value::Text(text)],
        Given::Int(number) => vec![Value::Integer(number)],
    };
    let width = statement.column_count();
    let text = |value: Value| match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => Some(crypto::hex(&bytes)),
    };
    let rows = statement
        .query_map(rusqlite::params_from_iter(given), |row| {
            (0..width).map(|at| row.get::<_, Value>(at).map(text)).collect::<Result<Row, _>>()
        })
        .unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    rows.map(|row| row.expect("a row")).collect()
}

/// `hex(column)` of an id, which PostgreSQL spells otherwise.
fn for_postgres(sql: &str) -> String {
    let mut parts = sql.split("hex(");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (column, rest) = part.split_once(')').expect("a column in parentheses");
        whole.push_str(&format!("upper(encode(uuid_send({column}), 'hex')){rest}"));
    }
    whole
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(byte).collect()
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
