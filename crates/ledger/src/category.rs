//! Reporting categories of lines and the buckets of a merchant's balance.

/// Why a line exists. The set is closed, so that no total hides behind "other"; WIRE fixes the names of those that
/// merchants see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// The gross of a payment.
    Payment,
    /// What the merchant is charged for it.
    Fee,
    /// A refund's amount.
    Refund,
    /// What a refund gives back of the fee.
    FeeRefund,
    /// What the merchant is charged for refunding.
    RefundFee,
    /// Pending money became available.
    Maturity,
    /// A debt taken from a credit.
    DebtRecovery,
    /// Money put into or out of a reserve.
    Reserve,
    /// Money split to receivers.
    Split,
    /// Escrow released to the merchant.
    EscrowRelease,
    /// The rest of a split hold set free.
    SplitUnfreeze,
    /// Money frozen or set free.
    Block,
    /// A payout, its refusal or return.
    Payout,
    /// A dispute's money.
    Dispute,
    /// A correction that names what it corrects.
    Adjustment,
    /// What channels and banks take; the platform's own.
    Cost,
    /// Memo of an authorized amount; the platform's own.
    Authorization,
    /// Money that a payment may not keep; the platform's own.
    Held,
}

impl Category {
    /// Every category.
    pub const ALL: [Category; 18] = [
        Category::Payment,
        Category::Fee,
        Category::Refund,
        Category::FeeRefund,
        Category::RefundFee,
        Category::Maturity,
        Category::DebtRecovery,
        Category::Reserve,
        Category::Split,
        Category::EscrowRelease,
        Category::SplitUnfreeze,
        Category::Block,
        Category::Payout,
        Category::Dispute,
        Category::Adjustment,
        Category::Cost,
        Category::Authorization,
        Category::Held,
    ];

    /// The stored and, where merchants see it, wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Payment => "payment",
            Category::Fee => "fee",
            Category::Refund => "refund",
            Category::FeeRefund => "fee_refund",
            Category::RefundFee => "refund_fee",
            Category::Maturity => "maturity",
            Category::DebtRecovery => "debt_recovery",
            Category::Reserve => "reserve",
            Category::Split => "split",
            Category::EscrowRelease => "escrow_release",
            Category::SplitUnfreeze => "split_unfreeze",
            Category::Block => "block",
            Category::Payout => "payout",
            Category::Dispute => "dispute",
            Category::Adjustment => "adjustment",
            Category::Cost => "cost",
            Category::Authorization => "authorization",
            Category::Held => "held",
        }
    }

    /// The category of a name.
    pub fn parse(name: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.as_str() == name)
    }
}

/// A part of a merchant's balance as the wire shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Earned, not matured (2010).
    Pending,
    /// May be paid out (2020).
    Available,
    /// Kept as a reserve (2030).
    Reserved,
    /// Held until delivery (2040).
    Escrow,
    /// Waiting to be split (2070).
    SplitHold,
    /// Frozen (2050).
    Blocked,
    /// Payouts under way (2060).
    InTransit,
    /// Debt (1210); positive as a balance, negative in lines.
    Owed,
}

impl Bucket {
    /// Every bucket, in the order of the wire's balance.
    pub const ALL: [Bucket; 8] = [
        Bucket::Pending,
        Bucket::Available,
        Bucket::Reserved,
        Bucket::Escrow,
        Bucket::SplitHold,
        Bucket::Blocked,
        Bucket::InTransit,
        Bucket::Owed,
    ];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Bucket::Pending => "pending",
            Bucket::Available => "available",
            Bucket::Reserved => "reserved",
            Bucket::Escrow => "escrow",
            Bucket::SplitHold => "split_hold",
            Bucket::Blocked => "blocked",
            Bucket::InTransit => "in_transit",
            Bucket::Owed => "owed",
        }
    }

    /// The bucket of a wire name.
    pub fn parse(name: &str) -> Option<Bucket> {
        Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), Some(category));
        }
        for bucket in Bucket::ALL {
            assert_eq!(Bucket::parse(bucket.as_str()), Some(bucket));
        }
        assert_eq!(Category::ALL.iter().collect::<BTreeSet<_>>().len(), Category::ALL.len());
        assert_eq!(Bucket::ALL.iter().collect::<BTreeSet<_>>().len(), Bucket::ALL.len());
        assert_eq!(Category::parse("other"), None);
        assert_eq!(Bucket::parse("other"), None);
    }
}
