//! Which behaviour a request asks for: by `sandbox_outcome`, or by an exact amount when none is given.

use domain::channel::SandboxOutcome;

/// The first amount, in minor units, that chooses a payment's outcome; the next ones follow [`SandboxOutcome::PAYMENT`].
pub const FIRST_PAYMENT_AMOUNT_MINOR: i64 = 400_001;
/// The first amount, in minor units, that chooses a refund's outcome; the next ones follow [`SandboxOutcome::REFUND`].
pub const FIRST_REFUND_AMOUNT_MINOR: i64 = 400_101;
/// A capture of this many minor units is refused.
pub const CAPTURE_REFUSED_MINOR: i64 = 400_202;
/// A capture of this many minor units is taken while its answer is lost.
pub const CAPTURE_LOSES_ANSWER_MINOR: i64 = 400_203;

/// What a payment shall do; `None` if the outcome asked for is not a payment's.
pub(crate) fn of_payment(asked: Option<SandboxOutcome>, amount_minor: i64) -> Option<SandboxOutcome> {
    choose(&SandboxOutcome::PAYMENT, FIRST_PAYMENT_AMOUNT_MINOR, asked, amount_minor)
}

/// What a refund shall do; `None` if the outcome asked for is not a refund's.
pub(crate) fn of_refund(asked: Option<SandboxOutcome>, amount_minor: i64) -> Option<SandboxOutcome> {
    choose(&SandboxOutcome::REFUND, FIRST_REFUND_AMOUNT_MINOR, asked, amount_minor)
}

fn choose(
    offered: &[SandboxOutcome],
    first_minor: i64,
    asked: Option<SandboxOutcome>,
    amount_minor: i64,
) -> Option<SandboxOutcome> {
    if let Some(asked) = asked {
        return offered.contains(&asked).then_some(asked);
    }
    let by_amount = amount_minor
        .checked_sub(first_minor)
        .and_then(|offset| usize::try_from(offset).ok())
        .and_then(|offset| offered.get(offset));
    Some(by_amount.copied().unwrap_or(SandboxOutcome::Succeed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_choose_only_when_nothing_is_asked() {
        assert_eq!(of_payment(None, 1250), Some(SandboxOutcome::Succeed));
        assert_eq!(of_payment(None, 400_001), Some(SandboxOutcome::Succeed));
        assert_eq!(of_payment(None, 400_002), Some(SandboxOutcome::Decline));
        assert_eq!(of_payment(None, 400_011), Some(SandboxOutcome::OtherCurrency));
        assert_eq!(of_payment(None, 400_012), Some(SandboxOutcome::Succeed));
        assert_eq!(of_payment(None, i64::MIN), Some(SandboxOutcome::Succeed));
        assert_eq!(of_payment(Some(SandboxOutcome::Succeed), 400_002), Some(SandboxOutcome::Succeed));
        assert_eq!(of_payment(Some(SandboxOutcome::Fail), 1), None);
        assert_eq!(of_refund(None, 400_102), Some(SandboxOutcome::LoseAnswer));
        assert_eq!(of_refund(None, 400_103), Some(SandboxOutcome::Fail));
        assert_eq!(of_refund(Some(SandboxOutcome::Decline), 1), None);
    }
}
