//! An amount: minor units and their currency, never one without the other.

use std::fmt;

use crate::{Currency, MoneyError};

/// The largest amount that the wire carries, in minor units: 2^53 − 1, exact in every JSON reader (WIRE, Rules).
pub const MAX_WIRE: i64 = 9_007_199_254_740_991;

/// A signed number of minor units of one currency (12.50 CNY is 1250). It has no operators on purpose: an addition
/// of money can fail, and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: i64,
    currency: Currency,
}

impl Amount {
    /// An amount of `minor` units.
    pub const fn new(minor: i64, currency: Currency) -> Amount {
        Amount { minor, currency }
    }

    /// The number of minor units.
    pub const fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Adds an amount of the same currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyDiffers`], [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Amount) -> Result<Amount, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// Subtracts an amount of the same currency; the result may be negative.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyDiffers`], [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Amount) -> Result<Amount, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Amount, with: fn(i64, i64) -> Option<i64>) -> Result<Amount, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyDiffers { left: self.currency, right: other.currency });
        }
        let minor = with(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Amount { minor, currency: self.currency })
    }

    /// The number in major units with the currency's decimals, without the currency: `12.50` (CNY), `1250` (JPY).
    pub fn to_major_string(&self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let units = self.minor.unsigned_abs();
        let decimals = usize::from(self.currency.exponent());
        if decimals == 0 {
            return format!("{sign}{units}");
        }
        let per_major = 10u64.pow(u32::from(self.currency.exponent()));
        format!("{sign}{}.{:0decimals$}", units / per_major, units % per_major)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.to_major_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn major_strings() {
        let kwd = Currency::parse("KWD").unwrap();
        for (minor, currency, text) in [
            (1250, Currency::CNY, "12.50"),
            (5, Currency::CNY, "0.05"),
            (0, Currency::CNY, "0.00"),
            (-5, Currency::CNY, "-0.05"),
            (-1250, Currency::CNY, "-12.50"),
            (1250, Currency::JPY, "1250"),
            (-1, Currency::JPY, "-1"),
            (1, kwd, "0.001"),
            (i64::MIN, Currency::CNY, "-92233720368547758.08"),
            (MAX_WIRE, Currency::CNY, "90071992547409.91"),
        ] {
            assert_eq!(Amount::new(minor, currency).to_major_string(), text);
        }
        assert_eq!(Amount::new(1250, Currency::CNY).to_string(), "CNY 12.50");
    }

    #[test]
    fn refuses_to_mix_and_to_wrap() {
        let one = Amount::new(1, Currency::CNY);
        let differs = MoneyError::CurrencyDiffers { left: Currency::CNY, right: Currency::USD };
        assert_eq!(one.checked_add(Amount::new(1, Currency::USD)), Err(differs));
        assert_eq!(one.checked_sub(Amount::new(1, Currency::USD)), Err(differs));
        assert_eq!(one.checked_add(Amount::new(i64::MAX, Currency::CNY)), Err(MoneyError::Overflow));
        assert_eq!(Amount::new(i64::MIN, Currency::CNY).checked_sub(one), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn subtraction_undoes_addition(a in -MAX_WIRE..=MAX_WIRE, b in -MAX_WIRE..=MAX_WIRE) {
            let (a, b) = (Amount::new(a, Currency::CNY), Amount::new(b, Currency::CNY));
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
        }

        #[test]
        fn digits_of_the_major_string_are_the_minor_units(minor in any::<i64>()) {
            let text = Amount::new(minor, Currency::CNY).to_major_string();
            prop_assert_eq!(text.replace('.', "").parse::<i64>().unwrap(), minor);
        }
    }
}
