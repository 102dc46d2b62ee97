//! A certificate authority of the test's own, and servers whose certificates it signs.

use crate::harness::{Server, Setting, until};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name under which the servers of these cases are called.
pub const HOST: &str = "pay.example.com";

/// An authority that the test's clients trust.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// PKCS#8.
    pub key: String,
}

impl Authority {
    /// A new one.
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }

    /// A certificate for these names, valid for some years.
    pub fn pair(&self, names: &[&str]) -> Pair {
        self.pair_until(names, 2096)
    }

    /// A certificate that ends with the first day of a year.
    pub fn pair_until(&self, names: &[&str], year: i32) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("it is signed");
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A client that trusts this authority only and finds [`HOST`] at this port. Each has connections of its own.
    pub fn client(&self, port: u16) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.0.pem().as_bytes()).expect("a root");
        reqwest::Client::builder()
            .tls_certs_only([root])
            .resolve(HOST, SocketAddr::from(([127, 0, 0, 1], port)))
            .tls_info(true)
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client")
    }
}

/// A directory with the two files of a listener.
pub struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    /// Holds this pair.
    pub fn of(pair: &Pair) -> Files {
        let files = Files { directory: tempfile::tempdir().expect("a directory") };
        files.put(pair);
        files
    }

    /// The certificate's file.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    /// The key's file.
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    /// Replaces both, each at once.
    pub fn put(&self, pair: &Pair) {
        self.replace(&self.key(), &pair.key);
        self.replace(&self.certificate(), &pair.certificate);
    }

    /// Replaces a file at once, mode 0600.
    pub fn replace(&self, path: &Path, text: &str) {
        let new = self.directory.path().join("new");
        std::fs::write(&new, text).expect("it is written");
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        std::fs::rename(&new, path).expect("it takes its place");
    }

    /// The two settings of a section; the texts live as long as the test.
    pub fn settings(&self, section: &'static str) -> [Setting; 2] {
        let quoted = |path: PathBuf| -> &'static str {
            Box::leak(format!("{:?}", path.display().to_string()).into_boxed_str())
        };
        [(section, "certificate_file", quoted(self.certificate())), (section, "key_file", quoted(self.key()))]
    }
}

/// A server with own TLS on the public listener, called [`HOST`].
pub fn serving(files: &Files, more: &[Setting]) -> Server {
    let settings =
        [&files.settings("tls")[..], &[("", "public_url", "\"https://pay.example.com\"")], more].concat();
    Server::start(&settings)
}

/// The certificate that a new connection is shown, DER.
pub async fn shown(client: &reqwest::Client) -> Vec<u8> {
    let answer = client.get(format!("https://{HOST}/openapi.json")).send().await.expect("an answer");
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().expect("what TLS agreed on");
    let certificate = info.peer_certificate().expect("a certificate").to_vec();
    // A body that is read to its end leaves the connection to the next request.
    answer.bytes().await.expect("a body");
    certificate
}

/// A certificate's bytes.
pub fn der(pair: &Pair) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = pair.certificate.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(body).expect("base64")
}

/// A line of the metrics, such as `name{label="x"}`: its number, when it is there.
pub async fn metric(server: &Server, line: &str) -> Option<f64> {
    let text = server.internal().get("/metrics").await.expect(200).text;
    let rest = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '))?;
    Some(rest.parse().expect("a number"))
}

/// Waits until a metric has a value.
pub async fn metric_is(server: &Server, line: &str, value: f64) {
    until(&format!("{line} {value}"), || async {
        metric(server, line).await.filter(|found| *found == value)
    })
    .await;
}
