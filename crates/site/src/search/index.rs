//! The index: which sections hold a word, and how much it says about them.

use super::token::{Token, query_tokens, tokens};
use super::{Hit, Section};
use std::collections::{BTreeMap, HashMap};

/// A longer query is cut.
const QUERY_CHARACTERS_MAX: usize = 120;
/// More words of a query are not looked at.
const QUERY_WORDS_MAX: usize = 16;
/// Words that a beginning stands for, at most.
const COMPLETIONS_MAX: usize = 40;
/// Sections of one page among the answers.
const PER_PAGE_MAX: usize = 4;
/// Characters of an excerpt.
const EXCERPT_CHARACTERS: usize = 160;

/// How much a word says, by the place where it stands.
const OF_SUBJECT: f32 = 60.0;
const OF_TITLE: f32 = 22.0;
const OF_HEADING: f32 = 14.0;
const OF_TERM: f32 = 20.0;
/// A term that is a word of the language, too, such as `status`.
const OF_PLAIN_TERM: f32 = 8.0;
const OF_TEXT: f32 = 4.0;
/// A part of a name: `refund` of `refund_not_found`.
const OF_PART: f32 = 0.5;
/// A word that only begins as the query's does.
const OF_COMPLETION: f32 = 0.4;
/// A word that differs from the query's by one letter.
const OF_MISSPELLING: f32 = 0.3;

struct Entry {
    page: usize,
    page_title: String,
    heading: String,
    url: String,
    text: String,
}

/// The sections of one language.
#[derive(Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    /// Word → (section, weight).
    words: BTreeMap<String, Vec<(usize, f32)>>,
    pages: usize,
}

impl Index {
    /// Adds a page; pages that come first win where two are equally good.
    pub(crate) fn add(&mut self, title: &str, url: &str, sections: &[Section]) {
        for (number, section) in sections.iter().enumerate() {
            let is_head = number == 0;
            let entry = self.entries.len();
            let mut weights: HashMap<String, f32> = HashMap::new();
            let mut give = |token: Token, weight: f32| {
                let known = weights.entry(token.text).or_insert(0.0);
                *known = known.max(weight);
            };
            for code in &section.codes {
                tokens(code).into_iter().take(1).for_each(|token| give(token, OF_SUBJECT));
            }
            for term in &section.terms {
                let weigh = |token: &Token| if token.is_name { OF_TERM } else { OF_PLAIN_TERM };
                tokens(term).into_iter().take(1).for_each(|token| {
                    let weight = weigh(&token);
                    give(token, weight);
                });
            }
            let of_heading = if is_head { OF_TITLE } else { OF_HEADING };
            let heading = tokens(&section.heading);
            // The fewer words a heading has, the more it is about each of them.
            let of_heading = of_heading * (0.6 + 0.4 / (heading.len() as f32).max(1.0));
            for token in heading {
                let share = if token.is_part { OF_PART } else { 1.0 };
                give(token, of_heading * share);
            }
            let mut times: HashMap<String, f32> = HashMap::new();
            tokens(&section.text)
                .into_iter()
                .for_each(|token| *times.entry(token.text).or_insert(0.0) += 1.0);
            for (word, times) in times {
                // The tenth mention says little more than the third.
                *weights.entry(word).or_insert(0.0) += OF_TEXT * times / (times + 1.5);
            }
            for (word, weight) in weights {
                self.words.entry(word).or_default().push((entry, weight));
            }
            self.entries.push(Entry {
                page: self.pages,
                page_title: title.to_owned(),
                heading: if is_head { String::new() } else { section.heading.clone() },
                url: if is_head { url.to_owned() } else { format!("{url}#{}", section.anchor) },
                text: section.text.split_whitespace().collect::<Vec<_>>().join(" "),
            });
        }
        self.pages += 1;
    }

