//! An adjustment: money of one merchant goes to another, because something was booked for the wrong one. It names what it
//! corrects; one person proposes it and another approves it (BOOKS section 2, last row).
//!
//! It moves in two halves, each a transaction of its own: each merchant has its own business time, and the two may have different
//! shards. The giver's half is booked with the approval. The receiver's is a job that is committed with it; the row [`Arrival`] in
//! the receiver's shard, under the adjustment's id, is what keeps it from being booked twice. 1920 holds what is between the two.

mod decide;
mod propose;
mod settle;

pub use decide::{DecideAdjustment, Verdict, decide};
pub use propose::{ProposeAdjustment, propose};
pub use settle::{Receive, SettleAdjustment, receive, settle};

use crate::id::{AdjustmentId, Id, MerchantId, PaymentId, RefundId, Uid};
use crate::payment::state::words;
use money::Amount;
use std::fmt;

/// The most bytes of a person's name.
pub const PERSON_BYTES_MAX: usize = 64;
/// The most characters of a reason, as of a payment's subject.
pub const REASON_CHARS_MAX: usize = 127;

words! {
    /// Where an adjustment stands.
    Status {
        /// Asked for; nothing is booked.
        Proposed = "proposed",
        /// Approved: the giver's half is booked, the receiver's will be.
        InTransit = "in_transit",
        /// Both halves are booked. Final.
        Succeeded = "succeeded",
        /// A person said no, or took it back. Final; nothing was booked.
        Rejected = "rejected",
    }
}

impl Status {
    /// Whether the giver's half is booked.
    pub const fn is_given(self) -> bool {
        match self {
            Status::InTransit | Status::Succeeded => true,
            Status::Proposed | Status::Rejected => false,
        }
    }
}

/// What an adjustment corrects: an object of the giver or of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrected {
    /// A payment.
    Payment(PaymentId),
    /// A refund.
    Refund(RefundId),
}

impl Corrected {
    /// Reads `pay_…` or `rfd_…`.
    pub fn parse(text: &str) -> Option<Corrected> {
        PaymentId::parse(text)
            .map(Corrected::Payment)
            .or_else(|| RefundId::parse(text).map(Corrected::Refund))
    }

    /// The object, as the journal names it.
    pub fn uid(self) -> Uid {
        match self {
            Corrected::Payment(id) => id.uid(),
            Corrected::Refund(id) => id.uid(),
        }
    }
}

impl fmt::Display for Corrected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Corrected::Payment(id) => id.fmt(f),
            Corrected::Refund(id) => id.fmt(f),
        }
    }
}

/// Who acts for the operator: a login, not a person's full name. Two spellings of one login are one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person(String);

impl Person {
    /// Letters, digits and `. _ - @`, up to [`PERSON_BYTES_MAX`]; kept in lower case.
    pub fn parse(text: &str) -> Option<Person> {
        let is_of_a_login = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let fits = (1..=PERSON_BYTES_MAX).contains(&text.len()) && text.chars().all(is_of_a_login);
        fits.then(|| Person(text.to_ascii_lowercase()))
    }

    /// The login.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why an adjustment is made, in the words of whoever proposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// 1 to [`REASON_CHARS_MAX`] characters that are not all blank, none of which is not seen or changes how others are.
    pub fn parse(text: &str) -> Option<Reason> {
        let text = text.trim();
        let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(deceives);
        fits.then(|| Reason(text.to_owned()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, ends of lines, marks without width, and what turns the direction of writing: whoever approves reads the words on
/// a terminal.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// An adjustment as its row holds it, in the giver's shard.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustment {
    /// Its id.
    pub id: AdjustmentId,
    /// Who gives.
    pub merchant: MerchantId,
    /// Who receives; another merchant of the same world.
    pub receiver: MerchantId,
    /// How much.
    pub amount: Amount,
    /// What it corrects.
    pub corrects: Corrected,
    /// Why.
    pub reason: Reason,
    /// Who asked for it.
    pub proposed_by: Person,
    /// Who approved it, another person than proposed it; or who rejected it.
    pub decided_by: Option<Person>,
    /// Where it stands.
    pub status: Status,
    /// In transit: real time from which any node books the receiver's half, microseconds.
    pub due_at_us: Option<i64>,
    /// Giver's business time of the proposal, microseconds.
    pub created_at_us: i64,
    /// Giver's business time of the last change, microseconds.
    pub updated_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
}

/// The receiver's half, in the receiver's shard: one row for an adjustment, never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The adjustment, whose id names the giver's shard.
    pub adjustment: AdjustmentId,
    /// Who received.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Amount,
    /// Receiver's business time, microseconds.
    pub arrived_at_us: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_one_person_however_it_is_spelt() {
        assert_eq!(Person::parse("Li.Wei"), Person::parse("li.wei"));
        for refused in ["", " ", "li wei", "李伟", "a\n", &"a".repeat(65)] {
            assert_eq!(Person::parse(refused), None, "{refused:?}");
        }
        assert_eq!(Person::parse(&"a".repeat(64)).map(|person| person.as_str().len()), Some(64));
    }

    #[test]
    fn a_reason_says_something() {
        for refused in [
            "",
            "  ",
            "\u{7}",
            "a\nb",
            "\u{200b}",
            "a\u{202e}b",
            "a\u{2028}b",
            "\u{feff}a",
            &"因".repeat(128),
        ] {
            assert_eq!(Reason::parse(refused), None, "{refused:?}");
        }
        assert_eq!(Reason::parse(" 错收 ").map(|reason| reason.0), Some("错收".to_owned()));
    }

    #[test]
    fn what_is_corrected_reads_back() {
        for text in ["pay_00000000000000000000000001", "rfd_00000000000000000000000001"] {
            assert_eq!(Corrected::parse(text).map(|of| of.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Corrected::parse("att_00000000000000000000000001"), None);
    }
}
