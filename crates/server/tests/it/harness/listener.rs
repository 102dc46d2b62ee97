//! A developer's machine: a key in a file, the commands that speak to a server with it, and `feiqian listen`.

use super::process::Process;
use super::server::Server;
use super::{Merchant, until};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A directory of its own: the key file and what `listen` remembers.
pub struct Laptop {
    dir: TempDir,
    server: String,
}

impl Laptop {
    /// A machine with a merchant's key.
    pub fn of(merchant: &Merchant<'_>) -> Laptop {
        Laptop::with(merchant.server.public_url(), merchant.bearer())
    }

    /// A machine with any text as its key, for any server.
    pub fn with(server: &str, key: &str) -> Laptop {
        let dir = tempfile::Builder::new().prefix("feiqian-laptop-").tempdir().expect("a scratch directory");
        std::fs::write(dir.path().join("key"), format!("{key}\n")).expect("the key file is written");
        Laptop { dir, server: server.to_owned() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command of this machine: nothing of the tests' own environment reaches it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Server::binary();
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for name in ["FEIQIAN_KEY", "FEIQIAN_CONFIG", "HTTP_PROXY", "http_proxy", "LC_ALL", "LC_MESSAGES"] {
            command.env_remove(name);
        }
        command
            .env("LANG", "C")
            .env("FEIQIAN_SERVER", &self.server)
            .env("FEIQIAN_STATE_DIR", self.path().join("state"));
        command
    }

    /// Runs a command with the key file to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(&[arguments, &["--key-file", "key"]].concat());
        tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("no panic")
            .expect("the binary runs")
    }

    /// Runs a command that must succeed; answers its lines of JSON.
    pub async fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat()).await;
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {}\n{out}\n{error}", output.status);
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}")))
            .collect()
    }

    /// Starts a command that goes on.
    pub fn go_on(&self, arguments: &[&str]) -> Listener<'_> {
        let mut all: Vec<String> = arguments.iter().map(|part| (*part).to_owned()).collect();
        all.extend(["--key-file", "key", "--json"].map(str::to_owned));
        let mut listener =
            Listener { laptop: self, arguments: all, process: None, log: PathBuf::new(), starts: 0 };
        listener.start();
        listener
    }

    /// Starts `listen` and comes back when it listens.
    pub async fn listen(&self, forward_to: &str, more: &[&str]) -> Listener<'_> {
        let listener = self.go_on(&[&["listen", "--forward-to", forward_to], more].concat());
        listener.until_listening().await;
        listener
    }
}

/// A command that goes on, and what it printed.
pub struct Listener<'l> {
    laptop: &'l Laptop,
    arguments: Vec<String>,
    process: Option<Process>,
    log: PathBuf,
    starts: u32,
}

impl Listener<'_> {
    /// Starts it (again), with a log of its own.
    pub fn start(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        self.starts += 1;
        self.log = self.laptop.path().join(format!("{}-{}.log", self.arguments[0], self.starts));
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        // What the watchdog removes when the test binary ends without dropping: the log.
        self.process = Some(Process::start(&mut self.laptop.command(&arguments), &self.log, &self.log));
    }

    /// SIGKILL, at this moment.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Ctrl-C's brother, and a clean end.
    pub fn stop(&mut self) {
        let status = self.process.take().expect("it runs").stop();
        assert!(status.success(), "{status}:\n{}", self.text());
    }

    /// `Some` when it has ended by itself.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.process.as_mut().and_then(Process::ended)
    }

    /// What it wrote, on both outputs.
    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The lines of JSON that it wrote since its last start.
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until it said that it listens; answers what it said.
    pub async fn until_listening(&self) -> Value {
        until("listener", || async { self.lines().into_iter().find(|line| line["object"] == "listener") })
            .await
    }

    /// The secret that it printed.
    pub fn secret(&self) -> String {
        let started = self.lines().into_iter().find(|line| line["object"] == "listener");
        started.and_then(|line| line["secret"].as_str().map(str::to_owned)).expect("it listens")
    }
}
