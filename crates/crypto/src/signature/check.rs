//! Judging a parsed signature, in the order WIRE fixes: (encoding, key,) algorithm, time, components, digest,
//! signature(, nonce).

use http::header;

use super::SIGNED_WHERE_PRESENT;
use super::base::{RequestParts, authority, signature_base};
use super::fault::{Problem, SignatureFault};
use super::parse::{AlgParameter, ParsedSignature};
use crate::digest::{CONTENT_DIGEST, content_digest, verify_content_digest};
use crate::hash::sha256_parts;
use crate::key::{KeyKind, PublicKey, VerifyFault, check_ecdsa_shape};

/// How far `created` may be from the server's clock, in seconds (WIRE, headers).
pub const TIME_TOLERANCE_S: u64 = 300;

/// From this on a time can only be in milliseconds: in seconds it is the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

const ALWAYS_SIGNED: [&str; 2] = ["@method", "@target-uri"];

/// A signature that was accepted, but for the nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What to store of the nonce, and to refuse when it is there already: a hash over key id and nonce, 16 bytes.
    /// `None` where the sender gave none, which only pure reads may.
    pub nonce_hash: Option<[u8; 16]>,
    /// The signature base that was verified.
    pub base: String,
}

/// Judges a request's signature made with `key`, the one that [`ParsedSignature::keyid`] names. `body` is the body's
/// bytes as received, `now_s` the real time in unix seconds.
///
/// # Errors
/// The first [`SignatureFault`] in WIRE's order.
pub fn check(
    parsed: &ParsedSignature,
    key: &PublicKey,
    request: &RequestParts<'_>,
    body: &[u8],
    now_s: i64,
) -> Result<Checked, SignatureFault> {
    let fault = |problem: Problem| parsed.fault(problem);
    check_algorithm(parsed, key).map_err(fault)?;
    check_time(parsed, now_s).map_err(fault)?;
    check_components(parsed, request, body).map_err(fault)?;
    let base = signature_base(parsed, request).map_err(fault)?;
    match check_body_and_signature(parsed, key, request, body, &base) {
        Ok(()) => Ok(Checked { nonce_hash: nonce_hash(parsed), base }),
        Err(problem) => Err(SignatureFault { base: Some(base), ..fault(problem) }),
    }
}

/// Everything that [`check`] would complain about before it looks at the signature, not the first only. Without the key
/// its algorithm is not judged, without a time only the unit of `created`, without the body no digest.
pub(super) fn problems(
    parsed: &ParsedSignature,
    key: Option<&PublicKey>,
    request: &RequestParts<'_>,
    body: Option<&[u8]>,
    now_s: Option<i64>,
) -> Vec<Problem> {
    let algorithm = key.map_or(Ok(()), |key| check_algorithm(parsed, key));
    let time = match now_s {
        Some(now_s) => check_time(parsed, now_s),
        None => check_unit(parsed),
    };
    let components = check_components(parsed, request, body.unwrap_or_default());
    let digest = body.map_or(Ok(()), |body| check_digest(request, body));
    let checks = [algorithm, time, components, digest];
    checks.into_iter().filter_map(Result::err).collect()
}

fn check_algorithm(parsed: &ParsedSignature, key: &PublicKey) -> Result<(), Problem> {
    let mismatch = |alg: &str| Problem::AlgorithmMismatch { alg: alg.to_owned(), key: key.kind() };
    match &parsed.alg {
        // The rest of the encoding, which could not be judged without knowing the key.
        AlgParameter::Absent if key.kind() == KeyKind::EcdsaP256 => Ok(check_ecdsa_shape(&parsed.signature)?),
        AlgParameter::Absent => Ok(()),
        AlgParameter::Known(alg) if key.kind().algorithms().contains(alg) => Ok(()),
        AlgParameter::Known(alg) => Err(mismatch(alg.name())),
        AlgParameter::Unknown(name) => Err(mismatch(name)),
    }
}

fn check_time(parsed: &ParsedSignature, now_s: i64) -> Result<(), Problem> {
    let created_s = parsed.created_s.ok_or(Problem::ParameterAbsent { name: "created" })?;
    if created_s.abs_diff(now_s) > TIME_TOLERANCE_S {
        check_unit(parsed)?;
        return Err(Problem::CreatedOutside { created_s, now_s });
    }
    match parsed.expires_s {
        Some(expires_s) if expires_s < now_s => Err(Problem::Expired { expires_s }),
        Some(_) | None => Ok(()),
    }
}

fn check_unit(parsed: &ParsedSignature) -> Result<(), Problem> {
    match parsed.created_s {
        Some(created_s) if created_s >= MILLISECONDS_FROM => Err(Problem::CreatedMilliseconds),
        Some(_) | None => Ok(()),
    }
}

fn check_components(
    parsed: &ParsedSignature,
    request: &RequestParts<'_>,
    body: &[u8],
) -> Result<(), Problem> {
    if !body.is_empty() && !request.headers.contains_key(CONTENT_DIGEST) {
        return Err(Problem::DigestAbsent);
    }
    let present = SIGNED_WHERE_PRESENT.into_iter().filter(|name| request.headers.contains_key(*name));
    let missing: Vec<String> = ALWAYS_SIGNED
        .into_iter()
        .chain(present)
        .filter(|name| !parsed.covers(name))
        .map(str::to_owned)
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Problem::NotSigned { missing }) }
}

fn check_body_and_signature(
    parsed: &ParsedSignature,
    key: &PublicKey,
    request: &RequestParts<'_>,
    body: &[u8],
    base: &str,
) -> Result<(), Problem> {
    check_digest(request, body)?;
    let verified = match &parsed.alg {
        AlgParameter::Known(alg) => key.verify(*alg, base.as_bytes(), &parsed.signature),
        AlgParameter::Absent => key.verify_any(base.as_bytes(), &parsed.signature),
        AlgParameter::Unknown(_) => Err(VerifyFault::AlgorithmMismatch),
    };
    verified.map_err(|fault| match (fault, &parsed.alg) {
        (VerifyFault::EcdsaShape(fault), _) => fault.into(),
        (VerifyFault::AlgorithmMismatch, AlgParameter::Unknown(name)) => {
            Problem::AlgorithmMismatch { alg: name.clone(), key: key.kind() }
        }
        (VerifyFault::AlgorithmMismatch | VerifyFault::Invalid, _) => {
            Problem::Invalid { host: other_host(request) }
        }
    })
}

fn check_digest(request: &RequestParts<'_>, body: &[u8]) -> Result<(), Problem> {
    if !request.headers.contains_key(CONTENT_DIGEST) {
        return Ok(());
    }
    verify_content_digest(request.headers, body)
        .map_err(|fault| Problem::Digest { fault, computed: content_digest(body) })
}

/// The `Host` sent and the public one, where they differ: the usual reason behind a proxy.
fn other_host(request: &RequestParts<'_>) -> Option<(String, String)> {
    let public = authority(request.target_uri)?;
    let scheme = request.target_uri.split("://").next()?;
    let sent = authority(&format!("{scheme}://{}", request.headers.get(header::HOST)?.to_str().ok()?))?;
    (sent != public).then_some((sent, public))
}

fn nonce_hash(parsed: &ParsedSignature) -> Option<[u8; 16]> {
    // Structured-field text can't hold a zero byte, so the two parts stay apart.
    let hash = sha256_parts(&[parsed.keyid.as_bytes(), &[0], parsed.nonce.as_ref()?.as_bytes()]);
    hash.first_chunk::<16>().copied()
}
