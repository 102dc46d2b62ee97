//! The PostgreSQL server of a run: one cluster with one set of settings for pgbench, for the platform and for the floor.

use anyhow::{Context as _, Result, bail, ensure};
use std::path::{Path, PathBuf};
use testdb::Cluster;

/// Durable as by default, with the memory and the checkpoints of a server that has its machine to itself. The first
/// three take back what throw-away clusters of tests do without.
const SETTINGS: [&str; 10] = [
    "fsync=on",
    "full_page_writes=on",
    "wal_level=replica",
    "synchronous_commit=on",
    "shared_buffers=2GB",
    // Pages that every commit reaches at random are written whole to the log after each checkpoint.
    "wal_compression=lz4",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "random_page_cost=1.1",
    "autovacuum_naptime=10s",
];

/// The server.
pub struct Server {
    cluster: Cluster,
    /// Where pgbench is.
    pub programs: PathBuf,
}

impl Server {
    /// Starts it.
    pub fn start() -> Result<Server> {
        let options: Vec<&str> = SETTINGS.iter().flat_map(|setting| ["-c", setting]).collect();
        Ok(Server { programs: programs()?, cluster: Cluster::start(&options) })
    }

    /// Makes an empty database; answers its URL.
    pub fn database(&self, name: &str) -> Result<String> {
        ensure!(
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "no name of a database: {name}"
        );
        testdb::say(self.cluster.url(), &format!("CREATE DATABASE {name}"));
        let (server, _) = self.cluster.url().rsplit_once('/').context("a URL without a database")?;
        Ok(format!("{server}/{name}?sslmode=disable"))
    }

    /// Drops one that is not needed any more.
    pub fn drop_database(&self, name: &str) {
        testdb::say(self.cluster.url(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    /// Writes everything out, so that what comes next does not pay for what was before.
    pub fn checkpoint(&self) {
        testdb::say(self.cluster.url(), "CHECKPOINT");
    }
}

/// Debian's newest, else the path's.
fn programs() -> Result<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    found.sort();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    match found.iter().rev().find(|directory| has_pgbench(directory)) {
        Some(directory) => Ok(directory.clone()),
        None => bail!("pgbench is not installed: run scripts/setup.sh test"),
    }
}

fn has_pgbench(directory: &Path) -> bool {
    directory.join("pgbench").is_file()
}
