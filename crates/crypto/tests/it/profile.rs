//! WIRE's profile: what is accepted, each named mistake, and the order in which mistakes are told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{DigestFault, content_digest};
use crypto::key::{Alg, EcdsaShapeFault, KeyKind, PrivateKey};
use crypto::signature::{
    Checked, FaultCode, ParsedSignature, Problem, RequestParts, SignFault, SignatureFault, check,
    needs_nonce, sign_request,
};
use http::{HeaderMap, HeaderName, HeaderValue};

const NOW_S: i64 = 1_760_000_000;
const URI: &str = "https://pay.example.com/v1/payments?dry_run=true";
const NONCE: &str = "0123456789abcdef";
const BODY: &[u8] = b"{\"amount\": 1250}";

/// A request as a client built it, mistakes included.
struct Request {
    method: &'static str,
    headers: HeaderMap,
    body: &'static [u8],
}

impl Request {
    fn judge(&self, key: &PrivateKey) -> Result<Checked, SignatureFault> {
        let parsed = ParsedSignature::parse(&self.headers, self.method)?;
        assert_eq!(parsed.keyid, "key_1");
        let parts = RequestParts { method: self.method, target_uri: URI, headers: &self.headers };
        check(&parsed, key.public_key(), &parts, self.body, NOW_S)
    }
}

