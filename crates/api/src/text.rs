//! Texts for people, in the two languages of the platform, and times as inputs give them.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use std::borrow::Cow;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English, also for every language that we don't speak.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// The language's tag.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Zh => "zh-CN",
        }
    }

    /// The better of the two by `Accept-Language` (RFC 9110 section 12.5.4).
    pub fn of(headers: &HeaderMap) -> Lang {
        let Some(value) = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()) else {
            return Lang::En;
        };
        let mut best = (0.0f32, Lang::En);
        for range in value.split(',').take(16) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or("").to_ascii_lowercase();
            let weight =
                parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let lang = match tag.split('-').next() {
                Some("zh") => Lang::Zh,
                Some("en" | "*") => Lang::En,
                Some(_) | None => continue,
            };
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }
}

/// One text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: Cow<'static, str>,
    /// Simplified Chinese.
    pub zh: Cow<'static, str>,
}

impl Text {
    /// A fixed text.
    pub const fn fixed(en: &'static str, zh: &'static str) -> Text {
        Text { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }

    /// A text made for the occasion.
    pub fn made(en: String, zh: String) -> Text {
        Text { en: Cow::Owned(en), zh: Cow::Owned(zh) }
    }

    /// The text in a language.
    pub fn pick(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// Reads a time in RFC 3339 with any offset, to microseconds since 1970. Nothing beyond RFC 3339 is read.
pub fn parse_time_us(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let head = bytes.get(..shape.len())?;
    let fits = head.iter().zip(shape).all(|(byte, wanted)| match wanted {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't'),
        mark => byte == mark,
    });
    let tail = text.get(shape.len()..)?;
    let offset = match tail.strip_prefix('.') {
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            fraction.get(digits..)?
        }
        None => tail,
    };
    if !fits || !is_offset(offset) {
        return None;
    }
    text.parse::<jiff::Timestamp>().ok().map(|at| at.as_microsecond())
}

fn is_offset(text: &str) -> bool {
    match text.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, us) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T08:00:00+08:00", Some(0)),
            ("1970-01-01t00:00:00.123456789z", Some(123_456)),
            ("1970-01-01 00:00:00Z", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00Z", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-13-01T00:00:00Z", None),
            ("1970-01-01T00:00:00+0800", None),
            ("1970-01-01T00:00:00Z[UTC]", None),
            ("0", None),
            ("", None),
        ] {
            assert_eq!(parse_time_us(text), us, "{text}");
        }
    }

    #[test]
    fn languages() {
        for (value, lang) in [
            ("zh-CN", Lang::Zh),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh),
            ("en-GB,zh;q=0.5", Lang::En),
            ("fr, zh;q=0.2", Lang::Zh),
            ("fr", Lang::En),
            ("zh;q=0", Lang::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, value.parse().unwrap());
            assert_eq!(Lang::of(&headers), lang, "{value}");
        }
    }
}
