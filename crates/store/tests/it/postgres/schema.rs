//! Both engines hold one logical schema: tables, columns, kinds, what may be missing, and keys.

use crate::fixtures::*;
use std::collections::{BTreeMap, BTreeSet};

/// A column: what it holds, and whether it must.
type Columns = BTreeMap<String, (String, bool)>;

#[derive(Debug, Default, PartialEq)]
struct Table {
    columns: Columns,
    /// Sets of columns of which no two rows have the same.
    unique: BTreeSet<Vec<String>>,
}

/// Kept by `natural_key` where a table is partitioned by something else.
const BY_NATURAL_KEY: &[(&str, &[&str])] = &[
    ("payment", &["shard", "merchant", "merchant_order_no"]),
    ("refund", &["shard", "merchant", "merchant_refund_no"]),
    ("event", &["shard", "id"]),
];

fn of_sqlite() -> BTreeMap<String, Table> {
    let place = Place::new(Engine::Sqlite);
    let file = rusqlite::Connection::open(place.scratch().config().path).unwrap();
    let list = |sql: &str| -> Vec<(String, String, i64, i64)> {
        let mut statement = file.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        statement.query_map([], read).unwrap().map(Result::unwrap).collect()
    };
    let mut tables = BTreeMap::new();
    for (name, ..) in list("SELECT name, '', 0, 0 FROM sqlite_schema WHERE type = 'table'") {
        let mut table = Table::default();
        let sql = format!("SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}') ORDER BY pk");
        let mut key = Vec::new();
        for (column, kind, not_null, pk) in list(&sql) {
            if pk > 0 {
                key.push(column.clone());
            }
            table.columns.insert(column, (kind, not_null != 0));
        }
        table.unique.insert(key);
        let sql = format!("SELECT name, origin, \"unique\", 0 FROM pragma_index_list('{name}')");
        for (index, ..) in
            list(&sql).into_iter().filter(|(_, origin, unique, _)| origin == "c" && *unique == 1)
        {
            let sql = format!("SELECT name, '', seqno, 0 FROM pragma_index_info('{index}') ORDER BY seqno");
            table.unique.insert(list(&sql).into_iter().map(|(column, ..)| column).collect());
        }
        tables.insert(name, table);
    }
    tables
}

fn of_postgres() -> BTreeMap<String, Table> {
    let place = Place::new(Engine::Postgres);
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    block_on(async {
        let client = client(place.url()).await;
        let sql = "SELECT k.relname::text, a.attname::text, format_type(a.atttypid, NULL), a.attnotnull \
            FROM pg_class k JOIN pg_attribute a ON a.attrelid = k.oid \
            WHERE k.relnamespace = 'public'::regnamespace AND k.relkind IN ('r', 'p') AND NOT k.relispartition \
            AND a.attnum > 0 AND NOT a.attisdropped";
        for row in client.query(sql, &[]).await.unwrap() {
            let kind = match row.get::<_, String>(2).as_str() {
                "smallint" | "integer" | "bigint" => "INTEGER",
                "uuid" | "bytea" => "BLOB",
                "text" => "TEXT",
                other => panic!("a type that not every engine has: {other}"),
            };
            let table = tables.entry(row.get(0)).or_default();
            table.columns.insert(row.get(1), (kind.to_owned(), row.get(3)));
        }
        let sql = "SELECT k.relname::text, ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY n (at, place) \
            JOIN pg_attribute a ON a.attrelid = k.oid AND a.attnum = n.at ORDER BY n.place) \
            FROM pg_index i JOIN pg_class k ON k.oid = i.indrelid \
            WHERE k.relnamespace = 'public'::regnamespace AND NOT k.relispartition AND i.indisunique";
        for row in client.query(sql, &[]).await.unwrap() {
            tables.entry(row.get(0)).or_default().unique.insert(row.get(1));
        }
    });
    tables
}

#[test]
fn both_engines_have_one_logical_schema() {
    let (mut sqlite, mut postgres) = (of_sqlite(), of_postgres());
    assert!(sqlite.len() > 25 && postgres.len() > 25, "{} and {}", sqlite.len(), postgres.len());
    let natural = postgres.remove("natural_key").unwrap();
    let key = ["shard", "noun", "owner", "hash"].map(str::to_owned).to_vec();
    assert_eq!(natural.unique, BTreeSet::from([key]));
    for (table, columns) in BY_NATURAL_KEY {
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        assert!(sqlite.get_mut(*table).unwrap().unique.remove(&columns), "{table}");
    }
    let names = |tables: &BTreeMap<String, Table>| tables.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sqlite), names(&postgres));
    for (name, table) in &sqlite {
        assert_eq!(table, &postgres[name], "{name}");
    }
}

/// What distributed engines route by, and what they lack.
#[test]
fn money_tables_lead_their_keys_with_the_shard_and_need_no_sequence_or_foreign_key() {
    let place = Place::new(Engine::Postgres);
    let sequences = place.number(
        "SELECT COUNT(*) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
    );
    assert_eq!(sequences, 0);
    assert_eq!(place.number("SELECT COUNT(*) FROM pg_constraint WHERE contype = 'f'"), 0);
    let control = ["merchant", "verify_progress", "shard_head"];
    for (name, table) in of_postgres() {
        if table.columns.contains_key("shard") && !control.contains(&name.as_str()) {
            assert!(table.unique.iter().all(|key| key[0] == "shard"), "{name}: {:?}", table.unique);
        }
    }
}
