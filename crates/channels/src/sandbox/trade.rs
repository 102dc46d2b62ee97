//! What the sandbox keeps of a trade, its captures and its refunds.

use domain::Uid;
use domain::channel::SandboxOutcome;
use domain::payment::Scene;
use ledger::Day;
use money::{Amount, Currency};
use tokio::time::Instant;

use super::reason::Reason;

/// How long an authorization may be captured: 7 days (WIRE, payment rules).
pub(crate) const CAPTURE_WINDOW_US: i64 = 7 * 86_400_000_000;

/// Where a trade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TradeState {
    /// Nothing was taken; the payer may still pay.
    Waiting,
    /// Held for captures.
    Authorized,
    /// Taken at once, without an authorization.
    Paid,
    /// The authorization ended with its final capture.
    Settled,
    /// Nothing (more) can be taken.
    Closed,
    /// Refused; nothing was taken.
    Declined,
}

/// A trade. There is one for every request ever seen, so it is kept small; what only some need is in [`Extra`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trade {
    /// The request number's 16 bytes.
    pub key: Uid,
    /// What was asked, minor units.
    pub asked_minor: i64,
    /// Business time of the present state, microseconds.
    pub at_us: i64,
    /// What the channel charged so far.
    pub fee_minor: i64,
    /// The currency asked.
    pub currency: Currency,
    /// Where it stands.
    pub state: TradeState,
    /// How it shall behave.
    pub outcome: SandboxOutcome,
    /// Where the payer pays.
    pub scene: Scene,
    /// Whether captures are a step of their own.
    pub manual: bool,
    /// Why it was refused or closed.
    pub reason: Option<Reason>,
}

// 600,000 finished trades shall stay below 50 MB: 48 bytes each in chunks, and 5 bytes a bucket of the index.
const _: () = assert!(size_of::<Trade>() <= 48);

impl Trade {
    /// What is (or would be) taken in all: other than asked for two outcomes.
    pub(crate) fn taken(&self) -> Amount {
        match self.outcome {
            SandboxOutcome::OtherAmount if self.asked_minor == 1 => Amount::new(2, self.currency),
            SandboxOutcome::OtherAmount => Amount::new(self.asked_minor.saturating_sub(1), self.currency),
            SandboxOutcome::OtherCurrency if self.currency == Currency::USD => {
                Amount::new(self.asked_minor, Currency::CNY)
            }
            SandboxOutcome::OtherCurrency => Amount::new(self.asked_minor, Currency::USD),
            SandboxOutcome::Succeed
            | SandboxOutcome::Decline
            | SandboxOutcome::NeedsPassword
            | SandboxOutcome::Timeout
            | SandboxOutcome::AnswerLate
            | SandboxOutcome::CallbackTwice
            | SandboxOutcome::CallbackFirst
            | SandboxOutcome::Contradict
            | SandboxOutcome::PayAfterClose
            | SandboxOutcome::LoseAnswer
            | SandboxOutcome::Fail => Amount::new(self.asked_minor, self.currency),
        }
    }

    /// When captures end, if it is authorized.
    pub(crate) fn capture_until_us(&self) -> i64 {
        self.at_us.saturating_add(CAPTURE_WINDOW_US)
    }

    /// Closed while its payer is one who pays after close, and has not yet.
    pub(crate) fn is_paid_later(&self) -> bool {
        self.state == TradeState::Closed
            && self.outcome == SandboxOutcome::PayAfterClose
            && self.reason.is_none()
    }
}

/// What an unfinished trade, or one with captures or refunds, has besides.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// When the unpaid order ends, business time.
    pub expires_at_us: i64,
    /// Until then queries do not know: the lost call is not settled yet. Not in the book.
    pub hazy_until: Option<Instant>,
    /// In order.
    pub captures: Vec<Capture>,
    /// In order.
    pub refunds: Vec<Refund>,
}

impl Extra {
    /// Sum of the captures that took money.
    pub(crate) fn captured_minor(&self) -> i64 {
        let taken = self.captures.iter().filter(|capture| capture.refused.is_none());
        taken.fold(0, |sum, capture| sum.saturating_add(capture.amount.minor()))
    }

    /// Sum of refunds in any of the states.
    pub(crate) fn refunded_minor(&self, states: &[RefundState]) -> i64 {
        let counted = self.refunds.iter().filter(|refund| states.contains(&refund.state));
        counted.fold(0, |sum, refund| sum.saturating_add(refund.amount.minor()))
    }

