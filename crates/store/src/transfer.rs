//! A file's installation goes to PostgreSQL: every row as it is. Ids name their shard and sealed values the row that they rest in, so
//! nothing is made anew but what only the other engine has (`natural_key`). The file is left as it was.

use crate::db::Value;
use crate::postgres::fill::{Fill, Target};
use crate::postgres::partition::Reach;
use crate::postgres::{self, PostgresConfig};
use crate::sqlite::dump::Dump;
use crate::sqlite::{self, SqliteConfig};
use domain::Uid;
use std::ops::ControlFlow;
use tokio::sync::mpsc;

/// Rows that travel together.
const ROWS_AT_ONCE: usize = 500;
/// Such parcels that wait for the database.
const PARCELS_MAX: usize = 8;
/// What is of one engine or of the nodes that serve it: each has its own.
const NOT_TAKEN: [&str; 3] = ["schema_migration", "node", "work_lease"];
/// Tables whose partitions are by ids, whose first rows say since when.
const BY_ID: [&str; 4] = ["payment", "attempt", "capture", "refund"];

/// Why an installation can't be taken over. The target is then as it was, but for its schema.
#[derive(Debug, thiserror::Error)]
pub enum TransferFault {
    /// The file.
    #[error("the file that is copied")]
    From(#[from] sqlite::OpenFault),
    /// The database.
    #[error("the database that is copied to")]
    To(#[from] postgres::OpenFault),
    /// The two do not hold the same tables.
    #[error("table {table}: {read} rows were read and {written} arrived")]
    Lost {
        /// Of this table.
        table: String,
        /// In the file.
        read: u64,
        /// In the database.
        written: u64,
    },
    /// Reading ended without a word.
    #[error("the file's reader ended early")]
    Ended,
}

/// A table that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transferred {
    /// Its name.
    pub table: String,
    /// How many rows.
    pub rows: u64,
}

/// A file as of one moment. As long as it is kept nobody serves the file.
pub struct Source(Dump);

impl Source {
    /// Takes the file from whoever would serve it.
    ///
    /// # Errors
    /// [`sqlite::OpenFault`]: it is served, is none of this program's, or has another schema.
    pub fn open(from: &SqliteConfig) -> Result<Source, sqlite::OpenFault> {
        Ok(Source(Dump::open(from)?))
    }
}

/// Takes over all rows of a file into a database without an installation, in one transaction. `progress` hears of each table that has
/// arrived.
///
/// # Errors
/// [`TransferFault`]
pub async fn transfer(
    source: Source,
    to: &PostgresConfig,
    mut progress: impl FnMut(&Transferred) + Send,
) -> Result<(Source, Vec<Transferred>), TransferFault> {
    let Source(dump) = source;
    let fill = Fill::begin(to, reach(&dump, to.now_us)?).await?;
    let tables = dump.tables()?;
    let mut targets = Vec::new();
    for table in tables.iter().filter(|table| !NOT_TAKEN.contains(&table.as_str())) {
        targets.push(fill.target(table).await?);
    }
    let (parcels, mut arriving) = mpsc::channel(PARCELS_MAX);
    let plan: Vec<(String, Vec<String>)> =
        targets.iter().map(|target| (target.table.clone(), target.columns.clone())).collect();
    let reading = tokio::task::spawn_blocking(move || read_all(&dump, &plan, &parcels).map(|()| dump));
    let mut all = Vec::new();
    for target in &targets {
        let taken = take(&fill, target, &mut arriving).await?;
        progress(&taken);
        all.push(taken);
    }
    let dump = reading.await.map_err(|_| TransferFault::Ended)??;
    fill.commit().await?;
    Ok((Source(dump), all))
}

/// How far what is copied reaches, for which room is made.
fn reach(dump: &Dump, now_us: i64) -> Result<Reach, sqlite::OpenFault> {
    let mut first = None;
    for table in BY_ID {
        let id = dump.first_id(table)?.map(Uid);
        first = first.into_iter().chain(id).min();
    }
    let (journal_seq, event_seq) = dump.last_numbers()?;
    let first_ms = first.map_or(now_us / 1_000, |id| i64::try_from(id.at_ms()).unwrap_or(i64::MAX));
    Ok(Reach { first_ms, journal_seq, event_seq })
}

/// Some rows of the table whose turn it is, or its end with the number of all.
enum Parcel {
    Rows(Vec<Vec<Value<'static>>>),
    End(u64),
}

fn read_all(
    dump: &Dump,
    plan: &[(String, Vec<String>)],
    parcels: &mpsc::Sender<Parcel>,
) -> Result<(), sqlite::OpenFault> {
    for (table, columns) in plan {
        let mut count = 0;
        dump.rows(table, columns, ROWS_AT_ONCE, |rows| {
            count += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            match parcels.blocking_send(Parcel::Rows(rows)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        if parcels.blocking_send(Parcel::End(count)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn take(
    fill: &Fill,
    target: &Target,
    arriving: &mut mpsc::Receiver<Parcel>,
) -> Result<Transferred, TransferFault> {
    let mut writing = fill.rows(target).await?;
    loop {
        match arriving.recv().await {
            Some(Parcel::Rows(rows)) => writing.write(&rows).await?,
            Some(Parcel::End(read)) => {
                let written = writing.end().await?;
                let table = target.table.clone();
                return match written == read {
                    true => Ok(Transferred { table, rows: written }),
                    false => Err(TransferFault::Lost { table, read, written }),
                };
            }
            None => return Err(TransferFault::Ended),
        }
    }
}
