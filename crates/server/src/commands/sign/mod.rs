//! `feiqian sign`: signs a request as merchants' programs do and shows every step; `feiqian sign explain` says why a request
//! was refused.

mod address;
mod curl;
mod explain;
mod forms;
mod installation;
mod report;
pub(crate) mod sent;

use crate::assemble::real_now_us;
use crate::cli::ConfigFile;
use crate::{files, output};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use crypto::key::{Alg, PrivateKey};
use crypto::signature::{Parameters, Prepared, RequestParts, needs_nonce, prepare_request};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A key in PEM is no longer.
const KEY_BYTES_MAX: u64 = 16 * 1_024;
/// No body is longer, whatever an installation's limits.
const BODY_BYTES_MAX: u64 = 16 * 1_024 * 1_024;
/// What the API has routes for.
const METHODS: [&str; 4] = ["GET", "POST", "PATCH", "DELETE"];
/// Stands in the base while no key id was given.
const NO_KEYID: &str = "KEYID";

/// What `sign` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    file: ConfigFile,
    /// GET, POST, PATCH or DELETE.
    #[arg(required = true)]
    method: Option<String>,
    /// The whole URL as it will be called, with its query. Scheme, host and port are those of the server's public_url.
    #[arg(required = true)]
    url: Option<String>,
    /// The body's file, byte by byte as it will be sent.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The private key (PKCS#8, PEM). Without it, what is to be signed is shown, and not signed.
    #[arg(long, value_name = "FILE", requires = "keyid")]
    key: Option<PathBuf>,
    /// The key's id, as `key create` printed it.
    #[arg(long, value_name = "KEY", default_value = NO_KEYID, hide_default_value = true)]
    keyid: String,
    /// Sent and signed as Idempotency-Key.
    #[arg(long, value_name = "K")]
    idempotency_key: Option<String>,
    /// Sent and signed as Feiqian-Merchant: for a partner's key.
    #[arg(long, value_name = "MERCHANT")]
    merchant: Option<String>,
    /// The algorithm, where the key leaves a choice: rsa-pss-sha512 or rsa-v1_5-sha256.
    #[arg(long)]
    alg: Option<String>,
    /// When it is signed, unix seconds. Default: now. With it and --nonce, the same command prints the same base again.
    #[arg(long, value_name = "SECONDS")]
    created: Option<i64>,
    /// 16 to 64 characters that no other request had. Default: random; for GET none.
    #[arg(long)]
    nonce: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What else can be done about signatures.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say why a request was refused: the first byte that differs, and the mistake behind it.
    Explain(explain::Options),
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(Command::Explain(options)) = &options.command {
        return explain::run(options);
    }
    let (Some(method), Some(url)) = (&options.method, &options.url) else {
        bail!("METHOD and URL are needed")
    };
    let made = Made::new(options, &method.to_ascii_uppercase(), url)?;
    output::answer(options.json, &made.to_json(), &made.to_text())?;
    Ok(ExitCode::SUCCESS)
}

/// A request with everything that its signature adds.
struct Made {
    method: String,
    target_uri: String,
    base: String,
    /// Name and value, in the order in which they are shown. Without a key there is no `Signature` among them.
    headers: Vec<(&'static str, String)>,
    /// `None` without a key.
    curl: Option<String>,
}

impl Made {
    fn new(options: &Options, method: &str, url: &str) -> Result<Made> {
        if !METHODS.contains(&method) {
            bail!("METHOD: {method} is none of {}", METHODS.join(", "));
        }
        let target_uri = target_uri(url)?;
        let body = match &options.body {
            Some(path) => files::read_at_most(path, BODY_BYTES_MAX)?,
            None => Vec::new(),
        };
        let key = options.key.as_deref().map(private_key).transpose()?;
        let alg = algorithm(options.alg.as_deref(), key.as_ref())?;
        let mut headers = given_headers(options);
        let fields = fields(&headers)?;
        let request = RequestParts { method, target_uri: &target_uri, headers: &fields };
        let random = needs_nonce(method).then(|| crypto::hex(&crypto::secret::random_bytes::<16>()));
        let nonce = options.nonce.clone().or(random);
        let created_s = options.created.unwrap_or_else(|| real_now_us().div_euclid(1_000_000));
        let parameters = Parameters { keyid: &options.keyid, alg, created_s, nonce: nonce.as_deref() };
        let prepared = prepare_request(&request, &body, &parameters)?;
        headers.extend(prepared.content_digest.clone().map(|digest| ("Content-Digest", digest)));
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        headers.push(("Signature-Input", prepared.signature_input.clone()));
        let base = prepared.base.clone();
        let signature = key.map(|key| signature(prepared, &key, alg)).transpose()?;
        let is_signed = signature.is_some();
        headers.extend(signature.map(|signature| ("Signature", signature)));
        let curl = is_signed.then(|| {
            let body = options.body.as_deref().filter(|_| !body.is_empty());
            curl::command(method, &target_uri, &headers, body)
        });
        Ok(Made { method: method.to_owned(), target_uri, base, headers, curl })
    }

