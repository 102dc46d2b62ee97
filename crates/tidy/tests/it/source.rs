//! Rust text taken apart: code, string literals and comments. As much of the lexer as the house rules need.

/// A Rust file without its comments.
pub struct Source {
    /// Code; comments and the insides of strings and characters are blank, lines are where they were.
    pub code: String,
    /// The string literals with the lines they begin on, from 1.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    /// Takes a text apart.
    pub fn of(text: &str) -> Source {
        let mut lexer =
            Lexer { rest: text, line: 1, source: Source { code: String::new(), strings: Vec::new() } };
        while !lexer.rest.is_empty() {
            lexer.step();
        }
        lexer.source
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    source: Source,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.blank(end);
        } else if self.rest.starts_with("/*") {
            self.blank(comment_length(self.rest));
        } else if let Some((open, close)) = self.raw_string() {
            let inside = self.rest.get(open..).unwrap_or_default();
            let length = inside.find(&close).unwrap_or(inside.len());
            self.string(open, length, close.len());
        } else if self.rest.starts_with('"') {
            let inside = self.rest.get(1..).unwrap_or_default();
            self.string(1, quoted_length(inside), 1);
        } else if let Some(length) = character_length(self.rest) {
            self.blank(length);
        } else {
            self.keep();
        }
    }

    /// Where the inside of a raw string begins and what ends it, if one begins here.
    fn raw_string(&self) -> Option<(usize, String)> {
        let before = self.source.code.chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') && before != Some('b') {
            return None;
        }
        let hashes = self.rest.strip_prefix('r')?;
        let count = hashes.len() - hashes.trim_start_matches('#').len();
        hashes.get(count..)?.starts_with('"').then(|| (count + 2, format!("\"{}", "#".repeat(count))))
    }

    fn string(&mut self, open: usize, length: usize, close: usize) {
        let literal = self.rest.get(open..open + length).unwrap_or_default().to_owned();
        self.source.strings.push((self.line, literal));
        self.blank(open + length + close);
    }

    fn keep(&mut self) {
        let end = self.rest.chars().next().map_or(0, char::len_utf8);
        let (taken, rest) = self.rest.split_at(end);
        self.line += taken.matches('\n').count();
        self.source.code.push_str(taken);
        self.rest = rest;
    }

    fn blank(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.source.code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }
}

/// Block comments nest.
fn comment_length(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// How far a string goes whose opening quote was taken.
fn quoted_length(inside: &str) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    inside.len()
}

/// The length of a character literal; `None` for a lifetime and everything else.
fn character_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        let first = escape.chars().next()?.len_utf8();
        return Some(1 + 1 + first + escape.get(first..)?.find('\'')? + 1);
    }
    let first = inside.chars().next()?.len_utf8();
    inside.get(first..)?.starts_with('\'').then_some(first + 2)
}

#[test]
fn strings_and_comments_are_told_from_code() {
    let text = "let a = \"x // \\\" y\"; // f64 \"no\"\n/* f64 /* nested */ */ let b: &'static str = r#\"SELECT \"1\"\"#;\nlet c = ['\"', '\\'', 'é']; f32";
    let source = Source::of(text);
    assert_eq!(source.strings, [(1, "x // \\\" y".to_owned()), (2, "SELECT \"1\"".to_owned())]);
    assert!(
        !source.code.contains("f64") && source.code.contains("f32") && source.code.contains("&'static str")
    );
    assert_eq!(source.code.lines().count(), 3);
}
