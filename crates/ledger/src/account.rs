//! Typed accounts and their storage identity.

use std::fmt;

use money::Currency;

use crate::chart::{self, Facts};
use crate::{Bucket, Day, Floor, Keeping, Label, Owner, Side};

/// The 16-byte id of an object: a merchant, payment, refund, channel account, case.
pub type Ref = [u8; 16];

/// The `day` of an account without a date. Whether a code is dated is fixed, so a date of 1970-01-01 stays distinct.
pub const NO_DAY: i32 = 0;

/// An account without its currency; the dimensions are part of its identity.
///
/// BOOKS names two objects for some accounts: 1120 {channel account, batch}, 2030 {merchant, plan}, 2050 {merchant,
/// case}. A batch belongs to one channel account, a case to one merchant, and a merchant under a reserve plan is an
/// object of its own, the hold; so the second object's id alone identifies the account and fills the dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // Variants and fields are the rows and dimensions of the chart, described there.
pub enum Account {
    Bank { bank_account: Ref },
    OwnFunds { bank_account: Ref },
    ChannelReceivable { channel_account: Ref, bill_date: Day },
    SettlementClearing { batch: Ref },
    DisputeReceivable { dispute: Ref },
    MerchantReceivable { merchant: Ref },
    FxPosition { conversion: Ref },
    SuspenseShort { case: Ref },
    BetweenShards { other_shard: u16 },
    MerchantPending { merchant: Ref, available_on: Day },
    MerchantAvailable { merchant: Ref },
    MerchantReserve { hold: Ref },
    Escrow { payment: Ref },
    MerchantBlocked { case: Ref },
    PayoutInTransit { payout: Ref },
    SplitHold { payment: Ref },
    ChannelFeeAccrued { channel_account: Ref, bill_date: Day },
    RefundInTransit { refund: Ref },
    DisputeHeld { dispute: Ref },
    TaxPayable { jurisdiction: Label },
    SuspenseLong { case: Ref },
    Unclaimed { merchant: Ref },
    OwnCapital,
    FeeIncome { method: Label },
    OtherFees { kind: Label },
    FxSpread,
    ChannelCost { kind: Label },
    Loss { kind: Label },
    FxResult,
    MemoAuthorized { payment: Ref },
    MemoAuthorizedContra { payment: Ref },
}

/// The storage identity of an account, in the order of its unique key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey {
    /// Number in the chart.
    pub code: u16,
    /// Object or label, zero if the code has none; a shard number stands in the last two bytes, big-endian.
    pub dim: [u8; 16],
    /// Days since 1970-01-01, [`NO_DAY`] if the code is not dated.
    pub day: i32,
    /// Currency.
    pub currency: Currency,
}

/// What identifies an account beside its code and day.
enum Dimension {
    None,
    Object(Ref),
    Name(Label),
    Shard(u16),
}

