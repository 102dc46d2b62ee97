//! Texts for people, in the two languages of the platform, and times as inputs give them.

pub use site::{Lang, Text};

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
        // RFC 3339, section 5.6: time-hour to 23, time-minute to 59. The parser behind takes hours to 25.
        [b'+' | b'-', a @ b'0'..=b'2', b @ b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'] => [*a, *b] <= *b"23",
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
            ("1970-01-02T00:00:00+23:59", Some(60_000_000)),
            ("1970-01-02T00:00:00+24:00", None),
            ("0000-01-01T00:00:00+25:59", None),
            ("1970-01-02T00:00:00-08:60", None),
            ("1970-01-01T00:00:00Z[UTC]", None),
            ("0", None),
            ("", None),
        ] {
            assert_eq!(parse_time_us(text), us, "{text}");
        }
    }
}
