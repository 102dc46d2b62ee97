//! Pending money becomes available when its day begins in the merchant's zone.

use crate::decide::{Booking, Changes, Facts};
use crate::id::MerchantId;
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::posting::maturity::matured;
use ledger::{Account, Day};
use money::{Amount, Currency};

/// Matures what one date holds.
#[derive(Debug, Clone, Copy)]
pub struct Mature {
    /// The merchant.
    pub merchant: MerchantId,
    /// The currency.
    pub currency: Currency,
    /// The date of the 2010 account.
    pub available_on: Day,
}

/// Decides it. A date that has not begun, or holds nothing, changes nothing.
///
/// # Errors
/// [`Rejection::Defect`] when the books refuse.
pub fn decide(command: &Mature, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let account =
        Account::MerchantPending { merchant: command.merchant.0.0, available_on: command.available_on };
    let held_minor = rows.balances.get(&account.key(command.currency)).map_or(0, |b| b.amount_minor);
    if command.available_on > facts.today || held_minor <= 0 {
        return Ok(Changes::default());
    }
    let posting =
        matured(command.merchant.0.0, command.available_on, Amount::new(held_minor, command.currency))?;
    Ok(Changes { bookings: vec![Booking { posting, source: command.merchant.0 }], ..Changes::default() })
}
