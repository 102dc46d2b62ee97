//! Colours in blocks of code: comments, strings, names of members, numbers and keywords of the languages that the pages use.
//! A few rules for all of them; what they can't tell stays plain.

use crate::text::escape;

struct Language {
    names: &'static [&'static str],
    /// What begins a comment that ends with its line.
    comments: &'static [&'static str],
    keywords: &'static [&'static str],
    /// Which characters enclose strings.
    quotes: &'static [char],
}

const LANGUAGES: &[Language] = &[
    Language { names: &["json"], comments: &[], keywords: &["true", "false", "null"], quotes: &['"'] },
    Language {
        names: &["sh", "bash"],
        comments: &["# "],
        keywords: &["if", "then", "else", "fi", "for", "in", "do", "done", "while", "case", "esac", "export"],
        quotes: &['"', '\''],
    },
    Language {
        names: &["toml", "ini", "yaml"],
        comments: &["#"],
        keywords: &["true", "false"],
        quotes: &['"', '\''],
    },
    Language {
        names: &["python"],
        comments: &["#"],
        keywords: &[
            "def", "return", "if", "elif", "else", "for", "in", "not", "and", "or", "import", "from",
            "class", "with", "as", "while", "try", "except", "raise", "True", "False", "None", "is",
            "lambda",
        ],
        quotes: &['"', '\''],
    },
    Language {
        names: &["js", "javascript", "java", "php", "rust"],
        comments: &["//"],
        keywords: &[
            "const", "let", "var", "function", "return", "if", "else", "for", "of", "new", "await", "async",
            "import", "from", "export", "class", "public", "static", "final", "void", "true", "false",
            "null", "fn", "use", "match", "try", "catch", "throw",
        ],
        quotes: &['"', '\'', '`'],
    },
    Language {
        names: &["http"],
        comments: &["###", "# "],
        keywords: &["GET", "POST", "PATCH", "DELETE"],
        quotes: &['"'],
    },
];

/// The block as HTML; a language that is not known stays plain.
pub(crate) fn highlight(language: &str, code: &str) -> String {
    let Some(known) = LANGUAGES.iter().find(|known| known.names.contains(&language)) else {
        return escape(code);
    };
    let mut out = String::with_capacity(code.len() * 2);
    let mut rest = code;
    let mut before = '\n';
    while let Some(first) = rest.chars().next() {
        let (class, length) = token(known, rest, first, before);
        let (piece, after) = rest.split_at(length);
        match class {
            "" => out.push_str(&escape(piece)),
            class => {
                out.push_str(&format!("<span class=\"{class}\">{}</span>", escape(piece)));
            }
        }
        before = piece.chars().next_back().unwrap_or(before);
        rest = after;
    }
    out
}

/// The class and the length in bytes of what comes next.
fn token(language: &Language, rest: &str, first: char, before: char) -> (&'static str, usize) {
    let begins_comment = language.comments.iter().any(|mark| rest.starts_with(mark));
    if begins_comment && (before == '\n' || before == ' ') {
        return ("hc", rest.find('\n').unwrap_or(rest.len()));
    }
    if language.quotes.contains(&first) {
        let length = string_length(rest, first);
        let is_member =
            rest.get(length..).is_some_and(|after| after.trim_start_matches(' ').starts_with(':'));
        let is_json = language.names.contains(&"json");
        return (if is_json && is_member { "hp" } else { "hs" }, length);
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if is_word(first) {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let stands_alone = !is_word(before) && before != '-' && before != '.';
        if language.keywords.contains(&word) && stands_alone {
            return ("hk", length);
        }
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        // In a shell everything is text.
        let has_numbers = !language.names.contains(&"sh") && !language.names.contains(&"http");
        return (if is_number && stands_alone && has_numbers { "hn" } else { "" }, length);
    }
    ("", first.len_utf8())
}

/// To the closing quote, or to the end of the text when there is none: strings of the shell span lines.
fn string_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_coloured_and_nothing_of_it_is_lost() {
        for (language, code, wanted) in [
            ("json", r#"{"a": 1}"#, r#"{<span class="hp">&quot;a&quot;</span>: <span class="hn">1</span>}"#),
            ("sh", "a # b\n", "a <span class=\"hc\"># b</span>\n"),
            ("sh", "echo 'x # y'", "echo <span class=\"hs\">&#39;x # y&#39;</span>"),
            ("python", "if x:", "<span class=\"hk\">if</span> x:"),
            ("json", "\"open", "<span class=\"hs\">&quot;open</span>"),
            ("text", "<if>", "&lt;if&gt;"),
            ("sh", "飞钱 \"钱\"", "飞钱 <span class=\"hs\">&quot;钱&quot;</span>"),
        ] {
            assert_eq!(highlight(language, code), wanted, "{code}");
        }
    }
}
