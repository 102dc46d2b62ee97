//! Fees by the auditor's own arithmetic, in whole numbers.

/// What happens to a fee when money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundFee {
    /// Given back in proportion.
    Returned,
    /// Kept.
    Kept,
    /// Kept, and each refund costs this much.
    Charged(i64),
}

/// A price as it was agreed.
#[derive(Debug, Clone)]
pub struct FeeTerms {
    /// Percent as a decimal, such as `0.60`.
    pub percent: String,
    /// Added once, minor units.
    pub fixed_minor: i64,
    /// At least.
    pub minimum_minor: i64,
    /// At most.
    pub cap_minor: Option<i64>,
    /// When money goes back.
    pub refund_fee: RefundFee,
}

impl FeeTerms {
    /// Percent as a fraction.
    fn fraction(&self) -> (i128, i128) {
        let (whole, rest) = self.percent.split_once('.').unwrap_or((&self.percent, ""));
        let digits = format!("{whole}{rest}").parse::<i128>().unwrap_or(0);
        let places = u32::try_from(rest.len()).unwrap_or(0);
        (digits, 100 * 10_i128.pow(places))
    }

    /// The fee on what was captured in all.
    pub fn on(&self, captured_minor: i64) -> i64 {
        if captured_minor == 0 {
            return 0;
        }
        let (digits, parts) = self.fraction();
        let mut exact = i128::from(captured_minor) * digits + i128::from(self.fixed_minor) * parts;
        exact = exact.max(i128::from(self.minimum_minor) * parts);
        if let Some(cap_minor) = self.cap_minor {
            exact = exact.min(i128::from(cap_minor) * parts);
        }
        half_up(exact, parts)
    }
}

/// What is due back of a fee in all, once so much of what was captured has gone back.
pub fn due_back(fee_minor: i64, captured_minor: i64, gone_back_minor: i64) -> i64 {
    if captured_minor == 0 {
        return 0;
    }
    half_up(i128::from(fee_minor) * i128::from(gone_back_minor), i128::from(captured_minor))
}

fn half_up(numerator: i128, denominator: i128) -> i64 {
    i64::try_from((2 * numerator + denominator).div_euclid(2 * denominator)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(percent: &str, fixed: i64, minimum: i64, cap: Option<i64>) -> FeeTerms {
        FeeTerms {
            percent: percent.to_owned(),
            fixed_minor: fixed,
            minimum_minor: minimum,
            cap_minor: cap,
            refund_fee: RefundFee::Kept,
        }
    }

    /// Worked out on paper.
    #[test]
    fn fees() {
        for (terms, captured, fee) in [
            (terms("0.60", 0, 0, None), 10_000, 60),
            (terms("0.60", 0, 0, None), 83, 0),
            (terms("0.60", 0, 0, None), 84, 1),
            (terms("1", 0, 0, None), 50, 1),
            (terms("2.9", 30, 0, None), 1_000, 59),
            (terms("0", 0, 7, None), 1, 7),
            (terms("50", 0, 0, Some(10)), 1_000, 10),
            (terms("0.60", 5, 7, None), 0, 0),
        ] {
            assert_eq!(terms.on(captured), fee, "{terms:?} on {captured}");
        }
        assert_eq!((due_back(60, 10_000, 3_333), due_back(60, 10_000, 10_000)), (20, 60));
    }
}