impl Account {
    /// The row of the chart.
    pub const fn facts(&self) -> &'static Facts {
        match self {
            Account::Bank { .. } => &chart::BANK,
            Account::OwnFunds { .. } => &chart::OWN_FUNDS,
            Account::ChannelReceivable { .. } => &chart::CHANNEL_RECEIVABLE,
            Account::SettlementClearing { .. } => &chart::SETTLEMENT_CLEARING,
            Account::DisputeReceivable { .. } => &chart::DISPUTE_RECEIVABLE,
            Account::MerchantReceivable { .. } => &chart::MERCHANT_RECEIVABLE,
            Account::FxPosition { .. } => &chart::FX_POSITION,
            Account::SuspenseShort { .. } => &chart::SUSPENSE_SHORT,
            Account::BetweenShards { .. } => &chart::BETWEEN_SHARDS,
            Account::MerchantPending { .. } => &chart::MERCHANT_PENDING,
            Account::MerchantAvailable { .. } => &chart::MERCHANT_AVAILABLE,
            Account::MerchantReserve { .. } => &chart::MERCHANT_RESERVE,
            Account::Escrow { .. } => &chart::ESCROW,
            Account::MerchantBlocked { .. } => &chart::MERCHANT_BLOCKED,
            Account::PayoutInTransit { .. } => &chart::PAYOUT_IN_TRANSIT,
            Account::SplitHold { .. } => &chart::SPLIT_HOLD,
            Account::ChannelFeeAccrued { .. } => &chart::CHANNEL_FEE_ACCRUED,
            Account::RefundInTransit { .. } => &chart::REFUND_IN_TRANSIT,
            Account::DisputeHeld { .. } => &chart::DISPUTE_HELD,
            Account::TaxPayable { .. } => &chart::TAX_PAYABLE,
            Account::SuspenseLong { .. } => &chart::SUSPENSE_LONG,
            Account::Unclaimed { .. } => &chart::UNCLAIMED,
            Account::OwnCapital => &chart::OWN_CAPITAL,
            Account::FeeIncome { .. } => &chart::FEE_INCOME,
            Account::OtherFees { .. } => &chart::OTHER_FEES,
            Account::FxSpread => &chart::FX_SPREAD,
            Account::ChannelCost { .. } => &chart::CHANNEL_COST,
            Account::Loss { .. } => &chart::LOSS,
            Account::FxResult => &chart::FX_RESULT,
            Account::MemoAuthorized { .. } => &chart::MEMO_AUTHORIZED,
            Account::MemoAuthorizedContra { .. } => &chart::MEMO_AUTHORIZED_CONTRA,
        }
    }

    /// Number in the chart.
    pub const fn code(&self) -> u16 {
        self.facts().code
    }

    /// How far it may fall.
    pub const fn floor(&self) -> Floor {
        self.facts().floor
    }

    /// The side on which it grows.
    pub const fn normal(&self) -> Side {
        self.facts().side
    }

    /// The part of a merchant's balance that it is.
    pub const fn bucket(&self) -> Option<Bucket> {
        self.facts().bucket
    }

    /// Where its balance is kept.
    pub const fn keeping(&self) -> Keeping {
        self.facts().keeping
    }

    /// Whether merchants see its lines.
    pub const fn owner(&self) -> Owner {
        self.facts().owner
    }

    /// Whether it is an authorization memo and so outside the general ledger.
    pub const fn is_memo(&self) -> bool {
        self.code() >= 9000
    }

    /// The merchant, where it is a dimension (1210, 2010, 2020, 2990). Other accounts of merchants name an object of
    /// theirs; their lines carry the merchant.
    pub const fn merchant(&self) -> Option<Ref> {
        match *self {
            Account::MerchantReceivable { merchant }
            | Account::MerchantPending { merchant, .. }
            | Account::MerchantAvailable { merchant }
            | Account::Unclaimed { merchant } => Some(merchant),
            Account::Bank { .. }
            | Account::OwnFunds { .. }
            | Account::ChannelReceivable { .. }
            | Account::SettlementClearing { .. }
            | Account::DisputeReceivable { .. }
            | Account::FxPosition { .. }
            | Account::SuspenseShort { .. }
            | Account::BetweenShards { .. }
            | Account::MerchantReserve { .. }
            | Account::Escrow { .. }
            | Account::MerchantBlocked { .. }
            | Account::PayoutInTransit { .. }
            | Account::SplitHold { .. }
            | Account::ChannelFeeAccrued { .. }
            | Account::RefundInTransit { .. }
            | Account::DisputeHeld { .. }
            | Account::TaxPayable { .. }
            | Account::SuspenseLong { .. }
            | Account::OwnCapital
            | Account::FeeIncome { .. }
            | Account::OtherFees { .. }
            | Account::FxSpread
            | Account::ChannelCost { .. }
            | Account::Loss { .. }
            | Account::FxResult
            | Account::MemoAuthorized { .. }
            | Account::MemoAuthorizedContra { .. } => None,
        }
    }

    /// The date, where it is a dimension: the bill date of 1110 and 2120, the date of availability of 2010.
    pub const fn day(&self) -> Option<Day> {
        self.parts().1
    }

    /// The storage identity.
    pub fn key(&self, currency: Currency) -> AccountKey {
        let (dimension, day) = self.parts();
        let dim = match dimension {
            Dimension::None => [0; 16],
            Dimension::Object(object) => object,
            Dimension::Name(label) => label.bytes(),
            Dimension::Shard(shard) => u128::from(shard).to_be_bytes(),
        };
        AccountKey { code: self.code(), dim, day: day.map_or(NO_DAY, |day| day.0), currency }
    }

    const fn parts(&self) -> (Dimension, Option<Day>) {
        match *self {
            Account::ChannelReceivable { channel_account: object, bill_date: day }
            | Account::ChannelFeeAccrued { channel_account: object, bill_date: day }
            | Account::MerchantPending { merchant: object, available_on: day } => {
                (Dimension::Object(object), Some(day))
            }
            Account::Bank { bank_account: object }
            | Account::OwnFunds { bank_account: object }
            | Account::SettlementClearing { batch: object }
            | Account::DisputeReceivable { dispute: object }
            | Account::MerchantReceivable { merchant: object }
            | Account::FxPosition { conversion: object }
            | Account::SuspenseShort { case: object }
            | Account::MerchantAvailable { merchant: object }
            | Account::MerchantReserve { hold: object }
            | Account::Escrow { payment: object }
            | Account::MerchantBlocked { case: object }
            | Account::PayoutInTransit { payout: object }
            | Account::SplitHold { payment: object }
            | Account::RefundInTransit { refund: object }
            | Account::DisputeHeld { dispute: object }
            | Account::SuspenseLong { case: object }
            | Account::Unclaimed { merchant: object }
            | Account::MemoAuthorized { payment: object }
            | Account::MemoAuthorizedContra { payment: object } => (Dimension::Object(object), None),
            Account::TaxPayable { jurisdiction: label }
            | Account::FeeIncome { method: label }
            | Account::OtherFees { kind: label }
            | Account::ChannelCost { kind: label }
            | Account::Loss { kind: label } => (Dimension::Name(label), None),
            Account::BetweenShards { other_shard } => (Dimension::Shard(other_shard), None),
            Account::OwnCapital | Account::FxSpread | Account::FxResult => (Dimension::None, None),
        }
    }

    /// The account of a stored identity; `None` if the code is unknown or the dimensions do not fit it.
    pub fn from_key(key: &AccountKey) -> Option<Account> {
        let object = key.dim;
        let day = Day(key.day);
        let label = || Label::from_bytes(key.dim);
        let account = match key.code {
            1010 => Account::Bank { bank_account: object },
            1020 => Account::OwnFunds { bank_account: object },
            1110 => Account::ChannelReceivable { channel_account: object, bill_date: day },
            1120 => Account::SettlementClearing { batch: object },
            1130 => Account::DisputeReceivable { dispute: object },
            1210 => Account::MerchantReceivable { merchant: object },
            1310 => Account::FxPosition { conversion: object },
            1910 => Account::SuspenseShort { case: object },
            1920 => Account::BetweenShards { other_shard: u16::try_from(u128::from_be_bytes(key.dim)).ok()? },
            2010 => Account::MerchantPending { merchant: object, available_on: day },
            2020 => Account::MerchantAvailable { merchant: object },
            2030 => Account::MerchantReserve { hold: object },
            2040 => Account::Escrow { payment: object },
            2050 => Account::MerchantBlocked { case: object },
            2060 => Account::PayoutInTransit { payout: object },
            2070 => Account::SplitHold { payment: object },
            2120 => Account::ChannelFeeAccrued { channel_account: object, bill_date: day },
            2130 => Account::RefundInTransit { refund: object },
            2140 => Account::DisputeHeld { dispute: object },
            2210 => Account::TaxPayable { jurisdiction: label()? },
            2910 => Account::SuspenseLong { case: object },
            2990 => Account::Unclaimed { merchant: object },
            3010 => Account::OwnCapital,
            4010 => Account::FeeIncome { method: label()? },
            4020 => Account::OtherFees { kind: label()? },
            4030 => Account::FxSpread,
            5010 => Account::ChannelCost { kind: label()? },
            5020 => Account::Loss { kind: label()? },
            5030 => Account::FxResult,
            9010 => Account::MemoAuthorized { payment: object },
            9020 => Account::MemoAuthorizedContra { payment: object },
            _ => return None,
        };
        // A day on an undated account, or an object where the code has none, would be lost without a word.
        (account.key(key.currency) == *key).then_some(account)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.facts().name)?;
        let (dimension, day) = self.parts();
        match dimension {
            Dimension::None => return Ok(()),
            Dimension::Object(object) => write!(f, " {{{:032x}", u128::from_be_bytes(object))?,
            Dimension::Name(label) => write!(f, " {{{label}")?,
            Dimension::Shard(shard) => write!(f, " {{{shard}")?,
        }
        match day {
            Some(day) => write!(f, ", {day}}}"),
            None => f.write_str("}"),
        }
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Account::from_key(self) {
            Some(account) => write!(f, "{account} {}", self.currency),
            None => {
                let dim = u128::from_be_bytes(self.dim);
                write!(f, "{} unknown {{{dim:032x}, {}}} {}", self.code, self.day, self.currency)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CHART;

    /// One account of every code, made from its row of the chart by way of its key.
    fn one_of_each() -> Vec<Account> {
        CHART
            .iter()
            .map(|facts| {
                let dim = match facts.dimensions {
                    "" => [0; 16],
                    "other shard" => u128::from(7u16).to_be_bytes(),
                    "method" | "kind" | "jurisdiction" => Label::new("x").unwrap().bytes(),
                    _ => [0xab; 16],
                };
                let dated = facts.dimensions.contains("date") || facts.dimensions.contains("available on");
                let day = if dated { 20_782 } else { NO_DAY };
                let key = AccountKey { code: facts.code, dim, day, currency: Currency::CNY };
                Account::from_key(&key).unwrap_or_else(|| panic!("{}", facts.code))
            })
            .collect()
    }

    #[test]
    fn every_row_of_the_chart_is_an_account_and_reads_back() {
        for (account, facts) in one_of_each().iter().zip(&CHART) {
            assert_eq!(account.facts(), facts);
            let key = account.key(Currency::USD);
            assert_eq!(Account::from_key(&key), Some(*account));
        }
        assert!(CHART.windows(2).all(|pair| pair[0].code < pair[1].code), "codes rise and are unique");
    }

    #[test]
    fn a_key_that_does_not_fit_its_code_is_no_account() {
        for account in one_of_each() {
            let key = account.key(Currency::CNY);
            if account.day().is_none() {
                assert_eq!(Account::from_key(&AccountKey { day: 1, ..key }), None, "{account}");
            }
        }
        let key = Account::OwnCapital.key(Currency::CNY);
        assert_eq!(Account::from_key(&AccountKey { dim: [1; 16], ..key }), None);
        assert_eq!(Account::from_key(&AccountKey { code: 4010, ..key }), None);
        assert_eq!(Account::from_key(&AccountKey { code: 1920, dim: [1; 16], ..key }), None);
        assert_eq!(Account::from_key(&AccountKey { code: 2011, ..key }), None);
    }

    #[test]
    fn sides_follow_the_first_digit_and_buckets_are_merchants() {
        for account in one_of_each() {
            let debit = matches!(account.code() / 1000, 1 | 5) || account.code() == 9010;
            assert_eq!(account.normal() == Side::Debit, debit, "{account}");
            if account.bucket().is_some() || account.merchant().is_some() {
                assert_eq!(account.owner(), Owner::Merchant, "{account}");
            }
            // A floor is tested against a balance, so a delta account can't have one.
            if account.keeping() == Keeping::Delta {
                assert!(matches!(account.floor(), Floor::None | Floor::Alarm), "{account}");
            }
        }
    }

    #[test]
    fn shows_itself() {
        let account = Account::MerchantPending { merchant: [0x11; 16], available_on: Day(20_782) };
        let text = "2010 merchant pending {11111111111111111111111111111111, 2026-11-25}";
        assert_eq!(account.to_string(), text);
        assert_eq!(account.key(Currency::CNY).to_string(), format!("{text} CNY"));
        let fee = Account::FeeIncome { method: Label::new("sandbox").unwrap() };
        assert_eq!(fee.key(Currency::CNY).to_string(), "4010 fee income {sandbox} CNY");
        assert_eq!(Account::OwnCapital.to_string(), "3010 own capital");
    }
}
