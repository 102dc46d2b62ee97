//! The reader (RFC 8259), one pass over the bytes. Its depth is bounded, so its recursion is.

use super::{DEPTH_MAX, Value};
use crate::problem::{Code, Problem};
use crate::text::Text;
use std::borrow::Cow;
use std::collections::HashSet;

/// Objects up to this many members are searched for a repeated name one by one.
const LINEAR_MAX: usize = 16;

/// Reads a body that must be one object.
///
/// # Errors
/// `malformed_json`, with the place and the reason.
pub fn parse(body: &[u8]) -> Result<Value<'_>, Problem> {
    read(body).map_err(|fault| {
        let at = fault.at;
        Problem::detailed(
            Code::MalformedJson,
            Text::made(
                format!("The body is not acceptable JSON at byte {at}: {}.", fault.en),
                format!("请求体第 {at} 字节处不是可接受的 JSON：{}。", fault.zh),
            ),
        )
    })
}

struct Fault {
    at: usize,
    en: &'static str,
    zh: &'static str,
}

fn read(body: &[u8]) -> Result<Value<'_>, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| Fault {
        at: error.valid_up_to(),
        en: "it is not UTF-8",
        zh: "不是 UTF-8 编码",
    })?;
    let mut reader = Reader { text, bytes: body, at: 0 };
    reader.space();
    let value = reader.value(1)?;
    reader.space();
    if reader.at < body.len() {
        return Err(reader.fault("there is text after the object", "对象之后还有多余内容"));
    }
    match value {
        Value::Object(_) => Ok(value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Fault { at: 0, en: "it is not an object", zh: "不是一个对象" })
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, en: &'static str, zh: &'static str) -> Fault {
        Fault { at: self.at, en, zh }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or("")
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        match self.peek() {
            Some(b'{' | b'[') if depth > DEPTH_MAX => {
                Err(self.fault("it nests more than 16 levels deep", "嵌套超过 16 层"))
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.fault("a value was expected", "此处应为一个值")),
            None => Err(self.fault("it ends too early", "内容不完整")),
        }
    }

    fn word(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, Fault> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            return Ok(value);
        }
        Err(self.fault("a value was expected", "此处应为一个值"))
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        self.at += 1;
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        let mut names: HashSet<Cow<'a, str>> = HashSet::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fault("a name in quotes was expected", "此处应为带引号的字段名"));
            }
            let start = self.at;
            let name = self.string()?;
            if is_repeated(&members, &mut names, &name) {
                return Err(Fault {
                    at: start,
                    en: "a name stands twice in an object",
                    zh: "对象中有重复的字段名",
                });
            }
            self.space();
            if !self.take(b':') {
                return Err(self.fault("a colon was expected", "此处应为冒号"));
            }
            self.space();
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.space();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.fault("a comma or a closing brace was expected", "此处应为逗号或右花括号"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(self.fault("a comma or a closing bracket was expected", "此处应为逗号或右方括号"));
            }
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.fault("a digit was expected", "此处应为数字"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(self.slice(start, self.at))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let text = self.slice(start, self.at);
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                Some(b'\\') => {
                    let read = self.slice(start, self.at).to_owned();
                    return self.escaped(read).map(Cow::Owned);
                }
                Some(0..=0x1f) => return Err(self.control()),
                Some(_) => self.at += 1,
                None => return Err(self.fault("a text has no end", "字符串没有结束")),
            }
        }
    }

    fn control(&self) -> Fault {
        self.fault("a control character stands unescaped in a text", "字符串中有未转义的控制字符")
    }

    /// The rest of a text that has escapes.
    fn escaped(&mut self, mut out: String) -> Result<String, Fault> {
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(self.slice(start, self.at));
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escape()?;
                    out.push(character);
                }
                Some(_) => return Err(self.control()),
                None => return Err(self.fault("a text has no end", "字符串没有结束")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            Some(_) | None => return Err(self.fault("an escape is not known", "转义字符不合法")),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode(&mut self) -> Result<char, Fault> {
        let start = self.at;
        let lone = Fault { at: start, en: "a surrogate stands alone", zh: "出现单独的代理码元" };
        let first = self.hex4()?;
        let point = match first {
            0xd800..=0xdbff => {
                if !(self.take(b'\\') && self.take(b'u')) {
                    return Err(lone);
                }
                match self.hex4()? {
                    second @ 0xdc00..=0xdfff => 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return Err(lone),
                }
            }
            other => other,
        };
        char::from_u32(point).ok_or(lone)
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.fault("four hexadecimal digits were expected", "此处应为四位十六进制数"));
            };
            number = number * 16 + digit;
            self.at += 1;
        }
        Ok(number)
    }
}

