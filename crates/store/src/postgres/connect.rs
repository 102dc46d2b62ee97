//! Makes connections: their settings, and what is read back before anything rests on them.

use super::config::PostgresConfig;
use super::db::PgDb;
use super::{OpenFault, durable, tls};
use crate::StoreError;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{Client, Connection, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The oldest server that this program is tried on.
const VERSION_MIN: i64 = 150_000;
/// How long one read may hold its snapshot (DESIGN section 4, reads).
const READ_MAX_MS: u32 = 2_000;
/// A transaction whose client went away or stands still is ended, and its locks with it.
const IDLE_MAX_MS: u32 = 15_000;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One lane's own: what it runs is prepared ahead.
    Lane,
    /// Reads; it can't write.
    Read,
    /// Control writes.
    Control,
    /// Schema and partitions.
    Schema,
}

/// Where connections come from.
pub(super) struct Link {
    pub(super) config: PostgresConfig,
    tls: Option<MakeRustlsConnect>,
}

impl Link {
    pub(super) fn new(config: &PostgresConfig) -> Result<Link, OpenFault> {
        Ok(Link { config: config.clone(), tls: tls::connector(config)? })
    }

    /// A connection that is ready for its work, or a fault in a bounded time: a server may take the connection and say nothing.
    pub(super) async fn connect(&self, role: Role) -> Result<PgDb, OpenFault> {
        match tokio::time::timeout(self.config.connect_timeout * 2, self.made(role)).await {
            Ok(made) => made,
            Err(_) => {
                let why = "the database takes connections and does not answer on them".to_owned();
                Err(OpenFault::Store(StoreError::Unavailable(why)))
            }
        }
    }

    async fn made(&self, role: Role) -> Result<PgDb, OpenFault> {
        let client = self.client().await?;
        client.batch_execute(&settings(&self.config, role)).await?;
        check(&self.config, &client, role).await?;
        route(&self.config, &client, role).await?;
        let db = PgDb::new(client, Arc::clone(&self.config.sealer), role == Role::Lane);
        if role == Role::Lane {
            db.prepare_ahead().await?;
        }
        Ok(db)
    }

    async fn client(&self) -> Result<Client, OpenFault> {
        let driver = self.config.driver();
        match &self.tls {
            Some(tls) => {
                let (client, connection) = driver.connect(tls.clone()).await?;
                drive(connection);
                Ok(client)
            }
            None => {
                let (client, connection) = driver.connect(NoTls).await?;
                drive(connection);
                Ok(client)
            }
        }
    }
}

/// Runs a connection until its client is dropped or the server ends it; whoever waits on it is told by its own request.
fn drive<S, T>(connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the database ended");
        }
    });
}

/// Plans go by key, one loop in the other, whatever the statistics say. They are made for the size that tables have, and made anew as
/// those grow (`db.rs`). A row read is dear beside a page looked up: it is better to look ten times than to read a shard once. With sequential scans made dear, the planner would take every plan for worth compiling.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
    SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off; SET enable_bitmapscan = off; SET jit = off; SET max_parallel_workers_per_gather = 0; \
    SET cpu_tuple_cost = 10; SET random_page_cost = 1";

fn settings(config: &PostgresConfig, role: Role) -> String {
    let (plans, read_only, statement_ms) = match role {
        Role::Lane | Role::Control => (PLANS, "off", config.statement_timeout_ms),
        Role::Read => (PLANS, "on", READ_MAX_MS),
        // A step of the schema may rewrite a table.
        Role::Schema => ("SET jit = off", "off", 0),
    };
    format!(
        "{}; {plans}; SET default_transaction_read_only = {read_only}; SET statement_timeout = {statement_ms}; \
         SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {IDLE_MAX_MS}",
        durable::SESSION,
        config.lock_timeout_ms
    )
}

/// Citus finds a statement's worker by the value of the shard, so that a plan without values can't be one of its plans. Its workers
/// commit too: whoever changes the schema or opens the store asks them.
async fn route(config: &PostgresConfig, client: &Client, role: Role) -> Result<(), OpenFault> {
    let there = client.simple_query("SELECT 1 FROM pg_extension WHERE extname = 'citus'").await?;
    if there.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_))) {
        client.batch_execute("SET plan_cache_mode = force_custom_plan").await?;
        if matches!(role, Role::Control | Role::Schema) {
            durable::workers(config, client).await?;
        }
    }
    Ok(())
}

/// What correctness rests on, as the server says it.
const CHECKED: &str = "SHOW server_version_num; SHOW transaction_isolation; SHOW synchronous_commit; \
    SHOW server_encoding; SHOW fsync; SHOW full_page_writes; SELECT pg_is_in_recovery()::text";

async fn check(config: &PostgresConfig, client: &Client, role: Role) -> Result<(), OpenFault> {
    let answers = client.simple_query(CHECKED).await?;
    let mut values = answers.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let mut next = || values.next().unwrap_or_default();
    let version: i64 = next().parse().unwrap_or(0);
    if version < VERSION_MIN {
        return Err(OpenFault::Version { found: version / 10_000, wanted: VERSION_MIN / 10_000 });
    }
    must_be("transaction_isolation", next(), &["read committed"])?;
    must_be("synchronous_commit", next(), &["on", "remote_apply"])?;
    must_be("server_encoding", next(), &["UTF8"])?;
    let (fsync, full_page_writes) = (next(), next());
    if role != Role::Read {
        durable::disk(config, fsync, full_page_writes)?;
    }
    if role != Role::Read && next() == "true" {
        let why = "the database is a standby: it can be read and not written".to_owned();
        return Err(OpenFault::Store(StoreError::Unavailable(why)));
    }
    Ok(())
}

fn must_be(name: &'static str, found: &str, allowed: &[&str]) -> Result<(), OpenFault> {
    if allowed.contains(&found) {
        return Ok(());
    }
    let wanted = allowed.first().copied().unwrap_or_default().to_owned();
    Err(OpenFault::Setting { name, wanted, found: found.to_owned() })
}
