//! What a merchant is charged on captured money, and what it is given back with refunds (BOOKS section 3).

use crate::rounding::{div_half_up, mul_div_half_up};
use crate::{MoneyError, Rate};

/// A price on captured money: `half_up(min(cap, max(minimum, rate × captured + fixed)))`, and 0 when nothing is
/// captured. The cap wins over a larger minimum. Amounts are minor units, none may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRule {
    /// Part of the captured amount.
    pub rate: Rate,
    /// Added once per payment.
    pub fixed_minor: i64,
    /// At least this, once per payment.
    pub minimum_minor: i64,
    /// At most this, once per payment; `None` is no limit.
    pub cap_minor: Option<i64>,
}

/// A fee with the value it was rounded from, so that it can be derived again and explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeComputation {
    /// Numerator of the exact value in minor units, after minimum and cap.
    pub exact_num: i128,
    /// Denominator of the exact value: [`Rate::DENOMINATOR`].
    pub exact_den: i128,
    /// The fee, rounded half up once, in minor units.
    pub rounded_minor: i64,
}

impl FeeRule {
    /// Charges nothing.
    pub const FREE: FeeRule = FeeRule { rate: Rate::ZERO, fixed_minor: 0, minimum_minor: 0, cap_minor: None };

    /// The fee for everything captured of one payment so far. The fee of one capture is this for the sum with it,
    /// less what was charged before. It may exceed the amount.
    ///
    /// # Errors
    /// [`MoneyError::FeeInputNegative`] for a negative captured amount, fixed part, minimum or cap;
    /// [`MoneyError::Overflow`] if the fee does not fit.
    pub fn fee(&self, captured_minor: i64) -> Result<FeeComputation, MoneyError> {
        let parts = [captured_minor, self.fixed_minor, self.minimum_minor, self.cap_minor.unwrap_or(0)];
        if parts.iter().any(|part| *part < 0) {
            return Err(MoneyError::FeeInputNegative);
        }
        let exact_num = if captured_minor == 0 { 0 } else { self.exact_numerator(captured_minor) };
        let rounded_minor = div_half_up(exact_num, Rate::DENOMINATOR)?;
        Ok(FeeComputation { exact_num, exact_den: Rate::DENOMINATOR, rounded_minor })
    }

    /// Bounded value times the denominator; with inputs below 2^63 and a rate of at most 10^8 it stays below 2^91.
    fn exact_numerator(&self, captured_minor: i64) -> i128 {
        let scaled = |minor: i64| i128::from(minor) * Rate::DENOMINATOR;
        let unbounded = i128::from(captured_minor) * self.rate.numerator() + scaled(self.fixed_minor);
        let at_least = unbounded.max(scaled(self.minimum_minor));
        self.cap_minor.map_or(at_least, |cap_minor| at_least.min(scaled(cap_minor)))
    }
}

impl FeeComputation {
    /// The exact value in minor units as a decimal without trailing zeros: `60.4`, `60`, `0.5`.
    pub fn exact_string(&self) -> String {
        decimal(self.exact_num)
    }

    /// Rounded minus exact, in minor units: `-0.4`, `0`, `0.5`.
    pub fn difference_string(&self) -> String {
        decimal(i128::from(self.rounded_minor) * Rate::DENOMINATOR - self.exact_num)
    }
}

