//! An installation in a scratch directory, served by the real binary.

use super::cli::Cli;
use super::client::{Answer, Client};
use super::process::Process;
use super::wait::until_within;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use testdb::Database;

/// A debug build answers `/readyz` sooner than this.
const START_BOUND: Duration = Duration::from_secs(30);

/// A line of the configuration: section (empty: top), name, TOML value.
pub type Setting = (&'static str, &'static str, &'static str);

/// Settings of every installation under test: short waits, so that what is lost is asked about soon.
const COMMON: &[Setting] = &[
    ("", "sync_wait_ms", "700"),
    ("sandbox", "allow_private_webhooks", "true"),
    ("lanes", "lease_ms", "5700"),
    ("lanes", "due_poll_ms", "50"),
    ("log", "level", "\"warn\""),
];

/// What the books of an installation lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// That of this run of the suite: PostgreSQL with `FEIQIAN_TEST_ENGINE=postgres`.
    pub fn of_run() -> Engine {
        match std::env::var("FEIQIAN_TEST_ENGINE").as_deref() {
            Ok("postgres") => Engine::Postgres,
            Ok("sqlite" | "") | Err(_) => Engine::Sqlite,
            Ok(other) => panic!("FEIQIAN_TEST_ENGINE is {other}: sqlite or postgres"),
        }
    }
}

/// An installation, or another node of one, and, while it serves, its process.
pub struct Server {
    dir: PathBuf,
    /// The database, where it is PostgreSQL's. Dropped with the last node.
    database: Option<Arc<Database>>,
    master_key: PathBuf,
    /// Where it listens, as a URL.
    listen_url: String,
    public_url: String,
    internal_url: String,
    config: PathBuf,
    process: Mutex<Option<Process>>,
    numbers: AtomicU64,
}

static SHARED: LazyLock<Server> = LazyLock::new(|| Server::start(&[]));

/// The server that most cases share; each has merchants of its own.
pub fn shared() -> &'static Server {
    &SHARED
}

/// Below the ports that a kernel gives to connections: one of those may be gone before a server comes to listen on it, above all
/// before it does so again.
const PORTS: Range<u16> = 10_000..32_000;

/// A port of 127.0.0.1 that nothing listens on now, and that no other case of this run gets.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(u64::from(std::process::id()) * 211));
    for _ in PORTS {
        let at = NEXT.fetch_add(1, Ordering::Relaxed) % PORTS.len() as u64;
        let port = PORTS.start + u16::try_from(at).expect("it is in the range");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free")
}

impl Server {
    /// Makes an installation with these settings besides the common ones, and serves it.
    pub fn start(settings: &[Setting]) -> Server {
        let server = Server::make(settings);
        server.serve();
        server
    }

    /// Makes an installation that nobody serves yet, on the engine of this run.
    pub fn make(settings: &[Setting]) -> Server {
        Server::make_on(Engine::of_run(), settings)
    }

    /// The same on this engine.
    pub fn make_on(engine: Engine, settings: &[Setting]) -> Server {
        match testdb::is_citus() && engine == Engine::Postgres {
            true => Server::make_sharded(engine, settings),
            false => Server::initialized(engine, settings, &["init"]),
        }
    }

    /// The same with two shards for each world where the engine has several, so that the second merchant is in another one than the
    /// first.
    pub fn make_sharded(engine: Engine, settings: &[Setting]) -> Server {
        match engine {
            Engine::Sqlite => Server::initialized(engine, settings, &["init"]),
            Engine::Postgres if testdb::is_citus() => {
                Server::initialized(engine, settings, &["init", "--citus", "--shards", "2"])
            }
            Engine::Postgres => Server::initialized(engine, settings, &["init", "--shards", "2"]),
        }
    }

    fn initialized(engine: Engine, settings: &[Setting], init: &[&str]) -> Server {
        let database = (engine == Engine::Postgres).then(|| Arc::new(testdb::database()));
        let server = Server::node(database, None, settings);
        server.cli(init);
        server
    }

    /// Another node on the same database, which nobody has started yet. It has a directory and addresses of its own; master key and
    /// the sandbox channel's book are shared.
    pub fn beside(&self, settings: &[Setting]) -> Server {
        assert!(self.database.is_some(), "a file is served by one process");
        Server::node(self.database.clone(), Some(self), settings)
    }

    /// A node on a database that this installation was copied to, which nobody has started yet.
    pub fn moved_to(&self, database: Arc<Database>) -> Server {
        Server::node(Some(database), Some(self), &[])
    }