    /// What answers the query, best first, at most `limit`.
    pub(crate) fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        let query: String = query.chars().take(QUERY_CHARACTERS_MAX).collect();
        let words = self.wanted(&query);
        let mut scores: HashMap<usize, (f32, f32)> = HashMap::new();
        let mut importance = 0.0;
        for found in words.iter().map(|word| self.holding(word)) {
            let rarity = self.rarity(found.len());
            importance += rarity;
            for (entry, weight) in found {
                let score = scores.entry(entry).or_insert((0.0, 0.0));
                score.0 += weight * rarity;
                score.1 += rarity;
            }
        }
        let mut ranked: Vec<(f32, usize)> = scores
            .into_iter()
            .map(|(entry, (score, covered))| (score * (covered / importance).powi(2), entry))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut of_page: HashMap<usize, usize> = HashMap::new();
        let fits = |(_, entry): &(f32, usize)| {
            let count = self.entries.get(*entry).map(|entry| of_page.entry(entry.page).or_insert(0));
            count.is_some_and(|count| {
                *count += 1;
                *count <= PER_PAGE_MAX
            })
        };
        let best = ranked.into_iter().filter(fits).take(limit);
        best.filter_map(|(_, entry)| self.entries.get(entry)).map(|entry| hit(entry, &words)).collect()
    }

    /// The words to look for: of a name that some page knows only the whole, else its parts.
    fn wanted(&self, query: &str) -> Vec<String> {
        let all = query_tokens(query);
        let names: Vec<&str> = all
            .iter()
            .filter(|token| token.is_name && self.words.contains_key(&token.text))
            .map(|token| token.text.as_str())
            .collect();
        let is_part = |token: &Token| {
            names.iter().any(|name| name.split(|c: char| !c.is_alphanumeric()).any(|part| part == token.text))
        };
        let counts = |token: &&Token| {
            if token.is_name { names.contains(&token.text.as_str()) } else { !is_part(token) }
        };
        let mut wanted: Vec<String> = all.iter().filter(counts).map(|token| token.text.clone()).collect();
        // A pair across two words that no page has is no word.
        if all.iter().any(|token| token.is_pair) && wanted.iter().any(|word| self.words.contains_key(word)) {
            let is_pair = |word: &String| all.iter().any(|token| token.is_pair && token.text == *word);
            wanted
                .retain(|word| !is_pair(word) || word.chars().count() == 1 || self.words.contains_key(word));
        }
        wanted.truncate(QUERY_WORDS_MAX);
        wanted
    }

    /// Sections that hold a word, one that begins with it, or, when there is none, one that is nearly it.
    fn holding(&self, word: &str) -> HashMap<usize, f32> {
        let mut found: HashMap<usize, f32> = HashMap::new();
        let mut give = |list: &[(usize, f32)], share: f32| {
            for (entry, weight) in list {
                let best = found.entry(*entry).or_insert(0.0);
                *best = best.max(weight * share);
            }
        };
        if let Some(list) = self.words.get(word) {
            give(list, 1.0);
        }
        let longer = self.words.range(word.to_owned()..).take_while(|(known, _)| known.starts_with(word));
        for (known, list) in longer.filter(|(known, _)| *known != word).take(COMPLETIONS_MAX) {
            // The more of the word is there, the likelier it is meant.
            let share = word.chars().count() as f32 / known.chars().count() as f32;
            give(list, OF_COMPLETION * share);
        }
        if found.is_empty() && word.is_ascii() && word.len() >= 5 {
            let mut give = |list: &[(usize, f32)]| {
                for (entry, weight) in list {
                    found.insert(*entry, weight * OF_MISSPELLING);
                }
            };
            self.words.iter().filter(|(known, _)| is_near(word, known)).for_each(|(_, list)| give(list));
        }
        found
    }

    fn rarity(&self, sections: usize) -> f32 {
        (1.0 + self.entries.len() as f32 / (sections as f32 + 1.0)).ln()
    }
}

/// True when one insertion, deletion, change or swap of neighbours makes one of the other; for long words, two.
fn is_near(a: &str, b: &str) -> bool {
    let bound = if a.len() >= 9 { 2 } else { 1 };
    if !b.is_ascii() || a.len().abs_diff(b.len()) > bound {
        return false;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&last, column) + usize::from(letter != other);
            let mut cost = changed.min(at(&last, column + 1) + 1).min(at(&line, column) + 1);
            let is_swap =
                row > 0 && column > 0 && a.get(row - 1) == Some(other) && b.get(column - 1) == Some(letter);
            if is_swap {
                cost = cost.min(at(&before_last, column - 1) + 1);
            }
            line.push(cost);
        }
        before_last = std::mem::replace(&mut last, line);
    }
    last.last().is_some_and(|cost| *cost <= bound)
}

fn hit(entry: &Entry, words: &[String]) -> Hit {
    Hit {
        page: entry.page_title.clone(),
        heading: entry.heading.clone(),
        url: entry.url.clone(),
        excerpt: excerpt(&entry.text, words),
    }
}

