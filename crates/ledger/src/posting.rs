//! Postings: balanced sets of lines, and the templates that make them, one module per subject (BOOKS section 2).

use money::{Currency, MAX_WIRE};

use crate::{Account, Category, Label, LedgerError, Ref, Side, invariants};

pub mod adjustment;
pub mod authorization;
pub mod debt;
pub mod draw;
pub mod held;
pub mod maturity;
pub mod payment;
pub mod refund;
pub mod refund_failed;

/// One movement on one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub account: Account,
    /// Minor units: debit above zero, credit below, never zero.
    pub amount_minor: i64,
    /// Why.
    pub category: Category,
    /// Whose, on accounts of merchants; `None` on the platform's own.
    pub merchant: Option<Ref>,
}

impl Line {
    /// The side of the line.
    pub const fn side(&self) -> Side {
        if self.amount_minor < 0 { Side::Credit } else { Side::Debit }
    }

    /// The amount as its merchant reads it: what it gains is above zero; a line that adds to its debt is below.
    pub const fn merchant_minor(&self) -> i64 {
        self.amount_minor.saturating_neg()
    }

    /// The change of the account's balance in its natural sign.
    pub const fn natural_minor(&self) -> i64 {
        match self.account.normal() {
            Side::Debit => self.amount_minor,
            Side::Credit => self.amount_minor.saturating_neg(),
        }
    }

    /// The same line with the sign turned.
    #[must_use]
    pub const fn turned(self) -> Line {
        Line { amount_minor: self.amount_minor.saturating_neg(), ..self }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostingKind {
    /// A payer's bank holds an amount for a payment.
    Authorized,
    /// The hold ended: captured, voided or expired.
    AuthorizationReleased,
    /// A payment, or one capture of it, succeeded.
    PaymentSucceeded,
    /// Money that a payment may not keep goes back by a refund.
    PaymentNotKept,
    /// Money waits for a person to decide.
    PaymentHeld,
    /// A person sends held money back.
    HeldReturned,
    /// Pending money became available.
    Matured,
    /// A refund was accepted.
    RefundAccepted,
    /// The channel took the refund's money.
    RefundTaken,
    /// A refund failed before the channel took its money.
    RefundFailed,
    /// A refund failed after the channel had taken its money.
    RefundFailedLate,
    /// A debt was taken from a credit that has no fee of its own.
    DebtRecovered,
    /// A correction.
    Adjusted,
    /// Another posting turned round.
    Reversed,
}

impl PostingKind {
    /// Every kind.
    pub const ALL: [PostingKind; 14] = [
        PostingKind::Authorized,
        PostingKind::AuthorizationReleased,
        PostingKind::PaymentSucceeded,
        PostingKind::PaymentNotKept,
        PostingKind::PaymentHeld,
        PostingKind::HeldReturned,
        PostingKind::Matured,
        PostingKind::RefundAccepted,
        PostingKind::RefundTaken,
        PostingKind::RefundFailed,
        PostingKind::RefundFailedLate,
        PostingKind::DebtRecovered,
        PostingKind::Adjusted,
        PostingKind::Reversed,
    ];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            PostingKind::Authorized => "authorized",
            PostingKind::AuthorizationReleased => "authorization_released",
            PostingKind::PaymentSucceeded => "payment_succeeded",
            PostingKind::PaymentNotKept => "payment_not_kept",
            PostingKind::PaymentHeld => "payment_held",
            PostingKind::HeldReturned => "held_returned",
            PostingKind::Matured => "matured",
            PostingKind::RefundAccepted => "refund_accepted",
            PostingKind::RefundTaken => "refund_taken",
            PostingKind::RefundFailed => "refund_failed",
            PostingKind::RefundFailedLate => "refund_failed_late",
            PostingKind::DebtRecovered => "debt_recovered",
            PostingKind::Adjusted => "adjusted",
            PostingKind::Reversed => "reversed",
        }
    }

