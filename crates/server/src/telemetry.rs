//! Logs: structured, on standard error. Values that must not show mask themselves in their types; as a second wall every line
//! passes [`mask`] before it is written, and other crates' chatter below warnings is left out at every level, because what they
//! print of requests is not ours to promise.

use crate::config::{Log, LogFormat};
use std::borrow::Cow;
use std::io::{self, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates whose level the setting moves, and the target of the lines about requests.
const OURS: [&str; 7] = ["access", "api", "app", "channels", "crypto", "server", "store"];

/// Starts logging as configured. A second call does nothing.
pub(crate) fn start(log: &Log) {
    let level = log.level.as_str();
    let ours: Vec<String> = OURS.iter().map(|name| format!("{name}={level}")).collect();
    let filter = EnvFilter::new(format!("warn,{}", ours.join(",")));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(Masked);
    let _ = match log.format {
        LogFormat::Json => {
            registry.with(layer.json().flatten_event(true).with_current_span(false)).try_init()
        }
        LogFormat::Pretty => {
            registry.with(layer.with_ansi(io::IsTerminal::is_terminal(&io::stderr()))).try_init()
        }
    };
}

/// Logging of short commands: only what went wrong, for people.
pub(crate) fn warnings_only() {
    let registry = tracing_subscriber::registry().with(EnvFilter::new("warn"));
    let _ = registry
        .with(tracing_subscriber::fmt::layer().with_writer(Masked).with_ansi(false).without_time())
        .try_init();
}

/// Standard error behind the mask.
struct Masked;

impl<'a> MakeWriter<'a> for Masked {
    type Writer = MaskedLine;
    fn make_writer(&'a self) -> MaskedLine {
        MaskedLine
    }
}

/// Writes one event; the formatter hands over whole lines.
struct MaskedLine;

impl Write for MaskedLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => io::stderr().lock().write_all(mask(text).as_bytes())?,
            Err(_) => io::stderr().lock().write_all(b"[a log line that is no UTF-8]\n")?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Texts that only secrets begin with.
const SECRET_BEGINS: [&str; 5] =
    ["fqsk_sandbox_", "fqsk_live_", "whsec_", "feiqian-master-key-v", "-----BEGIN PRIVATE KEY-----"];

/// Replaces what follows a secret's first letters, up to where its alphabet ends.
fn mask(line: &str) -> Cow<'_, str> {
    if !SECRET_BEGINS.iter().any(|begin| line.contains(begin)) {
        return Cow::Borrowed(line);
    }
    let mut masked = line.to_owned();
    for begin in SECRET_BEGINS {
        let mut out = String::with_capacity(masked.len());
        let mut rest = masked.as_str();
        while let Some((before, after)) = rest.split_once(begin) {
            out.push_str(before);
            out.push_str(begin);
            out.push_str("***");
            rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_+/=:\\*".contains(c));
        }
        out.push_str(rest);
        masked = out;
    }
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_slip_into_a_line_are_masked() {
        let token = crypto::secret::BearerToken::generate();
        let secret = crypto::webhook::WebhookSecret::generate();
        let line = format!("{{\"a\":\"{}\",\"b\":\"{}\"}}", token.expose(), secret.expose().as_str());
        assert_eq!(mask(&line), r#"{"a":"fqsk_sandbox_***","b":"whsec_***"}"#);
        let key = crypto::key::PrivateKey::generate_ed25519().to_pkcs8_pem();
        let escaped = format!("{{\"pem\":\"{}\"}}", key.replace('\n', "\\n"));
        assert!(!mask(&escaped).contains("MC4C"), "{}", mask(&escaped));
        assert_eq!(mask("feiqian-master-key-v1:AAAA+/= x"), "feiqian-master-key-v*** x");
        assert_eq!(mask("nothing here"), "nothing here");
        assert_eq!(mask("whsec_***"), "whsec_***");
    }
}
