//! The forms in which bytes can come out of a program, and a search for all of them in one pass.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::collections::{BTreeSet, HashMap};

/// Fewer bytes would be found by chance.
const BYTES_MIN: usize = 8;
/// What a needle is looked up by: its first bytes.
const HEAD: usize = 4;

/// A needle, what it stands for, and in which form.
struct Needle {
    bytes: Vec<u8>,
    mark: String,
    form: &'static str,
}

/// All marks of a scan.
#[derive(Default)]
pub struct Marks {
    needles: Vec<Needle>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
    names: BTreeSet<String>,
}

/// What stands in the middle of base64, whatever stands before: for each of three offsets the characters that only `bytes` decide.
fn base64_cores(bytes: &[u8], encode: impl Fn(&[u8]) -> String) -> Vec<Vec<u8>> {
    let core = |offset: usize| {
        let text = encode(&[vec![0; offset], bytes.to_vec()].concat());
        let (first, whole) = ((offset * 8).div_ceil(6), (offset + bytes.len()) * 8 / 6);
        text.as_bytes()[first..whole].to_vec()
    };
    (0..3).map(core).collect()
}

fn listed(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = crypto::hex(bytes);
    let percent = |upper: bool| {
        let byte = |byte: &u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        bytes.iter().map(byte).collect::<String>().into_bytes()
    };
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("in hex", hex.to_lowercase().into_bytes()),
        ("in HEX", hex.to_uppercase().into_bytes()),
        ("percent-encoded", percent(true)),
        ("percent-encoded in small letters", percent(false)),
        ("as a list of numbers", listed(bytes).into_bytes()),
        ("in UTF-16", bytes.iter().flat_map(|byte| [*byte, 0]).collect()),
    ];
    forms.extend(
        base64_cores(bytes, |bytes| STANDARD.encode(bytes)).into_iter().map(|core| ("in base64", core)),
    );
    forms.extend(
        base64_cores(bytes, |bytes| URL_SAFE.encode(bytes)).into_iter().map(|core| ("in base64url", core)),
    );
    if let Ok(text) = std::str::from_utf8(bytes) {
        let quoted = serde_json::Value::from(text).to_string();
        forms.push(("in a JSON text", quoted.trim_matches('"').as_bytes().to_vec()));
        // What a form or a query makes of it.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let query = |c: char| {
            if plain(c) {
                c.to_string()
            } else {
                c.to_string().bytes().map(|b| format!("%{b:02X}")).collect()
            }
        };
        forms.push(("in a query", text.chars().map(query).collect::<String>().into_bytes()));
    }
    forms
}

impl Marks {
    /// Adds something that must not come out.
    pub fn add(&mut self, mark: &str, bytes: &[u8]) {
        assert!(bytes.len() >= BYTES_MIN, "{mark} would be found by chance");
        self.names.insert(mark.to_owned());
        let mut known = BTreeSet::new();
        for (form, bytes) in forms(bytes) {
            if bytes.len() >= BYTES_MIN && known.insert(bytes.clone()) {
                let head = *bytes.first_chunk::<HEAD>().expect("long enough");
                self.by_head.entry(head).or_default().push(self.needles.len());
                self.needles.push(Needle { bytes, mark: mark.to_owned(), form });
            }
        }
    }

    /// How many things are looked for.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// What is found in some bytes: the mark and its form.
    pub fn found_in(&self, haystack: &[u8]) -> Vec<String> {
        let mut found = BTreeSet::new();
        for at in 0..haystack.len().saturating_sub(HEAD - 1) {
            let rest = &haystack[at..];
            let Some(needles) = rest.first_chunk::<HEAD>().and_then(|head| self.by_head.get(head)) else {
                continue;
            };
            for needle in needles.iter().map(|index| &self.needles[*index]) {
                if rest.starts_with(&needle.bytes) {
                    found.insert(format!("{} {}", needle.mark, needle.form));
                }
            }
        }
        found.into_iter().collect()
    }
}

#[test]
fn a_mark_is_found_in_each_of_its_forms() {
    let secret = "MARKED/se?c?r>e?t>+of \"mine\"\n";
    let mut marks = Marks::default();
    marks.add("it", secret.as_bytes());
    let raw = secret.as_bytes();
    let debug = format!("{raw:?}");
    let basic = STANDARD.encode(format!("merchant:{secret}"));
    let json = serde_json::json!({ "a": { "b": secret } }).to_string();
    let twice = serde_json::json!({ "body": format!("x{secret}y") }).to_string();
    let url = url::form_urlencoded::byte_serialize(raw).collect::<String>().replace('+', "%20");
    for (what, text) in [
        ("as it is", secret.to_owned()),
        ("as a list of numbers", debug),
        ("in base64", format!("Basic {basic}")),
        ("in base64", STANDARD.encode(secret)),
        ("in base64url", URL_SAFE.encode(format!("xx{secret}"))),
        ("in a JSON text", json),
        ("in a JSON text", twice),
        ("in hex", crypto::hex(raw)),
        ("in HEX", crypto::hex(raw).to_uppercase()),
        ("in a query", format!("/x?key={url}")),
    ] {
        let found = marks.found_in(format!("{{\"level\":\"DEBUG\",\"m\":{text}}}\n").as_bytes());
        assert!(found.iter().any(|found| found == &format!("it {what}")), "{what}: {text}: {found:?}");
    }
    assert_eq!(marks.found_in(b"MARKED/se?c?r>e?t>+of mine, TUFSS0VE"), Vec::<String>::new());
}
