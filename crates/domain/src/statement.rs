//! A statement: what a merchant's business day came to, formed once after the day closed and never changed.
//!
//! A day's lines are a range of the journal's numbers, not of times: the transactions of the merchant after the day before's
//! last one, up to the first of a later day. The merchant's business day never goes back and no decision is dated before it
//! ([`crate::decide::Facts`]), so that nothing can be added to a range whose day is over.

use crate::decide::start_of_day_us;
use crate::id::{MerchantId, PaymentId, RefundId, StatementId};
use crate::payment::Scene;
use crate::payment::state::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::{Category, Day};
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The columns that statements formed now have. A statement keeps the number it was formed with.
pub const SCHEMA: u16 = 1;

words! {
    /// Which lines a statement shows.
    Kind {
        /// Payments and refunds, one line for each posting: gross, fees, net, order numbers.
        Trade = "trade",
        /// Every line of the merchant's accounts, with the balance after it.
        FundFlow = "fund_flow",
    }
}

/// When a business day begins and ends, and the zone's offsets in it. Stored with a statement, so that its local times stay as
/// they were printed whatever later editions of the zone's rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// 00:00 of the day in the merchant's zone, microseconds.
    pub starts_at_us: i64,
    /// 00:00 of the next day, microseconds.
    pub ends_at_us: i64,
    /// Seconds east of UTC at the start.
    pub offset_s: i32,
    /// Where the clock is set forward or back within the day: from this instant (microseconds) on, this offset (seconds).
    pub shift: Option<(i64, i32)>,
}

impl Span {
    /// The span of a day in a zone.
    pub fn of(day: Day, zone: &TimeZone) -> Span {
        let (starts_at_us, ends_at_us) = (start_of_day_us(day, zone), start_of_day_us(day.plus(1), zone));
        let start = Timestamp::from_microsecond(starts_at_us).unwrap_or(Timestamp::UNIX_EPOCH);
        let offset_s = zone.to_offset(start).seconds();
        let changes = zone.following(start).map(|t| (t.timestamp().as_microsecond(), t.offset().seconds()));
        let shift = changes
            .take_while(|(at_us, _)| *at_us < ends_at_us)
            .find(|(_, changed_s)| *changed_s != offset_s);
        Span { starts_at_us, ends_at_us, offset_s, shift }
    }

    /// The offset that local times are printed with at an instant, seconds east of UTC. Instants outside the day take the offset
    /// of its nearer end.
    pub fn offset_at(&self, at_us: i64) -> i32 {
        match self.shift {
            Some((from_us, offset_s)) if at_us >= from_us => offset_s,
            Some(_) | None => self.offset_s,
        }
    }
}

/// The sealed blocks that a statement's lines lie in, as one root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// The root of the tree (RFC 9162 section 2.1) whose leaves are the chained roots of the blocks, in order.
    pub root: [u8; 32],
    /// The block of the first line.
    pub first_block: i64,
    /// The block of the last line.
    pub last_block: i64,
}

/// A statement as its row holds it. Nothing of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its id.
    pub id: StatementId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Which lines.
    pub kind: Kind,
    /// The business day.
    pub day: Day,
    /// The merchant's zone when it was formed.
    pub zone: String,
    /// When the day began and ended.
    pub span: Span,
    /// The columns it was formed with.
    pub schema: u16,
    /// The last transaction of the merchant before the day; 0 when there was none.
    pub after_seq: i64,
    /// The last transaction of the day; `after_seq` when the day had none.
    pub last_seq: i64,
    /// Lines in its files.
    pub line_count: i64,
    /// What they sum to.
    pub totals: Totals,
    /// SHA-256 of its JSON Lines file.
    pub sha256: [u8; 32],
    /// Where its lines are sealed; `None` for a day without any.
    pub root: Option<Root>,
    /// Business time at which it was formed, microseconds.
    pub created_at_us: i64,
}

impl Statement {
    /// Whether any of its lines lies in the shard's blocks up to `block`, which rest in an archive.
    pub fn is_archived(&self, block: i64) -> bool {
        self.root.is_some_and(|root| root.first_block <= block)
    }
}

