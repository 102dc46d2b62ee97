//! Other ways in which the same JSON may have been written before it was hashed.

use serde_json::Value;

/// A body longer than this is not written again: its forms would take too much memory.
const BYTES_MAX: usize = 1024 * 1024;

/// A body in another form.
pub(super) struct Form {
    /// What it is, in English.
    pub en: String,
    /// And in Chinese.
    pub zh: String,
    pub bytes: Vec<u8>,
}

/// How white space is put between the parts.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Compact,
    /// `", "` and `": "`, as Python's default.
    Spaced,
    /// On lines of their own.
    Indented(usize),
}

/// How characters outside of ASCII and slashes are written inside strings.
#[derive(Clone, Copy)]
enum Escapes {
    AsWritten,
    /// Every character outside of ASCII as `\uXXXX`, as Python's and PHP's default.
    Ascii,
    /// That, and `\/`, as PHP's default.
    AsciiAndSlashes,
    /// None that is not needed.
    Resolved,
}

/// Forms of a body that differ from it and from each other, the likeliest first.
pub(super) fn forms(body: &[u8]) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    if body.is_empty() || body.len() > BYTES_MAX {
        return found;
    }
    let mut add = |en: &str, zh: &str, bytes: Vec<u8>| {
        if bytes != body && found.iter().all(|known| known.bytes != bytes) {
            found.push(Form { en: en.to_owned(), zh: zh.to_owned(), bytes });
        }
    };
    let trimmed = body.trim_ascii_end();
    add("the body with a line end after it", "请求体末尾多一个换行", [body, b"\n"].concat());
    add("the body without the line end after it", "请求体末尾少了换行", trimmed.to_vec());
    let text = String::from_utf8_lossy(body);
    add(
        "the body with \\r\\n for line ends",
        "请求体的换行为 \\r\\n",
        text.replace('\n', "\r\n").into_bytes(),
    );
    add("the body with \\n for line ends", "请求体的换行为 \\n", text.replace("\r\n", "\n").into_bytes());
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        // Maps are sorted by name here.
        let sorted = value.to_string();
        for (source, en, zh) in [(&*text, "", ""), (&*sorted, ", names sorted", "，字段按名称排序")] {
            for (layout, layout_en, layout_zh) in LAYOUTS {
                for (escapes, escapes_en, escapes_zh) in ESCAPES {
                    let bytes = written(source, layout, escapes).into_bytes();
                    let (en, zh) = (
                        format!("the same JSON {layout_en}{escapes_en}{en}"),
                        format!("同一 JSON 的另一种写法：{layout_zh}{escapes_zh}{zh}"),
                    );
                    add(&en, &zh, bytes);
                }
            }
        }
    }
    add("an empty body", "空请求体", Vec::new());
    found
}

const LAYOUTS: [(Layout, &str, &str); 4] = [
    (Layout::Compact, "written without spaces", "不带空格"),
    (Layout::Spaced, "written with a space after each comma and colon", "逗号和冒号后带空格"),
    (Layout::Indented(2), "written on lines indented by 2", "分行，缩进 2 格"),
    (Layout::Indented(4), "written on lines indented by 4", "分行，缩进 4 格"),
];

const ESCAPES: [(Escapes, &str, &str); 4] = [
    (Escapes::AsWritten, "", ""),
    (Escapes::Ascii, ", characters outside of ASCII as \\u…", "，非 ASCII 字符写成 \\u…"),
    (
        Escapes::AsciiAndSlashes,
        ", characters outside of ASCII as \\u… and / as \\/",
        "，非 ASCII 字符写成 \\u…，/ 写成 \\/",
    ),
    (Escapes::Resolved, ", nothing escaped that need not be", "，不做多余的转义"),
];

/// Writes well-formed JSON again. Strings and numbers keep their text, but for the escapes.
fn written(source: &str, layout: Layout, escapes: Escapes) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    let mut depth = 0_usize;
    let mut rest = source;
    let mut opened = false;
    while let Some(character) = rest.chars().next() {
        let token = if character == '"' { string_length(rest) } else { character.len_utf8() };
        let (text, after) = rest.split_at(token.min(rest.len()));
        rest = after;
        if character.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(character, '}' | ']');
        depth = depth.saturating_sub(usize::from(closes));
        if opened != closes {
            // After an opening bracket something follows, or before a closing one something stood.
            new_line(&mut out, layout, depth);
        }
        opened = matches!(character, '{' | '[');
        depth += usize::from(opened);
        match character {
            '"' => push_string(&mut out, text, escapes),
            ',' => {
                out.push(',');
                if layout == Layout::Spaced {
                    out.push(' ');
                }
                new_line(&mut out, layout, depth);
            }
            ':' => out.push_str(if layout == Layout::Compact { ":" } else { ": " }),
            _ => out.push_str(text),
        }
    }
    out
}

