//! A PostgreSQL database as the settings name it.

use crate::assemble::real_now_us;
use crate::config::Config;
use crate::files;
use anyhow::{Context, Result, anyhow, bail};
use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
use crypto::secret::Secret;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;
use store::postgres::{OpenFault, PostgresConfig, PostgresStore};

/// A password is no longer.
const PASSWORD_BYTES_MAX: u64 = 1_024;
/// How often partitions for the time ahead are made.
const ROOM_EVERY: Duration = Duration::from_secs(3_600);

/// How it is opened.
pub(super) fn config(config: &Config, url: &str, sealer: Arc<Sealer>) -> Result<PostgresConfig> {
    let store = &config.store;
    let mut postgres = PostgresConfig::new(url, sealer, real_now_us()).map_err(explain)?;
    if let Some(path) = &store.password_file {
        let password = read_password(path).context("store.password_file")?;
        postgres.password = Some(Arc::new(Secret::new(password)));
    }
    postgres.readers = store.readers;
    postgres.writers = store.writers;
    postgres.statement_timeout_ms = store.statement_timeout_ms;
    postgres.lock_timeout_ms = store.lock_timeout_ms;
    postgres.accept_fsync_off = store.accept_fsync_off;
    Ok(postgres)
}

fn read_password(path: &Path) -> Result<String> {
    files::refuse_wide_file(path)?;
    let text = String::from_utf8(files::read_at_most(path, PASSWORD_BYTES_MAX)?);
    let text = text.map_err(|_| anyhow!("{} is not UTF-8", path.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(password.to_owned())
}

/// Refuses a database in which there is an installation, before a master key is made for a new one.
pub(super) async fn refuse_existing(settings: &Config, url: &str) -> Result<()> {
    let no_key = FileKeyProvider::in_memory(MasterKey::generate());
    let look = config(settings, url, Arc::new(Sealer::new(Arc::new(no_key))))?;
    match PostgresStore::open_read_only(&look).await {
        Err(OpenFault::Missing { .. }) => Ok(()),
        Ok(_) | Err(OpenFault::MasterKey(_) | OpenFault::Older { .. } | OpenFault::Newer { .. }) => {
            bail!("{url} holds an installation already: init makes new ones only")
        }
        Err(fault) => Err(explain(fault)),
    }
}

/// For a process that moves money. The schema is brought to this program's where the settings allow it.
pub(super) async fn open(config: &PostgresConfig, may_migrate: bool) -> Result<Arc<PostgresStore>> {
    if may_migrate {
        migrate(config).await?;
    }
    let store = Arc::new(PostgresStore::open(config).await.map_err(explain)?);
    tokio::spawn(make_room(Arc::downgrade(&store)));
    Ok(store)
}

/// Steps applied.
pub(super) async fn migrate(config: &PostgresConfig) -> Result<usize> {
    let applied = match store::postgres::migrate(config).await {
        Ok(applied) => applied,
        // The database of a newer program: opening it says so, or serves it where the newer one only added.
        Err(fault) => return Err(explain(fault)),
    };
    if applied > 0 {
        tracing::info!(applied, "the database was migrated");
    }
    Ok(applied)
}

/// As long as the store is open.
async fn make_room(store: Weak<PostgresStore>) {
    loop {
        tokio::time::sleep(ROOM_EVERY).await;
        let Some(store) = store.upgrade() else { return };
        match store.make_room(real_now_us()).await {
            Ok(0) => {}
            Ok(made) => tracing::info!(made, "partitions for the time ahead were made"),
            Err(error) => tracing::warn!(%error, "no room was made; it is tried again in an hour"),
        }
    }
}

/// What is to be done about a database that can't be opened.
pub(super) fn explain(fault: OpenFault) -> anyhow::Error {
    let advice = match &fault {
        OpenFault::Url(_) => {
            "store.url: the password, if there is one, stands in the file that store.password_file names"
        }
        OpenFault::Missing { .. } => "run `feiqian init` first, or name the right database in store.url",
        OpenFault::Older { .. } => "run `feiqian migrate`, or leave store.migrate at true",
        OpenFault::MasterKey(fault) => return anyhow!("master_key_file: {fault}"),
        OpenFault::Exists { .. }
        | OpenFault::Version { .. }
        | OpenFault::Setting { .. }
        | OpenFault::NoFsync
        | OpenFault::Newer { .. }
        | OpenFault::Diverged { .. }
        | OpenFault::Shards { .. }
        | OpenFault::NoCitus
        | OpenFault::Cluster
        | OpenFault::Tls(_)
        | OpenFault::Store(_) => "the database can't be used",
    };
    anyhow::Error::new(fault).context(advice)
}
