//! What the platform asks of a channel and what a channel can tell it: the vocabulary between `channels` and the
//! decisions. A *fact* is never thrown away, however late and whoever asked for it.

use crate::id::{ChannelAccountId, Uid};
use ledger::Day;
use money::{Amount, FeeRule};

/// The operator's credential at a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelAccount {
    /// Its id; a dimension of 1110 and 2120.
    pub id: ChannelAccountId,
    /// The method it serves, such as `sandbox`.
    pub method: String,
    /// What the channel charges, accrued at success and compared with its bill.
    pub cost: FeeRule,
    /// False once taken out of service for new attempts.
    pub enabled: bool,
}

/// What a channel said of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptFact {
    /// The channel took the money.
    Paid(Taken),
    /// The channel holds the money for a later capture.
    Authorized {
        /// The channel's number.
        channel_trade_no: String,
        /// What it holds.
        amount: Amount,
        /// When its window for captures ends, business time in microseconds.
        expires_at_us: i64,
    },
    /// The payer must act.
    ActionRequired(Action),
    /// The channel works on it; the end is told later.
    Processing,
    /// Refused; nothing was taken.
    Declined(Failure),
    /// Closed at the channel, unpaid (also: an authorization was given up); it confirms that nothing can be paid any more.
    Closed,
    /// The channel knows no such request. No fact about money: it may still arrive.
    NotFound,
    /// The call's outcome is not known.
    Unknown,
}

/// Money taken by a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The channel's number.
    pub channel_trade_no: String,
    /// What the channel says it took, which may be other than asked.
    pub amount: Amount,
    /// When, in the channel's business time, microseconds.
    pub paid_at_us: i64,
    /// The channel's bill on which it will stand.
    pub bill_date: Day,
}

/// What a payer must do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Show this text as a QR code.
    QrCode {
        /// What the code encodes.
        text: String,
    },
    /// Send the payer to this page.
    Redirect {
        /// The page.
        url: String,
    },
    /// Call the wallet's SDK.
    Invoke {
        /// `mini_program`, `app` or `h5`.
        target: String,
        /// The channel's parameters, passed through as a JSON object's text.
        parameters: String,
    },
    /// The payer confirms on the phone; ask again after this long.
    PayerConfirm {
        /// Milliseconds between two queries.
        poll_after_ms: i64,
    },
}

/// Why a try failed, in our words and the channel's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Our stable code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The channel's code as received.
    pub channel_code: Option<String>,
    /// The channel's words as received.
    pub channel_message: Option<String>,
    /// True when another try may succeed.
    pub retryable: bool,
}

/// What a channel said of one capture.
#[derive(Debug, Clone, PartialEq)]
pub enum CaptureFact {
    /// The money was taken.
    Succeeded(Taken),
    /// Refused; the authorization stands as it was.
    Failed(Failure),
    /// The channel knows no such capture.
    NotFound,
    /// Not known yet.
    Unknown,
}

/// What a channel said of one refund.
#[derive(Debug, Clone, PartialEq)]
pub enum RefundFact {
    /// The channel took the refund's money from its receivable.
    Succeeded {
        /// The channel's number.
        channel_refund_no: String,
        /// The bill on which it will stand.
        bill_date: Day,
        /// When, channel's business time, microseconds.
        refunded_at_us: i64,
    },
    /// Accepted, not done.
    Accepted {
        /// The channel's number.
        channel_refund_no: String,
    },
    /// Refused or come back.
    Failed {
        /// Why.
        failure: Failure,
        /// The day on which it was learnt at the channel.
        bill_date: Day,
    },
    /// The channel knows no such refund: send it again with the same number.
    NotFound,
    /// Not known yet.
    Unknown,
}

/// Something that a channel has done or may still do, by its own record and under our number: for comparing with books that were
/// restored from a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What it is.
    pub kind: EffectKind,
    /// Our number of it: the id of an attempt, a capture or a refund.
    pub number: Uid,
    /// The attempt that it hangs under; of a payment, its own number.
    pub trade: Uid,
    /// How it stands.
    pub state: EffectState,
    /// The channel's number.
    pub channel_no: String,
    /// How much.
    pub amount: Amount,
    /// When, in the channel's business time, microseconds.
    pub at_us: i64,
}

/// What a channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum EffectKind {
    Payment,
    Capture,
    Refund,
}

impl EffectKind {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            EffectKind::Payment => "payment",
            EffectKind::Capture => "capture",
            EffectKind::Refund => "refund",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<EffectKind> {
        [EffectKind::Payment, EffectKind::Capture, EffectKind::Refund]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

/// How far a channel is with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EffectState {
    /// Nothing moved yet, and it still may.
    Open,
    /// Money is held.
    Held,
    /// Money moved.
    Done,
}

impl EffectState {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            EffectState::Open => "open",
            EffectState::Held => "held",
            EffectState::Done => "done",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<EffectState> {
        [EffectState::Open, EffectState::Held, EffectState::Done].into_iter().find(|s| s.as_str() == text)
    }
}

/// What the sandbox channel shall do. Chosen on create, attempt and refund; refused in live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the wire names say it; the table in the docs explains each
pub enum SandboxOutcome {
    Succeed,
    Decline,
    NeedsPassword,
    Timeout,
    AnswerLate,
    CallbackTwice,
    CallbackFirst,
    Contradict,
    PayAfterClose,
    OtherAmount,
    OtherCurrency,
    LoseAnswer,
    Fail,
}

impl SandboxOutcome {
    /// All that a payment or attempt may ask for.
    pub const PAYMENT: [SandboxOutcome; 11] = [
        SandboxOutcome::Succeed,
        SandboxOutcome::Decline,
        SandboxOutcome::NeedsPassword,
        SandboxOutcome::Timeout,
        SandboxOutcome::AnswerLate,
        SandboxOutcome::CallbackTwice,
        SandboxOutcome::CallbackFirst,
        SandboxOutcome::Contradict,
        SandboxOutcome::PayAfterClose,
        SandboxOutcome::OtherAmount,
        SandboxOutcome::OtherCurrency,
    ];
    /// All that a refund may ask for.
    pub const REFUND: [SandboxOutcome; 3] =
        [SandboxOutcome::Succeed, SandboxOutcome::LoseAnswer, SandboxOutcome::Fail];

    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            SandboxOutcome::Succeed => "succeed",
            SandboxOutcome::Decline => "decline",
            SandboxOutcome::NeedsPassword => "needs_password",
            SandboxOutcome::Timeout => "timeout",
            SandboxOutcome::AnswerLate => "answer_late",
            SandboxOutcome::CallbackTwice => "callback_twice",
            SandboxOutcome::CallbackFirst => "callback_first",
            SandboxOutcome::Contradict => "contradict",
            SandboxOutcome::PayAfterClose => "pay_after_close",
            SandboxOutcome::OtherAmount => "other_amount",
            SandboxOutcome::OtherCurrency => "other_currency",
            SandboxOutcome::LoseAnswer => "lose_answer",
            SandboxOutcome::Fail => "fail",
        }
    }

    /// Reads a stored or wire name.
    pub fn parse(text: &str) -> Option<SandboxOutcome> {
        SandboxOutcome::PAYMENT.into_iter().chain(SandboxOutcome::REFUND).find(|o| o.as_str() == text)
    }
}
