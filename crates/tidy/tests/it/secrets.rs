//! No secret is committed: no private key, and no word that is made like a token. What looks like one in tests and pages is named here.

use crate::none;
use crate::tree::{File, files};
use std::collections::BTreeSet;

/// What a secret begins with, what it goes on with, and from how many such characters on it is one.
struct Shape {
    name: &'static str,
    begins: &'static str,
    goes_on: fn(char) -> bool,
    chars_min: usize,
}

fn base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/-_".contains(c)
}

fn alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

const fn shape(
    name: &'static str,
    begins: &'static str,
    goes_on: fn(char) -> bool,
    chars_min: usize,
) -> Shape {
    Shape { name, begins, goes_on, chars_min }
}

/// Ours, and those of services whose keys end up in repositories most often.
const SHAPES: [Shape; 11] = [
    shape("a bearer key of the sandbox", "fqsk_sandbox_", base64, 40),
    shape("a bearer key of live", "fqsk_live_", base64, 20),
    shape("a webhook secret", "whsec_", base64, 30),
    shape("a master key", "feiqian-master-key-v1:", base64, 40),
    shape("a private key", "MC4CAQAwBQYDK2Vw", base64, 30),
    shape("an AWS key", "AKIA", alphanumeric, 16),
    shape("a GitHub token", "ghp_", alphanumeric, 36),
    shape("a GitHub token", "github_pat_", base64, 40),
    shape("a Slack token", "xoxb-", base64, 20),
    shape("a Stripe key", "sk_live_", alphanumeric, 16),
    shape("a JSON web token", "eyJhbGciOi", base64, 60),
];

/// Lines with which a private key begins in PEM, whatever its kind.
const PEM: [&str; 2] = ["-----BEGIN ", "PRIVATE KEY-----"];

const MADE_UP: &str = "made up for this test: no installation knows it";
const DOCUMENTED: &str = "an example of the documentation, which tests compute again";
const OLD_INSTALLATION: &str = "of the installation from which the test of the upgrade begins";

/// What looks like a secret and is none: the file, or a folder with its slash, the kind, and why.
const KNOWN: &[(&str, &str, &str)] = &[
    ("crates/api/src/openapi/examples/WebhookEndpoint.json", "a webhook secret", DOCUMENTED),
    ("crates/crypto/src/webhook.rs", "a webhook secret", "the vector of the Standard Webhooks specification"),
    ("crates/crypto/tests/it/rfc9421.rs", "a private key", "test-key-ed25519 of RFC 9421, appendix B"),
    ("crates/server/src/commands/listen/forward.rs", "a bearer key of the sandbox", MADE_UP),
    ("crates/server/src/commands/listen/forward.rs", "a webhook secret", MADE_UP),
    ("crates/server/tests/fixtures/schema-0001/", "a master key", OLD_INSTALLATION),
    ("crates/server/tests/fixtures/schema-0001/", "a bearer key of the sandbox", OLD_INSTALLATION),
    ("crates/server/tests/fixtures/schema-0001/", "a webhook secret", OLD_INSTALLATION),
    ("crates/server/tests/it/authorization/callers.rs", "a bearer key of the sandbox", MADE_UP),
    ("crates/server/tests/it/authorization/callers.rs", "a bearer key of live", MADE_UP),
    ("crates/server/tests/it/cases_b/credentials.rs", "a bearer key of the sandbox", MADE_UP),
    ("crates/server/tests/it/cases_b/live.rs", "a bearer key of live", MADE_UP),
    ("docs/signing.md", "a private key in PEM", DOCUMENTED),
    ("docs/signing.md", "a private key", DOCUMENTED),
    ("docs/signing.zh-CN.md", "a private key in PEM", DOCUMENTED),
    ("docs/signing.zh-CN.md", "a private key", DOCUMENTED),
    ("docs/webhooks.md", "a webhook secret", DOCUMENTED),
    ("docs/webhooks.zh-CN.md", "a webhook secret", DOCUMENTED),
    ("fuzz/seeds/bearer_token/", "a bearer key of live", MADE_UP),
    ("fuzz/seeds/bearer_token/", "a bearer key of the sandbox", MADE_UP),
    ("fuzz/seeds/master_key_file/", "a master key", MADE_UP),
    ("fuzz/seeds/private_key/", "a private key in PEM", MADE_UP),
    ("fuzz/seeds/private_key/", "a private key", MADE_UP),
    ("fuzz/seeds/webhook_signature/", "a webhook secret", MADE_UP),
    ("openapi/feiqian.json", "a webhook secret", DOCUMENTED),
];

/// Whether a block of PEM follows: its line ends, and a line of base64 comes after.
fn is_private_pem(line: &str, next: Option<&str>) -> bool {
    let [begin, end] = PEM;
    let stands_alone = line.trim().starts_with(begin) && line.trim().ends_with(end);
    stands_alone
        && next.is_some_and(|next| {
            next.trim().len() > 30 && next.trim().trim_end_matches('=').chars().all(base64)
        })
}

/// The kinds of secrets in a text, each with its line.
fn found_in(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if is_private_pem(line, lines.get(at + 1).copied()) {
            found.push((at + 1, "a private key in PEM"));
        }
        for shape in &SHAPES {
            let long =
                |rest: &str| rest.chars().take_while(|c| (shape.goes_on)(*c)).count() >= shape.chars_min;
            // At the beginning of a word: what ends in the same letters is another shape.
            let is_word = |at: usize| !line.get(..at).is_some_and(|before| before.ends_with(alphanumeric));
            let mut places = line.match_indices(shape.begins).filter(|(at, _)| is_word(*at));
            if places.any(|(at, begins)| line.get(at + begins.len()..).is_some_and(long)) {
                found.push((at + 1, shape.name));
            }
        }
    }
    found
}

/// The entry of [`KNOWN`] that excuses a kind of secret in a file.
fn known(file: &File, kind: &str) -> Option<usize> {
    let is_of = |path: &str| path == file.path || path.ends_with('/') && file.path.starts_with(path);
    KNOWN.iter().position(|(path, known, _)| is_of(path) && *known == kind)
}

#[test]
fn secrets_are_known_by_their_shape() {
    let planted = |begins: &str, more: &str| format!("let x = \"{begins}{}\";", more.repeat(200));
    for shape in &SHAPES {
        let kinds: Vec<&str> =
            found_in(&planted(shape.begins, "A1b2C3")).into_iter().map(|(_, kind)| kind).collect();
        assert!(kinds.contains(&shape.name), "{}: {kinds:?}", shape.name);
        assert_eq!(found_in(&planted(shape.begins, "…")), [], "{} in a sentence", shape.name);
    }
    let [begin, end] = PEM;
    let key = format!("a\n  {begin}EC {end}\n  {}\n", "MHcCAQEEI".repeat(7));
    assert_eq!(found_in(&key), [(2, "a private key in PEM")]);
    assert_eq!(found_in(&format!("{begin}{end}\n…\n")), []);
}

#[test]
fn no_secret_is_committed() {
    let files = files();
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for file in &files {
        for (line, kind) in found_in(&file.text) {
            let entry = known(file, kind);
            used.extend(entry);
            if entry.is_none() {
                wrong.push(format!("{}:{line}: {kind}: if it is none, KNOWN takes the reason", file.path));
            }
        }
    }
    let idle = KNOWN.iter().enumerate().filter(|(entry, _)| !used.contains(entry));
    wrong
        .extend(idle.map(|(_, (path, kind, _))| format!("KNOWN names {kind} in {path}, which is not there")));
    none(wrong);
}
