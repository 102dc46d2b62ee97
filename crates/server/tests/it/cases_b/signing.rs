//! RFC 9421 by hand, so that each part can be wrong: shares no line with the server's own reading of it.

use crate::harness::client::{fresh_nonce, now_s};
use crate::harness::merchant::text;
use crate::harness::{Call, Merchant, Server, until};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::key::{Alg, KeyKind, PrivateKey};

/// A registered key pair.
pub struct Pair {
    /// `key_…`
    pub id: String,
    /// The private half.
    pub key: PrivateKey,
    /// With which algorithm it signs.
    pub alg: Alg,
}

impl Pair {
    /// A new pair of a merchant's, registered through the command line.
    pub async fn new(merchant: &Merchant<'_>, alg: Alg) -> Pair {
        let kind = match alg {
            Alg::Ed25519 => KeyKind::Ed25519,
            Alg::EcdsaP256Sha256 => KeyKind::EcdsaP256,
            Alg::RsaV15Sha256 | Alg::RsaPssSha512 => KeyKind::Rsa,
        };
        let pair = Pair::register(merchant.server, &merchant.id, PrivateKey::generate(kind), alg);
        pair.until_known(merchant.server).await;
        pair
    }

    /// Registers the public half of a key.
    pub fn register(server: &Server, merchant: &str, key: PrivateKey, alg: Alg) -> Pair {
        let path = server.dir().join(format!("{}.pem", server.next_no("public")));
        std::fs::write(&path, key.public_key_pem()).expect("the public key is written");
        let file = path.display().to_string();
        let id = text(&server.cli(&["key", "create", "--merchant", merchant, "--public-key", &file]), "id");
        Pair { id, key, alg }
    }

    /// Waits until the node knows it.
    pub async fn until_known(&self, server: &Server) {
        until("answer of whoami to a new key", || async {
            let answer = Draft::get(server, "/v1/whoami", self).call(server, self).send().await;
            (answer.status == 200).then_some(())
        })
        .await;
    }
}

/// A request whose signature is still to be made; every part may be changed before.
#[derive(Clone)]
pub struct Draft {
    /// The method.
    pub method: &'static str,
    /// Path and query as sent.
    pub path: String,
    /// The body as sent.
    pub body: Vec<u8>,
    /// Header fields besides those of the signature.
    pub headers: Vec<(&'static str, String)>,
    /// What is signed, in order.
    pub components: Vec<&'static str>,
    /// Parameters in order, values as they stand on the line.
    pub params: Vec<(&'static str, String)>,
    /// What is signed as `@target-uri`.
    pub target_uri: String,
    /// Changes what was signed before it is sent.
    pub spoil: fn(&mut Signed),
}

/// The lines of a signature.
pub struct Signed {
    /// `Signature-Input`
    pub input: Option<String>,
    /// The bytes of `Signature`
    pub bytes: Vec<u8>,
    /// `Signature`'s label and, when given, its whole text.
    pub line: Option<String>,
    /// The body that is sent.
    pub body: Vec<u8>,
    /// The path that is sent.
    pub path: String,
    /// More header fields.
    pub more: Vec<(&'static str, String)>,
}

fn digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(crypto::sha256(body)))
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

impl Draft {
    /// A request that is right in everything.
    pub fn new(server: &Server, method: &'static str, path: &str, body: &[u8], pair: &Pair) -> Draft {
        let mut headers = Vec::new();
        let mut components = vec!["@method", "@target-uri"];
        if !body.is_empty() {
            headers.push(("content-digest", digest(body)));
            components.push("content-digest");
        }
        let mut params = vec![("created", now_s().to_string()), ("keyid", quoted(&pair.id))];
        if method != "GET" {
            params.push(("nonce", quoted(&fresh_nonce())));
        }
        params.push(("alg", quoted(pair.alg.name())));
        Draft {
            method,
            path: path.to_owned(),
            body: body.to_vec(),
            headers,
            components,
            params,
            target_uri: format!("{}{path}", server.public_url()),
            spoil: |_| {},
        }
    }

    /// A GET.
    pub fn get(server: &Server, path: &str, pair: &Pair) -> Draft {
        Draft::new(server, "GET", path, b"", pair)
    }

    /// Sets a parameter, as it stands on the line.
    pub fn set(&mut self, name: &'static str, value: &str) {
        match self.params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => self.params.push((name, value.to_owned())),
        }
    }

    /// Removes a parameter.
    pub fn unset(&mut self, name: &str) {
        self.params.retain(|(known, _)| *known != name);
    }

    /// Adds a header field that is signed too.
    pub fn header(&mut self, name: &'static str, value: &str) {
        self.headers.push((name, value.to_owned()));
        self.components.push(name);
    }

    /// Signs no more what it signed.
    pub fn uncover(&mut self, name: &str) {
        self.components.retain(|known| *known != name);
    }

    fn input(&self) -> String {
        let names: Vec<String> = self.components.iter().map(|name| quoted(name)).collect();
        let params: String = self.params.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        format!("({}){params}", names.join(" "))
    }

    fn base(&self) -> String {
        let value = |name: &str| match name {
            "@method" => self.method.to_owned(),
            "@target-uri" => self.target_uri.clone(),
            field => {
                let found = self.headers.iter().find(|(known, _)| *known == field);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
        };
        let mut lines: Vec<String> =
            self.components.iter().map(|name| format!("\"{name}\": {}", value(name))).collect();
        lines.push(format!("\"@signature-params\": {}", self.input()));
        lines.join("\n")
    }

    /// Signs it; what comes back can be sent.
    pub fn call(&self, server: &Server, pair: &Pair) -> Call {
        let bytes = pair.key.sign(pair.alg, self.base().as_bytes()).expect("it signs");
        let mut signed = Signed {
            input: Some(format!("sig={}", self.input())),
            bytes,
            line: None,
            body: self.body.clone(),
            path: self.path.clone(),
            more: Vec::new(),
        };
        (self.spoil)(&mut signed);
        let mut call = server.client().call(self.method, &signed.path);
        if !signed.body.is_empty() {
            call = call.bytes("application/json", signed.body);
        }
        if let Some(input) = &signed.input {
            call = call.header("signature-input", input);
        }
        let line = signed.line.unwrap_or_else(|| format!("sig=:{}:", STANDARD.encode(&signed.bytes)));
        call = call.header("signature", &line);
        let headers = self.headers.iter().chain(&signed.more);
        headers.fold(call, |call, (name, value)| call.header(name, value))
    }
}

/// An ECDSA signature of 64 bytes in DER.
pub fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |half: &[u8]| {
        let significant = half.iter().position(|byte| *byte != 0).unwrap_or(half.len() - 1);
        let mut digits = half[significant..].to_vec();
        if digits[0] >= 0x80 {
            digits.insert(0, 0);
        }
        [vec![2, u8::try_from(digits.len()).expect("33 at most")], digits].concat()
    };
    let both = [integer(&raw[..32]), integer(&raw[32..])].concat();
    [vec![0x30, u8::try_from(both.len()).expect("70 at most")], both].concat()
}
