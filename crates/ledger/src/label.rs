//! Short names as dimensions of accounts: a payment method, a kind of cost, a tax jurisdiction.

use std::fmt;

use crate::LedgerError;

/// 1 to 16 characters of `0-9 A-Z a-z _ . -`, padded with zero bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label([u8; 16]);

impl Label {
    /// Kind of 5010 for what a channel takes for a transaction.
    pub const TRANSACTION: Label = match Label::from_ascii("transaction") {
        Some(label) => label,
        None => panic!("the constant is a valid label"),
    };

    /// Reads a label.
    ///
    /// # Errors
    /// [`LedgerError::LabelInvalid`].
    pub fn new(text: &str) -> Result<Label, LedgerError> {
        Label::from_ascii(text).ok_or(LedgerError::LabelInvalid)
    }

    /// As [`Label::new`], for constants.
    #[allow(clippy::indexing_slicing)] // Iterators are not const; both indices are below the checked length.
    pub const fn from_ascii(text: &str) -> Option<Label> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > 16 {
            return None;
        }
        let mut padded = [0; 16];
        let mut index = 0;
        while index < bytes.len() {
            if !is_label_byte(bytes[index]) {
                return None;
            }
            padded[index] = bytes[index];
            index += 1;
        }
        Some(Label(padded))
    }

    /// The stored form, as [`Label::bytes`] gave it.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Label> {
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let (text, padding) = bytes.split_at_checked(length)?;
        let valid = !text.is_empty()
            && text.iter().all(|byte| is_label_byte(*byte))
            && padding.iter().all(|byte| *byte == 0);
        valid.then_some(Label(bytes))
    }

    /// The stored form: 16 bytes, zero padded.
    pub const fn bytes(&self) -> [u8; 16] {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        // Only ASCII gets in, so neither fallback is ever taken.
        self.0.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("")
    }
}

const fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({})", self.as_str())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stores_and_shows() {
        for text in ["a", "wechat_pay", "CN-31", "0123456789abcdef"] {
            let label = Label::new(text).unwrap();
            assert_eq!(label.as_str(), text);
            assert_eq!(Label::from_bytes(label.bytes()), Some(label));
        }
        assert_eq!(Label::TRANSACTION.as_str(), "transaction");
    }

    #[test]
    fn refuses() {
        for text in ["", "0123456789abcdefg", "a b", "微信", "a\0", "a/b"] {
            assert_eq!(Label::new(text), Err(LedgerError::LabelInvalid), "{text:?}");
        }
        assert_eq!(Label::from_bytes([0; 16]), None);
        let mut hole = [0; 16];
        (hole[0], hole[2]) = (b'a', b'b');
        assert_eq!(Label::from_bytes(hole), None);
    }
}
