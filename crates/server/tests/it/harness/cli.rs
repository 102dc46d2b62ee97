//! The command line, with `--json`: one line on standard output.

use super::server::Server;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// The binary with a configuration.
pub struct Cli {
    config: PathBuf,
}

impl Cli {
    /// Commands on the installation of this configuration.
    pub fn new(config: &Path) -> Cli {
        Cli { config: config.to_owned() }
    }

    /// Runs a command to its end.
    pub fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Server::binary();
        command.args(arguments).arg("--config").arg(&self.config).stdin(Stdio::null());
        command.output().expect("the binary runs")
    }

    /// Runs a command that must succeed, with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[arguments, &["--json"]].concat());
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {}\n{out}\n{error}", output.status);
        assert_eq!(out.lines().count(), 1, "{arguments:?} with --json writes one line:\n{out}");
        serde_json::from_str(&out).unwrap_or_else(|fault| panic!("{arguments:?}: {fault}: {out}"))
    }
}