fn header(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

fn signed(key: &PrivateKey, method: &'static str, body: &'static [u8], nonce: Option<&str>) -> Request {
    let mut headers = HeaderMap::new();
    header(&mut headers, "host", "pay.example.com");
    header(&mut headers, "idempotency-key", "\"order-1\"");
    let parts = RequestParts { method, target_uri: URI, headers: &headers };
    let made = sign_request(key, "key_1", &parts, body, NOW_S, nonce).unwrap();
    made.apply(&mut headers).unwrap();
    Request { method, headers, body }
}

/// A POST with a body whose `Signature-Input` is `input`; signed over whatever base that makes, where it makes one.
fn signed_with(key: &PrivateKey, input: &str, alg: Alg) -> Request {
    let mut headers = HeaderMap::new();
    header(&mut headers, "host", "pay.example.com");
    header(&mut headers, "content-digest", &content_digest(BODY));
    header(&mut headers, "signature-input", input);
    header(&mut headers, "signature", "s=:AAAA:");
    if let Ok(parsed) = ParsedSignature::parse_fields(&headers) {
        let parts = RequestParts { method: "POST", target_uri: URI, headers: &headers };
        if let Ok(base) = crypto::signature::signature_base(&parsed, &parts) {
            let signature = STANDARD.encode(key.sign(alg, base.as_bytes()).unwrap());
            headers.insert("signature", HeaderValue::from_str(&format!("s=:{signature}:")).unwrap());
        }
    }
    Request { method: "POST", headers, body: BODY }
}

const GOOD_COMPONENTS: &str = "\"@method\" \"@target-uri\" \"content-digest\"";

fn good_input() -> String {
    format!("s=({GOOD_COMPONENTS});created={NOW_S};keyid=\"key_1\";nonce=\"{NONCE}\"")
}

#[test]
fn signed_requests_are_accepted_for_every_kind_of_key() {
    for kind in [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Rsa] {
        let key = PrivateKey::generate(kind);
        let checked = signed(&key, "POST", BODY, Some(NONCE)).judge(&key).unwrap();
        assert!(
            checked
                .base
                .starts_with(&format!("\"@method\": POST\n\"@target-uri\": {URI}\n\"content-digest\": "))
        );
        assert!(checked.base.contains("\n\"idempotency-key\": \"order-1\"\n"));
        assert!(checked.nonce_hash.is_some());
        assert_eq!(signed(&key, "GET", b"", None).judge(&key).unwrap().nonce_hash, None);
        assert!(signed(&key, "POST", b"", Some(NONCE)).judge(&key).is_ok());
        // Without alg it follows from the key; both RSA algorithms are tried.
        for alg in kind.algorithms() {
            assert!(signed_with(&key, &good_input(), *alg).judge(&key).is_ok(), "{alg}");
        }
    }
}

#[test]
fn what_was_signed_cannot_be_changed() {
    let key = PrivateKey::generate_ed25519();
    let good = || signed(&key, "POST", BODY, Some(NONCE));
    let code = |request: &Request| request.judge(&key).unwrap_err().code();
    assert_eq!(code(&Request { method: "PATCH", ..good() }), FaultCode::Invalid);
    assert_eq!(code(&Request { body: b"{\"amount\": 1251}", ..good() }), FaultCode::DigestMismatch);
    assert_eq!(code(&Request { body: b"", ..good() }), FaultCode::DigestMismatch);
    let mut other_key = good();
    other_key.headers.insert("idempotency-key", HeaderValue::from_static("\"order-2\""));
    assert_eq!(code(&other_key), FaultCode::Invalid);
    let mut acting = good();
    header(&mut acting.headers, "feiqian-merchant", "mch_1");
    assert_eq!(code(&acting), FaultCode::ComponentMissing);
    assert_eq!(good().judge(&PrivateKey::generate_ed25519()).unwrap_err().code(), FaultCode::Invalid);
}

#[test]
fn nonces_are_hashed_with_the_key_id() {
    let key = PrivateKey::generate_ed25519();
    let hash = |nonce| signed(&key, "POST", BODY, Some(nonce)).judge(&key).unwrap().nonce_hash;
    assert_eq!(hash(NONCE), hash(NONCE));
    assert_ne!(hash(NONCE), hash("0123456789abcdeg"));
    for (method, needed) in
        [("GET", false), ("HEAD", false), ("POST", true), ("PATCH", true), ("DELETE", true)]
    {
        assert_eq!(needs_nonce(method), needed, "{method}");
    }
}

/// `Signature-Input` as sent, and the problem it makes.
#[test]
fn each_named_mistake_in_signature_input() {
    use Problem as P;
    let key = PrivateKey::generate_ed25519();
    let tail = format!("created={NOW_S};keyid=\"key_1\";nonce=\"{NONCE}\"");
    let with = |components: &str| format!("s=({components});{tail}");
    let params = |params: &str| format!("s=({GOOD_COMPONENTS});{params}");
    let text = str::to_owned;
    let input = "Signature-Input";
    let (ms, late, early) = (NOW_S * 1000, NOW_S + 301, NOW_S - 301);
    let cases = [
        // Encoding.
        (with("@method @target-uri"), P::FieldMalformed { field: input }),
        (with("method"), P::ComponentUnquoted),
        (with("\"@method\" \"Content-Digest\""), P::ComponentName { name: text("Content-Digest") }),
        (with("\"@method\" \"\""), P::ComponentName { name: String::new() }),
        (with("\"@method\" \"@method\""), P::ComponentRepeated { name: text("@method") }),
        (with("\"@verb\""), P::ComponentUnknown { name: text("@verb") }),
        (with("\"@status\""), P::ComponentUnknown { name: text("@status") }),
        (with("\"@query-param\""), P::ComponentUnknown { name: text("@query-param") }),
        (with("\"@method\";req"), P::ComponentParameter { name: text("@method"), parameter: text("req") }),
        (with("\"host\";bs"), P::ComponentParameter { name: text("host"), parameter: text("bs") }),
        (with("\"host\";sf"), P::ComponentParameter { name: text("host"), parameter: text("sf") }),
        (with("\"host\";tr"), P::ComponentParameter { name: text("host"), parameter: text("tr") }),
        (with("\"host\";key=\"a\""), P::ComponentParameter { name: text("host"), parameter: text("key") }),
        (with(&"\"a\" ".repeat(33)), P::ComponentsTooMany),
        (format!("s=\"@method\";{tail}"), P::NotComponents),
        (params(&format!("keyid=\"key_1\";nonce=\"{NONCE}\"")), P::ParameterAbsent { name: "created" }),
        (params(&format!("created=\"{NOW_S}\";keyid=\"key_1\"")), P::ParameterNotInteger { name: "created" }),
        (params(&format!("created={NOW_S}.5;keyid=\"key_1\"")), P::ParameterNotInteger { name: "created" }),
        (params(&format!("{tail};expires=\"1\"")), P::ParameterNotInteger { name: "expires" }),
        (params(&format!("created={NOW_S};nonce=\"{NONCE}\"")), P::ParameterAbsent { name: "keyid" }),
        (params(&format!("created={NOW_S};keyid=key_1")), P::ParameterUnquoted { name: "keyid" }),
        (
            params(&format!("created={NOW_S};keyid=\"key_1\";nonce=n{NONCE}")),
            P::ParameterUnquoted { name: "nonce" },
        ),
        (
            params(&format!("created={NOW_S};keyid=\"key_1\";nonce=1234567890")),
            P::ParameterUnquoted { name: "nonce" },
        ),
        (params(&format!("{tail};alg=ed25519")), P::ParameterUnquoted { name: "alg" }),
        (params(&format!("created={NOW_S};keyid=\"key_1\"")), P::ParameterAbsent { name: "nonce" }),
        (
            params(&format!("created={NOW_S};keyid=\"key_1\";nonce=\"{}\"", "n".repeat(15))),
            P::NonceLength { chars: 15 },
        ),
        (
            params(&format!("created={NOW_S};keyid=\"key_1\";nonce=\"{}\"", "n".repeat(65))),
            P::NonceLength { chars: 65 },
        ),
        (format!("{}, t=()", good_input()), P::Labels { field: input, count: 2 }),
        (format!("{}, {}", good_input(), good_input()), P::Labels { field: input, count: 2 }),
        (good_input().replacen('s', "t", 1), P::LabelsDiffer),
        (format!("s=();x=\"{}\"", "x".repeat(9000)), P::FieldTooLong { field: input }),
        // Algorithm.
        (
            params(&format!("{tail};alg=\"rsa-pss-sha512\"")),
            P::AlgorithmMismatch { alg: text("rsa-pss-sha512"), key: KeyKind::Ed25519 },
        ),
        (
            params(&format!("{tail};alg=\"hmac-sha256\"")),
            P::AlgorithmMismatch { alg: text("hmac-sha256"), key: KeyKind::Ed25519 },
        ),
        // Time.
        (good_input().replace(&NOW_S.to_string(), &ms.to_string()), P::CreatedMilliseconds),
        (
            good_input().replace(&NOW_S.to_string(), &late.to_string()),
            P::CreatedOutside { created_s: late, now_s: NOW_S },
        ),
        (
            good_input().replace(&NOW_S.to_string(), &early.to_string()),
            P::CreatedOutside { created_s: early, now_s: NOW_S },
        ),
        (params(&format!("{tail};expires={}", NOW_S - 1)), P::Expired { expires_s: NOW_S - 1 }),
        // Components.
        (with("\"@method\" \"@target-uri\""), P::NotSigned { missing: vec![text("content-digest")] }),
        (with("\"content-digest\""), P::NotSigned { missing: vec![text("@method"), text("@target-uri")] }),
        (with(&format!("{GOOD_COMPONENTS} \"x-none\"")), P::ComponentAbsent { name: text("x-none") }),
    ];
    for (input, problem) in cases {
        let fault = signed_with(&key, &input, Alg::Ed25519).judge(&key).unwrap_err();
        assert_eq!(fault.problem, problem, "{input}");
        assert_eq!(fault.base, None, "{input}");
        assert!(!fault.detail().is_empty() && fault.detail_zh() != fault.detail());
    }
    let at_the_edge = good_input().replace(&NOW_S.to_string(), &(NOW_S - 300).to_string());
    let accepted = [at_the_edge, params(&format!("{tail};alg=\"ed25519\";expires={NOW_S};tag=\"x\""))];
    for input in accepted {
        assert!(signed_with(&key, &input, Alg::Ed25519).judge(&key).is_ok(), "{input}");
    }
}

#[test]
fn each_named_mistake_in_the_other_fields() {
    use Problem as P;
    let key = PrivateKey::generate_ed25519();
    let cases: [(&'static str, Option<&str>, Problem); 11] = [
        ("authorization", Some("Bearer x"), P::AuthorizationToo),
        ("signature-input", None, P::FieldAbsent { field: "Signature-Input" }),
        ("signature-input", Some(""), P::FieldAbsent { field: "Signature-Input" }),
        ("signature", None, P::FieldAbsent { field: "Signature" }),
        ("signature", Some("sig1=\"AAAA\""), P::NotBytes),
        ("signature", Some("sig1=(:AAAA:)"), P::NotBytes),
        ("signature", Some("sig1=:%%:"), P::FieldMalformed { field: "Signature" }),
        ("signature", Some("sig1=:AAAA:, sig2=:AAAA:"), P::Labels { field: "Signature", count: 2 }),
        ("content-digest", None, P::DigestAbsent),
        ("signature", Some("sig1=:AAAA:"), P::Invalid { host: None }),
        (
            "host",
            Some("Internal:8080"),
            // Host is not signed here: the mistake shows once the signature fails as well, below.
            P::Invalid { host: Some(("internal:8080".to_owned(), "pay.example.com".to_owned())) },
        ),
    ];
    for (name, value, problem) in cases {
        let mut request = signed(&key, "POST", BODY, Some(NONCE));
        request.headers.remove(name);
        if let Some(value) = value {
            header(&mut request.headers, name, value);
        }
        if name == "host" {
            assert!(request.judge(&key).is_ok());
            request.headers.insert("signature", HeaderValue::from_static("sig1=:AAAA:"));
        }
        let fault = request.judge(&key).unwrap_err();
        assert_eq!(fault.problem, problem, "{name}: {value:?}");
        assert_eq!(fault.base.is_some(), fault.code() == FaultCode::Invalid);
    }
}

#[test]
fn digest_mistakes_carry_the_base_and_the_right_digest() {
    let key = PrivateKey::generate_ed25519();
    let request = Request { body: b"{\"amount\":1250}", ..signed(&key, "POST", BODY, Some(NONCE)) };
    let fault = request.judge(&key).unwrap_err();
    let computed = content_digest(request.body);
    assert_eq!(fault.problem, Problem::Digest { fault: DigestFault::Mismatch, computed: computed.clone() });
    assert!(fault.detail().contains(&computed) && fault.detail_zh().contains(&computed));
    assert_eq!(fault.components, ["@method", "@target-uri", "content-digest", "idempotency-key"]);
    assert!(fault.base.unwrap().contains("\"@signature-params\": "));
}

#[test]
fn ecdsa_in_der_is_an_encoding_fault_with_and_without_alg() {
    let key = PrivateKey::generate(KeyKind::EcdsaP256);
    let der = format!("s=:{}:", STANDARD.encode([&[0x30, 0x45][..], &[1; 69]].concat()));
    for input in [good_input(), format!("{};alg=\"ecdsa-p256-sha256\"", good_input())] {
        let mut request = signed_with(&key, &input, Alg::EcdsaP256Sha256);
        request.headers.insert("signature", HeaderValue::from_str(&der).unwrap());
        let fault = request.judge(&key).unwrap_err();
        assert_eq!(fault.problem, Problem::EcdsaShape(EcdsaShapeFault::Der), "{input}");
        assert_eq!(fault.code(), FaultCode::Encoding);
        assert!(fault.detail().contains("DER") && fault.detail().contains("64 bytes"));
    }
}

/// All mistakes at once, then one fewer each time: the codes must come in WIRE's order.
#[test]
fn faults_come_in_order() {
    let key = PrivateKey::generate_ed25519();
    let mut input = format!(
        "s=(\"@method\");created={};keyid=\"key_1\";nonce=\"short\";alg=\"rsa-v1_5-sha256\"",
        NOW_S - 999
    );
    let mut body: &'static [u8] = b"changed";
    let mut codes = Vec::new();
    let mut mend = |input: &mut String, from: &str, to: &str, body: &'static [u8]| {
        let mut request = signed_with(&key, input, Alg::Ed25519);
        request.body = body;
        request.headers.insert("signature", HeaderValue::from_static("s=:AAAA:"));
        codes.push(request.judge(&key).unwrap_err().code());
        *input = input.replace(from, to);
    };
    mend(&mut input, "short", NONCE, body);
    mend(&mut input, "rsa-v1_5-sha256", "ed25519", body);
    mend(&mut input, &(NOW_S - 999).to_string(), &NOW_S.to_string(), body);
    mend(&mut input, "\"@method\"", GOOD_COMPONENTS, body);
    mend(&mut input, "", "", body);
    body = BODY;
    mend(&mut input, "zz", "", body);
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    assert_eq!(
        names,
        [
            "signature_encoding",
            "algorithm_mismatch",
            "signature_time",
            "signature_component_missing",
            "digest_mismatch",
            "signature_invalid"
        ]
    );
}

#[test]
fn a_signer_refuses_what_it_cannot_write() {
    let key = PrivateKey::generate_ed25519();
    let headers = HeaderMap::new();
    let parts = RequestParts { method: "GET", target_uri: URI, headers: &headers };
    assert_eq!(sign_request(&key, "键", &parts, b"", NOW_S, None).unwrap_err(), SignFault::Text);
    assert_eq!(sign_request(&key, "k", &parts, b"", NOW_S, Some("a\nb")).unwrap_err(), SignFault::Text);
    let quoted = sign_request(&key, "a\"b\\c", &parts, b"", NOW_S, None).unwrap();
    let mut headers = HeaderMap::new();
    quoted.apply(&mut headers).unwrap();
    let parsed = ParsedSignature::parse(&headers, "GET").unwrap();
    assert_eq!(parsed.keyid, "a\"b\\c");
    let parts = RequestParts { headers: &headers, ..parts };
    assert_eq!(check(&parsed, key.public_key(), &parts, b"", NOW_S).unwrap().base, quoted.base);
}
