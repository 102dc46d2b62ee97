//! Signing requests, for clients, the command line and the bench.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use thiserror::Error;

use super::SIGNED_WHERE_PRESENT;
use super::base::{RequestParts, push_quoted, request_base};
use super::fault::Problem;
use super::parse::Component;
use crate::digest::{CONTENT_DIGEST, content_digest};
use crate::key::{Alg, PrivateKey, VerifyFault};

const LABEL: &str = "sig1";

/// The fields that a signature adds to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `Signature-Input`
    pub signature_input: String,
    /// `Signature`
    pub signature: String,
    /// `Content-Digest`, for requests with a body.
    pub content_digest: Option<String>,
    /// The bytes that were signed, for comparing with what a server computed.
    pub base: String,
}

impl SignedHeaders {
    /// Puts the fields into `headers`, replacing those of an earlier signature.
    ///
    /// # Errors
    /// [`SignFault::Text`] can't happen for what [`sign_request`] made.
    pub fn apply(&self, headers: &mut HeaderMap) -> Result<(), SignFault> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| SignFault::Text);
        headers.insert("signature-input", value(&self.signature_input)?);
        headers.insert("signature", value(&self.signature)?);
        if let Some(digest) = &self.content_digest {
            headers.insert(CONTENT_DIGEST, value(digest)?);
        }
        Ok(())
    }
}

/// Why a request could not be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignFault {
    /// Key id or nonce hold something other than printable ASCII.
    #[error("key id and nonce must be printable ASCII")]
    Text,
    /// A header to be signed can't be.
    #[error("{0}")]
    Component(Problem),
    /// AWS-LC could not sign.
    #[error("the key could not sign")]
    Key(#[from] VerifyFault),
}

/// A request that is ready to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// `Signature-Input`
    pub signature_input: String,
    /// `Content-Digest`, for requests with a body.
    pub content_digest: Option<String>,
    /// The bytes to be signed.
    pub base: String,
}

/// Who signs, when and how: the parameters of a signature.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// The key's id.
    pub keyid: &'a str,
    /// How it is signed.
    pub alg: Alg,
    /// When it is signed, unix seconds.
    pub created_s: i64,
    /// What makes it unlike any other; needed for methods other than pure reads.
    pub nonce: Option<&'a str>,
}

/// Prepares a request by the profile of WIRE: `@method`, `@target-uri`, the digest of a body that is not empty, and those
/// of [`SIGNED_WHERE_PRESENT`] that `request.headers` holds.
///
/// # Errors
/// [`SignFault::Text`], [`SignFault::Component`].
pub fn prepare_request(
    request: &RequestParts<'_>,
    body: &[u8],
    parameters: &Parameters<'_>,
) -> Result<Prepared, SignFault> {
    let content_digest = (!body.is_empty()).then(|| content_digest(body));
    let mut headers = request.headers.clone();
    if let Some(digest) = &content_digest {
        headers.insert(CONTENT_DIGEST, HeaderValue::from_str(digest).map_err(|_| SignFault::Text)?);
    }
    let components = components(&headers);
    let params = params(&components, parameters)?;
    let request = RequestParts { headers: &headers, ..*request };
    let base = request_base(&components, &params, &request).map_err(SignFault::Component)?;
    Ok(Prepared { signature_input: format!("{LABEL}={params}"), content_digest, base })
}

impl Prepared {
    /// Signs it. `alg` is the one that the parameters name.
    ///
    /// # Errors
    /// [`SignFault::Key`].
    pub fn sign(self, key: &PrivateKey, alg: Alg) -> Result<SignedHeaders, SignFault> {
        let signature = key.sign(alg, self.base.as_bytes())?;
        Ok(SignedHeaders {
            signature_input: self.signature_input,
            signature: format!("{LABEL}=:{}:", STANDARD.encode(signature)),
            content_digest: self.content_digest,
            base: self.base,
        })
    }
}

/// Prepares and signs a request with the preferred algorithm of its key. `created_s` is in unix seconds; a nonce is needed
/// for methods other than pure reads.
///
/// # Errors
/// [`SignFault`].
pub fn sign_request(
    key: &PrivateKey,
    keyid: &str,
    request: &RequestParts<'_>,
    body: &[u8],
    created_s: i64,
    nonce: Option<&str>,
) -> Result<SignedHeaders, SignFault> {
    let alg = *key.kind().algorithms().first().ok_or(VerifyFault::AlgorithmMismatch)?;
    prepare_request(request, body, &Parameters { keyid, alg, created_s, nonce })?.sign(key, alg)
}

fn components(headers: &HeaderMap) -> Vec<Component> {
    let present = SIGNED_WHERE_PRESENT.into_iter().filter(|name| headers.contains_key(*name));
    ["@method", "@target-uri"]
        .into_iter()
        .chain(present)
        .map(|name| Component { name: name.to_owned(), query_name: None })
        .collect()
}

fn params(components: &[Component], parameters: &Parameters<'_>) -> Result<String, SignFault> {
    let Parameters { keyid, alg, created_s, nonce } = *parameters;
    let names: Vec<String> = components.iter().map(|component| format!("\"{}\"", component.name)).collect();
    let mut params = format!("({});created={created_s}", names.join(" "));
    for (name, text) in [("keyid", Some(keyid)), ("nonce", nonce), ("alg", Some(alg.name()))] {
        let Some(text) = text else { continue };
        if !text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Err(SignFault::Text);
        }
        params.push_str(&format!(";{name}="));
        push_quoted(&mut params, text);
    }
    Ok(params)
}