/// A numerator over [`Rate::DENOMINATOR`] as a decimal without trailing zeros.
fn decimal(num: i128) -> String {
    let sign = if num < 0 { "-" } else { "" };
    let (whole, rest) = (num.unsigned_abs() / 100_000_000, num.unsigned_abs() % 100_000_000);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{rest:08}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// What a refund gives back of a fee: `round(fee × Σ live refunds ÷ captured) − Σ given back`, never below zero and
/// never more than what is left of the fee. Because it is cumulative, any sequence of partial refunds gives back
/// what one full refund would.
///
/// `live_refunds_minor_total` counts every refund of the payment that has not failed, this one included;
/// `already_given_back_minor` is what those before it got back and keep.
pub fn fee_given_back(
    fee_minor: i64,
    captured_minor: i64,
    live_refunds_minor_total: i64,
    already_given_back_minor: i64,
) -> i64 {
    let left_minor = fee_minor.saturating_sub(already_given_back_minor).max(0);
    // A quotient beyond i64 is far above the fee, so the bound below is the answer; nothing captured, nothing back.
    let due_minor =
        match mul_div_half_up(fee_minor, i128::from(live_refunds_minor_total), i128::from(captured_minor)) {
            Ok(due_minor) => due_minor,
            Err(MoneyError::Overflow) => i64::MAX,
            Err(_) => 0,
        };
    due_minor.saturating_sub(already_given_back_minor).clamp(0, left_minor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::MAX_WIRE;

    fn rule(rate: &str, fixed_minor: i64, minimum_minor: i64, cap_minor: Option<i64>) -> FeeRule {
        FeeRule { rate: Rate::parse(rate).unwrap(), fixed_minor, minimum_minor, cap_minor }
    }

    #[test]
    fn table() {
        for (rule, captured, fee, exact, difference) in [
            (rule("0.60", 0, 0, None), 10_000, 60, "60", "0"),
            (rule("0.60", 0, 0, None), 83, 0, "0.498", "-0.498"),
            (rule("0.60", 0, 0, None), 84, 1, "0.504", "0.496"),
            (rule("0.60", 0, 0, None), 0, 0, "0", "0"),
            (rule("0.60", 30, 0, None), 0, 0, "0", "0"),
            (rule("0.60", 30, 100, None), 0, 0, "0", "0"),
            (rule("0.60", 30, 0, None), 10_000, 90, "90", "0"),
            (rule("0.60", 200, 0, None), 100, 201, "200.6", "0.4"),
            (rule("0.60", 0, 10, None), 100, 10, "10", "0"),
            (rule("0.60", 0, 10, Some(50)), 10_000, 50, "50", "0"),
            (rule("0.60", 0, 100, Some(50)), 10_000, 50, "50", "0"),
            (rule("0.60", 30, 0, Some(0)), 10_000, 0, "0", "0"),
            (rule("0.5", 0, 0, None), 100, 1, "0.5", "0.5"),
            (rule("0.000001", 0, 0, None), 1, 0, "0.00000001", "-0.00000001"),
            (rule("100", 0, 0, None), MAX_WIRE, MAX_WIRE, "9007199254740991", "0"),
        ] {
            let computed = rule.fee(captured).unwrap();
            assert_eq!(computed.rounded_minor, fee, "{rule:?} on {captured}");
            assert_eq!(computed.exact_string(), exact, "{rule:?} on {captured}");
            assert_eq!(computed.difference_string(), difference, "{rule:?} on {captured}");
        }
    }

    #[test]
    fn refuses_negatives_and_overflow() {
        let negative = Err(MoneyError::FeeInputNegative);
        assert_eq!(FeeRule::FREE.fee(-1), negative);
        assert_eq!(rule("0.6", -1, 0, None).fee(1), negative);
        assert_eq!(rule("0.6", 0, -1, None).fee(1), negative);
        assert_eq!(rule("0.6", 0, 0, Some(-1)).fee(1), negative);
        assert_eq!(rule("100", i64::MAX, 0, None).fee(i64::MAX), Err(MoneyError::Overflow));
    }

    #[test]
    fn given_back_is_bounded_on_every_input() {
        for (fee, captured, live, already, back) in [
            (60, 10_000, 10_000, 0, 60),
            (60, 10_000, 5_000, 0, 30),
            (60, 10_000, 5_000, 40, 0),
            (60, 10_000, 20_000, 0, 60),
            (60, 10_000, 10_000, 60, 0),
            (60, 10_000, 10_000, 70, 0),
            (60, 0, 0, 0, 0),
            (0, 10_000, 10_000, 0, 0),
            (201, 100, 100, 0, 201),
            (i64::MAX, 1, i64::MAX, 0, i64::MAX),
        ] {
            assert_eq!(
                fee_given_back(fee, captured, live, already),
                back,
                "{fee} {captured} {live} {already}"
            );
        }
    }

    /// Plays refunds in a row and answers what each gave back.
    fn play(fee: i64, captured: i64, refunds: &[i64]) -> Vec<i64> {
        let (mut live, mut already, mut each) = (0, 0, Vec::new());
        for refund in refunds {
            live += refund;
            let back = fee_given_back(fee, captured, live, already);
            already += back;
            each.push(back);
        }
        each
    }

    #[test]
    fn thirds_give_back_what_the_whole_would() {
        for rate_millionths in (0..=5_000_000u32).step_by(12_345) {
            let rate = format!("{}.{:06}", rate_millionths / 1_000_000, rate_millionths % 1_000_000);
            let fee = rule(&rate, 0, 0, None).fee(10_000).unwrap().rounded_minor;
            let parts = play(fee, 10_000, &[3_333, 3_333, 3_334]);
            assert_eq!(parts.iter().sum::<i64>(), fee, "{rate}");
            assert_eq!(play(fee, 10_000, &[10_000]), [fee]);
        }
        assert_eq!(play(61, 10_000, &[3_333, 3_333, 3_334]), [20, 21, 20]);
    }

    proptest! {
        #[test]
        fn any_sequence_to_exhaustion_returns_the_fee(
            fee in 0i64..1_000_000_000, refunds in prop::collection::vec(1i64..1_000_000_000, 1..20)
        ) {
            let parts = play(fee, refunds.iter().sum(), &refunds);
            prop_assert!(parts.iter().all(|part| *part >= 0));
            prop_assert_eq!(parts.iter().sum::<i64>(), fee);
        }

        #[test]
        fn monotone_within_bounds_and_half_a_unit(
            micro in 0u32..=100_000_000, fixed in 0i64..10_000, minimum in 0i64..10_000,
            cap in prop::option::of(0i64..1_000_000), captured in 1i64..MAX_WIRE, more in 0i64..1_000_000
        ) {
            let rate = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
            let rule = rule(&rate, fixed, minimum, cap);
            let fee = rule.fee(captured).unwrap();
            prop_assert!(rule.fee(captured.saturating_add(more)).unwrap().rounded_minor >= fee.rounded_minor);
            prop_assert!(fee.rounded_minor <= cap.unwrap_or(i64::MAX));
            prop_assert!(fee.rounded_minor >= minimum.min(cap.unwrap_or(i64::MAX)));
            let difference = i128::from(fee.rounded_minor) * fee.exact_den - fee.exact_num;
            prop_assert!(difference.abs() * 2 <= fee.exact_den);
        }

        #[test]
        fn captures_in_parts_cost_what_one_would(parts in prop::collection::vec(1i64..100_000, 1..8), micro in 0u32..5_000_000) {
            let rate = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
            let rule = rule(&rate, 10, 20, Some(3_000));
            let (mut sum, mut charged) = (0, 0);
            for part in &parts {
                sum += part;
                let due = rule.fee(sum).unwrap().rounded_minor - charged;
                prop_assert!(due >= 0);
                charged += due;
            }
            prop_assert_eq!(charged, rule.fee(sum).unwrap().rounded_minor);
        }
    }
}
