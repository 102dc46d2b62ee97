//! What happened, as text that is the same whenever the seed is run again: ids and secrets are named in the order in which they
//! appear.

use std::collections::HashMap;

/// A history in the making.
#[derive(Default)]
pub struct History {
    kept: bool,
    lines: Vec<String>,
    names: HashMap<String, String>,
    counts: HashMap<String, usize>,
}

impl History {
    /// One that is kept as text, or one that is only passed through.
    pub fn new(kept: bool) -> History {
        History { kept, ..History::default() }
    }

    /// Adds a line; the text is made only when it is kept.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if self.kept {
            let line = self.plain(&line());
            self.lines.push(line);
        }
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The digest of the whole.
    pub fn digest(&self) -> String {
        crypto::hex(&crypto::sha256(self.lines.join("\n").as_bytes()))
    }

    /// Names for whatever is random outside the seed.
    fn plain(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars().chain(['\n']) {
            let of_secret = is_drawn(&word) && matches!(c, '+' | '/' | '=');
            if c.is_ascii_alphanumeric() || c == '_' || c == '-' || of_secret {
                word.push(c);
                continue;
            }
            out.push_str(&self.name(&word));
            word.clear();
            out.push(c);
        }
        out.pop();
        out
    }

    fn name(&mut self, word: &str) -> String {
        let is_secret = word.starts_with("fqsk_") || is_drawn(word);
        let is_id = word.split_once('_').is_some_and(|(kind, rest)| {
            kind.len() == 3 && rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if !is_secret && !is_id {
            return word.to_owned();
        }
        if let Some(name) = self.names.get(word) {
            return name.clone();
        }
        let kind = word.split('_').next().filter(|kind| kind.len() <= 5).unwrap_or("key").to_owned();
        let count = self.counts.entry(kind.clone()).or_insert(0);
        *count += 1;
        let name = format!("{kind}#{count}");
        self.names.insert(word.to_owned(), name.clone());
        name
    }
}

/// Secrets of endpoints and public keys, in base64.
fn is_drawn(word: &str) -> bool {
    word.starts_with("whsec_") || word.contains("MCowBQYDK2VwAyEA")
}
