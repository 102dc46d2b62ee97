//! The command line.

use crate::drive::Times;
use crate::scene::Scene;
use anyhow::{Context as _, Result};
use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Measures the platform: payments a second and latencies of the release binary on fresh data, beside the same rows written
/// straight to SQLite. Run it by `make bench`.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// The release binary; without it the one beside this program.
    #[arg(long, value_name = "FILE")]
    feiqian: Option<PathBuf>,
    /// Where report and (while it runs) data are written; the data lie on this directory's disk.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub out: PathBuf,
    /// Seconds measured at each point.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Seconds of load before that, not counted.
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Connections of the points.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    pub connections: Vec<usize>,
    /// Scenes: bar_code, bar_code_webhook, callback.
    #[arg(long, value_delimiter = ',', value_parser = scene, default_value = "bar_code,bar_code_webhook,callback")]
    pub scenes: Vec<Scene>,
    /// Engines: sqlite, postgres. The second needs PostgreSQL's programs on this machine; a server of its own is started.
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    pub engines: Vec<Engine>,
    /// Millions of payments that the history of the cost curve has, on PostgreSQL; without it there is no curve. Ten million need
    /// some 40 GB and half an hour.
    #[arg(long, value_delimiter = ',')]
    pub history_millions: Vec<u64>,
    /// The coordinator's URL of an empty database on a Citus cluster: the first of the scenes is measured there, and nothing else.
    #[arg(long, value_name = "URL")]
    pub citus: Option<String>,
    /// Shards of each world there.
    #[arg(long, default_value_t = 4)]
    pub citus_shards: u16,
    /// Seconds of each run of pgbench.
    #[arg(long, default_value_t = 15.0)]
    pub pgbench_seconds: f64,
}

/// An engine of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

fn scene(name: &str) -> Result<Scene, String> {
    Scene::parse(name).ok_or_else(|| format!("no scene is named {name}"))
}

impl Options {
    /// Warm-up and measured time.
    pub fn times(&self) -> Result<Times> {
        let seconds =
            |value: f64| Duration::try_from_secs_f64(value).context("an impossible number of seconds");
        Ok(Times { warm_up: seconds(self.warm_up)?, measured: seconds(self.seconds)? })
    }

    /// The server's binary.
    pub fn binary(&self) -> Result<PathBuf> {
        let path = match &self.feiqian {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("feiqian"),
        };
        std::path::absolute(&path)
            .ok()
            .filter(|path| path.is_file())
            .with_context(|| format!("{} is not there: build it with --release first", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_whole_run() {
        let options = Options::parse_from(["bench"]);
        assert_eq!(options.connections, [1, 16, 64, 256]);
        assert_eq!(options.scenes, Scene::ALL);
        assert_eq!(options.times().unwrap().measured, Duration::from_secs(5));
        let one =
            Options::parse_from(["bench", "--scenes", "callback", "--connections", "8", "--seconds", "0.5"]);
        assert_eq!((one.scenes, one.connections), (vec![Scene::Callback], vec![8]));
        assert!(Options::try_parse_from(["bench", "--scenes", "other"]).is_err());
    }
}