fn new_line(out: &mut String, layout: Layout, depth: usize) {
    if let Layout::Indented(by) = layout {
        out.push('\n');
        out.push_str(&" ".repeat(by * depth));
    }
}

/// The length of the string that a text begins with, its quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = true; // the first quote opens
    for (at, byte) in text.bytes().enumerate() {
        match (escaped, byte) {
            (false, b'"') => return at + 1,
            (false, b'\\') => escaped = true,
            _ => escaped = false,
        }
    }
    text.len()
}

fn push_string(out: &mut String, token: &str, escapes: Escapes) {
    let resolved = || serde_json::from_str::<String>(token).ok();
    match (escapes, resolved()) {
        (Escapes::AsWritten, _) | (_, None) => out.push_str(token),
        (Escapes::Resolved, Some(text)) => out.push_str(&serde_json::to_string(&text).unwrap_or_default()),
        (Escapes::Ascii, Some(text)) => out.push_str(&ascii(&text)),
        (Escapes::AsciiAndSlashes, Some(text)) => out.push_str(&ascii(&text).replace('/', "\\/")),
    }
}

fn ascii(text: &str) -> String {
    let mut out = String::new();
    for character in serde_json::to_string(text).unwrap_or_default().chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACED: &str = "{\"b\": [1, 2.50, {}], \"a\": \"茶/\\\"\\u00e9\"}";

    #[test]
    fn the_same_json_is_written_in_every_form() {
        let all = forms(SPACED.as_bytes());
        let has = |text: &str| all.iter().any(|form| form.bytes == text.as_bytes());
        for text in [
            "{\"b\":[1,2.50,{}],\"a\":\"茶/\\\"\\u00e9\"}",
            "{\"b\":[1,2.50,{}],\"a\":\"\\u8336/\\\"\\u00e9\"}",
            "{\"b\":[1,2.50,{}],\"a\":\"\\u8336\\/\\\"\\u00e9\"}",
            "{\"b\":[1,2.50,{}],\"a\":\"茶/\\\"é\"}",
            "{\"b\": [1, 2.50, {}], \"a\": \"\\u8336/\\\"\\u00e9\"}",
            "{\n  \"b\": [\n    1,\n    2.50,\n    {}\n  ],\n  \"a\": \"茶/\\\"\\u00e9\"\n}",
            "{\"a\": \"\\u8336/\\\"\\u00e9\", \"b\": [1, 2.5, {}]}",
            "",
        ] {
            assert!(has(text), "{text}");
        }
        assert!(has(&format!("{SPACED}\n")) && !has(SPACED));
        for form in &all {
            assert!(!form.en.is_empty() && !form.zh.is_empty());
        }
    }

    /// What python3 -c 'json.dumps(…, indent=2)' prints, and a body that is no JSON.
    #[test]
    fn nested_and_malformed() {
        let nested = "{\"a\":{\"b\":[{\"c\":null}]},\"d\":[],\"e\":{}}";
        let indented = written(nested, Layout::Indented(2), Escapes::AsWritten);
        let expected = "{\n  \"a\": {\n    \"b\": [\n      {\n        \"c\": null\n      }\n    ]\n  },\n  \"d\": [],\n  \"e\": {}\n}";
        assert_eq!(indented, expected);
        assert_eq!(written(&indented, Layout::Compact, Escapes::AsWritten), nested);
        let broken: Vec<Vec<u8>> = forms(b"{\"a\": \"x\r\n").into_iter().map(|form| form.bytes).collect();
        assert!(broken.contains(&b"{\"a\": \"x\n".to_vec()));
        assert!(forms(b"").is_empty() && forms(&vec![b' '; BYTES_MAX + 1]).is_empty());
        assert!(!forms(b"\xff\xfe{").is_empty());
        assert_eq!(string_length("\"a\\\"b\" c"), 6);
        assert_eq!(string_length("\"open"), 5);
    }
}