    /// Fee given back so far.
    pub(crate) fn fee_back_minor(&self) -> i64 {
        self.refunds.iter().fold(0, |sum, refund| sum.saturating_add(refund.fee_back_minor))
    }
}

/// A capture, taken or refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Capture {
    /// Its number's 16 bytes.
    pub key: Uid,
    /// Counts the captures of the book.
    pub serial: u32,
    /// How much.
    pub amount: Amount,
    /// Business time, microseconds.
    pub at_us: i64,
    /// What the channel charged for it.
    pub fee_minor: i64,
    /// Why it was refused; `None` is taken.
    pub refused: Option<Reason>,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundState {
    /// Taken from the receivable.
    Succeeded,
    /// Accepted; it will fail.
    Accepted,
    /// Refused or failed.
    Failed,
}

/// A refund.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refund {
    /// Its number's 16 bytes.
    pub key: Uid,
    /// Counts the refunds of the book.
    pub serial: u32,
    /// How much.
    pub amount: Amount,
    /// Business time of its present state, microseconds.
    pub at_us: i64,
    /// Fee given back with it.
    pub fee_back_minor: i64,
    /// Where it stands.
    pub state: RefundState,
    /// Why it failed.
    pub reason: Option<Reason>,
}

/// The zone of the bills, a fixed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BillZone {
    /// Seconds east of UTC.
    pub offset_s: i32,
}

const DAY_US: i64 = 86_400_000_000;

impl BillZone {
    fn local_us(self, at_us: i64) -> i64 {
        at_us.saturating_add(i64::from(self.offset_s) * 1_000_000)
    }

    /// The bill on which something of this moment stands.
    pub(crate) fn day(self, at_us: i64) -> Day {
        let days = self.local_us(at_us).div_euclid(DAY_US);
        Day(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// Local date and time with offset, RFC 3339 with six decimals.
    pub(crate) fn text(self, at_us: i64) -> String {
        let (day, of_day) = (self.day(at_us), self.local_us(at_us).rem_euclid(DAY_US));
        let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let sign = if self.offset_s < 0 { '-' } else { '+' };
        let (off_hour, off_minute) = (self.offset_s.abs() / 3600, self.offset_s.abs() / 60 % 60);
        format!("{day}T{hour:02}:{minute:02}:{second:02}.{micros:06}{sign}{off_hour:02}:{off_minute:02}")
    }
}

/// What a number of the channel stands for; its digit is part of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberOf {
    /// A trade.
    Trade,
    /// A capture.
    Capture,
    /// A refund.
    Refund,
}

/// The channel's number: `SBX`, the date in the request number, a digit for its kind, a count of ten digits.
pub(crate) fn channel_no(of: NumberOf, key: Uid, serial: u32, zone: BillZone) -> String {
    let [b0, b1, b2, b3, b4, b5, ..] = key.0;
    let at_ms = i64::from_be_bytes([0, 0, b0, b1, b2, b3, b4, b5]);
    let (year, month, day) = zone.day(at_ms.saturating_mul(1000)).to_ymd();
    let digit = match of {
        NumberOf::Trade => 1,
        NumberOf::Capture => 2,
        NumberOf::Refund => 3,
    };
    format!("SBX{year:04}{month:02}{day:02}{digit}{serial:010}")
}

#[cfg(test)]
mod tests {
    use domain::Shard;

    use super::*;

    const CHINA: BillZone = BillZone { offset_s: 8 * 3600 };

    #[test]
    fn bill_dates_change_at_local_midnight() {
        // 2026-11-23T16:00:00Z is midnight in UTC+8.
        let midnight_us = 1_795_449_600_000_000;
        assert_eq!(CHINA.day(midnight_us).to_string(), "2026-11-24");
        assert_eq!(CHINA.day(midnight_us - 1).to_string(), "2026-11-23");
        assert_eq!(CHINA.text(midnight_us - 1), "2026-11-23T23:59:59.999999+08:00");
        assert_eq!(BillZone { offset_s: -12_600 }.text(midnight_us), "2026-11-23T12:30:00.000000-03:30");
    }

    #[test]
    fn numbers_name_kind_date_and_count() {
        let key = Uid::new(1_795_449_600_000, Shard(1), 7);
        assert_eq!(channel_no(NumberOf::Trade, key, 12, CHINA), "SBX2026112410000000012");
        assert_eq!(channel_no(NumberOf::Refund, key, 12, CHINA), "SBX2026112430000000012");
        // Any bytes at all make a number; nothing panics.
        assert!(channel_no(NumberOf::Trade, Uid([0xff; 16]), u32::MAX, CHINA).starts_with("SBX"));
    }
}
