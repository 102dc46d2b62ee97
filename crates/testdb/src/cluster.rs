//! A cluster of a process's own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A throw-away cluster; it ends when this is dropped, and with the process however that ends.
#[derive(Debug)]
pub struct Cluster {
    keeper: Child,
    url: String,
}

impl Cluster {
    /// Starts one with these options of the server.
    ///
    /// # Panics
    /// With a sentence that says what is missing, when PostgreSQL is not installed.
    pub fn start(options: &[&str]) -> Cluster {
        Cluster::start_with(options, &[])
    }

    /// As [`Cluster::start`], with variables of `scripts/postgres.sh`.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    pub fn start_with(options: &[&str], variables: &[(&str, &Path)]) -> Cluster {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres.sh");
        let mut command = Command::new(script);
        command.args(options).envs(variables.iter().copied());
        // The pipe's end is the sign to end; nobody else inherits it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().expect("scripts/postgres.sh can be run");
        let output = keeper.stdout.take().expect("its output is a pipe");
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url).expect("its output is a text");
        let url = url.trim().to_owned();
        assert!(
            !url.is_empty(),
            "no PostgreSQL for the tests: scripts/postgres.sh says above what is missing"
        );
        Cluster { keeper, url }
    }

    /// Of its own database.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
