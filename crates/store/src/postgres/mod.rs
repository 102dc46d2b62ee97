//! The PostgreSQL engine: any number of nodes on one database. Lanes have a connection each and run a batch in two flights; reads and
//! control writes borrow connections from pools. Everything needs a tokio runtime: connections are tasks.

mod bind;
mod citus;
mod config;
mod connect;
mod db;
mod durable;
mod engine;
mod fault;
pub(crate) mod fill;
mod migrate;
pub(crate) mod partition;
mod pool;
mod session;
#[cfg(test)]
mod statements;
mod tls;

pub use config::{PostgresConfig, Tls};

use crate::counts::{Counters, RowCounts};
use crate::db::{Db, corrupt};
use crate::migrations::MIGRATIONS;
use crate::{LaneSession, Store, StoreError, head, installation};
use connect::{Link, Role};
use crypto::seal::SealFault;
use db::PgDb;
use domain::id::Shard;
use ledger::Day;
use pool::Pool;
use std::fmt;
use std::sync::Arc;

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum OpenFault {
    /// The url of the database is not as it must be.
    #[error("the url of the database: {0}")]
    Url(String),
    /// `init` found an installation.
    #[error("the database {database} holds an installation already: init makes new ones only")]
    Exists { database: String },
    /// `open` found none.
    #[error("the database {database} holds no installation: run init first")]
    Missing { database: String },
    /// Too old a server.
    #[error("the database is PostgreSQL {found}: this program needs {wanted} or newer")]
    Version { found: i64, wanted: i64 },
    /// A setting that correctness rests on.
    #[error("the database has {name} at {found}: it must be {wanted}, set it for this program's role")]
    Setting { name: &'static str, wanted: String, found: String },
    /// Its commits are not on the disk.
    #[error(
        "the database has fsync at off: a crash of its machine loses payments that were answered; set it on and restart the \
         database, or, where nothing may be lost because nothing is real, set store.accept_fsync_off"
    )]
    NoFsync,
    /// A newer binary migrated it.
    #[error("the database has schema {found}, this program knows {known}: run the newer program")]
    Newer { found: i64, known: i64 },
    /// It is to be migrated first.
    #[error("the database has schema {found}, this program needs {known}: run migrate first")]
    Older { found: i64, known: i64 },
    /// A migration is not the one that was applied.
    #[error("migration {number} of the database is not the one of this program")]
    Diverged { number: i64 },
    /// More shards than ids can name, or none of a world.
    #[error("{live} live and {sandbox} sandbox shards can't be: each world has from 1 to 2,048")]
    Shards { live: u16, sandbox: u16 },
    /// A cluster was asked for and the database is not one.
    #[error(
        "the database has not the extension citus: CREATE EXTENSION citus in it and add the workers, then run init again"
    )]
    NoCitus,
    /// What is for one server was to be done to a cluster.
    #[error(
        "the database is a Citus cluster: a file's installation can be taken over by one PostgreSQL server only"
    )]
    Cluster,
    /// TLS can't be set up.
    #[error("TLS to the database: {0}")]
    Tls(String),
    /// The master key is not that of this installation.
    #[error(transparent)]
    MasterKey(#[from] SealFault),
    /// The database can't be reached, or holds something unexpected.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for OpenFault {
    fn from(error: tokio_postgres::Error) -> OpenFault {
        OpenFault::Store(error.into())
    }
}

impl OpenFault {
    /// As work on an open store tells it.
    fn into_store(self) -> StoreError {
        match self {
            OpenFault::Store(error) => error,
            other => StoreError::Unavailable(other.to_string()),
        }
    }
}

/// How many shards an installation has; more may be added later, none is ever split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards {
    /// Of the live world: shards 0, 2, 4, …
    pub live: u16,
    /// Of the sandbox: shards 1, 3, 5, …
    pub sandbox: u16,
    /// Whether tables are spread over the workers of a Citus cluster. Numbers are then chosen so that each worker gets as many.
    pub citus: bool,
}

impl Default for Shards {
    fn default() -> Self {
        Shards { live: 1, sandbox: 1, citus: false }
    }
}

/// Half of the shards that an id can name.
const SHARDS_MAX: u16 = Shard::MAX.div_ceil(2);

impl Shards {
    fn check(self) -> Result<(), OpenFault> {
        let Shards { live, sandbox, .. } = self;
        let may = 1..=SHARDS_MAX;
        if may.contains(&live) && may.contains(&sandbox) {
            return Ok(());
        }
        Err(OpenFault::Shards { live, sandbox })
    }

    /// The lowest ones.
    fn numbers(self) -> Vec<Shard> {
        let Shards { live, sandbox, .. } = self;
        let even = (0..live).map(|number| Shard(number * 2));
        even.chain((0..sandbox).map(|number| Shard(number * 2 + 1))).collect()
    }
}

