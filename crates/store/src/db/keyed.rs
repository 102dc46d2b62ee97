//! Statements for many keys at once: SQLite runs them key by key, PostgreSQL takes all keys as arrays.

use super::row_write::Kind;
use super::statements::Sql;
use std::sync::OnceLock;

/// A statement about rows of a shard by key.
#[derive(Debug)]
pub(crate) struct Keyed {
    sql: Sql,
    keys: &'static [Kind],
    postgres: OnceLock<String>,
}

/// Declares statements and lists them in `KEYED`. In SQLite's text `?1` is the shard and `?2`, … are the key's columns;
/// PostgreSQL's names `{keys}`, a table of all keys with the columns `k2`, …
macro_rules! keyed {
    ($($(#[$doc:meta])* $name:ident ($($kind:ident),+) = $sqlite:expr => $postgres:expr;)*) => {
        $($(#[$doc])* pub(crate) static $name: $crate::db::Keyed = $crate::db::Keyed::new(
            $crate::db::Sql::new($sqlite).on_postgres($postgres),
            &[$($crate::db::Kind::$kind),+],
        );)*
        /// The statements of this file that take many keys, by name.
        pub(crate) static KEYED: &[(&str, &$crate::db::Keyed)] = &[$((stringify!($name), &$name),)*];
    };
}
pub(crate) use keyed;

impl Keyed {
    pub(crate) const fn new(sql: Sql, keys: &'static [Kind]) -> Keyed {
        Keyed { sql, keys, postgres: OnceLock::new() }
    }

    pub(crate) fn sqlite(&self) -> &'static str {
        self.sql.sqlite
    }

    pub(crate) fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let arrays: Vec<String> =
                (2..).zip(self.keys).map(|(at, kind)| format!("${at}::{}[]", kind.postgres())).collect();
            let names: Vec<String> = (2..).zip(self.keys).map(|(at, _)| format!("k{at}")).collect();
            let table = format!("UNNEST({}) AS k({})", arrays.join(", "), names.join(", "));
            self.sql.for_postgres().replace("{keys}", &table)
        })
    }
}
