//! Writes of many rows: one statement per table and verb. From one description comes SQLite's text, which is run row by row,
//! and PostgreSQL's, which takes all rows at once as arrays and refuses by itself when a row is not as expected.

use super::keyed::first_of_all;
use std::sync::OnceLock;

/// The table that says which shards there are.
const HEAD: &str = "shard_head";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Small,
    Int,
    Big,
    Text,
    Uid,
    Bytes,
    /// Bound as the distance from the last journal number of the commit.
    JournalSeq,
    /// Bound as the distance from the last event number of the commit.
    EventSeq,
}

impl Kind {
    /// PostgreSQL's name of the type.
    pub(crate) const fn postgres(self) -> &'static str {
        match self {
            Kind::Small => "smallint",
            Kind::Int => "integer",
            Kind::Big | Kind::JournalSeq | Kind::EventSeq => "bigint",
            Kind::Text => "text",
            Kind::Uid => "uuid",
            Kind::Bytes => "bytea",
        }
    }
}

/// A column as it is written. Every table has `shard` before these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// What becomes of the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    /// New rows; a unique key refuses one that is there.
    Insert,
    /// Changed rows: the first columns are the key, the next what they must still hold, the others what they will.
    Update { keys: usize, expected: usize },
    /// Rows under a key to whose last column a number is added; they come into being with the first.
    Add,
}

/// A write of rows.
#[derive(Debug)]
pub(crate) struct RowWrite {
    pub(crate) table: &'static str,
    pub(crate) verb: Verb,
    pub(crate) columns: &'static [Column],
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

/// Declares writes and lists them in `WRITES`. Rows are bound in the order of the columns.
macro_rules! writes {
    ($($(#[$doc:meta])* $name:ident = $verb:ident $table:literal $($part:ident { $($column:ident: $kind:ident),* $(,)? })+;)*) => {
        $($(#[$doc])* pub(crate) static $name: $crate::db::RowWrite = $crate::db::RowWrite::new(
            $table,
            $crate::db::writes!(@verb $verb $($part { $($column)* })+),
            &[$($($crate::db::Column { name: stringify!($column), kind: $crate::db::Kind::$kind },)*)+],
        );)*
        /// The writes of this file by name.
        pub(crate) static WRITES: &[(&str, &$crate::db::RowWrite)] = &[$((stringify!($name), &$name),)*];
    };
    (@verb insert row { $($column:ident)* }) => { $crate::db::Verb::Insert };
    (@verb add key { $($key:ident)* } sum { $sum:ident }) => { $crate::db::Verb::Add };
    (@verb update key { $($key:ident)* } expect { $($expected:ident)* } set { $($set:ident)* }) => {
        $crate::db::Verb::Update {
            keys: [$(stringify!($key)),*].len(),
            expected: [$(stringify!($expected)),*].len(),
        }
    };
}
pub(crate) use writes;

impl RowWrite {
    pub(crate) const fn new(table: &'static str, verb: Verb, columns: &'static [Column]) -> RowWrite {
        RowWrite { table, verb, columns, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    /// For one row: `?1` is the shard, then the columns.
    pub(crate) fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| {
            let place = |at: usize| format!("?{}", at + 2);
            let equals = |(at, column): (usize, &Column)| format!("{} = {}", column.name, place(at));
            match self.verb {
                Verb::Insert | Verb::Add => {
                    let places: Vec<String> = (0..self.columns.len()).map(place).collect();
                    let places = places.join(", ");
                    format!("{} VALUES (?1, {places}){}", self.insert_into(), self.on_conflict())
                }
                Verb::Update { keys, expected } => {
                    let all = || self.columns.iter().enumerate();
                    let set: Vec<String> = all().skip(keys + expected).map(equals).collect();
                    let found: Vec<String> = all().take(keys + expected).map(equals).collect();
                    format!(
                        "UPDATE {} SET {} WHERE shard = ?1 AND {}",
                        self.table,
                        set.join(", "),
                        found.join(" AND ")
                    )
                }
            }
        })
    }

    /// For all rows: `$1` is the shard, then an array per column, for updates last how many rows there are. An update of
    /// fewer rows divides by zero: no count has to travel before the COMMIT.
    pub(crate) fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let each = |make: fn(usize, &Column) -> String| -> Vec<String> {
                self.columns.iter().enumerate().map(|(at, column)| make(at, column)).collect()
            };
            let names = each(|at, _| format!("c{at}"));
            let arrays = each(|at, column| format!("${}::{}[]", at + 2, column.kind.postgres()));
            match self.verb {
                Verb::Insert | Verb::Add => {
                    let values = each(|at, column| column.value(at, of_joined_head)).join(", ");
                    let rows = format!("UNNEST({}) AS u({})", arrays.join(", "), names.join(", "));
                    // The shard comes out of its head, by which a distributed engine sees that the rows stay where they are. A
                    // shard without a head would take none: there is no such shard, `Store::shards` are the heads.
                    let (shard, head, of_shard) = match self.table {
                        HEAD => ("$1", "", ""),
                        _ => ("h.shard", "shard_head h, ", " WHERE h.shard = $1"),
                    };
                    format!(
                        "{} SELECT {shard}, {values} FROM {head}{rows}{of_shard}{}",
                        self.insert_into(),
                        self.on_conflict()
                    )
                }
                Verb::Update { keys, expected } => {
                    let set = each(|at, column| format!("{} = {}", column.name, column.value(at, of_head)));
                    let found = each(|at, column| format!("t.{} = u.c{at}", column.name));
                    let count = self.columns.len() + 2;
                    let rows = first_of_all("u", &arrays, &names, count);
                    format!(
                        "WITH changed AS (UPDATE {} AS t SET {} FROM {rows} WHERE t.shard = $1 AND {} RETURNING 1) \
                         SELECT 1 / CASE WHEN COUNT(*) = ${}::bigint THEN 1 ELSE 0 END FROM changed",
                        self.table,
                        set.get(keys + expected..).unwrap_or_default().join(", "),
                        found.get(..keys + expected).unwrap_or_default().join(" AND "),
                        count
                    )
                }
            }
        })
    }

