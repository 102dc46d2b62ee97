//! Which server, with which key. The key comes from the environment or a file, never from the command line, where every user of
//! the machine could read it.

use super::{Client, Fault};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::output::note;
use crate::service::Serving;
use anyhow::{Context, Result, bail};
use clap::Args;
use crypto::secret::BearerToken;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use url::{Host, Url};
use zeroize::Zeroizing;

/// The variable that holds the key.
const KEY_VARIABLE: &str = "FEIQIAN_KEY";
/// A key file is no larger.
const KEY_FILE_BYTES_MAX: u64 = 4 * 1_024;

/// Where to call and as whom.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    #[command(flatten)]
    file: ConfigFile,
    /// The server's base URL, such as https://sandbox.example.com. Without it: the server that serves the installation of these
    /// settings, if one does, else the address that they say to listen on (http://127.0.0.1:8080 when they say nothing).
    #[arg(long, value_name = "URL", env = "FEIQIAN_SERVER")]
    server: Option<String>,
    /// A file that holds the sandbox key (fqsk_sandbox_…) and nothing else. Without it the key is taken from the environment
    /// variable FEIQIAN_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Connection {
    /// Makes the client. Nothing is sent yet.
    pub(crate) fn open(&self) -> Result<Client> {
        let base = self.base()?;
        let token = self.token()?;
        if base.scheme() == "http" && !is_this_machine(&base) {
            note(&format!(
                "feiqian: {base} is not encrypted: whoever is on the way can read the key. Use https://"
            ));
        }
        Client::new(&base, &token)
    }

    fn base(&self) -> Result<Url> {
        match self.server.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => parse_base(text),
            None => {
                let config = Config::load(self.file.config.as_deref())?;
                let serving = Serving::read(&config).ok();
                let listen = serving.as_ref().map_or(config.listen, |serving| serving.listen);
                // A certificate of its own is for the name in public_url, not for an address.
                match config.tls.certificate_file.is_some() {
                    true => parse_base(
                        &serving.map_or(config.public_url_at(listen), |serving| serving.public_url),
                    ),
                    false => parse_base(&format!("http://{}", reachable(listen))),
                }
            }
        }
    }

    fn token(&self) -> Result<BearerToken> {
        let text = match &self.key_file {
            Some(path) => read_key_file(path)?,
            None => {
                let set = std::env::var(KEY_VARIABLE).unwrap_or_default();
                Zeroizing::new(set)
            }
        };
        let from = match &self.key_file {
            Some(path) => path.display().to_string(),
            None => KEY_VARIABLE.to_owned(),
        };
        parse_key(&text, &from).map_err(anyhow::Error::new)
    }
}

fn read_key_file(path: &Path) -> Result<Zeroizing<String>> {
    let named = || format!("--key-file {}", path.display());
    let bytes = std::fs::metadata(path).with_context(named)?.len();
    if bytes > KEY_FILE_BYTES_MAX {
        bail!("{}: {bytes} bytes are too many for a key", named());
    }
    Ok(Zeroizing::new(std::fs::read_to_string(path).with_context(named)?))
}

/// The words never hold the text: it may be a key with a typing error.
fn parse_key(text: &str, from: &str) -> Result<BearerToken, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault::Key(format!("no key: {from} is empty or not set")));
    }
    if text.starts_with("fqsk_live_") || text.starts_with("-----BEGIN") {
        return Err(Fault::Key(format!(
            "{from} holds a key that signs or is for live: this command plays with a sandbox and takes its bearer key"
        )));
    }
    let strange = || Fault::Key(format!("{from} holds no bearer key (fqsk_sandbox_ and 43 characters)"));
    BearerToken::parse(text).ok_or_else(strange)
}

/// Reads a base URL; without a scheme it is http.
fn parse_base(text: &str) -> Result<Url> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).with_context(|| format!("--server: {text} is no URL"))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain || url.password().is_some() {
        bail!("--server: a base URL such as https://sandbox.example.com is expected");
    }
    Ok(url)
}

/// Where a server that listens on every address is reached from this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether a URL names this machine.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_plain_url() {
        for (text, base) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("localhost", "http://localhost/"),
            ("https://pay.example.com/", "https://pay.example.com/"),
            ("https://example.com/feiqian", "https://example.com/feiqian"),
        ] {
            assert_eq!(parse_base(text).unwrap().as_str(), base);
        }
        for bad in ["", "ftp://x", "http://", "https://a:b@x", "http://x?y=1", "http://x#y", "://"] {
            assert!(parse_base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn faults_of_keys_do_not_show_them() {
        let token = BearerToken::generate();
        assert_eq!(parse_key(&format!(" {}\n", token.expose()), "x").unwrap().hash(), token.hash());
        let cut = token.expose().strip_suffix(|_: char| true).unwrap();
        for bad in ["", " \n", "fqsk_live_planted", "-----BEGIN PRIVATE KEY-----planted", "planted", cut] {
            let fault = parse_key(bad, "FEIQIAN_KEY").unwrap_err().to_string();
            assert!(fault.contains("FEIQIAN_KEY") && fault.contains("what to do"), "{fault}");
            assert!(!fault.contains("planted") && !fault.contains(cut), "{fault}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (text, is) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://x.localhost", true),
            ("http://10.0.0.1", false),
            ("https://localhost.example.com", false),
        ] {
            assert_eq!(is_this_machine(&Url::parse(text).unwrap()), is, "{text}");
        }
        assert_eq!(reachable("0.0.0.0:7".parse().unwrap()).to_string(), "127.0.0.1:7");
        assert_eq!(reachable("[::]:7".parse().unwrap()).to_string(), "[::1]:7");
        assert_eq!(reachable("10.0.0.1:7".parse().unwrap()).to_string(), "10.0.0.1:7");
    }
}
