//! A certificate chain and its key as they lie in two PEM files.

use crate::config::Tls;
use anyhow::{Context, Result, anyhow, bail};
use crypto::certificate::{self, Validity};
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, version};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A chain or a key is no larger.
const FILE_BYTES_MAX: u64 = 256 * 1_024;

/// The two files of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl PairFiles {
    /// Those that the settings name, if they name any; that both are named was checked with the settings.
    pub(crate) fn of(settings: &Tls) -> Option<PairFiles> {
        let (certificate, key) = (settings.certificate_file.clone()?, settings.key_file.clone()?);
        Some(PairFiles { certificate, key })
    }

    /// The bytes of both now. The key's permissions are looked at first.
    pub(super) fn read(&self) -> Result<PairBytes> {
        let certificate = read(&self.certificate, |_| Ok(()))?;
        let key = read(&self.key, |found| refuse_wide_key(&self.key, found))?;
        Ok(PairBytes { certificate, key })
    }
}

fn read(path: &Path, check: impl FnOnce(&Metadata) -> Result<()>) -> Result<Zeroizing<Vec<u8>>> {
    let named = || path.display().to_string();
    let file = File::open(path).with_context(named)?;
    let found = file.metadata().with_context(named)?;
    if !found.is_file() {
        bail!("{}: expected a file", path.display());
    }
    check(&found)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(named)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bail!("{}: too large for a certificate or key", path.display());
    }
    Ok(bytes)
}

/// A key is its owner's alone. Root's may also be read by a group: so certificate keepers hand a key to a service that is not
/// root.
#[cfg(unix)]
fn refuse_wide_key(path: &Path, found: &Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mode = found.mode() & 0o7777;
    let (refused, advice) = match found.uid() {
        0 => (0o037, "at most 0640"),
        _ => (0o077, "0600"),
    };
    if mode & refused != 0 {
        bail!(
            "{} has mode {mode:04o}: a key file of this owner may have {advice}; run chmod on it",
            path.display()
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_wide_key(_path: &Path, _found: &Metadata) -> Result<()> {
    Ok(())
}

/// What two files held at one moment.
pub(super) struct PairBytes {
    certificate: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

impl PairBytes {
    /// Tells two contents apart.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digests = crypto::sha256(&self.certificate).to_vec();
        digests.extend(crypto::sha256(&self.key));
        crypto::sha256(&digests)
    }

    /// Parses both and sees that they belong together.
    pub(super) fn parse(&self, files: &PairFiles) -> Result<Pair> {
        let named = files.certificate.display();
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| anyhow!("{named}: {error}"))?;
        let leaf = chain.first().with_context(|| format!("{named}: no PEM certificate in it"))?.clone();
        ParsedCertificate::try_from(&leaf).map_err(|error| anyhow!("{named}: {error}"))?;
        // What went wrong inside a key is not told: the sentence could carry parts of it.
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| anyhow!("{}: no PEM private key in it", files.key.display()))?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        let certified = certified.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                anyhow!("{} is not the key of {named}", files.key.display())
            }
            other => anyhow!("{}: {other}", files.key.display()),
        })?;
        let validity =
            certificate::validity(&leaf).with_context(|| format!("{named}: its dates can't be read"))?;
        Ok(Pair { face: Face { leaf, validity }, certified })
    }
}

/// A certificate with the key that belongs to it.
pub(super) struct Pair {
    pub face: Face,
    certified: CertifiedKey,
}

/// The half of a pair that everybody sees.
#[derive(Debug, Clone)]
pub(super) struct Face {
    leaf: CertificateDer<'static>,
    pub validity: Validity,
}

/// What a client would hold against a certificate that is otherwise whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    Expired,
    NotYetValid,
    OtherName(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Expired => f.write_str("it has expired"),
            Doubt::NotYetValid => f.write_str("it is not valid yet"),
            Doubt::OtherName(host) => write!(f, "it does not name {host}, the host of public_url"),
        }
    }
}

impl Face {
    /// What clients will hold against it: its dates, and the name that they call by, where there is one.
    pub(super) fn doubts(&self, now_s: i64, host: Option<&str>) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if now_s > self.validity.not_after_s {
            doubts.push(Doubt::Expired);
        }
        if now_s < self.validity.not_before_s {
            doubts.push(Doubt::NotYetValid);
        }
        if let Some(host) = host.filter(|host| !self.names(host)) {
            doubts.push(Doubt::OtherName(host.to_owned()));
        }
        doubts
    }

    fn names(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host.trim_matches(['[', ']'])) else { return false };
        ParsedCertificate::try_from(&self.leaf).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    }

    /// SHA-256 of the certificate, as browsers and openssl show it.
    pub(super) fn fingerprint(&self) -> String {
        crypto::hex(&crypto::sha256(&self.leaf))
    }
}

impl Pair {
    /// TLS 1.2 and 1.3 with this certificate; HTTP/1.1 is what is spoken inside.
    pub(super) fn server_config(self) -> Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.certified)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
