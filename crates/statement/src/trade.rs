//! Lines of payments and refunds: one for each posting that moved a merchant's gross, fees or refunds.

use crate::cell::{Cell, Line};
use crate::former::{Fault, Scope};
use crate::words::{self, LineType};
use domain::id::{PaymentId, RefundId, Uid};
use domain::rows::Transaction;
use domain::statement::{OrderFacts, Orders, RefundFacts, TradeTotal};
use ledger::{Category, PostingKind};
use money::{Amount, Currency};
use wire::{IdText, LineFacts, LinePosition};

/// What one posting came to in one currency, as the merchant gains.
pub struct Sums {
    pub line_type: LineType,
    /// Gross, fee, refund, fee given back, fee of refunding: in the order of their columns.
    pub parts_minor: [i64; 5],
    pub net_minor: i64,
}

/// Where a category's amounts stand; `None` for those that are no part of a trade.
const fn place(category: Category) -> Option<usize> {
    match category {
        Category::Payment => Some(0),
        Category::Fee => Some(1),
        Category::Refund => Some(2),
        Category::FeeRefund => Some(3),
        Category::RefundFee => Some(4),
        Category::Maturity
        | Category::DebtRecovery
        | Category::Reserve
        | Category::Split
        | Category::EscrowRelease
        | Category::SplitUnfreeze
        | Category::Block
        | Category::Payout
        | Category::Dispute
        | Category::Adjustment
        | Category::Cost
        | Category::Authorization
        | Category::Held => None,
    }
}

/// What a posting is in a trade statement. Those without a merchant's gross, fee or refund have no line.
const fn line_type(kind: PostingKind) -> LineType {
    match kind {
        PostingKind::PaymentSucceeded => LineType::Payment,
        PostingKind::RefundAccepted => LineType::Refund,
        PostingKind::RefundFailed | PostingKind::RefundFailedLate => LineType::RefundFailed,
        PostingKind::Authorized
        | PostingKind::AuthorizationReleased
        | PostingKind::PaymentNotKept
        | PostingKind::PaymentHeld
        | PostingKind::HeldReturned
        | PostingKind::Matured
        | PostingKind::RefundTaken
        | PostingKind::DebtRecovered
        | PostingKind::Adjusted
        | PostingKind::Reversed => LineType::Correction,
    }
}

/// The posting's sums, by currency in the order in which they come.
fn sums(scope: &Scope, transaction: &Transaction) -> Result<Vec<(Currency, Sums)>, Fault> {
    let mut found: Vec<(Currency, Sums)> = Vec::with_capacity(1);
    for entry in transaction.entries.iter().filter(|entry| entry.merchant == Some(scope.merchant)) {
        let Some(place) = place(entry.category) else { continue };
        let currency = entry.account.currency;
        if found.iter().all(|(other, _)| *other != currency) {
            let line_type = line_type(transaction.kind);
            found.push((currency, Sums { line_type, parts_minor: [0; 5], net_minor: 0 }));
        }
        let Some((_, sums)) = found.iter_mut().find(|(other, _)| *other == currency) else { continue };
        let gain_minor = entry.amount_minor.checked_neg().ok_or(Fault::Range)?;
        if let Some(part) = sums.parts_minor.get_mut(place) {
            *part = part.checked_add(gain_minor).ok_or(Fault::Range)?;
        }
        sums.net_minor = sums.net_minor.checked_add(gain_minor).ok_or(Fault::Range)?;
    }
    Ok(found)
}

/// The payment and refund that a posting is about.
#[derive(Default)]
struct About<'o> {
    payment: Option<(PaymentId, &'o OrderFacts)>,
    refund: Option<(RefundId, &'o RefundFacts)>,
}

impl About<'_> {
    fn of(line_type: LineType, source: Uid, orders: &Orders) -> Result<About<'_>, Fault> {
        let order = |id: PaymentId| {
            let found = orders.payments.get(&id).map(|order| (id, order));
            found.map(Some).ok_or(Fault::OrderMissing)
        };
        match line_type {
            LineType::Payment => Ok(About { payment: order(PaymentId(source))?, refund: None }),
            LineType::Refund | LineType::RefundFailed => {
                let id = RefundId(source);
                let facts = orders.refunds.get(&id).ok_or(Fault::OrderMissing)?;
                Ok(About { payment: order(facts.payment)?, refund: Some((id, facts)) })
            }
            LineType::Correction | LineType::Opening | LineType::Movement | LineType::Closing => {
                Ok(About::default())
            }
        }
    }
}

