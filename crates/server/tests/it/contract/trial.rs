//! One run of Schemathesis: the place that its hooks read, the command, and what it reports.

use crate::cases_b::python::{interpreter, root};
use crate::harness::client::Credentials;
use crate::harness::{Merchant, Receiver, Server, Setting};
use crate::partners::cast::Stock;
use crate::partners::routes::rows;
use crypto::key::PrivateKey;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

/// Thousands of requests come from one address, many of them without a key.
pub const PATIENT: &[Setting] = &[("rate_limits", "failed_access", "{ per_second = 10000, burst = 10000 }")];

/// A server with a merchant, ready to be tried.
pub struct Trial<'s> {
    server: &'s Server,
    merchant: Merchant<'s>,
    place: PathBuf,
}

/// What a run came to.
pub struct Report {
    /// Whether the program was content.
    pub passed: bool,
    /// Its own report.
    pub told: Value,
    /// What came back, counted by the hooks: operation → status → answers.
    pub answers: Counts,
    /// The same by how the caller said who it is.
    pub callers: Counts,
    /// What it printed.
    pub output: String,
}

/// Name → status → how often.
pub type Counts = BTreeMap<String, BTreeMap<u16, u64>>;

fn counts(value: &Value) -> Counts {
    let statuses = |counts: &Value| {
        let counts = counts.as_object().expect("statuses").iter();
        counts
            .map(|(status, count)| (status.parse().expect("a status"), count.as_u64().expect("a count")))
            .collect()
    };
    value.as_object().expect("names").iter().map(|(name, counts)| (name.clone(), statuses(counts))).collect()
}

impl<'s> Trial<'s> {
    /// A merchant with objects for every route, a bearer key and a signing key.
    pub async fn new(server: &'s Server) -> Trial<'s> {
        let merchant = Merchant::new(server).await;
        let receiver = Receiver::start().await;
        let stock = Stock::of(&merchant, &receiver).await;
        let document = server.client().get("/openapi.json").await.expect(200).json;
        let mut objects = Map::new();
        for row in rows(server).await.iter().filter(|row| row.has_object()) {
            let operation = &document["paths"][row.path][row.method.to_lowercase()]["operationId"];
            let (before, after) = row.path.split_once("{id}").expect("it has an object");
            let path = row.path_of(&stock);
            let id = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).expect("its id");
            objects.insert(operation.as_str().expect("its name").to_owned(), json!(id));
        }
        let (keyid, pem) = signing_key(&merchant).await;
        let own = merchant.client.get("/v1/whoami").await.expect(200)["key"].clone();
        let place = json!({
            "base_url": server.public_url(), "merchant": merchant.id, "bearer": merchant.bearer(),
            "keyid": keyid, "private_key": pem, "own_keys": [keyid, own], "objects": objects,
        });
        let path = server.dir().join("contract.json");
        std::fs::write(&path, place.to_string()).expect("it is written");
        Trial { server, merchant, place: path }
    }

    /// The merchant whose keys are used.
    pub fn merchant(&self) -> &Merchant<'s> {
        &self.merchant
    }

    /// Tries a document, the served one or a file, with these further options.
    pub async fn run(&self, document: &str, options: &[&str]) -> Report {
        let folder = root().join("tests/contract");
        let name = self.server.next_no("contract");
        let (told, report) = (
            self.server.dir().join(format!("{name}.told")),
            self.server.dir().join(format!("{name}.report")),
        );
        let mut command = Command::new(interpreter());
        command
            .current_dir(self.server.dir())
            .args(["-m", "schemathesis.cli"])
            .arg("--config-file")
            .arg(folder.join("schemathesis.toml"));
        command.args(["run", document, "--url", self.server.public_url(), "--checks", "all", "--seed", "1"]);
        command.args(["--no-color", "--no-shrink", "--report", "json", "--report-json-path"]).arg(&report);
        command.args(options).env("PYTHONPATH", &folder).env("SCHEMATHESIS_HOOKS", "hooks");
        command.env("FEIQIAN_CONTRACT", &self.place).env("FEIQIAN_CONTRACT_TOLD", &told);
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
        let output = output.expect("schemathesis starts: run scripts/setup.sh test (make test does)");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
        let read = |path: &PathBuf| {
            let bytes =
                std::fs::read(path).unwrap_or_else(|fault| panic!("{}: {fault}\n{printed}", path.display()));
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        };
        let told = read(&told);
        Report {
            passed: output.status.success(),
            answers: counts(&told["operations"]),
            callers: counts(&told["credentials"]),
            told: read(&report),
            output: printed,
        }
    }
}

async fn signing_key(merchant: &Merchant<'_>) -> (String, String) {
    let signing = merchant.signing().await;
    let Credentials::Signed { keyid, key } = &signing.client.credentials else { panic!("it signs") };
    let key: &Arc<PrivateKey> = key;
    (keyid.clone(), (*key.to_pkcs8_pem()).clone())
}

impl Report {
    /// The titles of what it complains about.
    pub fn complaints(&self) -> BTreeSet<String> {
        let failures = self.told["failures"].as_array().expect("failures").iter();
        failures.map(|failure| failure["title"].as_str().expect("a title").to_owned()).collect()
    }

    /// Requests that it drew and sent.
    pub fn cases(&self) -> u64 {
        self.told["test_cases"]["generated"].as_u64().expect("a count")
    }

    /// Answers of a kind, 2 for 2xx.
    pub fn answered(of: &BTreeMap<u16, u64>, kind: u16) -> u64 {
        of.iter().filter(|(status, _)| *status / 100 == kind).map(|(_, count)| count).sum()
    }
}
