//! The sandbox merchant's clock: its offset lives in its head row, goes forward only, and moves no other merchant.

use crate::decide::{Changes, Facts, business_day};
use crate::id::MerchantId;
use crate::merchant::Head;
use crate::rejection::Rejection;
use crate::rows::Rows;

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMove {
    /// Forward by this many microseconds, above zero.
    AdvanceUs(i64),
    /// To this business time, later than now.
    To(i64),
}

/// The command.
#[derive(Debug, Clone, Copy)]
pub struct MoveClock {
    /// Whose clock.
    pub merchant: MerchantId,
    /// How far.
    pub to: ClockMove,
}

/// The furthest that a sandbox clock may be ahead: 20 years, so that every date stays in range.
const AHEAD_MAX_US: i64 = 20 * 366 * 86_400 * 1_000_000;

/// Decides it.
///
/// # Errors
/// [`Rejection::ClockBackwards`] for anything that is not forward or leaves the range.
pub fn decide(command: &MoveClock, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let head = rows.heads.get(&command.merchant).ok_or(Rejection::PaymentNotFound)?;
    let by_us = match command.to {
        ClockMove::AdvanceUs(by_us) => by_us,
        ClockMove::To(at_us) => at_us.saturating_sub(facts.now_us),
    };
    let offset_us = head.clock_offset_us.saturating_add(by_us);
    if by_us <= 0 || offset_us > AHEAD_MAX_US {
        return Err(Rejection::ClockBackwards);
    }
    let day = business_day(facts.now_us.saturating_add(by_us), facts.zone);
    let moved = Head {
        clock_offset_us: offset_us,
        business_day: day.max(head.business_day),
        sequence: head.sequence + 1,
        ..head.clone()
    };
    Ok(Changes { heads: vec![moved], ..Changes::default() })
}

/// Opens the merchant's present business day, where nothing of it was booked yet: the days before are over with the commit.
#[derive(Debug, Clone, Copy)]
pub struct OpenDay {
    /// Whose day.
    pub merchant: MerchantId,
}

/// Decides it. A day that is open already changes nothing.
///
/// # Errors
/// [`Rejection::PaymentNotFound`] when the merchant has no head.
pub fn open_day(command: &OpenDay, rows: &Rows, facts: &Facts<'_>) -> Result<Changes, Rejection> {
    let head = rows.heads.get(&command.merchant).ok_or(Rejection::PaymentNotFound)?;
    if head.business_day >= facts.today {
        return Ok(Changes::default());
    }
    let opened = Head { business_day: facts.today, sequence: head.sequence + 1, ..head.clone() };
    Ok(Changes { heads: vec![opened], ..Changes::default() })
}

/// Raises the merchant's key epoch: every request that was authenticated before is asked again.
#[derive(Debug, Clone, Copy)]
pub struct RaiseKeyEpoch {
    /// Whose keys.
    pub merchant: MerchantId,
}

/// Decides it.
///
/// # Errors
/// [`Rejection::PaymentNotFound`] when the merchant has no head.
pub fn raise_key_epoch(command: &RaiseKeyEpoch, rows: &Rows) -> Result<Changes, Rejection> {
    let head = rows.heads.get(&command.merchant).ok_or(Rejection::PaymentNotFound)?;
    let raised = Head { key_epoch: head.key_epoch + 1, sequence: head.sequence + 1, ..head.clone() };
    Ok(Changes { heads: vec![raised], ..Changes::default() })
}
