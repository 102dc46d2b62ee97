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

/// Where the payer acts, and where the channel answers at once: the two columns of the table.
fn payment_words(outcome: SandboxOutcome) -> (&'static str, &'static str) {
    match outcome {
        SandboxOutcome::Succeed => ("paid at once", "paid, callback"),
        SandboxOutcome::Decline => ("declined at once", "declined, callback"),
        SandboxOutcome::NeedsPassword => {
            ("the payer confirms on the phone; paid by sandbox pay", "paid, callback")
        }
        SandboxOutcome::Timeout => (
            "money taken, the call times out, no callback; a query tells",
            "money taken, no callback; a query tells",
        ),
        SandboxOutcome::AnswerLate => ("paid, the answer comes late", "paid, the callback comes late"),
        SandboxOutcome::CallbackTwice => {
            ("paid at once, and the callback comes twice", "paid, the callback comes twice")
        }
        SandboxOutcome::CallbackFirst => ("the paid callback comes before the answer", "paid, callback"),
        SandboxOutcome::Contradict => (
            "processing, then a paid callback, then one that says declined; a query says paid",
            "a paid callback, then one that says declined; a query says paid",
        ),
        SandboxOutcome::PayAfterClose => (
            "processing; paid only after a close was confirmed, callback",
            "nothing; paid only after a close was confirmed, callback",
        ),
        SandboxOutcome::OtherAmount => (
            "paid one minor unit less (one more when the amount is 1)",
            "paid one minor unit less (one more when the amount is 1), callback",
        ),
        SandboxOutcome::OtherCurrency => (
            "paid as many minor units of USD (CNY if it was USD)",
            "paid as many minor units of USD (CNY if it was USD), callback",
        ),
        SandboxOutcome::LoseAnswer | SandboxOutcome::Fail => ("not a payment's", "not a payment's"),
    }
}

fn refund_words(outcome: SandboxOutcome) -> &'static str {
    match outcome {
        SandboxOutcome::Succeed => "succeeds at once",
        SandboxOutcome::LoseAnswer => "taken, the answer is lost; a query tells",
        SandboxOutcome::Fail => "accepted, then failed (`ACCOUNT_ABNORMAL`) by query or callback",
        SandboxOutcome::Decline
        | SandboxOutcome::NeedsPassword
        | SandboxOutcome::Timeout
        | SandboxOutcome::AnswerLate
        | SandboxOutcome::CallbackTwice
        | SandboxOutcome::CallbackFirst
        | SandboxOutcome::Contradict
        | SandboxOutcome::PayAfterClose
        | SandboxOutcome::OtherAmount
        | SandboxOutcome::OtherCurrency => "not a refund's",
    }
}

/// The outcomes as a Markdown table for the documentation.
pub fn outcomes_table() -> String {
    let mut text = String::from(
        "| of | `sandbox_outcome` | or minor units | `bar_code`, `card`, `pos` | `qr_code`, `web`, `h5`, `app`, `mini_program`, when the payer pays |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for (outcome, minor) in SandboxOutcome::PAYMENT.into_iter().zip(FIRST_PAYMENT_AMOUNT_MINOR..) {
        let (at_once, when_paid) = payment_words(outcome);
        text += &format!("| payment | `{}` | {minor} | {at_once} | {when_paid} |\n", outcome.as_str());
    }
    text += &format!(
        "| capture | | {CAPTURE_LOSES_ANSWER_MINOR} | taken, the answer is lost; a query tells | the same |\n"
    );
    for (outcome, minor) in SandboxOutcome::REFUND.into_iter().zip(FIRST_REFUND_AMOUNT_MINOR..) {
        let words = refund_words(outcome);
        text += &format!("| refund | `{}` | {minor} | {words} | the same |\n", outcome.as_str());
    }
    text
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

    #[test]
    fn the_table_has_a_row_for_each() {
        let table = outcomes_table();
        assert_eq!(table.lines().count(), 2 + 11 + 1 + 3);
        assert!(table.contains("| payment | `other_currency` | 400011 |"));
        assert!(table.contains("| refund | `fail` | 400103 |"));
        assert!(!table.contains("not a "));
    }
}
