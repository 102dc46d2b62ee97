//! One program for each language: how it is started, and what it is told by its environment.

use crate::cases_b::python::root;
use crate::harness::merchant::text;
use crate::harness::receiver::Delivered;
use crate::harness::{Merchant, Server};
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A program longer than this is no first example.
const LINES_MAX: usize = 60;

/// A language and its program.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// What starts it.
    pub interpreter: &'static str,
    /// Its file under `examples/`.
    pub file: &'static str,
}

/// All of them.
pub const PROGRAMS: [Program; 5] = [
    Program { interpreter: "sh", file: "sign.sh" },
    Program { interpreter: "python3", file: "sign.py" },
    Program { interpreter: "node", file: "sign.mjs" },
    Program { interpreter: "php", file: "sign.php" },
    Program { interpreter: "java", file: "Sign.java" },
];

/// A merchant's key as a developer holds it: a name, and a file that nobody else may read.
#[derive(Debug, Clone)]
pub struct Key {
    /// `key_…`
    pub id: String,
    /// The private half, PKCS#8 in PEM.
    pub file: PathBuf,
}

impl Key {
    /// Made by `feiqian key create --generate`.
    pub async fn generate(server: &Server, merchant: &Merchant<'_>) -> Key {
        let file = server.dir().join(server.next_no("private"));
        let path = file.display().to_string();
        let made = server.cli(&["key", "create", "--merchant", &merchant.id, "--generate", &path]);
        Key { id: text(&made, "id"), file }
    }
}

impl Program {
    fn path(&self) -> PathBuf {
        root().join("examples").join(self.file)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.interpreter);
        command.arg(self.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What the machine's own settings say about proxies and trust is none of the case's business.
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command
    }

    /// Pays and refunds at `url`. `trust` names the environment that makes it trust a certificate authority.
    pub fn pay(&self, url: &str, key: &Key, trust: &[(&'static str, String)]) -> Output {
        let mut command = self.command();
        command.env("FEIQIAN_URL", url).env("FEIQIAN_KEY_ID", &key.id).env("FEIQIAN_KEY_FILE", &key.file);
        command.envs(trust.iter().cloned());
        self.output(&mut command, b"")
    }

    /// Judges a delivery.
    pub fn verify(&self, secret: &str, delivered: &Delivered) -> Output {
        let mut command = self.command();
        command.env("FEIQIAN_WEBHOOK_SECRET", secret);
        command.args(["webhook", &delivered.id, &delivered.timestamp, &delivered.signature]);
        self.output(&mut command, &delivered.body)
    }

    fn output(&self, command: &mut Command, input: &[u8]) -> Output {
        let started = command.stdin(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|fault| {
            panic!(
                "{} is needed to run {}: {fault}; scripts/setup.sh test installs it",
                self.interpreter, self.file
            )
        });
        // One that ends before it reads has said why.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        child.wait_with_output().expect("it ends")
    }

    /// The lines of JSON that a run which must succeed wrote.
    pub fn answers(&self, output: &Output) -> Vec<Value> {
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {}\n{out}\n{error}", self.file, output.status);
        let line = |line| {
            serde_json::from_str(line).unwrap_or_else(|fault| panic!("{}: {fault}: {line}", self.file))
        };
        out.lines().map(line).collect()
    }
}

#[test]
fn they_are_short_and_need_nothing_but_their_language() {
    for program in PROGRAMS {
        let text = std::fs::read_to_string(program.path()).expect("the program");
        assert!(text.lines().count() <= LINES_MAX, "{} has {} lines", program.file, text.lines().count());
    }
    // Packages come in through files like these, and there is none.
    let mut found: Vec<String> = std::fs::read_dir(root().join("examples"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut expected: Vec<&str> = PROGRAMS.iter().map(|program| program.file).collect();
    // The check of a proof is run by the cases about statements, the receiver by those about local development; neither signs.
    expected.extend(["README.md", "README.zh-CN.md", "proof_check.py", "receive.py"]);
    expected.sort_unstable();
    assert_eq!(found, expected);
}