/// Some of the text around the first word that was searched for.
fn excerpt(text: &str, words: &[String]) -> Vec<(String, bool)> {
    let lower = text.to_lowercase();
    // Lower-casing may move bytes; then there is no telling where a word stands.
    let lower = if lower.len() == text.len() { lower } else { String::new() };
    let first = words.iter().filter_map(|word| lower.find(word.as_str())).min().unwrap_or(0);
    let before: Vec<char> = text.get(..first).unwrap_or_default().chars().collect();
    let skipped: usize = before.iter().rev().take(EXCERPT_CHARACTERS / 4).map(|c| c.len_utf8()).sum();
    let begin = first.saturating_sub(skipped);
    let length: usize =
        text.get(begin..).unwrap_or_default().chars().take(EXCERPT_CHARACTERS).map(char::len_utf8).sum();
    let mut pieces: Vec<(String, bool)> = Vec::new();
    if begin > 0 {
        pieces.push(("… ".to_owned(), false));
    }
    let (mut at, end) = (begin, begin + length);
    while at < end {
        let window = lower.get(at..end).unwrap_or_default();
        let next =
            words.iter().filter_map(|word| window.find(word.as_str()).map(|found| (found, word.len()))).min();
        let Some((found, length)) = next.filter(|(_, length)| *length > 0) else { break };
        pieces.push((text.get(at..at + found).unwrap_or_default().to_owned(), false));
        pieces.push((text.get(at + found..at + found + length).unwrap_or_default().to_owned(), true));
        at += found + length;
    }
    pieces.push((text.get(at..end).unwrap_or_default().to_owned(), false));
    if end < text.len() {
        pieces.push((" …".to_owned(), false));
    }
    pieces.retain(|(text, _)| !text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(heading: &str, codes: &[&str], terms: &[&str], text: &str) -> Section {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let anchor = heading.to_lowercase().replace(' ', "-");
        Section {
            anchor,
            heading: heading.to_owned(),
            codes: owned(codes),
            terms: owned(terms),
            text: text.to_owned(),
        }
    }

    fn index() -> Index {
        let mut index = Index::default();
        index.add(
            "Refunds",
            "/refunds",
            &[
                section("Refunds", &[], &[], "Give money back. 退款原路返回。"),
                section("Partial", &[], &["fee_returned"], "Some of it: refund again and again, refund."),
            ],
        );
        index.add(
            "refund_exceeds_remaining",
            "/errors/refund_exceeds_remaining",
            &[section(
                "refund_exceeds_remaining",
                &["refund_exceeds_remaining"],
                &[],
                "More than what remains.",
            )],
        );
        index.add(
            "Webhooks",
            "/webhooks",
            &[
                section("Webhooks", &[], &[], "Refunds tell of themselves."),
                section(
                    "Order",
                    &[],
                    &["payment.succeeded"],
                    "Deliveries of one object come in order. 回调通知按顺序到达。",
                ),
            ],
        );
        index
    }

    #[test]
    fn the_section_that_defines_a_word_comes_first() {
        let index = index();
        for (query, url) in [
            ("refund", "/refunds"),
            ("refunds", "/refunds"),
            ("refund_exceeds_remaining", "/errors/refund_exceeds_remaining"),
            ("fee_returned", "/refunds#partial"),
            ("payment.succeeded", "/webhooks#order"),
            ("退款", "/refunds"),
            ("通知 顺序", "/webhooks#order"),
            ("怎么退款", "/refunds"),
            ("webhoks", "/webhooks"),
            ("deliv", "/webhooks#order"),
        ] {
            let hits = index.search(query, 5);
            assert_eq!(hits.first().map(|hit| hit.url.as_str()), Some(url), "{query}: {hits:?}");
        }
        assert!(
            index.search("", 5).is_empty()
                && index.search("zzzzzz", 5).is_empty()
                && index.search("?!", 5).is_empty()
        );
        assert!(index.search(&"退 refund ".repeat(500), 5).len() <= 5);
    }

    #[test]
    fn excerpts_mark_what_was_searched_for() {
        let hits = index().search("remains", 1);
        let marked: Vec<_> =
            hits.iter().flat_map(|hit| hit.excerpt.iter()).filter(|(_, marked)| *marked).collect();
        assert_eq!(marked, [&("remain".to_owned(), true)]);
        let long = format!("{} 退款 {}", "前".repeat(300), "后".repeat(300));
        let pieces = excerpt(&long, &["退款".to_owned()]);
        assert!(pieces.iter().any(|(text, marked)| *marked && text == "退款"));
        assert!(pieces.iter().map(|(text, _)| text.chars().count()).sum::<usize>() < 180);
    }

    #[test]
    fn near_words() {
        for (a, b, near) in [
            ("webhok", "webhook", true),
            ("refnud", "refund", true),
            ("refund", "refunds", true),
            ("refund", "payment", false),
            ("idempotancy", "idempotency", true),
        ] {
            assert_eq!(is_near(a, b), near, "{a} {b}");
        }
    }
}
