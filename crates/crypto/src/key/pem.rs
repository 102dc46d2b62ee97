//! PEM text (RFC 7468): one block, any line width.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::KeyFault;

/// An RSA key of 8192 bits takes about 6,400 characters with its private half.
const TEXT_BYTES_MAX: usize = 16 * 1024;
const LINE_CHARS: usize = 64;

pub(super) const CERTIFICATE: &str = "CERTIFICATE";
pub(super) const PUBLIC_KEY: &str = "PUBLIC KEY";
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";

/// The label of the first block.
pub(super) fn label(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("-----BEGIN ")?;
    after.split_once("-----").map(|(label, _)| label)
}

/// The DER bytes of the first block, which must have the label `expected`.
pub(super) fn decode(text: &str, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(KeyFault::TooLong);
    }
    let not_pem = || KeyFault::NotPem { expected };
    let (_, after) = text.split_once("-----BEGIN ").ok_or_else(not_pem)?;
    let (label, after) = after.split_once("-----").ok_or_else(not_pem)?;
    if label != expected {
        return Err(if expected == PUBLIC_KEY && label.ends_with(PRIVATE_KEY) {
            KeyFault::PrivateGiven
        } else {
            KeyFault::WrongLabel { found: label.chars().take(LINE_CHARS).collect(), expected }
        });
    }
    let (body, after) = after.split_once("-----END ").ok_or_else(not_pem)?;
    if !after.strip_prefix(label).is_some_and(|rest| rest.starts_with("-----")) {
        return Err(not_pem());
    }
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    STANDARD.decode(body.as_str()).map(Zeroizing::new).map_err(|_| not_pem())
}

/// One block under `label`.
pub(super) fn encode(der: &[u8], label: &str) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / LINE_CHARS + 80));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (position, character) in body.chars().enumerate() {
        if position > 0 && position % LINE_CHARS == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}
