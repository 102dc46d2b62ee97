//! The sandbox's daily bill, read from the book alone: what the channel says it took and gave back on one day.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use domain::Uid;
use ledger::Day;
use money::{Amount, Currency};

use super::book::{BookError, HEADER_BYTES, read_header};
use super::record::{FrameFault, FrameReader, Record};
use super::trade::{BillZone, NumberOf, RefundState, TradeState, channel_no};

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BillKind {
    /// Money taken: a payment, or one capture of an authorized one.
    Payment,
    /// Money sent back.
    Refund,
}

/// One movement of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillRow {
    /// What it is about.
    pub kind: BillKind,
    /// The attempt's id.
    pub request: Uid,
    /// The capture's or the refund's id; none for a payment taken at once.
    pub part: Option<Uid>,
    /// What was taken, or, below zero, sent back, in minor units.
    pub amount_minor: i64,
    /// What the channel charged, or, below zero, gave back of it, in minor units.
    pub fee_minor: i64,
    /// Of both.
    pub currency: Currency,
    /// Business time at the channel, microseconds.
    pub at_us: i64,
    number: (NumberOf, u32, BillZone),
}

impl BillRow {
    /// The attempt's id without prefix.
    pub fn request_no(&self) -> String {
        self.request.to_text()
    }

    /// The capture's or refund's id without prefix.
    pub fn part_no(&self) -> Option<String> {
        self.part.map(Uid::to_text)
    }

    /// The channel's number of the trade, capture or refund, as the platform was told it.
    pub fn trade_no(&self) -> String {
        let (of, serial, zone) = self.number;
        channel_no(of, self.part.unwrap_or(self.request), serial, zone)
    }
}

/// The sums of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillTotal {
    /// The currency.
    pub currency: Currency,
    /// Rows of payments and captures.
    pub payments: u64,
    /// Rows of refunds.
    pub refunds: u64,
    /// Taken, minor units.
    pub gross_minor: i64,
    /// Sent back, minor units, not negative.
    pub refunded_minor: i64,
    /// Charged less given back, minor units.
    pub fee_minor: i64,
}

impl BillTotal {
    /// What the channel will pay: gross less refunds less fee.
    pub fn net_minor(&self) -> i64 {
        self.gross_minor.saturating_sub(self.refunded_minor).saturating_sub(self.fee_minor)
    }
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The day, in the channel's zone.
    pub date: Day,
    /// Every movement, in the order in which it happened.
    pub rows: Vec<BillRow>,
    /// By currency.
    pub totals: Vec<BillTotal>,
}

impl Bill {
    /// As a file: a header and a line for each row, amounts in major units, local time with offset.
    pub fn to_csv(&self) -> String {
        let mut text = String::from("kind,request_no,part_no,trade_no,amount,fee,currency,at\n");
        for row in &self.rows {
            let kind = match row.kind {
                BillKind::Payment => "payment",
                BillKind::Refund => "refund",
            };
            let major = |minor: i64| Amount::new(minor, row.currency).to_major_string();
            let (amount, fee) = (major(row.amount_minor), major(row.fee_minor));
            let (request_no, part_no) = (row.request_no(), row.part_no().unwrap_or_default());
            let (trade_no, at) = (row.trade_no(), row.number.2.text(row.at_us));
            let currency = row.currency.code();
            text += &format!("{kind},{request_no},{part_no},{trade_no},{amount},{fee},{currency},{at}\n");
        }
        text
    }
}

/// Reads one day's bill from a book, also while a channel has it open: it takes no lock and writes nothing. A record
/// that is being written is not there yet. Blocks; memory is for the day's rows only.
///
/// # Errors
/// [`BookError::Io`], [`BookError::NotABook`], [`BookError::Damaged`].
pub fn read_bill(book_path: &Path, date: Day) -> Result<Bill, BookError> {
    read_bill_from(BufReader::with_capacity(1 << 16, File::open(book_path)?), date)
}

/// As [`read_bill`], from the bytes of a book.
///
/// # Errors
/// [`BookError`].
pub fn read_bill_from(mut input: impl Read, date: Day) -> Result<Bill, BookError> {
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header)?;
    let zone = read_header(header)?;
    let mut frames = FrameReader::new(input);
    let mut rows = Vec::new();
    loop {
        match frames.next() {
            Ok(Some(record)) => rows.extend(row_of(record, zone).filter(|row| zone.day(row.at_us) == date)),
            Ok(None) | Err(FrameFault::Torn) => break,
            Err(FrameFault::Foreign) => {
                let offset = frames.good_bytes + u64::try_from(HEADER_BYTES).unwrap_or(0);
                return Err(BookError::Damaged { offset });
            }
            Err(FrameFault::Io(error)) => return Err(BookError::Io(error)),
        }
    }
    let totals = totals(&rows);
    Ok(Bill { date, rows, totals })
}

/// The movement of money that a record tells. Each is told by exactly one: a trade becomes paid once, a capture is
/// written once, a refund succeeds once.
fn row_of(record: Record, zone: BillZone) -> Option<BillRow> {
    match record {
        Record::Trade { slot, trade, .. } if trade.state == TradeState::Paid => Some(BillRow {
            kind: BillKind::Payment,
            request: trade.key,
            part: None,
            amount_minor: trade.taken().minor(),
            fee_minor: trade.fee_minor,
            currency: trade.taken().currency(),
            at_us: trade.at_us,
            number: (NumberOf::Trade, slot, zone),
        }),
        Record::Capture { of, capture, .. } if capture.refused.is_none() => Some(BillRow {
            kind: BillKind::Payment,
            request: of,
            part: Some(capture.key),
            amount_minor: capture.amount.minor(),
            fee_minor: capture.fee_minor,
            currency: capture.amount.currency(),
            at_us: capture.at_us,
            number: (NumberOf::Capture, capture.serial, zone),
        }),
        Record::Refund { of, refund, .. } if refund.state == RefundState::Succeeded => Some(BillRow {
            kind: BillKind::Refund,
            request: of,
            part: Some(refund.key),
            amount_minor: refund.amount.minor().saturating_neg(),
            fee_minor: refund.fee_back_minor.saturating_neg(),
            currency: refund.amount.currency(),
            at_us: refund.at_us,
            number: (NumberOf::Refund, refund.serial, zone),
        }),
        Record::Trade { .. }
        | Record::Capture { .. }
        | Record::Refund { .. }
        | Record::Owed(_)
        | Record::Done(_) => None,
    }
}

fn totals(rows: &[BillRow]) -> Vec<BillTotal> {
    let mut by_currency = BTreeMap::new();
    for row in rows {
        let currency = row.currency;
        let total = by_currency.entry(currency).or_insert(BillTotal {
            currency,
            payments: 0,
            refunds: 0,
            gross_minor: 0,
            refunded_minor: 0,
            fee_minor: 0,
        });
        match row.kind {
            BillKind::Payment => {
                total.payments += 1;
                total.gross_minor = total.gross_minor.saturating_add(row.amount_minor);
            }
            BillKind::Refund => {
                total.refunds += 1;
                total.refunded_minor = total.refunded_minor.saturating_sub(row.amount_minor);
            }
        }
        total.fee_minor = total.fee_minor.saturating_add(row.fee_minor);
    }
    by_currency.into_values().collect()
}