/// What a statement shows of a payment: only what is fixed when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    /// The merchant's number.
    pub merchant_order_no: String,
    /// What was asked.
    pub amount: Amount,
    /// The method of payment.
    pub method: String,
    /// Where and how the payer pays.
    pub scene: Scene,
    /// What is sold.
    pub subject: String,
    /// The merchant's store.
    pub store: Option<String>,
    /// The merchant's terminal.
    pub terminal: Option<String>,
    /// Business time of creation, microseconds.
    pub created_at_us: i64,
}

/// What a statement shows of a refund: only what is fixed when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundFacts {
    /// Its payment.
    pub payment: PaymentId,
    /// The merchant's number; `None` for one that the platform made.
    pub merchant_refund_no: Option<String>,
    /// How much.
    pub amount: Amount,
    /// The merchant's words.
    pub reason: Option<String>,
    /// Business time of creation, microseconds.
    pub created_at_us: i64,
}

/// The payments and refunds that lines are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// Payments.
    pub payments: HashMap<PaymentId, OrderFacts>,
    /// Refunds.
    pub refunds: HashMap<RefundId, RefundFacts>,
}

/// What a statement's lines sum to, a row per currency in order of the codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Totals {
    /// Of payments and refunds.
    Trade(Vec<TradeTotal>),
    /// Of the merchant's accounts.
    FundFlow(Vec<FlowTotal>),
}

/// One currency of a trade statement. Amounts are minor units, signed as the merchant gains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeTotal {
    /// The currency.
    #[serde(with = "number")]
    pub currency: Currency,
    /// Payments and captures.
    pub payments: i64,
    /// Refunds accepted.
    pub refunds: i64,
    /// Refunds that failed, their lines turned round.
    pub failed_refunds: i64,
    /// Gross of payments.
    pub gross_minor: i64,
    /// Fees of payments.
    pub fee_minor: i64,
    /// Refunds, failed ones taken off.
    pub refund_minor: i64,
    /// Fees given back with refunds.
    pub fee_refund_minor: i64,
    /// Fees of refunding.
    pub refund_fee_minor: i64,
    /// The sum of these.
    pub net_minor: i64,
}

impl TradeTotal {
    /// Nothing yet.
    pub fn empty(currency: Currency) -> TradeTotal {
        TradeTotal {
            currency,
            payments: 0,
            refunds: 0,
            failed_refunds: 0,
            gross_minor: 0,
            fee_minor: 0,
            refund_minor: 0,
            fee_refund_minor: 0,
            refund_fee_minor: 0,
            net_minor: 0,
        }
    }
}

/// One currency of a fund flow. Amounts are minor units, signed as the merchant gains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowTotal {
    /// The currency.
    #[serde(with = "number")]
    pub currency: Currency,
    /// Lines of movements.
    pub movements: i64,
    /// All of the merchant's accounts when the day began.
    pub opening_minor: i64,
    /// All of them when it ended: `opening_minor` and every category's sum.
    pub closing_minor: i64,
    /// What moved, by category's name.
    pub by_category: BTreeMap<String, i64>,
}

impl FlowTotal {
    /// Nothing moved yet.
    pub fn opened(currency: Currency, opening_minor: i64) -> FlowTotal {
        FlowTotal {
            currency,
            movements: 0,
            opening_minor,
            closing_minor: opening_minor,
            by_category: BTreeMap::new(),
        }
    }

    /// Counts a movement; `None` when a sum leaves the range.
    pub fn add(&mut self, category: Category, minor: i64) -> Option<()> {
        let sum = self.by_category.entry(category.as_str().to_owned()).or_insert(0);
        *sum = sum.checked_add(minor)?;
        self.closing_minor = self.closing_minor.checked_add(minor)?;
        self.movements += 1;
        Some(())
    }
}

