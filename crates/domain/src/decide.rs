//! What a decision is given and what it answers.

use crate::adjustment::{Adjustment, Arrival};
use crate::attempt::Attempt;
use crate::capture::Capture;
use crate::event::Emit;
use crate::id::{Id, IdMaker, KeyId, Uid};
use crate::merchant::{Head, Merchant};
use crate::payment::Payment;
use crate::refund::Refund;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ledger::{Day, Posting};

/// What is true about the moment and the merchant, handed in.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Business time of the merchant, microseconds; never before the day that its head has open, so that nothing is ever dated
    /// into a day that is over.
    pub now_us: i64,
    /// Real time, microseconds: leases, retries, ids.
    pub real_now_us: i64,
    /// The merchant's settings.
    pub merchant: &'a Merchant,
    /// The key whose request it is; `None` for the platform's own work.
    pub acting_key: Option<KeyId>,
    /// The merchant's zone.
    pub zone: &'a TimeZone,
    /// The merchant's business day at `now_us`, never before its head's.
    pub today: Day,
    /// This node.
    pub node: i64,
    /// Until when work born in this decision is leased to this node, real time.
    pub lease_until_us: i64,
    /// Makes ids.
    pub ids: IdMaker,
    /// The number under which a channel will know what the command makes.
    pub number: Number,
}

/// Where a number comes from that a channel is sent. It is made from what the merchant calls the order, so that books which
/// were restored from a backup find again what a channel did since: the same request gets the same number, and a channel does
/// nothing twice under one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Number {
    /// Nobody named it: like any id.
    #[default]
    Fresh,
    /// A new number of the present time, its tail made from the merchant's name for it.
    Named {
        /// 62 bits.
        tail: u64,
    },
    /// This one.
    Known(Uid),
    /// That of a later try at an order, which the books have forgotten with the order.
    Later {
        /// What the order's first try was.
        first: Uid,
        /// The try that a channel knows.
        number: Uid,
    },
    /// Of the payment's time, found from its order's name and from how far the payment has come.
    Try {
        /// 62 bits.
        order: u64,
    },
}

impl Facts<'_> {
    /// A new id.
    pub fn id<I: Id>(&mut self) -> I {
        self.ids.next()
    }

    /// The number that a channel is sent. A second one of the same command is like any id.
    pub fn number<I: Id>(&mut self) -> I {
        match std::mem::take(&mut self.number) {
            Number::Fresh | Number::Try { .. } => self.id(),
            Number::Named { tail } => self.ids.named(tail),
            Number::Known(number) | Number::Later { number, .. } => I::from_uid(number),
        }
    }

    /// The number of an order's first try, which tells the payment's id, and that of the try that is made now.
    pub fn order_numbers<I: Id>(&mut self) -> (Uid, I) {
        if let Number::Later { first, number } = self.number {
            self.number = Number::Fresh;
            return (first, I::from_uid(number));
        }
        let number: I = self.number();
        (number.uid(), number)
    }

    /// The number of another try at a payment of this id that has come so far.
    pub fn try_number<I: Id>(&mut self, payment: Uid, sequence: i64) -> I {
        match self.number {
            Number::Try { order } => {
                self.number = Number::Fresh;
                I::from_uid(payment.nth(order, sequence))
            }
            Number::Fresh | Number::Named { .. } | Number::Known(_) | Number::Later { .. } => self.number(),
        }
    }

    /// The day on which money captured now may be paid out.
    pub fn available_on(&self) -> Day {
        self.today.plus(i32::from(self.merchant.maturity_days))
    }
}

/// A posting with what caused it.
#[derive(Debug, Clone, PartialEq)]
pub struct Booking {
    /// The lines.
    pub posting: Posting,
    /// The object that caused it.
    pub source: Uid,
}

/// Everything that one decision changes: whole rows as they become, postings, wishes to tell the merchant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Payments, new or changed.
    pub payments: Vec<Payment>,
    /// Attempts, new or changed.
    pub attempts: Vec<Attempt>,
    /// Captures, new or changed.
    pub captures: Vec<Capture>,
    /// Refunds, new or changed.
    pub refunds: Vec<Refund>,
    /// Adjustments, new or changed.
    pub adjustments: Vec<Adjustment>,
    /// Adjustments that arrived.
    pub arrivals: Vec<Arrival>,
    /// Heads, changed.
    pub heads: Vec<Head>,
    /// Postings in order.
    pub bookings: Vec<Booking>,
    /// Events in order.
    pub emits: Vec<Emit>,
}

impl Changes {
    /// True when nothing changes.
    pub fn is_empty(&self) -> bool {
        self.payments.is_empty()
            && self.attempts.is_empty()
            && self.captures.is_empty()
            && self.refunds.is_empty()
            && self.adjustments.is_empty()
            && self.arrivals.is_empty()
            && self.heads.is_empty()
            && self.bookings.is_empty()
            && self.emits.is_empty()
    }
}

/// A merchant's business time and day: the clock's, but never before the day that is open. A clock that was set back, or that of
/// a slower node, dates nothing into a day that is over.
pub fn business_time(clock_us: i64, open_day: Day, zone: &TimeZone) -> (i64, Day) {
    let day = business_day(clock_us, zone);
    if day >= open_day { (clock_us, day) } else { (start_of_day_us(open_day, zone), open_day) }
}

/// The business day of an instant in a zone.
pub fn business_day(at_us: i64, zone: &TimeZone) -> Day {
    let at = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = zone.to_datetime(at).date();
    day_of(date)
}

/// 00:00 of a business day in a zone, microseconds: the moment at which money of that day matures.
pub fn start_of_day_us(day: Day, zone: &TimeZone) -> i64 {
    let date = date_of(day);
    date.to_zoned(zone.clone())
        .map(|start| start.timestamp().as_microsecond())
        .unwrap_or_else(|_| i64::from(day.0) * 86_400_000_000)
}

fn day_of(date: Date) -> Day {
    let since: SignedDuration = date.duration_since(Date::constant(1970, 1, 1));
    Day(i32::try_from(since.as_hours() / 24).unwrap_or(0))
}

fn date_of(day: Day) -> Date {
    let since = SignedDuration::from_hours(i64::from(day.0) * 24);
    Date::constant(1970, 1, 1).checked_add(since).unwrap_or(Date::constant(1970, 1, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn business_time_never_goes_behind_the_open_day() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let day = Day::parse("2026-11-25").unwrap();
        let midnight_us = start_of_day_us(day, &zone);
        assert_eq!(business_time(midnight_us + 5, day, &zone), (midnight_us + 5, day));
        assert_eq!(business_time(midnight_us - 1, day.plus(-1), &zone), (midnight_us - 1, day.plus(-1)));
        assert_eq!(business_time(midnight_us - 1, day, &zone), (midnight_us, day));
        assert_eq!(business_time(midnight_us - 86_400_000_000, day, &zone), (midnight_us, day));
        assert_eq!(business_time(midnight_us, day.plus(-3), &zone), (midnight_us, day));
    }
}
