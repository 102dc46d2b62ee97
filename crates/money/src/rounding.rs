//! The one rounding of the platform: half up, on exact integers.

use crate::MoneyError;

/// `round(a × num ÷ den)`, exact until its single rounding; a half goes away from zero, so that a reversal is the
/// mirror of what it turns round.
///
/// # Errors
/// [`MoneyError::DenominatorInvalid`] unless `den > 0`; [`MoneyError::Overflow`] if product or result do not fit.
pub fn mul_div_half_up(a: i64, num: i128, den: i128) -> Result<i64, MoneyError> {
    let product = i128::from(a).checked_mul(num).ok_or(MoneyError::Overflow)?;
    div_half_up(product, den)
}

/// `round(num ÷ den)` with a half away from zero.
///
/// # Errors
/// As [`mul_div_half_up`].
pub fn div_half_up(num: i128, den: i128) -> Result<i64, MoneyError> {
    if den <= 0 {
        return Err(MoneyError::DenominatorInvalid);
    }
    let quotient = num / den;
    let remainder = (num % den).unsigned_abs();
    // remainder × 2 ≥ den without doubling, which could overflow.
    let up = remainder >= den.unsigned_abs() - remainder;
    let rounded = if up { quotient + num.signum() } else { quotient };
    i64::try_from(rounded).map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (num, den, rounded) in [
            (0, 1, 0),
            (1, 2, 1),
            (-1, 2, -1),
            (3, 2, 2),
            (1, 3, 0),
            (2, 3, 1),
            (-2, 3, -1),
            (49, 100, 0),
            (50, 100, 1),
            (149, 100, 1),
            (150, 100, 2),
        ] {
            assert_eq!(div_half_up(num, den), Ok(rounded), "{num}/{den}");
        }
    }

    #[test]
    fn refusals() {
        assert_eq!(mul_div_half_up(1, 1, 0), Err(MoneyError::DenominatorInvalid));
        assert_eq!(mul_div_half_up(1, 1, -1), Err(MoneyError::DenominatorInvalid));
        assert_eq!(mul_div_half_up(2, i128::MAX, 1), Err(MoneyError::Overflow));
        assert_eq!(mul_div_half_up(i64::MAX, 2, 1), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn within_half_a_unit_and_odd(num in -(1i128 << 62)..(1i128 << 62), den in 1i128..(1i128 << 60)) {
            let rounded = i128::from(div_half_up(num, den).unwrap());
            prop_assert!((rounded * den - num).abs() * 2 <= den);
            prop_assert_eq!(i128::from(div_half_up(-num, den).unwrap()), -rounded);
        }
    }
}
