//! The table of outcomes: what is asked for, what happens, what the merchant is told. The pages of the documentation print it,
//! and a black-box test plays every row of it.

use super::outcome::{
    CAPTURE_LOSES_ANSWER_MINOR, CAPTURE_REFUSED_MINOR, FIRST_PAYMENT_AMOUNT_MINOR, FIRST_REFUND_AMOUNT_MINOR,
};
use domain::channel::SandboxOutcome;
use domain::event::Type;
use std::fmt::Write as _;

/// What an outcome belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeOf {
    /// A payment in a scene that is answered at once: `bar_code`, `card`, `pos`.
    AtTheTill,
    /// A payment in a scene where a payer acts, from the moment when he pays.
    PayerActs,
    /// A capture.
    Capture,
    /// A refund.
    Refund,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeRow {
    /// What it belongs to.
    pub of: OutcomeOf,
    /// Its name in `sandbox_outcome`; captures have none.
    pub outcome: Option<SandboxOutcome>,
    /// The amount that chooses it when nothing is asked for.
    pub amount_minor: i64,
    /// What happens, in English and in Chinese.
    pub what: [&'static str; 2],
    /// What the merchant is told of payment, capture and refund, in order; where a payer acts, after `payment.created` and
    /// `payment.requires_action`.
    pub events: &'static [Type],
}

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TableLanguage {
    English,
    Chinese,
}

/// What happens and what is told.
type Story = ([&'static str; 2], &'static [Type]);

const PAID: &[Type] = &[Type::PaymentSucceeded];
const PAID_LATER: &[Type] = &[Type::PaymentProcessing, Type::PaymentSucceeded];
const HELD: &[Type] = &[Type::PaymentProcessing, Type::PaymentFlagged];
const SENT_BACK: &[Type] =
    &[Type::PaymentClosed, Type::PaymentFlagged, Type::RefundCreated, Type::RefundSucceeded];
const SENT_BACK_AFTER_PROCESSING: &[Type] = &[
    Type::PaymentProcessing,
    Type::PaymentClosed,
    Type::PaymentFlagged,
    Type::RefundCreated,
    Type::RefundSucceeded,
];

/// `None` for an outcome of refunds.
fn at_the_till(outcome: SandboxOutcome) -> Option<Story> {
    Some(match outcome {
        SandboxOutcome::Succeed => (["paid at once", "立即支付成功"], PAID),
        SandboxOutcome::Decline => {
            (["declined at once; the payment has failed", "立即被拒，支付失败"], &[Type::PaymentFailed])
        }
        SandboxOutcome::NeedsPassword => (
            [
                "the payer must confirm on the phone, which is sandbox pay",
                "付款人须在手机上确认，即调用沙箱支付",
            ],
            &[Type::PaymentRequiresAction, Type::PaymentSucceeded],
        ),
        SandboxOutcome::Timeout => (
            [
                "the money is taken, the call times out and no callback comes; a query tells",
                "钱已扣，但调用超时且没有回调；由查询得知结果",
            ],
            PAID_LATER,
        ),
        SandboxOutcome::AnswerLate => {
            (["paid; the answer comes two seconds late", "支付成功，应答晚到两秒"], PAID)
        }
        SandboxOutcome::CallbackTwice => {
            (["paid at once, and two callbacks besides", "立即支付成功，另有两次回调"], PAID)
        }
        SandboxOutcome::CallbackFirst => {
            (["paid; the callback comes before the answer", "支付成功，回调先于应答到达"], PAID)
        }
        SandboxOutcome::Contradict => (
            [
                "processing, then a callback that says paid, then one that says declined; a query says paid",
                "先处理中，随后回调称已支付，再有回调称被拒；查询结果为已支付",
            ],
            PAID_LATER,
        ),
        SandboxOutcome::PayAfterClose => (
            [
                "processing; paid only after you closed it or its time was over, and sent back by itself",
                "处理中；在关单或过期之后才支付，款项自动退回",
            ],
            SENT_BACK_AFTER_PROCESSING,
        ),
        SandboxOutcome::OtherAmount => (
            [
                "one minor unit less is taken (one more when the amount is 1); held until a person resolves it",
                "少扣一个最小单位（金额为 1 时多扣一个）；资金挂起，待人工处理",
            ],
            HELD,
        ),
        SandboxOutcome::OtherCurrency => (
            [
                "as many minor units of USD are taken (of CNY if it was USD); held until a person resolves it",
                "以美元扣取相同数目的最小单位（原为美元则扣人民币）；资金挂起，待人工处理",
            ],
            HELD,
        ),
        SandboxOutcome::LoseAnswer | SandboxOutcome::Fail => return None,
    })
}

/// `None` for an outcome of refunds.
fn payer_acts(outcome: SandboxOutcome) -> Option<Story> {
    Some(match outcome {
        SandboxOutcome::Succeed | SandboxOutcome::NeedsPassword | SandboxOutcome::CallbackFirst => {
            (["paid, told by a callback", "支付成功，由回调告知"], PAID)
        }
        SandboxOutcome::Decline => (
            [
                "declined; the payment stays open and can be paid by another attempt",
                "被拒；支付仍未结束，可另发起一次尝试",
            ],
            &[],
        ),
        SandboxOutcome::Timeout => {
            (["paid, but no callback comes; a query tells", "支付成功但没有回调；由查询得知结果"], PAID)
        }
        SandboxOutcome::AnswerLate => {
            (["paid; the callback comes two seconds late", "支付成功，回调晚到两秒"], PAID)
        }
        SandboxOutcome::CallbackTwice => (["paid; the callback comes twice", "支付成功，回调来两次"], PAID),
        SandboxOutcome::Contradict => (
            [
                "a callback says paid, then one says declined; a query says paid",
                "回调称已支付，随后又有回调称被拒；查询结果为已支付",
            ],
            PAID,
        ),
        SandboxOutcome::PayAfterClose => (
            [
                "nothing; paid only after you closed it or its time was over, and sent back by itself",
                "没有动静；在关单或过期之后才支付，款项自动退回",
            ],
            SENT_BACK,
        ),
        SandboxOutcome::OtherAmount => (
            [
                "he pays one minor unit less (one more when the amount is 1); held until a person resolves it",
                "少付一个最小单位（金额为 1 时多付一个）；资金挂起，待人工处理",
            ],
            HELD,
        ),
        SandboxOutcome::OtherCurrency => (
            [
                "he pays as many minor units of USD (of CNY if it was USD); held until a person resolves it",
                "以美元支付相同数目的最小单位（原为美元则付人民币）；资金挂起，待人工处理",
            ],
            HELD,
        ),
        SandboxOutcome::LoseAnswer | SandboxOutcome::Fail => return None,
    })
}

/// `None` for an outcome of payments.
fn refund(outcome: SandboxOutcome) -> Option<Story> {
    const DONE: &[Type] = &[Type::RefundCreated, Type::RefundSucceeded];
    Some(match outcome {
        SandboxOutcome::Succeed => (["sent back at once", "立即退款成功"], DONE),
        SandboxOutcome::LoseAnswer => {
            (["sent back, the answer is lost; a query tells", "退款成功但应答丢失；由查询得知结果"], DONE)
        }
        SandboxOutcome::Fail => (
            [
                "accepted, and failed a second later (`ACCOUNT_ABNORMAL`); the money is yours again",
                "先受理，一秒后失败（`ACCOUNT_ABNORMAL`），款项回到商户账上",
            ],
            &[Type::RefundCreated, Type::RefundFailed],
        ),
        SandboxOutcome::Decline
        | SandboxOutcome::NeedsPassword
        | SandboxOutcome::Timeout
        | SandboxOutcome::AnswerLate
        | SandboxOutcome::CallbackTwice
        | SandboxOutcome::CallbackFirst
        | SandboxOutcome::Contradict
        | SandboxOutcome::PayAfterClose
        | SandboxOutcome::OtherAmount
        | SandboxOutcome::OtherCurrency => return None,
    })
}

/// Every row, in the order of the page.
pub fn outcome_rows() -> Vec<OutcomeRow> {
    let mut rows = Vec::new();
    let mut add = |of, outcome, amount_minor, (what, events): Story| {
        rows.push(OutcomeRow { of, outcome, amount_minor, what, events });
    };
    for (of, story) in [
        (OutcomeOf::AtTheTill, at_the_till as fn(SandboxOutcome) -> Option<Story>),
        (OutcomeOf::PayerActs, payer_acts),
    ] {
        for (outcome, minor) in SandboxOutcome::PAYMENT.into_iter().zip(FIRST_PAYMENT_AMOUNT_MINOR..) {
            if let Some(story) = story(outcome) {
                add(of, Some(outcome), minor, story);
            }
        }
    }
    let refused: Story = (
        ["refused by the channel; the authorization stands", "渠道拒绝，预授权仍在"],
        &[Type::CaptureFailed],
    );
    let lost: Story = (
        ["taken, the answer is lost; a query tells", "请款成功但应答丢失；由查询得知结果"],
        &[Type::CaptureSucceeded, Type::PaymentSucceeded],
    );
    add(OutcomeOf::Capture, None, CAPTURE_REFUSED_MINOR, refused);
    add(OutcomeOf::Capture, None, CAPTURE_LOSES_ANSWER_MINOR, lost);
    for (outcome, minor) in SandboxOutcome::REFUND.into_iter().zip(FIRST_REFUND_AMOUNT_MINOR..) {
        if let Some(story) = refund(outcome) {
            add(OutcomeOf::Refund, Some(outcome), minor, story);
        }
    }
    rows
}

/// The rows as a Markdown table.
pub fn outcomes_table(language: TableLanguage) -> String {
    let pick = |[english, chinese]: [&'static str; 2]| match language {
        TableLanguage::English => english,
        TableLanguage::Chinese => chinese,
    };
    let of = |of| {
        pick(match of {
            OutcomeOf::AtTheTill => ["payment at the till", "当面付款"],
            OutcomeOf::PayerActs => ["payment, when the payer pays", "付款人操作的支付"],
            OutcomeOf::Capture => ["capture", "请款"],
            OutcomeOf::Refund => ["refund", "退款"],
        })
    };
    let mut text = String::from(pick([
        "| of | `sandbox_outcome` | or this amount | what happens | what you are told |\n",
        "| 对象 | `sandbox_outcome` | 或用此金额 | 会发生什么 | 收到的事件 |\n",
    ]));
    text.push_str("| --- | --- | --- | --- | --- |\n");
    for row in outcome_rows() {
        let name = row.outcome.map_or(String::new(), |outcome| format!("`{}`", outcome.as_str()));
        let told: Vec<String> = row.events.iter().map(|kind| format!("`{}`", kind.as_str())).collect();
        let told = if told.is_empty() { pick(["nothing", "无"]).to_owned() } else { told.join(", ") };
        let _ = writeln!(
            text,
            "| {} | {name} | {} | {} | {told} |",
            of(row.of),
            row.amount_minor,
            pick(row.what)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each() {
        let rows = outcome_rows();
        let count = |of| rows.iter().filter(|row| row.of == of).count();
        assert_eq!(
            (count(OutcomeOf::AtTheTill), count(OutcomeOf::PayerActs)),
            (SandboxOutcome::PAYMENT.len(), SandboxOutcome::PAYMENT.len())
        );
        assert_eq!((count(OutcomeOf::Capture), count(OutcomeOf::Refund)), (2, SandboxOutcome::REFUND.len()));
        let table = outcomes_table(TableLanguage::English);
        assert_eq!(table.lines().count(), 2 + rows.len());
        assert!(table.contains("| payment at the till | `other_currency` | 400011 |"));
        assert!(table.contains("| refund | `fail` | 400103 |"));
    }
}
