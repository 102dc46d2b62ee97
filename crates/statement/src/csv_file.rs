//! CSV as in RFC 4180: a header line, CRLF, quotes where they are needed. UTF-8 with a byte order mark, without which spreadsheet
//! programs on Windows read Chinese as noise.

use crate::Lang;
use crate::cell::{Cell, Line};
use crate::column::columns;
use crate::neutral::neutral;
use domain::statement::{Kind, Span};
use std::borrow::Cow;

/// The byte order mark of UTF-8.
const MARK: &str = "\u{feff}";

/// A file in the making. It hands out bytes as lines come and holds none of them.
pub struct CsvFile {
    kind: Kind,
    schema: u16,
    span: Span,
    lang: Lang,
}

impl CsvFile {
    /// A file in a schema; times are local in `span`.
    pub fn new(kind: Kind, schema: u16, span: Span, lang: Lang) -> CsvFile {
        CsvFile { kind, schema, span, lang }
    }

    /// The mark and the header line.
    pub fn head(&self) -> Vec<u8> {
        let names = columns(self.kind, self.schema).map(|column| match self.lang {
            Lang::En => Cow::Borrowed(column.name),
            Lang::Zh => Cow::Borrowed(column.zh),
        });
        [MARK.as_bytes(), &record(names)].concat()
    }

    /// Some lines.
    pub fn lines(&self, lines: &[Line]) -> Vec<u8> {
        lines.iter().flat_map(|line| record(line.iter().map(|cell| self.text(cell)))).collect()
    }

    fn text<'c>(&self, cell: &'c Cell) -> Cow<'c, str> {
        people_text(cell, &self.span, self.lang)
    }
}

/// A cell as people read it.
pub(crate) fn people_text<'c>(cell: &'c Cell, span: &Span, lang: Lang) -> Cow<'c, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(text) => neutral(text),
        Cell::Code(code) => Cow::Borrowed(code),
        Cell::Word(word) => Cow::Borrowed(match lang {
            Lang::En => word.code,
            Lang::Zh => word.zh,
        }),
        Cell::Id(id) => Cow::Owned(id.to_string()),
        Cell::Money(amount) => Cow::Owned(amount.to_major_string()),
        Cell::Day(day) => Cow::Owned(day.to_string()),
        Cell::Time(at_us) => Cow::Owned(local_time(*at_us, span)),
    }
}

/// An instant as local time with its offset, RFC 3339 with three decimals: `2026-11-25T08:30:00.000+08:00`.
fn local_time(at_us: i64, span: &Span) -> String {
    let offset_s = span.offset_at(at_us);
    let shifted = wire::Instant(at_us.saturating_add(i64::from(offset_s) * 1_000_000)).to_string();
    let (sign, minutes) = (if offset_s < 0 { '-' } else { '+' }, offset_s.unsigned_abs() / 60);
    format!("{}{sign}{:02}:{:02}", shifted.trim_end_matches('Z'), minutes / 60, minutes % 60)
}

fn record<'c>(cells: impl Iterator<Item = Cow<'c, str>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::with_capacity(256));
    // Memory takes everything.
    let written = writer.write_record(cells.map(Cow::into_owned));
    if written.is_err() {
        return Vec::new();
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { starts_at_us: 0, ends_at_us: 1, offset_s: 28_800, shift: None };

    #[test]
    fn local_times_carry_their_offset() {
        let at_us = 1_795_595_400_123_999;
        assert_eq!(local_time(at_us, &SPAN), "2026-11-25T16:30:00.123+08:00");
        let west = Span { offset_s: -(3 * 3_600 + 30 * 60), ..SPAN };
        assert_eq!(local_time(at_us, &west), "2026-11-25T05:00:00.123-03:30");
        let shifted = Span { shift: Some((at_us, 0)), ..SPAN };
        assert_eq!(local_time(at_us, &shifted), "2026-11-25T08:30:00.123+00:00");
        assert_eq!(local_time(at_us - 1, &shifted), "2026-11-25T16:30:00.123+08:00");
    }

    #[test]
    fn cells_are_quoted_as_rfc_4180_says() {
        let cells = ["plain", "a,b", "say \"hi\"", "two\r\nlines", ""];
        let bytes = record(cells.into_iter().map(Cow::Borrowed));
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\",\r\n"
        );
    }
}
