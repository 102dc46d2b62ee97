//! Databases on a Citus cluster: one of the same name on every server, which the coordinator is told of.

use crate::say;
use std::sync::OnceLock;

/// Names the servers of a cluster, the coordinator first, by commas.
const NODES: &str = "FEIQIAN_TEST_CITUS";

fn nodes() -> &'static [String] {
    static NAMED: OnceLock<Vec<String>> = OnceLock::new();
    let named = || std::env::var(NODES).unwrap_or_default();
    let list = |text: String| {
        text.split(',').map(|url| url.trim().to_owned()).filter(|url| !url.is_empty()).collect()
    };
    NAMED.get_or_init(|| list(named()))
}

/// Whether databases lie on a Citus cluster in this run.
pub fn is_citus() -> bool {
    !nodes().is_empty()
}

pub(crate) fn coordinator() -> Option<&'static str> {
    nodes().first().map(String::as_str)
}

pub(crate) fn workers() -> &'static [String] {
    nodes().get(1..).unwrap_or_default()
}

/// Makes the database on the workers too, and the cluster of it.
pub(crate) fn join(name: &str, url: &str) {
    say(url, "CREATE EXTENSION citus");
    let (host, port) = address(coordinator().expect("a cluster"));
    say(url, &format!("SELECT citus_set_coordinator_host('{host}', {port})"));
    for worker in workers() {
        say(worker, &format!("CREATE DATABASE {name}"));
        let (base, _) = worker.rsplit_once('/').expect("the worker's url names a database");
        say(&format!("{base}/{name}"), "CREATE EXTENSION citus");
        let (host, port) = address(worker);
        say(url, &format!("SELECT citus_add_node('{host}', {port})"));
    }
}

/// Host and port of `postgres://user@host:port/database`.
fn address(url: &str) -> (&str, u16) {
    let host = url.rsplit_once('/').and_then(|(base, _)| base.rsplit_once('@')).map(|(_, host)| host);
    let (host, port) = host.and_then(|host| host.rsplit_once(':')).expect("a url with host and port");
    (host, port.parse().expect("a port"))
}
