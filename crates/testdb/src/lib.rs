//! Databases for tests. Each test has one of its own, on the server that `FEIQIAN_TEST_POSTGRES` names, or else on a throw-away
//! cluster that this process starts when the first one asks, and that ends with it. With `FEIQIAN_TEST_CITUS` it lies on a Citus
//! cluster.
#![allow(clippy::unwrap_used, clippy::expect_used)] // for tests only: what fails here fails the test

mod citus;
mod cluster;

pub use citus::is_citus;
pub use cluster::Cluster;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use tokio_postgres::SimpleQueryMessage;

/// Names a server whose role may make databases: `postgres://user@host:port/database`.
const SERVER: &str = "FEIQIAN_TEST_POSTGRES";

/// The url of the server's own database. All tests of the process share the server.
fn server() -> &'static str {
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    // Never dropped: it ends when the process does, because the pipe to it closes then.
    static STARTED: OnceLock<Cluster> = OnceLock::new();
    match NAMED.get_or_init(|| std::env::var(SERVER).ok().filter(|url| !url.is_empty())) {
        Some(url) => url,
        None => STARTED.get_or_init(|| Cluster::start(&[])).url(),
    }
}

/// A database that goes away with its owner.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    fn create(server: &str, template: Option<&str>) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("feiqian_{}_{number}", std::process::id());
        let template = template.map_or(String::new(), |template| format!(" TEMPLATE {template}"));
        say(server, &format!("CREATE DATABASE {name}{template}"));
        let (base, _) = server.rsplit_once('/').expect("the server's url names a database");
        let url = format!("{base}/{name}?sslmode=disable");
        Database { server: server.to_owned(), name, url }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements in it.
    pub fn say(&self, sql: &str) {
        say(&self.url, sql);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // With the connections that the test left open. A server that the test itself ended has nothing to drop.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = try_say(&self.server, &drop);
        for worker in citus::workers() {
            let _ = try_say(worker, &drop);
        }
    }
}

/// An empty database.
pub fn database() -> Database {
    match citus::coordinator() {
        None => Database::create(server(), None),
        Some(coordinator) => {
            let database = Database::create(coordinator, None);
            citus::join(&database.name, database.url());
            database
        }
    }
}

/// A copy of a database that `make` filled once for all copies of that name. `make` leaves no connection open.
pub fn copy_of(template: &'static str, make: impl FnOnce(&str)) -> Database {
    static MADE: Mutex<Option<HashMap<&'static str, String>>> = Mutex::new(None);
    let mut made = MADE.lock().expect("no template failed");
    let name = made.get_or_insert_default().entry(template).or_insert_with(|| {
        let database = Database::create(server(), None);
        make(database.url());
        let name = database.name.clone();
        // The cluster goes with the process; on a named server the template stays as long as its copies are made.
        std::mem::forget(database);
        name
    });
    Database::create(server(), Some(name))
}

/// Runs statements on a connection of their own, one after another.
pub fn say(url: &str, sql: &str) {
    try_say(url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The rows of a query, each value as text; on a connection of its own.
pub fn rows(url: &str, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = try_query(url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    };
    messages.iter().filter_map(row).collect()
}

/// On a thread of its own: the caller may stand in a runtime.
fn try_say(url: &str, sql: &str) -> Result<(), String> {
    try_query(url, sql).map(|_| ())
}

fn try_query(url: &str, sql: &str) -> Result<Vec<SimpleQueryMessage>, String> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(async {
            let connecting = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
            let (client, connection) = connecting.map_err(|error| told(&error))?;
            let driving = tokio::spawn(connection);
            let said = client.simple_query(sql).await.map_err(|error| told(&error));
            drop(client);
            let _ = driving.await;
            said
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("the statements' thread"))
}

fn told(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| format!("{error:?}"), ToString::to_string)
}