fn is_repeated<'a>(
    members: &[(Cow<'a, str>, Value<'a>)],
    names: &mut HashSet<Cow<'a, str>>,
    name: &str,
) -> bool {
    if members.len() < LINEAR_MAX {
        return members.iter().any(|(known, _)| known == name);
    }
    if names.is_empty() {
        names.extend(members.iter().map(|(known, _)| known.clone()));
    }
    !names.insert(Cow::Owned(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1))
    }

    #[test]
    fn refuses() {
        let long: String = (0..40).map(|n| format!("\"k{n}\":1,")).collect();
        let repeated_late = format!("{{{long}\"k3\":1}}");
        let deep = nested(17);
        let cases: &[&[u8]] = &[
            b"",
            b" ",
            b"null",
            b"[]",
            b"1",
            b"\"x\"",
            b"{",
            b"{}x",
            b"{} {}",
            b"{},",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":1,}",
            b"{\"a\" 1}",
            b"{a:1}",
            b"{'a':1}",
            b"{\"a\":1 \"b\":2}",
            b"{\"a\":[1,]}",
            b"{\"a\":[1 2]}",
            b"{\"a\":01}",
            b"{\"a\":+1}",
            b"{\"a\":.5}",
            b"{\"a\":1.}",
            b"{\"a\":1e}",
            b"{\"a\":-}",
            b"{\"a\":NaN}",
            b"{\"a\":Infinity}",
            b"{\"a\":tru}",
            b"{\"a\":\"\n\"}",
            b"{\"a\":\"\\x\"}",
            b"{\"a\":\"\\u12\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":\"\\ud800\\u0041\"}",
            b"{\"a\":\"\\udc00\"}",
            b"{\"a\":\"x}",
            b"{\"a\":\"x\\",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":1,\"\\u0061\":2}",
            b"{\"m\":{\"a\":1,\"a\":2}}",
            b"{\"a\":1}//x",
            repeated_late.as_bytes(),
            deep.as_bytes(),
        ];
        for case in cases {
            let refused = parse(case).err().map(|problem| problem.parts().code);
            assert_eq!(refused, Some(Code::MalformedJson), "{}", String::from_utf8_lossy(case));
        }
    }

    #[test]
    fn reads_and_writes_back() {
        for (text, compact) in [
            ("{}", "{}"),
            (" { \"a\" : [ 1 , -0.5e+3 , true , null , \"x\" ] } ", "{\"a\":[1,-0.5e+3,true,null,\"x\"]}"),
            ("{\"\\u0061\\n\\/\":\"\\ud83d\\ude00\\u0000\"}", "{\"a\\n/\":\"😀\\u0000\"}"),
            ("{\"茶\":\"龍\"}", "{\"茶\":\"龍\"}"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().to_compact(), compact);
        }
        assert!(parse(nested(16).as_bytes()).is_ok());
        assert!(parse(b"{\"a\":\"\\u0000\"}").unwrap().has_nul());
    }

    #[test]
    fn agrees_with_serde_json_on_what_it_takes() {
        let texts =
            ["{\"a\":{\"b\":[{},[],\"\\\\\",\"\\\"\",0,1e5]}}", "{\"x\":\"\\b\\f\\n\\r\\t\"}", "{\"\":-0}"];
        for text in texts {
            let compact = parse(text.as_bytes()).unwrap().to_compact();
            let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&compact).unwrap(), theirs, "{text}");
        }
    }
}