    fn to_json(&self) -> Value {
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
        json!({
            "object": "signed_request",
            "method": self.method,
            "target_uri": self.target_uri,
            "signature_base": self.base,
            "headers": headers,
            "curl": self.curl,
        })
    }

    fn to_text(&self) -> String {
        let headers: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let rest = match &self.curl {
            Some(curl) => format!("Good until 5 minutes after created, once created 之后五分钟内有效，只能用一次\n{curl}"),
            None => "Not signed: name the private key by --key FILE and its id by --keyid. 未签名：请用 --key 与 --keyid 指定私钥和密钥编号"
                .to_owned(),
        };
        format!(
            "Signature base, {} bytes, no line end after its last line 待签名串，最后一行之后没有换行\n{}\n\nHeaders 请求头\n{}\n\n{rest}",
            self.base.len(),
            self.base,
            headers.join("\n"),
        )
    }
}

fn given_headers(options: &Options) -> Vec<(&'static str, String)> {
    let key = options.idempotency_key.clone().map(|key| ("Idempotency-Key", key));
    let merchant = options.merchant.clone().map(|merchant| ("Feiqian-Merchant", merchant));
    key.into_iter().chain(merchant).collect()
}

fn fields(headers: &[(&'static str, String)]) -> Result<HeaderMap> {
    let mut fields = HeaderMap::new();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).with_context(|| format!("{name}: visible ASCII only"))?;
        fields.insert(HeaderName::try_from(*name)?, value);
    }
    Ok(fields)
}

fn signature(prepared: Prepared, key: &PrivateKey, alg: Alg) -> Result<String> {
    Ok(prepared.sign(key, alg)?.signature)
}

/// The URL as it is signed: as written, with the slash that every client puts behind a bare host.
fn target_uri(url: &str) -> Result<String> {
    let advice =
        "URL: expected http(s)://host[:port]/path[?query], percent-encoded, without user and #fragment";
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte));
    let parsed = url::Url::parse(url).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let (true, Some(_), Some((scheme, rest))) = (plain, parsed, url.split_once("://")) else {
        bail!("{advice}: {url}")
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if target.starts_with('/') { "" } else { "/" };
    Ok(format!("{scheme}://{authority}{slash}{target}"))
}

fn private_key(path: &Path) -> Result<PrivateKey> {
    let pem = zeroize::Zeroizing::new(files::read_at_most(path, KEY_BYTES_MAX)?);
    let text = std::str::from_utf8(&pem).with_context(|| path.display().to_string())?;
    PrivateKey::from_pkcs8_pem(text).with_context(|| path.display().to_string())
}

fn algorithm(name: Option<&str>, key: Option<&PrivateKey>) -> Result<Alg> {
    let of_key = key.map_or(Alg::Ed25519.into(), |key| key.kind().algorithms().first().copied());
    match name {
        None => of_key.context("the key has no algorithm"),
        Some(name) => Alg::from_name(name).with_context(|| {
            format!("--alg: {name} is none of ed25519, ecdsa-p256-sha256, rsa-pss-sha512, rsa-v1_5-sha256")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_signed_as_written() {
        for (url, signed) in [
            ("https://pay.example.com", Some("https://pay.example.com/")),
            ("https://pay.example.com?a=b", Some("https://pay.example.com/?a=b")),
            (
                "http://127.0.0.1:8080/v1/payments?a=%e8&b=+",
                Some("http://127.0.0.1:8080/v1/payments?a=%e8&b=+"),
            ),
            ("https://pay.example.com/v1/../x//y", Some("https://pay.example.com/v1/../x//y")),
            ("https://[::1]:8443/v1", Some("https://[::1]:8443/v1")),
            ("/v1/payments", None),
            ("pay.example.com/v1", None),
            ("ftp://pay.example.com/", None),
            ("https://user:word@pay.example.com/", None),
            ("https://pay.example.com/#part", None),
            ("https://pay.example.com/茶", None),
            ("https://pay.example.com/a b", None),
            ("https://", None),
        ] {
            assert_eq!(target_uri(url).ok().as_deref(), signed, "{url}");
        }
    }
}
