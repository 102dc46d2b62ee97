//! Why a signature is refused: what the server's own checks say, and which known mistake makes the text that was signed.
//!
//! A server computes one text and can only say that the signature is not over it. Whoever looks into a refused request has more:
//! the request as it was sent, perhaps the text that the program signed, perhaps the key. [`explain`] makes every known mistake
//! in the server's text on purpose, until the result is the text that was signed, or the signature verifies over it.

mod changes;
mod difference;
mod draft;
mod finding;
mod mistake;
mod search;
mod uri;

pub use difference::Difference;
pub use finding::Finding;
pub use mistake::Mistake;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use super::base::{RequestParts, signature_base};
use super::check::problems;
use super::fault::Problem;
use super::parse::{AlgParameter, ParsedSignature};
use crate::digest::{CONTENT_DIGEST, DigestFault, verify_content_digest};
use crate::hash::{hex, sha256};
use crate::key::{EcdsaShapeFault, PublicKey, check_ecdsa_shape};
use search::Search;

/// What is known about a request that was, or may be, refused.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The request as it was sent, its address as the server builds it: the public URL and the raw path and query.
    pub request: RequestParts<'a>,
    /// The body as it was sent; `None` where it is not known, and then not judged.
    pub body: Option<&'a [u8]>,
    /// Other forms of the body of which the digest may have been taken, such as the same JSON written in another way.
    pub other_bodies: &'a [Vec<u8>],
    /// The key that should verify it.
    pub key: Option<&'a PublicKey>,
    /// The server's time when it came, unix seconds.
    pub now_s: Option<i64>,
    /// The address that the client called.
    pub called_uri: Option<&'a str>,
    /// The base that the server computed, as the sandbox answers it.
    pub server_base: Option<&'a str>,
    /// The base that the client signed.
    pub client_base: Option<&'a [u8]>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Everything that is wrong, in the order of the server's checks. Empty: nothing was found.
    pub findings: Vec<Finding>,
    /// The signature base that the server computes, where the request makes one.
    pub server_base: Option<String>,
    /// Whether the signature verifies over that base; `None` where no key was at hand.
    pub verified: Option<bool>,
}

/// Judges a request as the server does and looks for the mistake behind each refusal.
#[must_use]
pub fn explain(evidence: &Evidence<'_>) -> Explanation {
    let RequestParts { method, headers, .. } = evidence.request;
    let mut found: Vec<Problem> = Vec::new();
    let parsed = ParsedSignature::parse(headers, method).or_else(|fault| {
        found.push(fault.problem);
        ParsedSignature::parse_fields(headers)
    });
    let Ok(parsed) = parsed else {
        let findings = found.into_iter().map(Finding::from).collect();
        return Explanation { findings, server_base: None, verified: None };
    };
    for problem in shape(evidence, &parsed).into_iter().chain(problems(
        &parsed,
        evidence.key,
        &evidence.request,
        evidence.body,
        evidence.now_s,
    )) {
        if !found.contains(&problem) {
            found.push(problem);
        }
    }
    let shaped = !found.iter().any(|problem| matches!(problem, Problem::EcdsaShape(_)));
    let mut findings: Vec<Finding> = found.into_iter().map(|problem| with_body(evidence, problem)).collect();
    let base = match (evidence.server_base, signature_base(&parsed, &evidence.request)) {
        (Some(base), _) => base.to_owned(),
        (None, Ok(base)) => base,
        (None, Err(problem)) => {
            findings.push(problem.into());
            return Explanation { findings, server_base: None, verified: None };
        }
    };
    let search = Search { evidence, parsed: &parsed, base: &base, key: evidence.key.filter(|_| shaped) };
    let (more, verified) = search.run();
    findings.extend(more);
    if findings.is_empty() && verified.is_none() && evidence.server_base.is_some() {
        // The server refused it, and made the text that the request makes: another one was signed, or with another key.
        findings.push(Mistake::NotThisBase.into());
    }
    Explanation { findings, server_base: Some(base), verified }
}

/// Compares the base that the server answered with the one that the client signed, where the request itself is not at hand.
#[must_use]
pub fn compare_bases(server: &str, client: &[u8]) -> Vec<Finding> {
    let headers = HeaderMap::new();
    let right = draft::Draft::of(server);
    let of = |component| right.value(component).unwrap_or_default();
    let request = RequestParts { method: of("@method"), target_uri: of("@target-uri"), headers: &headers };
    let evidence = Evidence {
        request,
        body: None,
        other_bodies: &[],
        key: None,
        now_s: None,
        called_uri: None,
        server_base: Some(server),
        client_base: Some(client),
    };
    search::compare(server, client, &evidence)
}

/// ECDSA in DER where neither `alg` nor a key says that it is ECDSA.
fn shape(evidence: &Evidence<'_>, parsed: &ParsedSignature) -> Option<Problem> {
    let looks_like_der = (68..=72).contains(&parsed.signature.len())
        && check_ecdsa_shape(&parsed.signature) == Err(EcdsaShapeFault::Der);
    let untold = parsed.alg == AlgParameter::Absent && evidence.key.is_none();
    (untold && looks_like_der).then_some(Problem::EcdsaShape(EcdsaShapeFault::Der))
}

/// A digest that does not fit the body may fit another text: which one says what was done.
fn with_body(evidence: &Evidence<'_>, problem: Problem) -> Finding {
    if !matches!(problem, Problem::Digest { fault: DigestFault::Mismatch, .. }) {
        return problem.into();
    }
    let (headers, body) = (evidence.request.headers, evidence.body.unwrap_or_default());
    let hashed = evidence.other_bodies.iter().position(|body| verify_content_digest(headers, body).is_ok());
    let other = hashed.and_then(|at| Some((at, evidence.other_bodies.get(at)?)));
    match other {
        Some((at, other)) => Finding {
            mistake: Some(Mistake::OtherBody(at)),
            difference: Difference::first(body, other),
            ..problem.into()
        },
        None if is_hex_of(headers, body) => Finding { mistake: Some(Mistake::DigestHex), ..problem.into() },
        None => problem.into(),
    }
}

/// Whether the digest is that of the body, but as hexadecimal text, by itself or in base64 again.
fn is_hex_of(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = hex(&sha256(body));
    let forms = [STANDARD.encode(&text), text];
    let sent = headers.get(CONTENT_DIGEST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    forms.iter().any(|form| sent == format!("sha-256=:{form}:"))
}
