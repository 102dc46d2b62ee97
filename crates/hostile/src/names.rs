//! Ids, rates, currencies.

use domain::id::{Id, KeyId, MerchantId, PaymentId, Uid};
use money::{Amount, Currency, FeeRule, MAX_WIRE, Rate};

/// An id has one text, in any case.
pub fn ids(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(uid) = Uid::parse(text) {
        assert_eq!(uid.to_text(), text.to_ascii_lowercase());
        assert_eq!(Uid::parse(&uid.to_text()), Some(uid));
        let _ = (uid.shard(), uid.at_ms(), uid.tail(), uid.twin().twin());
    }
    fn same<I: Id + std::fmt::Debug>(text: &str) {
        if let Some(id) = I::parse(text) {
            assert_eq!(I::parse(&id.to_string()), Some(id), "{text}");
        }
    }
    same::<PaymentId>(text);
    same::<MerchantId>(text);
    same::<KeyId>(text);
}

/// A rate shows itself as it was written, and a fee at that rate is no more than the amount.
pub fn rate(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(rate) = Rate::parse(text) else { return };
    assert_eq!(rate.to_string(), text);
    let rule = FeeRule { rate, fixed_minor: 0, minimum_minor: 0, cap_minor: None };
    for captured_minor in [0, 1, 12_345, MAX_WIRE, i64::MAX] {
        let Ok(fee) = rule.fee(captured_minor) else { panic!("no fee on {captured_minor} at {text}") };
        assert!((0..=captured_minor).contains(&fee.rounded_minor), "{fee:?} on {captured_minor}");
        assert!(!fee.exact_string().is_empty() && !fee.difference_string().is_empty());
    }
}

/// A currency has one code; the digits of an amount in it are those of its exponent.
pub fn currency(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(currency) = Currency::parse(text) else { return };
    assert_eq!(currency.code(), text);
    for minor in [0, -1, 5, i64::MAX, i64::MIN] {
        let major = Amount::new(minor, currency).to_major_string();
        let digits: String = major.chars().filter(char::is_ascii_digit).collect();
        let value = digits.parse::<u64>();
        assert_eq!(value, Ok(minor.unsigned_abs()), "{major}");
    }
}