/// The lines of a posting, each counted in its currency's totals.
pub fn lines(
    scope: &Scope,
    seq: i64,
    transaction: &Transaction,
    orders: &Orders,
    mut count: impl FnMut(Currency, &Sums) -> Result<(), Fault>,
) -> Result<Vec<Line>, Fault> {
    let mut lines = Vec::with_capacity(1);
    for (currency, sums) in sums(scope, transaction)? {
        count(currency, &sums)?;
        let about = About::of(sums.line_type, transaction.source, orders)?;
        let transaction_id = transaction_id(scope, seq, transaction);
        lines.push(line(currency, &sums, transaction.posted_at_us, &about, transaction_id));
    }
    Ok(lines)
}

fn transaction_id(scope: &Scope, seq: i64, transaction: &Transaction) -> Option<IdText> {
    let entry = transaction.entries.first()?;
    let position = LinePosition { shard: scope.merchant.0.shard(), seq, line: 0 };
    let (kind, source, posted_at_us) = (transaction.kind, transaction.source, transaction.posted_at_us);
    Some(LineFacts { position, kind, source, posted_at_us, entry }.transaction())
}

/// Cells in the order of the columns.
fn line(
    currency: Currency,
    sums: &Sums,
    posted_at_us: i64,
    about: &About<'_>,
    transaction: Option<IdText>,
) -> Line {
    let About { payment, refund } = *about;
    let (order, facts) = (payment.map(|(_, order)| order), refund.map(|(_, facts)| facts));
    let [gross, fee, refund_amount, fee_refund, refund_fee] = sums.parts_minor;
    let money = |minor| Cell::Money(Amount::new(minor, currency));
    let of_type = |line_types: &[LineType], minor| {
        // A payment says that its fee was nothing; a correction names what it corrects and no more.
        let shown = line_types.contains(&sums.line_type) || minor != 0;
        if shown { money(minor) } else { Cell::Empty }
    };
    let refunds = [LineType::Refund, LineType::RefundFailed];
    let created_at_us = facts.map(|facts| facts.created_at_us).or(order.map(|order| order.created_at_us));
    vec![
        Cell::Word(sums.line_type.word()),
        Cell::Time(posted_at_us),
        Cell::text(order.map(|order| order.merchant_order_no.as_str())),
        Cell::text(facts.and_then(|facts| facts.merchant_refund_no.as_deref())),
        Cell::id(payment.map(|(id, _)| IdText::of(id))),
        Cell::id(refund.map(|(id, _)| IdText::of(id))),
        Cell::Code(currency.code()),
        of_type(&[LineType::Payment], gross),
        of_type(&[LineType::Payment], fee),
        of_type(&refunds, refund_amount),
        of_type(&refunds, fee_refund),
        of_type(&refunds, refund_fee),
        money(sums.net_minor),
        order.map_or(Cell::Empty, |order| Cell::Money(order.amount)),
        Cell::text(order.map(|order| order.method.as_str())),
        order.map_or(Cell::Empty, |order| Cell::Word(words::scene(order.scene))),
        Cell::text(order.map(|order| order.subject.as_str())),
        Cell::text(facts.and_then(|facts| facts.reason.as_deref())),
        Cell::text(order.and_then(|order| order.store.as_deref())),
        Cell::text(order.and_then(|order| order.terminal.as_deref())),
        created_at_us.map_or(Cell::Empty, Cell::Time),
        Cell::id(transaction),
    ]
}

/// Counts a line.
pub fn add(total: &mut TradeTotal, sums: &Sums) -> Result<(), Fault> {
    match sums.line_type {
        LineType::Payment => total.payments += 1,
        LineType::Refund => total.refunds += 1,
        LineType::RefundFailed => total.failed_refunds += 1,
        LineType::Correction | LineType::Opening | LineType::Movement | LineType::Closing => {}
    }
    let [gross, fee, refund, fee_refund, refund_fee] = sums.parts_minor;
    for (sum, part) in [
        (&mut total.gross_minor, gross),
        (&mut total.fee_minor, fee),
        (&mut total.refund_minor, refund),
        (&mut total.fee_refund_minor, fee_refund),
        (&mut total.refund_fee_minor, refund_fee),
        (&mut total.net_minor, sums.net_minor),
    ] {
        *sum = sum.checked_add(part).ok_or(Fault::Range)?;
    }
    Ok(())
}