    fn node(database: Option<Arc<Database>>, first: Option<&Server>, settings: &[Setting]) -> Server {
        let dir =
            tempfile::Builder::new().prefix("feiqian-it-").tempdir().expect("a scratch directory").keep();
        let (port, internal_port) = (free_port(), free_port());
        let listen_url = format!("http://127.0.0.1:{port}");
        let set = settings.iter().rev().find(|(section, name, _)| (*section, *name) == ("", "public_url"));
        let server = Server {
            public_url: set.map_or(&*listen_url, |(_, _, url)| url.trim_matches('"')).to_owned(),
            listen_url,
            internal_url: format!("http://127.0.0.1:{internal_port}"),
            config: dir.join("feiqian.toml"),
            master_key: first.map_or_else(|| dir.join("master.key"), Server::master_key_file),
            database,
            dir,
            process: Mutex::new(None),
            numbers: AtomicU64::new(1),
        };
        let books = first.map_or_else(|| server.data_dir(), Server::data_dir);
        let text = server.config_text(port, internal_port, &books, settings);
        std::fs::write(&server.config, text).expect("the configuration is written");
        server
    }

    fn config_text(&self, port: u16, internal_port: u16, books: &Path, settings: &[Setting]) -> String {
        let quoted = |text: String| format!("\"{text}\"");
        let mut all: Vec<(&str, &str, String)> = vec![
            ("", "data_dir", quoted(self.dir.join("data").display().to_string())),
            ("", "archive_dir", quoted(self.dir.join("archive").display().to_string())),
            ("", "master_key_file", quoted(self.master_key_file().display().to_string())),
            ("", "listen", quoted(format!("127.0.0.1:{port}"))),
            ("", "internal_listen", quoted(format!("127.0.0.1:{internal_port}"))),
            ("", "public_url", quoted(self.public_url.clone())),
        ];
        if let Some(url) = self.database_url() {
            all.push(("store", "url", quoted(url.to_owned())));
            // The suite's clusters do not wait for the disk.
            all.push(("store", "accept_fsync_off", "true".to_owned()));
            all.push(("sandbox", "book_dir", quoted(books.display().to_string())));
        }
        for (section, name, value) in COMMON.iter().chain(settings) {
            all.retain(|(s, n, _)| (s, n) != (section, name));
            all.push((section, name, (*value).to_owned()));
        }
        let mut text = String::new();
        let mut sections: Vec<&str> = all.iter().map(|(section, _, _)| *section).collect();
        sections.sort_unstable();
        sections.dedup();
        for section in sections {
            if !section.is_empty() {
                writeln!(text, "[{section}]").expect("memory takes it");
            }
            for (_, name, value) in all.iter().filter(|(s, _, _)| *s == section) {
                writeln!(text, "{name} = {value}").expect("memory takes it");
            }
        }
        text
    }

    /// Starts serving, and does not wait.
    pub fn begin(&self) {
        let mut process = self.process.lock().expect("no case panicked here");
        assert!(process.is_none(), "it serves already");
        let config = self.config.display().to_string();
        let mut command = Server::binary();
        command.args(["serve", "--config", &config]);
        *process = Some(Process::start(&mut command, &self.log_path(), self.dir()));
    }

    /// Serves, and comes back when commands are taken.
    pub fn serve(&self) {
        self.serve_until("answer of /readyz", |answer| answer.status == 200);
    }

    /// Serves what was restored, and comes back when it says that it is held.
    pub fn serve_held(&self) {
        self.serve_until("held answer of /readyz", |answer| {
            answer.status == 503 && answer.text.starts_with("held")
        });
    }

    fn serve_until(&self, what: &str, is_up: impl Fn(&Answer) -> bool + Sync) {
        self.begin();
        let client = Client::new(&self.internal_url);
        let is_up = &is_up;
        let ready = until_within(START_BOUND, what, || async {
            self.assert_alive();
            let answer = client.call("GET", "/readyz").try_send().await.ok()?;
            is_up(&answer).then_some(())
        });
        // Callers may be inside the runtime or not.
        std::thread::scope(|scope| scope.spawn(|| super::run(ready)).join().expect("it gets ready"));
    }

    /// Asserts that the process still runs.
    pub fn assert_alive(&self) {
        let mut process = self.process.lock().expect("no case panicked here");
        if let Some(status) = process.as_mut().and_then(Process::ended) {
            panic!("the server ended with {status}:\n{}", self.log());
        }
    }

