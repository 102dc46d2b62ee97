//! The `Content-Digest` field (RFC 9530): a hash of the body's bytes as sent.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use thiserror::Error;

use crate::secret::constant_time_eq;

/// The field's name.
pub const CONTENT_DIGEST: &str = "content-digest";

/// More than this in the field is malformed: two digests need 160 characters.
const FIELD_BYTES_MAX: usize = 1024;

/// Why a `Content-Digest` field does not vouch for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DigestFault {
    /// Not a dictionary of byte sequences.
    #[error("Content-Digest is not of the form sha-256=:base64:")]
    Malformed,
    /// Well formed, but neither sha-256 nor sha-512 is among its algorithms.
    #[error("Content-Digest names no supported algorithm: send sha-256")]
    Unsupported,
    /// The body's bytes have another hash.
    #[error("Content-Digest is not the hash of the body's bytes")]
    Mismatch,
}

/// The field's value for `body`: `sha-256=:…:`.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)))
}

/// Checks every `Content-Digest` line of `headers` against `body`. An absent field verifies nothing and is
/// [`DigestFault::Malformed`]: whether one is needed is the caller's rule.
///
/// # Errors
/// [`DigestFault`]; when sha-256 and sha-512 are both given, both must match.
pub fn verify_content_digest(headers: &HeaderMap, body: &[u8]) -> Result<(), DigestFault> {
    let mut dictionary = Dictionary::new();
    let mut bytes = 0;
    for line in headers.get_all(CONTENT_DIGEST) {
        bytes += line.len();
        if bytes > FIELD_BYTES_MAX {
            return Err(DigestFault::Malformed);
        }
        dictionary = Parser::new(line)
            .parse_dictionary_with_visitor(dictionary)
            .map_err(|_| DigestFault::Malformed)?;
    }
    verify_dictionary(&dictionary, body)
}

fn verify_dictionary(dictionary: &Dictionary, body: &[u8]) -> Result<(), DigestFault> {
    if dictionary.is_empty() {
        return Err(DigestFault::Malformed);
    }
    let mut supported = false;
    for (name, entry) in dictionary {
        let ListEntry::Item(item) = entry else { return Err(DigestFault::Malformed) };
        let BareItem::ByteSequence(given) = &item.bare_item else { return Err(DigestFault::Malformed) };
        let computed = match name.as_str() {
            "sha-256" => digest(&SHA256, body),
            "sha-512" => digest(&SHA512, body),
            _ => continue,
        };
        supported = true;
        if !constant_time_eq(computed.as_ref(), given) {
            return Err(DigestFault::Mismatch);
        }
    }
    if supported { Ok(()) } else { Err(DigestFault::Unsupported) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn verify(lines: &[&str], body: &[u8]) -> Result<(), DigestFault> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_DIGEST, HeaderValue::from_str(line).unwrap());
        }
        verify_content_digest(&headers, body)
    }

    // RFC 9530 appendix B.
    const BODY: &[u8] = b"{\"hello\": \"world\"}\n";
    const SHA_256: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    // RFC 9421 appendix B.2: the test request's body has no line end.
    const BODY_9421: &[u8] = b"{\"hello\": \"world\"}";
    const SHA_512_9421: &str =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    #[test]
    fn known_digests() {
        assert_eq!(content_digest(BODY), SHA_256);
        assert_eq!(verify(&[SHA_256], BODY), Ok(()));
        assert_eq!(verify(&[SHA_512_9421], BODY_9421), Ok(()));
    }

    #[test]
    fn each_fault_is_told_apart() {
        let both = format!("{}, {SHA_512_9421}", content_digest(BODY_9421));
        let two_lines = [content_digest(BODY_9421), SHA_512_9421.to_owned()];
        assert_eq!(verify(&[&both], BODY_9421), Ok(()));
        assert_eq!(verify(&[&two_lines[0], &two_lines[1]], BODY_9421), Ok(()));
        assert_eq!(verify(&["md5=:AAAA:", &content_digest(b"")], b""), Ok(()));
        let cases: &[(&[&str], DigestFault)] = &[
            (&[], DigestFault::Malformed),
            (&[""], DigestFault::Malformed),
            (&["sha-256=abc"], DigestFault::Malformed),
            (&["sha-256=\"abc\""], DigestFault::Malformed),
            (&["sha-256=:%%:"], DigestFault::Malformed),
            (&["sha-256=(:AAAA:)"], DigestFault::Malformed),
            (&["md5=:AAAA:"], DigestFault::Unsupported),
            (&["sha-256=:AAAA:"], DigestFault::Mismatch),
            (&[SHA_256], DigestFault::Mismatch),
            (&[SHA_512_9421, "sha-256=:AAAA:"], DigestFault::Mismatch),
        ];
        for (lines, fault) in cases {
            assert_eq!(verify(lines, BODY_9421), Err(*fault), "{lines:?}");
        }
        let long = format!("sha-256=:{}:", "A".repeat(FIELD_BYTES_MAX));
        assert_eq!(verify(&[&long], BODY_9421), Err(DigestFault::Malformed));
    }
}