    /// The kind of a stored name.
    pub fn parse(name: &str) -> Option<PostingKind> {
        PostingKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A balanced set of lines. Only the templates make one, so having one means it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posting {
    /// What happened.
    pub kind: PostingKind,
    /// The one currency of all lines.
    pub currency: Currency,
    /// The lines, in the order in which running balances are taken.
    pub lines: Vec<Line>,
    /// The journal transaction that an adjustment or a reversal corrects.
    pub corrects: Option<Ref>,
}

impl Posting {
    pub(crate) fn new(
        kind: PostingKind,
        currency: Currency,
        lines: Vec<Line>,
    ) -> Result<Posting, LedgerError> {
        let posting = Posting { kind, currency, lines, corrects: None };
        invariants::check_posting(&posting)?;
        Ok(posting)
    }

    pub(crate) fn correcting(self, transaction: Ref) -> Posting {
        Posting { corrects: Some(transaction), ..self }
    }
}

/// Something charged, with the tax that is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// What is charged, tax included; minor units, may be zero.
    pub amount_minor: i64,
    /// The tax in it.
    pub tax: Option<Tax>,
}

/// Tax within a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tax {
    /// To whom it is owed.
    pub jurisdiction: Label,
    /// Minor units, at most the charge.
    pub amount_minor: i64,
}

impl Charge {
    /// Nothing.
    pub const NONE: Charge = Charge { amount_minor: 0, tax: None };

    /// A charge without tax.
    pub const fn untaxed(amount_minor: i64) -> Charge {
        Charge { amount_minor, tax: None }
    }

    /// The charge without its tax, and the tax.
    pub(crate) fn parts(&self, name: &'static str) -> Result<(i64, i64), LedgerError> {
        let charge_minor = not_negative(name, self.amount_minor)?;
        let tax_minor = self.tax.map_or(0, |tax| tax.amount_minor);
        if !(0..=charge_minor).contains(&tax_minor) {
            return Err(LedgerError::TaxExceedsCharge { tax_minor, charge_minor });
        }
        Ok((charge_minor - tax_minor, tax_minor))
    }
}

/// An input amount from 0 to [`MAX_WIRE`].
pub(crate) fn not_negative(name: &'static str, minor: i64) -> Result<i64, LedgerError> {
    if (0..=MAX_WIRE).contains(&minor) {
        Ok(minor)
    } else {
        Err(LedgerError::AmountOutOfRange { name, minor })
    }
}

/// An input amount from 1 to [`MAX_WIRE`].
pub(crate) fn positive(name: &'static str, minor: i64) -> Result<i64, LedgerError> {
    if minor == 0 { Err(LedgerError::AmountOutOfRange { name, minor }) } else { not_negative(name, minor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_back() {
        for kind in PostingKind::ALL {
            assert_eq!(PostingKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(PostingKind::parse(""), None);
    }

    #[test]
    fn a_charge_holds_its_tax() {
        let tax = |amount_minor| Some(Tax { jurisdiction: Label::TRANSACTION, amount_minor });
        assert_eq!(Charge { amount_minor: 60, tax: tax(3) }.parts("fee"), Ok((57, 3)));
        assert_eq!(Charge::NONE.parts("fee"), Ok((0, 0)));
        for (amount_minor, tax_minor) in [(60, 61), (60, -1), (0, 1)] {
            let refused = Err(LedgerError::TaxExceedsCharge { tax_minor, charge_minor: amount_minor });
            assert_eq!(Charge { amount_minor, tax: tax(tax_minor) }.parts("fee"), refused);
        }
        let minor = MAX_WIRE + 1;
        assert_eq!(positive("gross", minor), Err(LedgerError::AmountOutOfRange { name: "gross", minor }));
        assert_eq!(positive("gross", 0), Err(LedgerError::AmountOutOfRange { name: "gross", minor: 0 }));
        assert_eq!(not_negative("cost", -1), Err(LedgerError::AmountOutOfRange { name: "cost", minor: -1 }));
    }
}