    /// The number of the serving process.
    pub fn process_id(&self) -> u32 {
        let process = self.process.lock().expect("no case panicked here");
        process.as_ref().expect("it serves").id()
    }

    /// Sends a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let number = self.process_id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &number]).status().expect("kill runs");
        assert!(sent.success(), "kill -{name} {number}: {sent}");
    }

    /// SIGKILL, at this moment.
    pub fn kill(&self) {
        let process = self.process.lock().expect("no case panicked here").take();
        process.expect("it serves").kill();
    }

    /// Moves the data directory away, as if its disk were lost; answers where it is.
    pub fn lose_data(&self) -> PathBuf {
        let lost = self.dir.join(self.next_no("lost"));
        std::fs::rename(self.data_dir(), &lost).expect("the data is moved");
        lost
    }

    /// SIGTERM and its end, which must be a clean one.
    pub fn stop(&self) {
        let process = self.process.lock().expect("no case panicked here").take();
        let status = process.expect("it serves").stop();
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    /// SIGKILL, then serving on the same data.
    pub fn crash(&self) {
        self.kill();
        self.serve();
    }

    /// Changes lines of the configuration; they count from the next start.
    pub fn configure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.config).expect("the configuration is read");
        assert!(text.contains(from), "{from} is not in the configuration:\n{text}");
        std::fs::write(&self.config, text.replace(from, to)).expect("the configuration is written");
    }

    /// Changes the base URL that is served under, not the address that is called; it counts from the next start.
    pub fn set_public_url(&self, url: &str) {
        let text = std::fs::read_to_string(&self.config).expect("the configuration is read");
        let set = |line: &str| match line.starts_with("public_url = ") {
            true => format!("public_url = \"{url}\"\n"),
            false => format!("{line}\n"),
        };
        std::fs::write(&self.config, text.lines().map(set).collect::<String>()).expect("it is written");
    }

    /// The port on 127.0.0.1 where merchants come in.
    pub fn port(&self) -> u16 {
        let port = self.listen_url.rsplit(':').next().and_then(|port| port.parse().ok());
        port.expect("the URL ends in a port")
    }

    /// What merchants call and sign: where it listens, unless a setting says otherwise.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where it really listens.
    pub fn listen_url(&self) -> &str {
        &self.listen_url
    }

    /// A caller without credentials.
    pub fn client(&self) -> Client {
        Client::new(&self.listen_url)
    }

    /// A caller of the internal listener.
    pub fn internal(&self) -> Client {
        Client::new(&self.internal_url)
    }

    /// Runs a command on this installation; it must succeed. Answers its one line of JSON.
    pub fn cli(&self, arguments: &[&str]) -> serde_json::Value {
        Cli::new(&self.config).json(arguments)
    }

    /// Runs a command on this installation, whatever comes of it.
    pub fn try_cli(&self, arguments: &[&str]) -> std::process::Output {
        Cli::new(&self.config).output(arguments)
    }

    /// `verify --full` finds no difference.
    pub fn verify(&self) {
        let output = self.try_cli(&["verify", "--full", "--json"]);
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "verify --full: {}\n{out}\n{error}", output.status);
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("serve.log")
    }

    /// The scratch directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The file with the master key.
    pub fn master_key_file(&self) -> PathBuf {
        self.master_key.clone()
    }

    /// The PostgreSQL database, where it is one.
    pub fn database_url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url())
    }

    /// A number that nothing on this server has yet.
    pub fn next_no(&self, noun: &str) -> String {
        format!("{noun}-{}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// Where this test binary's tokens are, for those cases that keep the master key in one.
    pub fn token_configuration() -> &'static Path {
        static CONFIGURATION: LazyLock<PathBuf> = LazyLock::new(|| {
            let folder =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tokens-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder");
            let path = folder.join("softhsm2.conf");
            let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.display());
            std::fs::write(&path, text).expect("its settings");
            path
        });
        &CONFIGURATION
    }

    /// The binary under test.
    pub fn binary() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_feiqian"));
        command.env("SOFTHSM2_CONF", Server::token_configuration());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // First the process, then its files; those of a failed case stay for whoever looks into it.
        drop(self.process.lock().map(|mut process| process.take()));
        if std::thread::panicking() {
            eprintln!("the data of this case: {}\n{}", self.dir.display(), self.log());
        } else {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}
