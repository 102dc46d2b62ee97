//! Booking a sale: what a payment, a capture, or money that a person released becomes in the books.

use super::Payment;
use crate::channel::ChannelAccount;
use crate::decide::{Booking, Facts};
use crate::funds::Purse;
use crate::price::Price;
use crate::rejection::Rejection;
use crate::rows::Rows;
use ledger::posting::{self, Charge, payment::SaleSource};
use ledger::{Day, Label};

/// What was taken.
pub(crate) struct Sale<'a> {
    /// What the channel took now.
    pub gross_minor: i64,
    /// The bill it stands on.
    pub bill_date: Day,
    /// The payment's price version.
    pub price: &'a Price,
    /// The channel account.
    pub account: &'a ChannelAccount,
    /// From the channel now, or out of 2910; held money has its cost accrued already.
    pub source: SaleSource,
}

/// What was booked.
pub(crate) struct Booked {
    /// The posting.
    pub booking: Booking,
    /// This capture's part of the fee.
    pub fee_minor: i64,
    /// This capture's part of the cost.
    pub cost_minor: i64,
}

/// Books the sale and counts it in the payment. With several captures the fee of one is fee(Σ captured) − Σ charged; the cost
/// alike.
pub(crate) fn book_sale(
    payment: &mut Payment,
    sale: &Sale<'_>,
    rows: &Rows,
    facts: &Facts<'_>,
) -> Result<Booked, Rejection> {
    let captured_minor =
        payment.captured_minor.checked_add(sale.gross_minor).ok_or(Rejection::AmountTooLarge)?;
    let fee_total_minor = sale.price.rule.fee(captured_minor)?.rounded_minor;
    let fee_minor = (fee_total_minor - payment.fee_minor.unwrap_or(0)).max(0);
    let cost_total_minor = sale.account.cost.fee(captured_minor)?.rounded_minor;
    let cost_minor = (cost_total_minor - payment.cost_minor).max(0);
    let available_on = facts.available_on();
    let label = Label::new(&payment.method)
        .map_err(|_| Rejection::Defect { what: "method is no label".to_owned() })?;
    let purse = Purse::new(rows, payment.merchant);
    let posting = posting::payment::succeeded(
        &posting::payment::Sale {
            merchant: payment.merchant.0.0,
            channel_account: sale.account.id.0.0,
            bill_date: sale.bill_date,
            available_on,
            method: label,
            currency: payment.currency(),
            gross_minor: sale.gross_minor,
            fee: Charge::untaxed(fee_minor),
            cost_minor: match sale.source {
                SaleSource::Channel => cost_minor,
                SaleSource::Held { .. } => 0,
            },
            source: sale.source,
        },
        &purse,
    )?;
    payment.captured_minor = captured_minor;
    payment.fee_minor = Some(payment.fee_minor.unwrap_or(0) + fee_minor);
    payment.cost_minor += cost_minor;
    payment.available_on = Some(available_on);
    Ok(Booked { booking: Booking { posting, source: payment.id.0 }, fee_minor, cost_minor })
}
