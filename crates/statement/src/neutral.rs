//! Text in files for people, made harmless: a spreadsheet reads a cell that begins like a formula as one.

use std::borrow::Cow;

/// First characters that make a spreadsheet take a cell for a formula, or hide one that follows. The wide forms are read as the
/// narrow ones by some programs. The apostrophe is among them so that what is written can be read back.
const STARTS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '\''];

/// Text as it stands in CSV and Excel: with an apostrophe before it where it begins, spaces aside, with one of [`STARTS`]. A
/// reader takes one leading apostrophe away.
pub fn neutral(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(' ').starts_with(STARTS) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_text() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-2-3", "'-2-3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("  =1", "'  =1"),
            ("＝1+1", "'＝1+1"),
            ("'quoted", "''quoted"),
            ("tea", "tea"),
            ("1-2", "1-2"),
            ("", ""),
            ("   ", "   "),
        ] {
            assert_eq!(neutral(text), written);
            // One leading apostrophe is taken away again.
            assert_eq!(written.strip_prefix('\'').unwrap_or(written), text);
        }
    }
}
