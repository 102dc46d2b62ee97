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

/// Arrays as a table that a plan begins with, whatever the statistics say. Of a LIMIT by parameter the planner takes a tenth to come:
/// one row. Without it, a table that looked empty when the plan was made is walked whole, and the arrays looked through for each of
/// its rows, until plans are made anew. Parameter `count` is how many rows the arrays have.
pub(super) fn first_of_all(name: &str, arrays: &[String], columns: &[String], count: usize) -> String {
    let (arrays, columns) = (arrays.join(", "), columns.join(", "));
    format!("(SELECT * FROM UNNEST({arrays}) AS a({columns}) LIMIT ${count}::bigint) AS {name}({columns})")
}

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
            let table = first_of_all("k", &arrays, &names, arrays.len() + 2);
            self.sql.for_postgres().replace("{keys}", &table)
        })
    }
}
