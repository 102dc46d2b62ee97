//! What `sign explain` answers, for people and for programs.

use super::forms::Form;
use super::sent::Answer;
use crypto::signature::explain::{Difference, Finding, Mistake};
use serde_json::{Value, json};

/// Everything there is to say about a request.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What is wrong, in the order of the server's checks.
    pub said: Vec<Said>,
    /// The signature base that the server computes.
    pub signature_base: Option<String>,
    /// Whether the signature verifies over it; `None`: no key was at hand.
    pub verified: Option<bool>,
    /// What was assumed and what could not be judged.
    pub notes: Vec<String>,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Said {
    /// The code that the server answers.
    pub code: String,
    /// The mistake's stable name.
    cause: String,
    detail: String,
    detail_zh: String,
    /// In what the first byte differs, and where.
    difference: Option<(&'static str, Difference)>,
}

impl Said {
    pub fn new(code: &str, cause: &str, detail: String, detail_zh: String) -> Said {
        Said { code: code.to_owned(), cause: cause.to_owned(), detail, detail_zh, difference: None }
    }

    /// A finding; `forms` are the other bodies that were handed in.
    pub fn of(finding: &Finding, forms: &[Form]) -> Said {
        let (mut detail, mut detail_zh) = (finding.detail(), finding.detail_zh());
        let form = match &finding.mistake {
            Some(Mistake::OtherBody(at)) => forms.get(*at),
            _ => None,
        };
        if let Some(form) = form {
            detail.push_str(&format!(". What was hashed is {}", form.en));
            detail_zh.push_str(&format!("。实际计算的是：{}", form.zh));
        }
        let of = if finding.problem.is_some() { "body" } else { "signature_base" };
        let difference = finding.difference.clone().map(|difference| (of, difference));
        Said { difference, ..Said::new(finding.code.as_str(), finding.cause(), detail, detail_zh) }
    }

    /// What the server said and nothing here explains further.
    pub fn answered(answer: &Answer) -> Said {
        let detail = format!("the server answered: {}", answer.detail);
        Said::new(&answer.code, &answer.code, detail, format!("服务器的应答：{}", answer.detail))
    }

    fn to_json(&self) -> Value {
        let difference = self.difference.as_ref().map(|(of, found)| {
            let side =
                |byte: Option<u8>, line: &[u8]| json!({"byte": byte, "line": String::from_utf8_lossy(line)});
            json!({
                "in": of,
                "offset": found.offset,
                "line": found.line,
                "column": found.column,
                "server": side(found.server_byte, &found.server_line),
                "client": side(found.client_byte, &found.client_line),
            })
        });
        json!({
            "code": self.code,
            "cause": self.cause,
            "detail": self.detail,
            "detail_zh": self.detail_zh,
            "difference": difference,
        })
    }

    fn to_text(&self) -> String {
        let mut text = format!("{} · {}\n  {}\n  {}", self.code, self.cause, self.detail, self.detail_zh);
        if let Some((of, found)) = &self.difference {
            let (place, server, client) = match *of {
                "body" => ("body", "sent  ", "hashed"),
                _ => ("signature base", "server", "yours "),
            };
            text += &format!(
                "\n  first differing byte of the {place}: {}, at line {}, column {} 首个不同的字节\n    {server}  {}\n    {client}  {}\n            {}^ \
                 {} | {}",
                found.offset,
                found.line,
                found.column,
                visible(&found.server_line),
                visible(&found.client_line),
                " ".repeat(width_before(found)),
                named(found.server_byte),
                named(found.client_byte),
            );
        }
        text
    }
}

/// How many characters stand before the first difference on its line.
fn width_before(found: &Difference) -> usize {
    let before = found.server_line.get(..found.column.saturating_sub(1)).unwrap_or(&found.server_line);
    visible(before).chars().count()
}

/// A line with its control characters shown.
fn visible(line: &[u8]) -> String {
    let mut out = String::new();
    for character in String::from_utf8_lossy(line).chars() {
        if character.is_control() { out.extend(character.escape_default()) } else { out.push(character) }
    }
    out
}

fn named(byte: Option<u8>) -> String {
    match byte {
        None => "end of text".to_owned(),
        Some(byte) if byte.is_ascii_graphic() => format!("{} (0x{byte:02x})", char::from(byte)),
        Some(byte) if byte.is_ascii() => format!("{} (0x{byte:02x})", char::from(byte).escape_default()),
        Some(byte) => format!("0x{byte:02x}"),
    }
}

impl Report {
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// `None`: nothing is wrong as far as can be seen, but the signature itself could not be judged.
    fn is_right(&self) -> Option<bool> {
        match (self.said.is_empty(), self.verified) {
            (false, _) => Some(false),
            (true, Some(_)) => Some(true),
            (true, None) => None,
        }
    }

    pub fn to_json(&self) -> Value {
        json!({
            "object": "signature_explanation",
            "right": self.is_right(),
            "findings": self.said.iter().map(Said::to_json).collect::<Vec<_>>(),
            "signature_base": self.signature_base,
            "notes": self.notes,
        })
    }

    pub fn to_text(&self) -> String {
        let mut parts: Vec<String> = self.said.iter().map(Said::to_text).collect();
        parts.extend(match self.is_right() {
            Some(true) => Some(
                "The signature is right. 签名正确。\n  If it was refused nevertheless: the nonce was used before, it came more than 300 s after \
                 created, or the key was revoked.\n  若仍被拒绝：nonce 已用过，或到达时距 created 超过 300 秒，或密钥已吊销。"
                    .to_owned(),
            ),
            None => Some(
                "Nothing is wrong as far as can be seen. 未发现错误。\n  To judge the signature itself, name the key by --key, public or private, or what \
                 your program signed by --base.\n  要检查签名本身，请用 --key 指明公钥或私钥，或用 --base 指明程序所签的原文。"
                    .to_owned(),
            ),
            Some(false) => None,
        });
        if let Some(base) = &self.signature_base {
            parts.push(format!(
                "Signature base as the server computes it, {} bytes 服务器的待签名串\n{base}",
                base.len()
            ));
        }
        if !self.notes.is_empty() {
            parts.push(format!("Notes 说明\n  {}", self.notes.join("\n  ")));
        }
        parts.join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_lines_are_shown_as_they_are() {
        assert_eq!(named(None), "end of text");
        assert_eq!(named(Some(b'a')), "a (0x61)");
        assert_eq!(named(Some(b'\n')), "\\n (0x0a)");
        assert_eq!(named(Some(0xe8)), "0xe8");
        assert_eq!(visible(b"a\r\tb"), "a\\r\\tb");
        let found = Difference::first("键a".as_bytes(), "键b".as_bytes()).unwrap();
        assert_eq!(width_before(&found), 1);
    }
}