    /// What a row that is not as a decision saw it means.
    pub(crate) fn not_as_expected(&self) -> crate::StoreError {
        crate::StoreError::Conflict(format!("{}: a row is not as the decision saw it", self.table))
    }

    fn insert_into(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        format!("INSERT INTO {} (shard, {})", self.table, names.join(", "))
    }

    fn on_conflict(&self) -> String {
        match self.verb {
            Verb::Insert | Verb::Update { .. } => String::new(),
            Verb::Add => {
                let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
                let Some((sum, keys)) = names.split_last() else { return String::new() };
                format!(
                    " ON CONFLICT (shard, {}) DO UPDATE SET {sum} = {}.{sum} + excluded.{sum}",
                    keys.join(", "),
                    self.table
                )
            }
        }
    }
}

/// A column of the head that rows are joined with.
fn of_joined_head(column: &str) -> String {
    format!("h.{column}")
}

/// A column of the head, looked up.
fn of_head(column: &str) -> String {
    format!("(SELECT {column} FROM shard_head WHERE shard = $1)")
}

impl Column {
    /// The value of column `at` of the rows; numbers are counted from the shard head, which this commit holds.
    /// `number` reads a column of it.
    fn value(&self, at: usize, number: fn(&str) -> String) -> String {
        match self.kind {
            Kind::JournalSeq => format!("{} + u.c{at}", number("journal_seq")),
            Kind::EventSeq => format!("{} + u.c{at}", number("event_seq")),
            Kind::Small | Kind::Int | Kind::Big | Kind::Text | Kind::Uid | Kind::Bytes => format!("u.c{at}"),
        }
    }
}
