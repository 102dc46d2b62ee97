//! Takes over all rows of another engine's database into an empty one, in one transaction: whole or not at all.

use super::bind::Bound;
use super::config::PostgresConfig;
use super::connect::{Link, Role};
use super::db::PgDb;
use super::partition::Reach;
use super::{OpenFault, citus, exists, migrate, partition};
use crate::db::{Columns, Db, Value, params, statements};
use crate::migrations::MIGRATIONS;
use crate::{StoreError, head};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

statements! {
    COLUMNS_OF = "SELECT CAST(a.attname AS TEXT), CAST(format_type(a.atttypid, NULL) AS TEXT) FROM pg_attribute a \
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = current_schema() AND CAST(c.relname AS TEXT) = ?1 AND a.attnum > 0 AND NOT a.attisdropped \
        ORDER BY a.attnum";
}

/// What the other engine keeps by unique indexes ([`crate::natural_key`]). An event that a money command caused has a random id and needs
/// no key.
const NATURAL_KEYS: &str = "\
    INSERT INTO natural_key (shard, noun, owner, hash, object) SELECT shard, 1, merchant, \
        CAST(encode(substring(sha256(convert_to(merchant_order_no, 'UTF8')) FROM 1 FOR 16), 'hex') AS UUID), id FROM payment; \
    INSERT INTO natural_key (shard, noun, owner, hash, object) SELECT shard, 2, merchant, \
        CAST(encode(substring(sha256(convert_to(merchant_refund_no, 'UTF8')) FROM 1 FOR 16), 'hex') AS UUID), id FROM refund \
        WHERE merchant_refund_no IS NOT NULL; \
    INSERT INTO natural_key (shard, noun, owner, hash, object) SELECT shard, 3, merchant, id, id FROM event \
        WHERE kind NOT LIKE 'payment.%' AND kind NOT LIKE 'refund.%'";

/// An empty database that is being filled.
pub(crate) struct Fill {
    db: PgDb,
}

/// A table and the columns that are written.
pub(crate) struct Target {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    types: Vec<Type>,
}

impl Fill {
    /// Brings the schema of a database without an installation to this program's, makes room for what comes, and begins.
    pub(crate) async fn begin(config: &PostgresConfig, reach: Reach) -> Result<Fill, OpenFault> {
        super::migrate(config).await?;
        let db = Link::new(config)?.connect(Role::Schema).await?;
        migrate::check(&db, MIGRATIONS).await?;
        if !head::shards(&db).await?.is_empty() {
            return Err(exists(config));
        }
        if citus::is_there(&db).await? {
            return Err(OpenFault::Cluster);
        }
        partition::make_room_for(&db, reach, config.now_us).await?;
        // Rows come as fast as they can be read, and indexes grow beside them: a bound in time would be one in size.
        db.say("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
            .await?;
        Ok(Fill { db })
    }

    /// What a table here holds.
    pub(crate) async fn target(&self, table: &str) -> Result<Target, OpenFault> {
        let pair = |c: &mut Columns<'_>| Ok((c.string()?, c.string()?));
        let found = (&self.db as &Db).all(COLUMNS_OF, &params![table], pair).await?;
        let types = found.iter().map(|(_, kind)| type_of(kind)).collect::<Result<_, _>>()?;
        let columns = found.into_iter().map(|(name, _)| name).collect();
        Ok(Target { table: table.to_owned(), columns, types })
    }

    /// Begins to write rows of a table. What the steps of the schema put there was put into the other one too.
    pub(crate) async fn rows(&self, target: &Target) -> Result<Rows, OpenFault> {
        self.db.say(&format!("DELETE FROM \"{}\"", target.table)).await?;
        let columns: Vec<String> = target.columns.iter().map(|column| format!("\"{column}\"")).collect();
        let words =
            format!("COPY \"{}\" ({}) FROM STDIN WITH (FORMAT binary)", target.table, columns.join(", "));
        let sink = self.db.client().copy_in(&words).await?;
        Ok(Rows(Box::pin(BinaryCopyInWriter::new(sink, &target.types))))
    }

    /// Keys of numbers that may never be used twice, then all at once.
    pub(crate) async fn commit(self) -> Result<(), OpenFault> {
        self.db.say(NATURAL_KEYS).await?;
        self.db.say("COMMIT").await?;
        self.db.say("ANALYZE").await?;
        Ok(())
    }
}

/// Rows on their way.
pub(crate) struct Rows(std::pin::Pin<Box<BinaryCopyInWriter>>);

impl Rows {
    pub(crate) async fn write(&mut self, rows: &[Vec<Value<'static>>]) -> Result<(), OpenFault> {
        for row in rows {
            let bound: Vec<Bound<'_, '_>> = row.iter().map(Bound::One).collect();
            self.0.as_mut().write_raw(bound.iter().map(|value| value as &(dyn ToSql + Sync))).await?;
        }
        Ok(())
    }

    /// How many arrived.
    pub(crate) async fn end(mut self) -> Result<u64, OpenFault> {
        Ok(self.0.as_mut().finish().await?)
    }
}

/// The types that the schema uses.
fn type_of(name: &str) -> Result<Type, StoreError> {
    Ok(match name {
        "smallint" => Type::INT2,
        "integer" => Type::INT4,
        "bigint" => Type::INT8,
        "text" => Type::TEXT,
        "uuid" => Type::UUID,
        "bytea" => Type::BYTEA,
        other => return Err(StoreError::Corrupt(format!("the schema has a column of type {other}"))),
    })
}
