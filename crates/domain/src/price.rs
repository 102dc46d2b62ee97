//! A price version: what a merchant pays per method and currency. Immutable; stored with each payment so that any fee can be
//! derived again.

use crate::id::{MerchantId, PriceId};
use money::{Currency, FeeRule};

/// What happens to the fee when money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundFee {
    /// The fee is given back in proportion.
    Returned,
    /// The fee is kept.
    Kept,
    /// The fee is kept and each refund costs this much, minor units.
    Charged(i64),
}

impl RefundFee {
    /// `returned`, `kept` or minor units.
    pub fn to_text(self) -> String {
        match self {
            RefundFee::Returned => "returned".to_owned(),
            RefundFee::Kept => "kept".to_owned(),
            RefundFee::Charged(minor) => minor.to_string(),
        }
    }

    /// Reads what `to_text` writes.
    pub fn parse(text: &str) -> Option<RefundFee> {
        match text {
            "returned" => Some(RefundFee::Returned),
            "kept" => Some(RefundFee::Kept),
            number => number.parse().ok().filter(|minor| *minor > 0).map(RefundFee::Charged),
        }
    }
}

/// One version of a price.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Its id.
    pub id: PriceId,
    /// Whose price.
    pub merchant: MerchantId,
    /// For which method.
    pub method: String,
    /// In which currency.
    pub currency: Currency,
    /// 1 for the first of (merchant, method, currency), then one more each.
    pub version: i64,
    /// The arithmetic.
    pub rule: FeeRule,
    /// What happens with refunds.
    pub refund_fee: RefundFee,
    /// Real time from which new payments take it, microseconds; at least 5 s after its commit.
    pub effective_at_us: i64,
}
