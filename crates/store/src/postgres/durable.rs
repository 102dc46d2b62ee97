//! That a commit is on the disk before it is answered, whatever the server, the database or the role say. What a session may say for
//! itself it says; what only the server can say is read back, and a server that says otherwise is refused.

use super::OpenFault;
use super::config::PostgresConfig;
use std::sync::Once;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Said on every connection before anything else: for its whole life, so that a setting of the server that is changed under it changes
/// nothing. `remote_apply` waits for more than `on` and stays.
pub(super) const SESSION: &str = "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
    WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false); \
    SET default_transaction_isolation = 'read committed'";

/// The same of a worker's sessions, which Citus opens for itself.
const ON_WORKERS: &str = "SELECT nodename || ':' || nodeport, result FROM run_command_on_workers($$ \
    SELECT concat_ws(' ', current_setting('synchronous_commit'), current_setting('fsync'), \
    current_setting('full_page_writes')) $$)";

/// Of a commit that was answered, nothing is lost when the database's machine stands still. `fsync` is refused when it is off, unless
/// the settings accept that; where `full_page_writes` is off, the file system itself may keep pages whole.
pub(super) fn disk(config: &PostgresConfig, fsync: &str, full_page_writes: &str) -> Result<(), OpenFault> {
    static FSYNC: Once = Once::new();
    static PAGES: Once = Once::new();
    if fsync == "off" && !config.accept_fsync_off {
        return Err(OpenFault::NoFsync);
    }
    if fsync == "off" {
        FSYNC.call_once(|| {
            tracing::warn!("fsync is off: a crash of the database's machine loses what was acknowledged")
        });
    }
    if full_page_writes == "off" {
        let why = "full_page_writes is off: a crash of the database's machine may tear pages, unless its file system keeps them whole";
        PAGES.call_once(|| tracing::warn!("{why}"));
    }
    Ok(())
}

/// What Citus's workers say: their sessions are not ours to set.
pub(super) async fn workers(config: &PostgresConfig, client: &Client) -> Result<(), OpenFault> {
    for message in client.simple_query(ON_WORKERS).await? {
        let SimpleQueryMessage::Row(row) = message else { continue };
        let (name, said) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
        worker(config, name, said)?;
    }
    Ok(())
}

fn worker(config: &PostgresConfig, name: &str, said: &str) -> Result<(), OpenFault> {
    let mut settings = said.split(' ');
    let mut next = || settings.next().unwrap_or_default();
    let commit = next();
    if !["on", "remote_apply"].contains(&commit) {
        let found = format!("{commit} on the worker {name}");
        return Err(OpenFault::Setting { name: "synchronous_commit", wanted: "on".to_owned(), found });
    }
    disk(config, next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::seal::{FileKeyProvider, MasterKey, Sealer};
    use std::sync::Arc;

    #[test]
    fn a_worker_that_may_lose_commits_is_refused() {
        let keys = FileKeyProvider::in_memory(MasterKey::generate());
        let sealer = Arc::new(Sealer::new(Arc::new(keys)));
        let mut config = PostgresConfig::new("postgres://u@localhost/d", sealer, 0).unwrap();
        for good in ["on on on", "remote_apply on off"] {
            worker(&config, "w:1", good).unwrap();
        }
        for (bad, what) in [
            ("off on on", "synchronous_commit at off on the worker w:1"),
            ("local on on", "synchronous_commit at local"),
            ("remote_write on on", "synchronous_commit at remote_write"),
            ("on off on", "fsync"),
            ("", "synchronous_commit"),
            ("ERROR: no such function", "synchronous_commit"),
        ] {
            let fault = worker(&config, "w:1", bad).unwrap_err().to_string();
            assert!(fault.contains(what), "{bad}: {fault}");
        }
        config.accept_fsync_off = true;
        worker(&config, "w:1", "on off on").unwrap();
    }
}
