//! The keys and signatures of RFC 9421 appendix B.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::key::{Alg, PrivateKey, PublicKey};
use crypto::signature::{ParsedSignature, RequestParts, signature_base, signature_base_of_response};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Section B.1.2.
const RSA_PSS_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----
";
/// Section B.1.3.
pub const ECC_P256_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
";
/// Section B.1.4.
pub const ED25519_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
";
const ED25519_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
";

const REQUEST_URI: &str = "https://example.com/foo?param=Value&Pet=dog";
const REQUEST_DIGEST: &str =
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
const RESPONSE_DIGEST: &str =
    "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";

fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn request_headers() -> HeaderMap {
    fields(&[
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-digest", REQUEST_DIGEST),
        ("content-length", "18"),
    ])
}

fn parse(headers: &mut HeaderMap, label: &str, input: &str, signature: &str) -> ParsedSignature {
    let set = |text: String| HeaderValue::from_str(&text).unwrap();
    headers.insert("signature-input", set(format!("{label}={input}")));
    headers.insert("signature", set(format!("{label}=:{signature}:")));
    let parsed = ParsedSignature::parse_fields(headers).unwrap();
    assert_eq!(parsed.signature, STANDARD.decode(signature).unwrap());
    assert_eq!(parsed.created_s, Some(1_618_884_473));
    parsed
}

fn request_base(label: &str, input: &str, signature: &str, uri: &str) -> (ParsedSignature, String) {
    let mut headers = request_headers();
    let parsed = parse(&mut headers, label, input, signature);
    let base = signature_base(&parsed, &RequestParts { method: "POST", target_uri: uri, headers: &headers })
        .unwrap();
    (parsed, base)
}

fn verifies(key: &str, alg: Alg, parsed: &ParsedSignature, base: &str) {
    let key = PublicKey::from_pem(key).unwrap();
    assert_eq!(key.verify(alg, base.as_bytes(), &parsed.signature), Ok(()));
    assert_eq!(key.verify_any(base.as_bytes(), &parsed.signature), Ok(()));
    assert!(key.verify(alg, base.to_uppercase().as_bytes(), &parsed.signature).is_err());
}

#[test]
fn b_2_1_minimal_rsa_pss() {
    let input = "();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\"";
    let signature = "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==";
    let (parsed, base) = request_base("sig-b21", input, signature, REQUEST_URI);
    assert_eq!(base, format!("\"@signature-params\": {input}"));
    assert_eq!(parsed.nonce.as_deref(), Some("b3k2pp5k7z-50gnwp.yemd"));
    assert_eq!(parsed.keyid, "test-key-rsa-pss");
    verifies(RSA_PSS_PUBLIC, Alg::RsaPssSha512, &parsed, &base);
}

#[test]
fn b_2_2_selective_rsa_pss() {
    let input = "(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\")\
                 ;created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"";
    let signature = "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==";
    let (parsed, base) = request_base("sig-b22", input, signature, REQUEST_URI);
    let expected = format!(
        "\"@authority\": example.com\n\"content-digest\": {REQUEST_DIGEST}\n\
         \"@query-param\";name=\"Pet\": dog\n\"@signature-params\": {input}"
    );
    assert_eq!(base, expected);
    verifies(RSA_PSS_PUBLIC, Alg::RsaPssSha512, &parsed, &base);
}

#[test]
fn b_2_3_full_rsa_pss() {
    let input = "(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \
                 \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"";
    let signature = "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==";
    let (parsed, base) = request_base("sig-b23", input, signature, REQUEST_URI);
    let expected = format!(
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\
         \"@query\": ?param=Value&Pet=dog\n\"@authority\": example.com\n\"content-type\": application/json\n\
         \"content-digest\": {REQUEST_DIGEST}\n\"content-length\": 18\n\"@signature-params\": {input}"
    );
    assert_eq!(base, expected);
    verifies(RSA_PSS_PUBLIC, Alg::RsaPssSha512, &parsed, &base);
}

#[test]
fn b_2_4_response_ecdsa() {
    let input = "(\"@status\" \"content-type\" \"content-digest\" \"content-length\")\
                 ;created=1618884473;keyid=\"test-key-ecc-p256\"";
    let signature =
        "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";
    let mut headers = fields(&[
        ("content-type", "application/json"),
        ("content-digest", RESPONSE_DIGEST),
        ("content-length", "23"),
    ]);
    let parsed = parse(&mut headers, "sig-b24", input, signature);
    let base = signature_base_of_response(&parsed, 200, &headers).unwrap();
    let expected = format!(
        "\"@status\": 200\n\"content-type\": application/json\n\"content-digest\": {RESPONSE_DIGEST}\n\
         \"content-length\": 23\n\"@signature-params\": {input}"
    );
    assert_eq!(base, expected);
    verifies(ECC_P256_PUBLIC, Alg::EcdsaP256Sha256, &parsed, &base);
    // A request has no status.
    let request = RequestParts { method: "GET", target_uri: REQUEST_URI, headers: &headers };
    assert!(signature_base(&parsed, &request).is_err());
}

/// HMAC is not in the profile; its base is.
#[test]
fn b_2_5_base_only() {
    let input = "(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
    let (_, base) =
        request_base("sig-b25", input, "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=", REQUEST_URI);
    let expected = format!(
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
         \"content-type\": application/json\n\"@signature-params\": {input}"
    );
    assert_eq!(base, expected);
}

#[test]
fn b_2_6_ed25519_is_reproduced() {
    let input = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                 ;created=1618884473;keyid=\"test-key-ed25519\"";
    let signature =
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    let (parsed, base) = request_base("sig-b26", input, signature, REQUEST_URI);
    let expected = format!(
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\
         \"@authority\": example.com\n\"content-type\": application/json\n\"content-length\": 18\n\
         \"@signature-params\": {input}"
    );
    assert_eq!(base, expected);
    verifies(ED25519_PUBLIC, Alg::Ed25519, &parsed, &base);
    let key = PrivateKey::from_pkcs8_pem(ED25519_PRIVATE).unwrap();
    assert_eq!(key.public_key_pem(), ED25519_PUBLIC);
    assert_eq!(STANDARD.encode(key.sign(Alg::Ed25519, base.as_bytes()).unwrap()), signature);
}

/// Section B.3: a proxy's signature over the client certificate.
#[test]
fn b_3_proxy() {
    let certificate = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";
    let input = "(\"@path\" \"@query\" \"@method\" \"@authority\" \"client-cert\")\
                 ;created=1618884473;keyid=\"test-key-ecc-p256\"";
    let signature =
        "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==";
    let mut headers = fields(&[("client-cert", certificate)]);
    let parsed = parse(&mut headers, "ttrp", input, signature);
    let uri = "https://service.internal.example/foo?param=Value&Pet=dog";
    let base = signature_base(&parsed, &RequestParts { method: "POST", target_uri: uri, headers: &headers })
        .unwrap();
    verifies(ECC_P256_PUBLIC, Alg::EcdsaP256Sha256, &parsed, &base);
}
