//! A percentage as an exact decimal.

use std::fmt;
use std::str::FromStr;

use crate::MoneyError;

/// Decimals that a rate may have, in percent.
const MAX_DECIMALS: usize = 6;

/// A percentage from 0 to 100 with up to six decimals, held as millionths of a percent, which is the numerator over
/// [`Rate::DENOMINATOR`]. It shows itself with the decimals it was written with; `0.6` and `0.60` are equal.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    micro_percent: u32,
    decimals: u8,
}

impl Rate {
    /// No percentage.
    pub const ZERO: Rate = Rate { micro_percent: 0, decimals: 0 };
    /// What [`Rate::numerator`] counts in: 10^8 of them are the whole.
    pub const DENOMINATOR: i128 = 100_000_000;

    /// Reads a decimal in percent such as `0.60`: digits without leading zeros, optionally a point and one to six
    /// digits; no sign, no exponent (WIRE, Rules).
    ///
    /// # Errors
    /// [`MoneyError::RateInvalid`].
    pub fn parse(text: &str) -> Result<Rate, MoneyError> {
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(MoneyError::RateInvalid),
            Some((whole, decimals)) => (whole, decimals),
            None => (text, ""),
        };
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        let length_ok = (1..=3).contains(&whole.len()) && decimals.len() <= MAX_DECIMALS;
        if !length_ok || leading_zero || !digits_only(whole) || !digits_only(decimals) {
            return Err(MoneyError::RateInvalid);
        }
        let micro_percent: u32 =
            format!("{whole}{decimals:0<MAX_DECIMALS$}").parse().map_err(|_| MoneyError::RateInvalid)?;
        if i128::from(micro_percent) > Rate::DENOMINATOR {
            return Err(MoneyError::RateInvalid);
        }
        let decimals = u8::try_from(decimals.len()).map_err(|_| MoneyError::RateInvalid)?;
        Ok(Rate { micro_percent, decimals })
    }

    /// The numerator over [`Rate::DENOMINATOR`]: millionths of a percent.
    pub fn numerator(&self) -> i128 {
        i128::from(self.micro_percent)
    }

    /// Whether it takes nothing.
    pub fn is_zero(&self) -> bool {
        self.micro_percent == 0
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.micro_percent == other.micro_percent
    }
}

impl Eq for Rate {}

impl FromStr for Rate {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Rate, MoneyError> {
        Rate::parse(text)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, millionths) = (self.micro_percent / 1_000_000, self.micro_percent % 1_000_000);
        let digits = format!("{millionths:06}");
        match digits.get(..usize::from(self.decimals)) {
            Some("") | None => write!(f, "{whole}"),
            Some(decimals) => write!(f, "{whole}.{decimals}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_shows() {
        for (text, numerator) in [
            ("0", 0),
            ("0.00", 0),
            ("0.60", 600_000),
            ("0.6", 600_000),
            ("0.000001", 1),
            ("1", 1_000_000),
            ("38", 38_000_000),
            ("100", 100_000_000),
            ("100.000000", 100_000_000),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!(rate.numerator(), numerator);
            assert_eq!(rate.to_string(), text);
        }
        assert_eq!(Rate::parse("0.6"), Rate::parse("0.60"));
        assert_eq!(Rate::parse("0.0"), Ok(Rate::ZERO));
    }

    #[test]
    fn refuses() {
        for text in [
            "",
            ".",
            ".6",
            "0.",
            "00",
            "00.6",
            "01",
            "-1",
            "+1",
            "1e1",
            "1,5",
            " 1",
            "1 ",
            "0.0000001",
            "100.000001",
            "101",
            "999",
            "1000",
            "0.6%",
            "０.６",
            "1.2.3",
            "NaN",
            "0x1",
        ] {
            assert_eq!(Rate::parse(text), Err(MoneyError::RateInvalid), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            if let Ok(rate) = Rate::parse(&text) {
                prop_assert_eq!(rate.to_string(), text);
            }
        }
    }
}
