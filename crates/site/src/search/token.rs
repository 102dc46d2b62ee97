//! Words of texts and queries. Latin words are lower-cased and lose their plural; names such as `merchant_order_no`,
//! `payment.succeeded` and `/v1/refunds` are one word and also their parts; Chinese is cut into pairs of characters, for it
//! has no spaces.

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub text: String,
    /// A whole name with its marks, of which the parts follow as words of their own.
    pub is_name: bool,
    /// A part of the name before it.
    pub is_part: bool,
    /// A pair of Chinese characters, or a lone one.
    pub is_pair: bool,
}

/// Words of questions that say nothing about the answer.
const EMPTY_WORDS: [&str; 24] = [
    "a", "an", "and", "are", "can", "do", "does", "for", "how", "i", "in", "is", "it", "my", "of", "on",
    "or", "the", "to", "what", "when", "why", "with", "you",
];

pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

fn is_inner(c: char) -> bool {
    matches!(c, '_' | '.' | '-' | '/' | '{' | '}')
}

/// The words of a text, in order.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if is_han(first) {
            let length = run(rest, is_han);
            pairs(rest.get(..length).unwrap_or_default(), &mut found);
            length
        } else if first.is_alphanumeric() || first == '/' || first == '_' {
            let length = run(rest, |c| !is_han(c) && (c.is_alphanumeric() || is_inner(c)));
            word(rest.get(..length).unwrap_or_default(), &mut found);
            length
        } else {
            first.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn pairs(run: &str, found: &mut Vec<Token>) {
    let characters: Vec<char> = run.chars().collect();
    let push = |text: String, found: &mut Vec<Token>| {
        found.push(Token { text, is_name: false, is_part: false, is_pair: true })
    };
    match characters.as_slice() {
        [alone] => push(alone.to_string(), found),
        several => several.windows(2).for_each(|pair| push(pair.iter().collect(), found)),
    }
}

fn word(run: &str, found: &mut Vec<Token>) {
    let name = run.trim_matches(|c| matches!(c, '.' | '-' | '/' | '{' | '}')).to_lowercase();
    let parts: Vec<&str> = name.split(is_inner).filter(|part| !part.is_empty()).collect();
    let is_part = parts.len() > 1;
    if is_part {
        found.push(Token { text: name.clone(), is_name: true, is_part: false, is_pair: false });
    }
    let plain = parts.iter().map(|part| Token { text: stem(part), is_name: false, is_part, is_pair: false });
    found.extend(plain);
}

/// A word without its plural.
fn stem(word: &str) -> String {
    let stemmed = match word {
        word if word.len() > 4 && word.ends_with("ies") => {
            return format!("{}y", word.trim_end_matches("ies"));
        }
        word if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") => {
            word.trim_end_matches('s')
        }
        word => word,
    };
    stemmed.to_owned()
}

/// The words of a query that count.
pub(super) fn query_tokens(query: &str) -> Vec<Token> {
    let all = tokens(query);
    let counts = |token: &Token| !EMPTY_WORDS.contains(&token.text.as_str());
    if all.iter().any(counts) { all.into_iter().filter(counts).collect() } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_names_and_pairs() {
        let texts = |text: &str| tokens(text).into_iter().map(|token| token.text).collect::<Vec<_>>();
        assert_eq!(texts("Refunds, keys."), ["refund", "key"]);
        assert_eq!(texts("merchant_order_no"), ["merchant_order_no", "merchant", "order", "no"]);
        assert_eq!(texts("payment.succeeded!"), ["payment.succeeded", "payment", "succeeded"]);
        assert_eq!(texts("/v1/payments/{id}"), ["v1/payments/{id", "v1", "payment", "id"]);
        assert_eq!(texts("部分退款 API"), ["部分", "分退", "退款", "api"]);
        assert_eq!(texts("钱"), ["钱"]);
        assert_eq!(texts("status policies"), ["status", "policy"]);
        let query: Vec<_> = query_tokens("how do I refund").into_iter().map(|token| token.text).collect();
        assert_eq!(query, ["refund"]);
        assert_eq!(query_tokens("what is it").len(), 3);
    }
}