/// Makes a new installation in an empty database: schema, shards whose business day is `open_day`, and the check of the master key.
///
/// # Errors
/// [`OpenFault`]; the database may then hold the schema and no installation, and `init` can be run again.
pub async fn init(config: &PostgresConfig, open_day: Day, shards: Shards) -> Result<(), OpenFault> {
    shards.check()?;
    let check = config.sealer.check_value()?;
    migrate(config).await?;
    let link = Link::new(config)?;
    let numbers = if shards.citus {
        let db = link.connect(Role::Schema).await?;
        citus::spread(&db).await?;
        citus::numbers(&db, shards).await?
    } else {
        shards.numbers()
    };
    let db = link.connect(Role::Control).await?;
    if !head::shards(&db).await?.is_empty() {
        return Err(exists(config));
    }
    let made = make_installation(&db, &check, &numbers, open_day).await;
    match made {
        // Another init was quicker.
        Err(StoreError::Conflict(_)) => Err(exists(config)),
        made => Ok(made?),
    }
}

fn exists(config: &PostgresConfig) -> OpenFault {
    OpenFault::Exists { database: config.database().to_owned() }
}

async fn make_installation(
    db: &PgDb,
    check: &str,
    shards: &[Shard],
    open_day: Day,
) -> Result<(), StoreError> {
    db.say(engine::BEGIN).await?;
    for shard in shards {
        head::insert_shard(db, *shard, open_day).await?;
    }
    installation::note_master_key(db, check).await?;
    db.say("COMMIT").await
}

/// Brings the schema to this program's and makes room for what comes; answers how many steps were applied. Several nodes may do
/// it at once, also beside nodes that serve.
///
/// # Errors
/// [`OpenFault`]; a step that failed left nothing.
pub async fn migrate(config: &PostgresConfig) -> Result<usize, OpenFault> {
    let db = Link::new(config)?.connect(Role::Schema).await?;
    let applied = migrate::migrate(&db, MIGRATIONS, config.now_us).await?;
    citus::spread_added(&db).await?;
    partition::make_room(&db, config.now_us).await?;
    // A table that was counted while it was empty is planned for as if it stayed so, by whatever index; one that never was is not.
    if applied > 0 && partition::has_rows(&db).await? {
        db.say("ANALYZE").await?;
    }
    Ok(applied)
}

/// The engine.
pub struct PostgresStore {
    link: Arc<Link>,
    readers: Pool,
    /// Absent when opened read-only.
    writers: Option<Pool>,
    shards: Vec<Shard>,
    counters: Arc<Counters>,
}

impl PostgresStore {
    /// Opens for serving. It neither creates nor migrates: a schema of another version is refused.
    ///
    /// # Errors
    /// [`OpenFault`]
    pub async fn open(config: &PostgresConfig) -> Result<PostgresStore, OpenFault> {
        PostgresStore::with(config, Role::Control).await
    }

    /// Opens for reading only, also on a standby. Writes are refused as not available.
    ///
    /// # Errors
    /// [`OpenFault`]
    pub async fn open_read_only(config: &PostgresConfig) -> Result<PostgresStore, OpenFault> {
        PostgresStore::with(config, Role::Read).await
    }

    async fn with(config: &PostgresConfig, role: Role) -> Result<PostgresStore, OpenFault> {
        let link = Arc::new(Link::new(config)?);
        let db = link.connect(role).await?;
        let missing = || OpenFault::Missing { database: config.database().to_owned() };
        if !migrate::is_there(&db).await? {
            return Err(missing());
        }
        migrate::check(&db, MIGRATIONS).await?;
        let shards = head::shards(&db).await?;
        if shards.is_empty() {
            return Err(missing());
        }
        installation::seal_as_noted(&db as &Db).await??;
        let readers = Pool::new(&link, Role::Read, config.readers)?;
        let writers = match role {
            Role::Read => None,
            Role::Lane | Role::Control | Role::Schema => {
                Some(Pool::new(&link, Role::Control, config.writers)?)
            }
        };
        Ok(PostgresStore { link, readers, writers, shards, counters: Arc::new(Counters::default()) })
    }

    /// Makes partitions for the time ahead, real time in microseconds; answers how many. To be called every hour; several nodes may.
    ///
    /// # Errors
    /// [`StoreError`]; what could not be made is made by the next call, and until it is needed nothing misses it.
    pub async fn make_room(&self, now_us: i64) -> Result<usize, StoreError> {
        if self.writers.is_none() {
            return Err(StoreError::Unavailable("the database was opened read-only".to_owned()));
        }
        let db = self.link.connect(Role::Schema).await.map_err(OpenFault::into_store)?;
        partition::make_room(&db, now_us).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("shards", &self.shards).finish_non_exhaustive()
    }
}

impl Store for PostgresStore {
    fn lane_session(&self, shard: Shard) -> Result<Box<dyn LaneSession>, StoreError> {
        if !self.shards.contains(&shard) {
            return Err(corrupt("this installation does not have that shard"));
        }
        if self.writers.is_none() {
            return Err(StoreError::Unavailable("the database was opened read-only".to_owned()));
        }
        Ok(Box::new(session::Session::new(Arc::clone(&self.link), shard, Arc::clone(&self.counters))))
    }

    fn lanes_block(&self) -> bool {
        false
    }

    fn shards(&self) -> Vec<Shard> {
        self.shards.clone()
    }

    fn rows_written(&self) -> RowCounts {
        self.counters.read()
    }
}