impl Totals {
    /// As it is stored.
    pub fn to_text(&self) -> String {
        // Numbers and names of ours: this can't fail, and an empty text would not read back.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads [`Totals::to_text`].
    pub fn parse(text: &str) -> Option<Totals> {
        serde_json::from_str(text).ok()
    }

    /// Each currency and what the merchant's accounts held when the day ended, where that was something; nothing for trade.
    pub fn closings(&self) -> Vec<(Currency, i64)> {
        match self {
            Totals::Trade(_) => Vec::new(),
            Totals::FundFlow(rows) => held(rows.iter().map(|row| (row.currency, row.closing_minor))),
        }
    }

    /// As [`Totals::closings`], when the day began.
    pub fn openings(&self) -> Vec<(Currency, i64)> {
        match self {
            Totals::Trade(_) => Vec::new(),
            Totals::FundFlow(rows) => held(rows.iter().map(|row| (row.currency, row.opening_minor))),
        }
    }
}

fn held(balances: impl Iterator<Item = (Currency, i64)>) -> Vec<(Currency, i64)> {
    balances.filter(|(_, minor)| *minor != 0).collect()
}

/// Currencies by their ISO number, as every row stores them: one that is retired later still reads.
mod number {
    use super::Currency;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
    pub fn serialize<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(currency.numeric())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let numeric = u16::deserialize(deserializer)?;
        Currency::from_stored_numeric(numeric).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(day: &str, zone: &str) -> Span {
        Span::of(Day::parse(day).unwrap(), &TimeZone::get(zone).unwrap())
    }

    const HOUR_US: i64 = 3_600_000_000;

    #[test]
    fn a_day_begins_and_ends_in_its_zone() {
        let shanghai = span("2026-11-25", "Asia/Shanghai");
        assert_eq!(shanghai.offset_s, 8 * 3_600);
        assert_eq!(shanghai.ends_at_us - shanghai.starts_at_us, 24 * HOUR_US);
        assert_eq!(shanghai.starts_at_us, 1_795_536_000_000_000);
        assert_eq!(shanghai.shift, None);
    }

    #[test]
    fn a_day_may_have_23_or_25_hours() {
        let spring = span("2026-03-29", "Europe/Berlin");
        assert_eq!((spring.ends_at_us - spring.starts_at_us) / HOUR_US, 23);
        let (from_us, offset_s) = spring.shift.unwrap();
        assert_eq!((spring.offset_s, offset_s), (3_600, 7_200));
        assert_eq!(from_us, spring.starts_at_us + 2 * HOUR_US);
        assert_eq!(spring.offset_at(from_us - 1), 3_600);
        assert_eq!(spring.offset_at(from_us), 7_200);
        let autumn = span("2026-10-25", "Europe/Berlin");
        assert_eq!((autumn.ends_at_us - autumn.starts_at_us) / HOUR_US, 25);
        assert_eq!(autumn.offset_at(i64::MIN), 7_200);
        assert_eq!(autumn.offset_at(i64::MAX), 3_600);
    }

    #[test]
    fn days_of_a_zone_leave_no_gap() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        // Midnight did not exist there when summer time began.
        let mut day = Day::parse("2018-10-30").unwrap();
        for _ in 0..10 {
            assert_eq!(Span::of(day, &zone).ends_at_us, Span::of(day.plus(1), &zone).starts_at_us);
            day = day.plus(1);
        }
    }

    #[test]
    fn totals_read_back() {
        let mut flow = FlowTotal::opened(Currency::CNY, 1_000);
        flow.add(Category::Payment, 500).unwrap();
        flow.add(Category::Fee, -3).unwrap();
        flow.add(Category::Payment, 1).unwrap();
        assert_eq!((flow.movements, flow.closing_minor), (3, 1_498));
        assert_eq!(flow.add(Category::Payment, i64::MAX), None);
        for totals in [
            Totals::FundFlow(vec![FlowTotal::opened(Currency::JPY, -5)]),
            Totals::Trade(vec![TradeTotal::empty(Currency::CNY)]),
            Totals::Trade(Vec::new()),
        ] {
            assert_eq!(Totals::parse(&totals.to_text()), Some(totals));
        }
        assert_eq!(Totals::parse(""), None);
    }
}
