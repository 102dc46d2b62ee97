//! `examples/receive.py` behind `feiqian listen`: what the page about webhooks tells a merchant to do, done.

use crate::harness::merchant::text;
use crate::harness::process::Process;
use crate::harness::{Laptop, Merchant, on_shared, until};
use rusqlite::{Connection, OpenFlags};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program, on a port of its own; stopped and started on the same database.
struct Program {
    dir: tempfile::TempDir,
    port: u16,
    secret: String,
    process: Option<Process>,
}

impl Program {
    fn new(secret: &str) -> Program {
        let dir =
            tempfile::Builder::new().prefix("feiqian-receiver-").tempdir().expect("a scratch directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        Program { dir, port, secret: secret.to_owned(), process: None }
    }

    fn start(&mut self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/receive.py");
        let mut command = Command::new("python3");
        command.arg(file).arg(self.port.to_string()).arg(self.database());
        command.env("FEIQIAN_WEBHOOK_SECRET", &self.secret);
        self.process = Some(Process::start(&mut command, &self.log(), &self.log()));
    }

    fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("events.db")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Stored, and of them done.
    fn counts(&self) -> (i64, i64) {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(database) = Connection::open_with_flags(self.database(), flags) else { return (0, 0) };
        let read = database.query_row("SELECT count(*), coalesce(sum(done), 0) FROM event", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        read.unwrap_or((0, 0))
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

#[test]
fn the_example_loses_nothing_and_does_nothing_twice() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let laptop = Laptop::of(&merchant);
        let secret = text(&laptop.json(&["listen", "--print-secret"]).await[0], "secret");
        let mut program = Program::new(&secret);
        let listener = laptop.listen(&program.url(), &[]).await;
        assert_eq!(listener.secret(), secret);
        program.start();
        for _ in 0..3 {
            let id = merchant.waiting(100, None).await.id();
            merchant.pay(&id, None).send().await.expect(200);
        }
        until("nine events done", || async { (program.counts() == (9, 9)).then_some(()) }).await;
        program.kill();
        let paid = merchant.paid(100).await.id();
        program.start();
        until("ten events done", || async { (program.counts() == (10, 10)).then_some(()) }).await;
        let again =
            laptop.json(&["events", "replay", "--since", "beginning", "--forward-to", &program.url()]).await;
        assert_eq!(again.len(), 10);
        merchant.paid(100).await;
        until("eleven events done", || async { (program.counts() == (11, 11)).then_some(()) }).await;
        let printed = program.printed();
        assert_eq!(printed.lines().count(), 11, "each handled once:\n{printed}");
        assert!(printed.contains(&format!("payment.succeeded {paid}")), "{printed}");
        let forged = crate::harness::Client::new(&format!("http://127.0.0.1:{}", program.port));
        let headers = [("webhook-id", "evt_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")];
        let call =
            headers.iter().fold(forged.post("/hook", &serde_json::json!({})), |call, (name, value)| {
                call.header(name, value)
            });
        assert_eq!(call.send().await.status, 401);
        assert_eq!(program.counts(), (11, 11));
    });
}
