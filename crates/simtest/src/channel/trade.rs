//! One trade in the bank's book: what was asked, what was taken, held, sent back.

use domain::channel::{Action, AttemptFact, CaptureFact, Failure, RefundFact, Taken};
use domain::id::ChannelAccountId;
use ledger::Day;
use money::Amount;
use std::collections::BTreeMap;

/// Where a trade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The payer may pay.
    Open,
    /// The bank works on it.
    Working,
    /// The money is held.
    Held(Amount),
    /// The money was taken.
    Paid,
    /// Refused.
    Declined,
    /// Nothing can be paid any more, or the hold was given up.
    Closed,
}

/// A capture or a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartState {
    /// On its way; done by then, time that passed.
    Accepted {
        /// When it ends.
        ends_at_us: i64,
        /// Whether it ends well.
        well: bool,
    },
    /// The money moved.
    Done,
    /// It did not.
    Failed,
}

/// A capture or a refund with its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub state: PartState,
    /// The bank's day on which it moved.
    pub day: Day,
    /// Business time at which it moved.
    pub at_us: i64,
}

/// A trade.
#[derive(Debug, Clone)]
pub struct Trade {
    /// At which account.
    pub account: ChannelAccountId,
    /// Our number of it.
    pub request_no: String,
    /// What was asked.
    pub asked: Amount,
    /// Whether the money is held first.
    pub manual: bool,
    /// Whether the payer acts elsewhere.
    pub by_payer: bool,
    /// Where it stands.
    pub state: State,
    /// A trade that the bank works on ends so.
    pub ends: Option<(i64, bool)>,
    /// What a payment took.
    pub paid: Option<Part>,
    /// Captures by their number.
    pub captures: BTreeMap<String, Part>,
    /// Refunds by their number.
    pub refunds: BTreeMap<String, Part>,
}

pub(super) fn failure(code: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: "The bank refused.".to_owned(),
        channel_code: Some("B-51".to_owned()),
        channel_message: None,
        retryable: true,
    }
}

impl Trade {
    /// What a part took, as facts tell it.
    fn taken(&self, no: &str, part: &Part) -> Taken {
        Taken {
            channel_trade_no: format!("T{no}"),
            amount: part.amount,
            paid_at_us: part.at_us,
            bill_date: part.day,
        }
    }

    /// The fact about the trade as the book has it.
    pub fn fact(&self) -> AttemptFact {
        match (self.state, &self.paid) {
            (State::Paid, Some(part)) => AttemptFact::Paid(self.taken(&self.request_no, part)),
            (State::Held(amount), _) => AttemptFact::Authorized {
                channel_trade_no: format!("T{}", self.request_no),
                amount,
                expires_at_us: self.paid.map_or(i64::MAX / 2, |part| part.at_us) + HOLD_US,
            },
            (State::Open | State::Paid, _) if self.by_payer => {
                AttemptFact::ActionRequired(Action::QrCode { text: format!("wxp://{}", self.request_no) })
            }
            (State::Open | State::Paid, _) => {
                AttemptFact::ActionRequired(Action::PayerConfirm { poll_after_ms: 5_000 })
            }
            (State::Working, _) => AttemptFact::Processing,
            (State::Declined, _) => AttemptFact::Declined(failure("insufficient_balance")),
            (State::Closed, _) => AttemptFact::Closed,
        }
    }

    /// The fact about a capture.
    pub fn capture_fact(&self, no: &str) -> CaptureFact {
        match self.captures.get(no) {
            None => CaptureFact::NotFound,
            Some(part) if part.state == PartState::Done => CaptureFact::Succeeded(self.taken(no, part)),
            Some(_) => CaptureFact::Failed(failure("capture_refused")),
        }
    }

    /// The fact about a refund.
    pub fn refund_fact(&self, no: &str) -> RefundFact {
        let channel_refund_no = format!("R{no}");
        match self.refunds.get(no) {
            None => RefundFact::NotFound,
            Some(part) => match part.state {
                PartState::Done => RefundFact::Succeeded {
                    channel_refund_no,
                    bill_date: part.day,
                    refunded_at_us: part.at_us,
                },
                PartState::Accepted { .. } => RefundFact::Accepted { channel_refund_no },
                PartState::Failed => {
                    RefundFact::Failed { failure: failure("refund_refused"), bill_date: part.day }
                }
            },
        }
    }

    /// Money that the trade took, by currency, less what went back.
    pub fn takings(&self) -> Vec<(String, Amount)> {
        let done =
            |(no, part): (&String, &Part)| (part.state == PartState::Done).then(|| (no.clone(), part.amount));
        let mut all: Vec<_> = self.captures.iter().filter_map(done).collect();
        if self.state == State::Paid {
            all.extend(self.paid.map(|part| (self.request_no.clone(), part.amount)));
        }
        all
    }

    /// What may still be sent back.
    pub fn refundable_minor(&self) -> i64 {
        let taken: i64 = self.takings().iter().map(|(_, amount)| amount.minor()).sum();
        let live = self.refunds.values().filter(|part| part.state != PartState::Failed);
        taken - live.map(|part| part.amount.minor()).sum::<i64>()
    }

    /// What may still be captured.
    pub fn capturable_minor(&self) -> i64 {
        let State::Held(held) = self.state else { return 0 };
        held.minor() - self.takings().iter().map(|(_, amount)| amount.minor()).sum::<i64>()
    }
}

/// How long the bank holds money.
const HOLD_US: i64 = 7 * 86_400_000_000;
