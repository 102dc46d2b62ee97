//! `feiqian sign explain FILE`: gathers what there is to know about a refused request and says what is wrong with it.

use super::address::{Address, public_url};
use super::forms::{Form, forms};
use super::installation::{Held, held};
use super::report::{Report, Said};
use super::sent::{Answer, Request, Sent, answer};
use super::{BODY_BYTES_MAX, KEY_BYTES_MAX};
use crate::cli::ConfigFile;
use crate::config::Config;
use crate::{files, output};
use anyhow::{Context, Result, bail};
use clap::Args;
use crypto::digest::CONTENT_DIGEST;
use crypto::key::{KeyFault, PresentedKey, PrivateKey, PublicKey};
use crypto::signature::explain::{Evidence, Finding, compare_bases, explain};
use crypto::signature::{ParsedSignature, RequestParts};
use domain::id::{Id, KeyId, MerchantId};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `sign explain` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    config: ConfigFile,
    /// The request as it was sent: first line, headers, an empty line, the body; or what `curl -v` printed. The problem that came
    /// back and the signature base that your program signed may stand below it.
    file: PathBuf,
    /// The body, where FILE does not show it.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The problem that came back, where FILE does not show it.
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
    /// The signature base that your program signed, byte by byte.
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// The key: its public half, its private half or its certificate (PEM). With it the mistake is found without your program's base.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The server's public_url. Default: what the answer shows, else the settings', else what the request called.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// Exit status 0: nothing is wrong; 1: something is, and it is told.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    crate::commands::short(&options.config, async |config| {
        let sent = read(options)?;
        let report = match &sent.request {
            Some(request) => Case { options, config: &config, sent: &sent, request }.judge().await?,
            None => without_request(&sent)?,
        };
        output::answer(options.json, &report.to_json(), &report.to_text())?;
        Ok(if report.said.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

fn read(options: &Options) -> Result<Sent> {
    let of = |path: &Path| files::read_at_most(path, BODY_BYTES_MAX);
    let mut sent = Sent::read(&of(&options.file)?).with_context(|| options.file.display().to_string())?;
    if let (Some(path), Some(request)) = (&options.body, &mut sent.request) {
        request.body = Some(of(path)?);
    }
    if let Some(path) = &options.answer {
        let found = answer(&of(path)?).with_context(|| format!("{}: no problem document", path.display()))?;
        sent.answer = Some(found);
    }
    if let Some(path) = &options.base {
        sent.client_base = Some(of(path)?);
    }
    Ok(sent)
}

/// The answer and the client's base alone are enough to compare; the answer alone says at least what the server says.
fn without_request(sent: &Sent) -> Result<Report> {
    let Some(answer) = &sent.answer else {
        bail!(
            "no request in the file: expected a line such as POST /v1/payments HTTP/1.1 (or what curl -v printed), the headers, \
             an empty line and the body; or the sandbox's answer and the signature base of your program"
        );
    };
    let mut report = Report { signature_base: answer.signature_base.clone(), ..Report::default() };
    if let (Some(server), Some(client)) = (&answer.signature_base, &sent.client_base) {
        report.said = compare_bases(server, client).iter().map(|finding| Said::of(finding, &[])).collect();
    }
    if report.said.is_empty() {
        report.said.push(Said::answered(answer));
        report.note(
            "More can be said with the request as it was sent, or with the signature base of your program (--base). \
             附上实际发送的请求，或用 --base 指明程序所签的待签名串，才能进一步查找。"
                .to_owned(),
        );
    }
    Ok(report)
}

/// A request and everything beside it.
struct Case<'a> {
    options: &'a Options,
    config: &'a Config,
    sent: &'a Sent,
    request: &'a Request,
}

