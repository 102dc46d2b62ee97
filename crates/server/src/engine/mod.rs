//! The database of an installation: the engine that `store.url` names, opened by one of its three doors. What only a file can do
//! (be copied while it is written to, be locked by one process) is asked for by name and refused elsewhere with a sentence.

mod postgres;

use crate::assemble::real_now_us;
use crate::config::{Config, StoreUrl};
use crate::files;
use anyhow::{Result, anyhow, bail};
use crypto::seal::Sealer;
use ledger::Day;
use std::path::PathBuf;
use std::sync::Arc;
use store::Store;
use store::postgres::{PostgresConfig, PostgresStore, Shards};
use store::sqlite::{OpenFault, SqliteConfig, SqliteStore};

/// The engine of an installation and how it is opened.
pub(crate) enum Engine {
    /// A file of this machine, written by one process.
    Sqlite(SqliteConfig),
    /// A database that any number of nodes serve.
    Postgres {
        /// How it is reached.
        config: Box<PostgresConfig>,
        /// Whether opening for serving brings the schema to this program's.
        may_migrate: bool,
    },
}

impl Engine {
    /// As the settings name it.
    pub(crate) fn of(config: &Config, sealer: Arc<Sealer>) -> Result<Engine> {
        Ok(match &config.store.url {
            StoreUrl::Sqlite { .. } => Engine::Sqlite(sqlite(config, config.database_file(), sealer)),
            StoreUrl::Postgres { url } => Engine::Postgres {
                config: Box::new(postgres::config(config, url, sealer)?),
                may_migrate: config.store.migrate,
            },
        })
    }

    /// Refuses a file that is not there. A server that has to be asked answers for itself when it is opened; the node's own
    /// directory is made, because nothing of the installation lies in it.
    pub(crate) fn refuse_missing(config: &Config) -> Result<()> {
        match &config.store.url {
            StoreUrl::Sqlite { .. } if config.database_file().is_file() => Ok(()),
            StoreUrl::Sqlite { .. } => bail!(
                "there is no database at {}: run `feiqian init` first, or name the right data_dir",
                config.database_file().display()
            ),
            StoreUrl::Postgres { .. } => files::private_directory(&config.data_dir),
        }
    }

    /// Refuses to make an installation where there is one.
    pub(crate) async fn refuse_existing(config: &Config) -> Result<()> {
        match &config.store.url {
            StoreUrl::Sqlite { .. } if config.database_file().exists() => bail!(
                "{} exists already: init makes new installations only",
                config.database_file().display()
            ),
            StoreUrl::Sqlite { .. } => Ok(()),
            StoreUrl::Postgres { url } => postgres::refuse_existing(config, url).await,
        }
    }

    /// Makes the schema and `shards` of each world, where there is none.
    pub(crate) async fn init(&self, open_day: Day, shards: u16, citus: bool) -> Result<()> {
        match self {
            Engine::Sqlite(_) if shards != 1 => bail!("--shards: a file has one shard for each world"),
            Engine::Sqlite(_) if citus => {
                bail!("--citus: store.url names a file, not a cluster's coordinator")
            }
            Engine::Sqlite(sqlite) => {
                store::sqlite::init(sqlite, open_day)?;
                // SQLite gives its log and shared memory the mode of the database.
                files::close_file(&sqlite.path)
            }
            Engine::Postgres { config, .. } => {
                let shards = Shards { live: shards, sandbox: shards, citus };
                store::postgres::init(config, open_day, shards).await.map_err(postgres::explain)
            }
        }
    }

    /// Brings the schema to this program's; answers how many steps that took.
    pub(crate) async fn migrate(&self) -> Result<usize> {
        match self {
            Engine::Sqlite(sqlite) => SqliteStore::migrate(sqlite).map_err(explain_open),
            Engine::Postgres { config, .. } => postgres::migrate(config).await,
        }
    }

    /// For a process that moves money. A file has one such process.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        match self {
            Engine::Sqlite(sqlite) => file(SqliteStore::open(sqlite)),
            Engine::Postgres { config, may_migrate } => Ok(postgres::open(config, *may_migrate).await?),
        }
    }

    /// For control rows, beside serving processes too.
    pub(crate) async fn open_control(&self) -> Result<Arc<dyn Store>> {
        match self {
            Engine::Sqlite(sqlite) => file(SqliteStore::open_control(sqlite)),
            Engine::Postgres { config, .. } => {
                Ok(Arc::new(PostgresStore::open(config).await.map_err(postgres::explain)?))
            }
        }
    }

    /// For reading, beside serving processes too.
    pub(crate) async fn open_read_only(&self) -> Result<Arc<dyn Store>> {
        match self {
            Engine::Sqlite(sqlite) => file(SqliteStore::open_read_only(sqlite)),
            Engine::Postgres { config, .. } => {
                Ok(Arc::new(PostgresStore::open_read_only(config).await.map_err(postgres::explain)?))
            }
        }
    }

    /// Whether several processes may serve it at once.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Engine::Postgres { .. })
    }

    /// The file, for what only files can do.
    pub(crate) fn file(&self) -> Result<&SqliteConfig> {
        match self {
            Engine::Sqlite(sqlite) => Ok(sqlite),
            Engine::Postgres { .. } => bail!(
                "the database is PostgreSQL: it is copied and restored with its own tools, and a restored one is held with \
                 `feiqian hold --books-of TIME` before it is served: see docs/postgresql.md"
            ),
        }
    }
}

/// How a file is opened.
pub(crate) fn sqlite(config: &Config, path: PathBuf, sealer: Arc<Sealer>) -> SqliteConfig {
    SqliteConfig {
        readers: config.store.readers,
        cache_kib: config.store.cache_kib,
        reader_cache_kib: config.store.reader_cache_kib,
        ..SqliteConfig::new(path, sealer, real_now_us())
    }
}

fn file(opened: Result<SqliteStore, OpenFault>) -> Result<Arc<dyn Store>> {
    match opened {
        Ok(store) => Ok(Arc::new(store)),
        Err(fault) => Err(explain_open(fault)),
    }
}

/// Whether another process has the database to itself.
pub(crate) fn is_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OpenFault>(), Some(OpenFault::InUse { .. }))
}

/// What is to be done about a file that can't be opened.
pub(crate) fn explain_open(fault: OpenFault) -> anyhow::Error {
    let advice = match &fault {
        OpenFault::InUse { .. } => "the database is served already: stop that process first",
        OpenFault::Foreign { .. } => "name the right data_dir",
        // Its own sentence says what to do; its cause would only say it again.
        OpenFault::MasterKey(fault) => return anyhow!("master_key_file: {fault}"),
        OpenFault::Exists { .. }
        | OpenFault::Missing { .. }
        | OpenFault::Newer { .. }
        | OpenFault::Older { .. }
        | OpenFault::Diverged { .. }
        | OpenFault::Setting { .. }
        | OpenFault::CopyTooSlow { .. }
        | OpenFault::CopyBusy
        | OpenFault::Io { .. }
        | OpenFault::Sqlite(_)
        | OpenFault::Store(_) => "the database can't be opened",
    };
    anyhow::Error::new(fault).context(advice)
}
