//! The sentences of the OpenAPI document in Chinese, by their English.

use crate::text::Lang;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex, PoisonError};

static CHINESE: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| serde_json::from_str(include_str!("chinese.json")).unwrap_or_default());

/// Gives sentences in one language and remembers which were asked for.
pub(super) struct Translator {
    lang: Lang,
    asked: Mutex<BTreeSet<String>>,
}

impl Translator {
    pub(super) fn new(lang: Lang) -> Translator {
        Translator { lang, asked: Mutex::new(BTreeSet::new()) }
    }

    /// The text, paragraph by paragraph; English where the table has none, which a test finds.
    pub(super) fn text(&self, english: &str) -> String {
        let paragraphs = english.split("\n\n").map(|part| self.paragraph(part));
        paragraphs.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    fn paragraph(&self, english: &str) -> String {
        let english = english.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.lang == Lang::En || is_code(&english) {
            return english;
        }
        if let Some(permission) = english.strip_prefix("Permission: ") {
            return format!("所需权限：{}。", permission.trim_end_matches('.'));
        }
        let chinese = CHINESE.get(&english).filter(|chinese| !chinese.is_empty()).cloned();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(english.clone());
        chinese.unwrap_or(english)
    }

    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Nothing, or one piece of code and nothing beside it.
fn is_code(text: &str) -> bool {
    let inner = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    text.is_empty() || inner.is_some_and(|inner| !inner.contains('`'))
}

/// Compares the table with the sentences that the pages use; see the test.
#[cfg(test)]
pub(super) fn check(asked: &BTreeSet<String>) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs/reference/chinese.json");
        let table: BTreeMap<&String, &str> =
            asked.iter().map(|english| (english, CHINESE.get(english).map_or("", String::as_str))).collect();
        std::fs::write(&path, serde_json::to_string_pretty(&table).unwrap() + "\n").unwrap();
    }
    let lacking: Vec<&String> =
        asked.iter().filter(|english| CHINESE.get(*english).is_none_or(String::is_empty)).collect();
    assert!(
        lacking.is_empty(),
        "crates/api/src/docs/reference/chinese.json lacks the Chinese of these sentences (`make docs` adds their lines):\n{lacking:#?}"
    );
    let idle: Vec<&String> = CHINESE.keys().filter(|english| !asked.contains(*english)).collect();
    assert!(
        idle.is_empty(),
        "chinese.json has sentences that no page uses (`make docs` removes them):\n{idle:#?}"
    );
}