impl Case<'_> {
    async fn judge(&self) -> Result<Report> {
        let mut report = Report::default();
        let key = self.key(&mut report).await?;
        let server_base = self.answer().and_then(|answer| answer.signature_base.as_deref());
        let address = Address(self.request);
        let public_url = self.public_url(address, server_base, &mut report)?;
        let target_uri = format!("{public_url}{}", address.target());
        let called_uri = address.called(&public_url);
        let body = self.body(&mut report);
        let forms = forms(body.unwrap_or_default());
        let other_bodies: Vec<Vec<u8>> = forms.iter().map(|form| form.bytes.clone()).collect();
        let found = explain(&Evidence {
            request: RequestParts {
                method: &self.request.method,
                target_uri: &target_uri,
                headers: &self.request.headers,
            },
            body,
            other_bodies: &other_bodies,
            key: key.as_ref(),
            now_s: self.answer().and_then(|answer| answer.server_time_s),
            called_uri: called_uri.as_deref(),
            server_base,
            client_base: self.sent.client_base.as_deref(),
        });
        self.say(&mut report, &found.findings, &forms);
        report.signature_base = found.server_base;
        report.verified = found.verified;
        Ok(report)
    }

    fn answer(&self) -> Option<&Answer> {
        self.sent.answer.as_ref()
    }

    /// The request's key id, as far as it can be read.
    fn keyid(&self) -> Option<String> {
        let parsed = ParsedSignature::parse_fields(&self.request.headers).ok()?;
        Some(parsed.keyid).filter(|keyid| !keyid.is_empty())
    }

    async fn key(&self, report: &mut Report) -> Result<Option<PublicKey>> {
        if let Some(path) = &self.options.key {
            return public_key(path).map(Some);
        }
        let Some(id) = self.keyid().and_then(|keyid| KeyId::parse(&keyid.to_ascii_lowercase())) else {
            return Ok(None);
        };
        match held(self.config, id).await {
            Ok(Held::NoInstallation) => {}
            Ok(Held::Unknown) => {
                report.note(format!("The installation here has no key {id}. 本机的安装里没有这个密钥。"))
            }
            Ok(Held::Bearer) => {
                report.note(format!("{id} is a bearer key and can't sign. 这是 Bearer 密钥，不能用于签名。"));
            }
            Ok(Held::Key(key)) => {
                report.note(format!("{id} is known to the installation here. 公钥取自本机的安装。"));
                return Ok(Some(*key));
            }
            Err(error) => report.note(format!("The installation here can't be asked: {error:#}.")),
        }
        Ok(None)
    }

    /// What the server puts before path and query.
    fn public_url(
        &self,
        address: Address<'_>,
        server_base: Option<&str>,
        report: &mut Report,
    ) -> Result<String> {
        if let Some(url) = &self.options.public_url {
            return public_url(url)
                .with_context(|| format!("--public-url: {url} is no http(s)://host[:port]"));
        }
        if let Some(url) =
            server_base.and_then(|base| address.of_base(base)).or_else(|| address.of_first_line())
        {
            return Ok(url);
        }
        if let Some(url) = self.config.public_url.as_deref().and_then(public_url) {
            report.note(format!("public_url {url} is that of the settings. public_url 取自配置。"));
            return Ok(url);
        }
        let url = address
            .of_host()
            .context("the request has no Host: name the server's public_url by --public-url")?;
        report.note(format!(
            "Judged as if the server's public_url were {url}: if it is another, name it by --public-url. \
             假定服务器的 public_url 为 {url}；如不是，请用 --public-url 指明。"
        ));
        Ok(url)
    }

    fn body(&self, report: &mut Report) -> Option<&[u8]> {
        if self.request.body.is_none() && self.request.headers.contains_key(CONTENT_DIGEST) {
            report.note(
                "The file does not show the body, so its digest is not judged: name it by --body. \
                 文件里没有请求体，摘要未检查：请用 --body 指明。"
                    .to_owned(),
            );
            return None;
        }
        Some(self.request.body.as_deref().unwrap_or_default())
    }

    /// Everything that is wrong, in the order of the server's checks.
    fn say(&self, report: &mut Report, findings: &[Finding], forms: &[Form]) {
        report.said.extend(findings.iter().map(|finding| Said::of(finding, forms)));
        report.said.extend(self.wrong_key());
        if let Some(answer) =
            self.answer().filter(|answer| report.said.iter().all(|said| said.code != answer.code))
        {
            report.said.push(Said::answered(answer));
        }
        report
            .said
            .sort_by_key(|said| ORDER.iter().position(|code| *code == said.code).unwrap_or(ORDER.len()));
    }

    /// What can be read from ids alone: they name their noun and their world.
    fn wrong_key(&self) -> Option<Said> {
        let keyid = self.keyid()?;
        let Some(key) = KeyId::parse(&keyid.to_ascii_lowercase()) else {
            return Some(Said::new(
                "key_unknown",
                "keyid_malformed",
                format!(
                    "keyid {keyid:?} is no key's id: write the key_… that `feiqian key create` or POST /v1/api_keys answered"
                ),
                format!("keyid {keyid:?} 不是密钥编号：请填写创建密钥时返回的 key_…"),
            ));
        };
        let merchant = self.request.headers.get("feiqian-merchant")?.to_str().ok()?;
        let merchant = MerchantId::parse(&merchant.to_ascii_lowercase())?;
        let (of_key, of_merchant) = (key.uid().shard().world(), merchant.uid().shard().world());
        (of_key != of_merchant).then(|| {
            Said::new(
                "key_wrong_world",
                "key_wrong_world",
                format!(
                    "the key is of the {} world, the merchant of {}: use the key file of that world",
                    of_key.as_str(),
                    of_merchant.as_str()
                ),
                format!(
                    "密钥属于 {}，商户属于 {}：请换用对应环境的密钥文件",
                    of_key.as_str(),
                    of_merchant.as_str()
                ),
            )
        })
    }
}

/// The order in which the server checks (WIRE).
const ORDER: [&str; 11] = [
    "signature_encoding",
    "key_unknown",
    "key_revoked",
    "key_expired",
    "algorithm_mismatch",
    "signature_time",
    "signature_component_missing",
    "digest_mismatch",
    "signature_invalid",
    "key_wrong_world",
    "nonce_reused",
];

/// The public half, from a file with either half or with a certificate.
fn public_key(path: &Path) -> Result<PublicKey> {
    let name = || path.display().to_string();
    let pem = zeroize::Zeroizing::new(files::read_at_most(path, KEY_BYTES_MAX)?);
    let text = std::str::from_utf8(&pem).with_context(name)?;
    match PresentedKey::from_pem(text).map(|presented| presented.key) {
        Err(KeyFault::PrivateGiven) => {
            Ok(PrivateKey::from_pkcs8_pem(text).with_context(name)?.public_key().clone())
        }
        key => key.with_context(name),
    }
}
