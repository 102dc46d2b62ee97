//! The encoding of members that are written once and read whole: fields as tag, length and bytes, after a format byte.
//! A reader refuses tags it does not know, so that a newer binary's rows are never read half.

/// The only format so far.
const FORMAT: u8 = 1;

/// Writes fields.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Writer {
        let mut buffer = Vec::with_capacity(bytes + 1);
        buffer.push(FORMAT);
        Writer(buffer)
    }

    /// One field; a tag may repeat.
    pub(crate) fn bytes(&mut self, tag: u8, bytes: &[u8]) -> &mut Writer {
        self.0.push(tag);
        let mut length = bytes.len();
        // LEB128: seven bits a byte, the lowest first.
        while length > 0x7f {
            self.0.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        self.0.push(length as u8);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(&mut self, tag: u8, text: &str) -> &mut Writer {
        self.bytes(tag, text.as_bytes())
    }

    pub(crate) fn opt_text(&mut self, tag: u8, text: Option<&str>) -> &mut Writer {
        match text {
            Some(text) => self.text(tag, text),
            None => self,
        }
    }

    pub(crate) fn int(&mut self, tag: u8, value: i64) -> &mut Writer {
        self.bytes(tag, &value.to_be_bytes())
    }

    pub(crate) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Reads fields; `None` items end it, an `Err` item means that the bytes are broken.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// A field.
pub(crate) struct Field<'a> {
    pub(crate) tag: u8,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Field<'a> {
    pub(crate) fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes).ok()
    }

    pub(crate) fn string(&self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    pub(crate) fn int(&self) -> Option<i64> {
        self.bytes.try_into().ok().map(i64::from_be_bytes)
    }

    pub(crate) fn uid(&self) -> Option<domain::Uid> {
        self.bytes.try_into().ok().map(domain::Uid)
    }
}

impl<'a> Reader<'a> {
    /// `None` for another format.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Reader<'a>> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => Some(Reader { rest }),
            Some(_) | None => None,
        }
    }

    fn field(&mut self) -> Option<Field<'a>> {
        let (&tag, mut rest) = self.rest.split_first()?;
        let (mut length, mut shift) = (0usize, 0u32);
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            length |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 28 {
                return None;
            }
        }
        let (bytes, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Field { tag, bytes })
    }

    /// Hands every field to `each`, which answers `None` for what it can't read.
    pub(crate) fn each(mut self, mut each: impl FnMut(Field<'a>) -> Option<()>) -> Option<()> {
        while !self.rest.is_empty() {
            each(self.field()?)?;
        }
        Some(())
    }
}

/// A list of texts.
pub(crate) fn texts(list: &[String]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(list.iter().map(|text| text.len() + 3).sum());
    for text in list {
        writer.text(1, text);
    }
    writer.finish()
}

/// Reads what [`texts`] wrote.
pub(crate) fn read_texts(bytes: &[u8]) -> Option<Vec<String>> {
    let mut list = Vec::new();
    Reader::new(bytes)?.each(|field| {
        match field.tag {
            1 => list.push(field.string()?),
            _ => return None,
        }
        Some(())
    })?;
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_whatever_their_length() {
        for length in [0, 1, 127, 128, 300, 20_000] {
            let text = "x".repeat(length);
            let bytes = texts(&[text.clone(), "é".to_owned()]);
            assert_eq!(read_texts(&bytes), Some(vec![text, "é".to_owned()]));
        }
    }

    #[test]
    fn broken_bytes_are_refused_without_panic() {
        let good = texts(&["hello".to_owned(), "world".repeat(60)]);
        assert_eq!(read_texts(&[]), None);
        assert_eq!(read_texts(&[9, 1, 1, b'a']), None, "another format");
        assert_eq!(read_texts(&[1, 7, 1, b'a']), None, "an unknown tag");
        assert_eq!(read_texts(&[1, 1, 1, 0xff]), None, "no UTF-8");
        assert_eq!(read_texts(&[1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), None, "an endless length");
        let whole: Vec<usize> = (1..=good.len()).filter(|cut| read_texts(&good[..*cut]).is_some()).collect();
        assert_eq!(whole, [1, 8, good.len()], "only at the ends of fields");
    }
}
