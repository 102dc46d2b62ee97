//! Signs requests as a merchant's program does (WIRE, signing), from a prepared text: only the signature itself costs time.
//! A test holds it against `crypto::signature::sign_request`.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::content_digest;
use crypto::key::{Alg, PrivateKey};

/// A merchant's key and where it calls.
pub struct Signer {
    key: PrivateKey,
    keyid: String,
    /// `http://host:port`, as the server's `public_url`.
    public_url: String,
    authority: String,
}

impl Signer {
    /// Signs for one server with one Ed25519 key.
    pub fn new(key: PrivateKey, keyid: &str, authority: &str) -> Signer {
        let public_url = format!("http://{authority}");
        Signer { key, keyid: keyid.to_owned(), public_url, authority: authority.to_owned() }
    }

    /// Writes a whole signed POST. `unique` serves as Idempotency-Key and nonce: 16 to 64 characters, never used before.
    pub fn post(&self, path: &str, body: &str, unique: &str, created_s: i64) -> Result<Vec<u8>> {
        let digest = content_digest(body.as_bytes());
        let params = format!(
            "(\"@method\" \"@target-uri\" \"content-digest\" \"idempotency-key\");created={created_s};keyid=\"{}\";\
             nonce=\"{unique}\";alg=\"ed25519\"",
            self.keyid
        );
        let base = format!(
            "\"@method\": POST\n\"@target-uri\": {}{path}\n\"content-digest\": {digest}\n\"idempotency-key\": {unique}\n\
             \"@signature-params\": {params}",
            self.public_url
        );
        let signature = STANDARD.encode(self.key.sign(Alg::Ed25519, base.as_bytes())?);
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             content-digest: {digest}\r\nidempotency-key: {unique}\r\nsignature-input: sig1={params}\r\n\
             signature: sig1=:{signature}:\r\n\r\n{body}",
            self.authority,
            body.len(),
        );
        Ok(request.into_bytes())
    }

    /// Writes a whole signed GET, which needs no nonce.
    pub fn get(&self, path: &str, created_s: i64) -> Result<Vec<u8>> {
        let params = format!(
            "(\"@method\" \"@target-uri\");created={created_s};keyid=\"{}\";alg=\"ed25519\"",
            self.keyid
        );
        let base = format!(
            "\"@method\": GET\n\"@target-uri\": {}{path}\n\"@signature-params\": {params}",
            self.public_url
        );
        let signature = STANDARD.encode(self.key.sign(Alg::Ed25519, base.as_bytes())?);
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nsignature-input: sig1={params}\r\nsignature: sig1=:{signature}:\r\n\r\n",
            self.authority
        );
        Ok(request.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::signature::{RequestParts, sign_request};
    use http::{HeaderMap, HeaderValue};

    const NONCE: &str = "0123456789abcdef";

    /// The header lines of a request that the profile's own signer makes.
    fn expected(method: &str, key: &PrivateKey, body: &str, nonce: Option<&str>) -> Vec<String> {
        let mut headers = HeaderMap::new();
        if let Some(nonce) = nonce {
            headers.insert("idempotency-key", HeaderValue::from_str(nonce).unwrap());
        }
        let request =
            RequestParts { method, target_uri: "http://127.0.0.1:8080/v1/payments", headers: &headers };
        let signed = sign_request(key, "key_0", &request, body.as_bytes(), 1_795_000_000, nonce).unwrap();
        let digest = signed.content_digest.map(|digest| format!("content-digest: {digest}"));
        let mut lines = vec![
            format!("signature-input: {}", signed.signature_input),
            format!("signature: {}", signed.signature),
        ];
        lines.extend(digest);
        lines
    }

    fn check(request: &[u8], expected: &[String]) {
        let text = std::str::from_utf8(request).unwrap();
        for line in expected {
            assert!(text.split("\r\n").any(|found| found == line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn signs_as_the_profile_does() {
        let pem = PrivateKey::generate_ed25519().to_pkcs8_pem();
        let key = || PrivateKey::from_pkcs8_pem(&pem).unwrap();
        let signer = Signer::new(key(), "key_0", "127.0.0.1:8080");
        let body = r#"{"a":1}"#;
        let post = signer.post("/v1/payments", body, NONCE, 1_795_000_000).unwrap();
        check(&post, &expected("POST", &key(), body, Some(NONCE)));
        assert!(post.ends_with(b"\r\n\r\n{\"a\":1}"));
        let get = signer.get("/v1/payments", 1_795_000_000).unwrap();
        check(&get, &expected("GET", &key(), "", None));
    }
}
