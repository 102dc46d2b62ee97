//! Ids, times and money as they stand in JSON, formatted on the stack.

use domain::{Id, Uid};
use ledger::Day;
use money::Amount;
use serde::{Serialize, Serializer};
use std::fmt;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A few bytes of ASCII on the stack: ids have 30, times 24.
struct Short {
    bytes: [u8; 40],
    len: usize,
}

impl Short {
    fn new() -> Short {
        Short { bytes: [0; 40], len: 0 }
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    fn push_str(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.push(byte));
    }

    /// The last `digits` decimal digits of a number that is not negative.
    fn push_digits(&mut self, number: i64, digits: u32) {
        for place in (0..digits).rev() {
            let digit = number / 10i64.pow(place) % 10;
            self.push(b'0' + u8::try_from(digit).unwrap_or(0));
        }
    }

    fn as_str(&self) -> &str {
        // Only ASCII is pushed, so neither fallback is ever taken.
        self.bytes.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

/// An id of any noun: prefix and 26 characters of lower-case Crockford base32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdText {
    prefix: &'static str,
    uid: Uid,
}

const ALPHABET: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";

impl IdText {
    /// The text of an id.
    pub fn of<I: Id>(id: I) -> IdText {
        IdText { prefix: I::PREFIX, uid: id.uid() }
    }

    /// For numbers that are no noun's id, such as a posting's.
    pub(crate) fn with_prefix(prefix: &'static str, uid: Uid) -> IdText {
        IdText { prefix, uid }
    }

    fn short(self) -> Short {
        let mut out = Short::new();
        out.push_str(self.prefix);
        let value = u128::from_be_bytes(self.uid.0);
        for place in (0..26u32).rev() {
            let digit = usize::try_from((value >> (place * 5)) & 31).unwrap_or(0);
            out.push(ALPHABET.get(digit).copied().unwrap_or(b'0'));
        }
        out
    }
}

impl fmt::Display for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short().as_str())
    }
}

impl Serialize for IdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.short().as_str())
    }
}

impl PartialSchema for IdText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A prefix that names the noun and 26 characters; readers allow 64."))
            .max_length(Some(64))
            .into()
    }
}

impl ToSchema for IdText {
    fn name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
}

/// A moment in microseconds since 1970, shown as RFC 3339 in UTC with three decimals and `Z`; parts of a millisecond
/// are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

const MS_PER_DAY: i64 = 86_400_000;

impl Instant {
    fn short(self) -> Short {
        let at_ms = self.0.div_euclid(1_000);
        let (day, of_day_ms) = (at_ms.div_euclid(MS_PER_DAY), at_ms.rem_euclid(MS_PER_DAY));
        let (year, month, day) = Day(i32::try_from(day).unwrap_or(0)).to_ymd();
        let mut out = Short::new();
        out.push_digits(year.clamp(0, 9_999), 4);
        for (mark, number) in [
            (b'-', month),
            (b'-', day),
            (b'T', of_day_ms / 3_600_000),
            (b':', of_day_ms / 60_000 % 60),
            (b':', of_day_ms / 1_000 % 60),
        ] {
            out.push(mark);
            out.push_digits(number, 2);
        }
        out.push(b'.');
        out.push_digits(of_day_ms % 1_000, 3);
        out.push(b'Z');
        out
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short().as_str())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.short().as_str())
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339 in UTC, three decimals, Z."))
            .examples([serde_json::json!("2026-11-25T08:30:00.000Z")])
            .into()
    }
}

impl ToSchema for Instant {
    fn name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
}

/// An amount of money: an integer number of minor units and the currency's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Money {
    /// Minor units: CNY 12.50 is 1250.
    pub value: i64,
    /// ISO 4217, upper case.
    pub currency: &'static str,
}

impl Money {
    /// `minor` units in the currency of `like`.
    pub fn like(minor: i64, like: Amount) -> Money {
        Money { value: minor, currency: like.currency().code() }
    }
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Money {
        Money { value: amount.minor(), currency: amount.currency().code() }
    }
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let value = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("Integer minor units: CNY 12.50 is 1250. Digits only."))
            .minimum(Some(-money::MAX_WIRE))
            .maximum(Some(money::MAX_WIRE));
        let currency = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("ISO 4217 code in upper case."))
            .pattern(Some("^[A-Z]{3}$"));
        ObjectBuilder::new()
            .property("value", value)
            .property("currency", currency)
            .required("value")
            .required("currency")
            .examples([serde_json::json!({"value": 1250, "currency": "CNY"})])
            .into()
    }
}

impl ToSchema for Money {
    fn name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{PaymentId, Shard};

    #[test]
    fn times() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_595_400_123_999, "2026-11-25T08:30:00.123Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        ] {
            assert_eq!(Instant(us).to_string(), text);
        }
        assert_eq!(serde_json::to_string(&Instant(0)).unwrap(), "\"1970-01-01T00:00:00.000Z\"");
    }

    #[test]
    fn ids_read_as_the_domain_writes_them() {
        for seed in [0u64, 1, 77, u64::MAX] {
            let id = PaymentId(Uid::new(seed >> 17, Shard(1), seed));
            assert_eq!(IdText::of(id).to_string(), id.to_string());
        }
    }
}
