//! The chart of accounts as data (BOOKS section 1). `docs/books.md` is rendered from it.

use crate::Bucket;

/// The side on which an account grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Assets and expenses; line amounts above zero.
    Debit,
    /// Liabilities, capital and income; line amounts below zero.
    Credit,
}

/// How far an account may fall, in its natural sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Floor {
    /// Any balance.
    None,
    /// Not below zero.
    Zero,
    /// Not below minus the merchant's credit line, which is zero unless granted.
    CreditLine,
    /// Any balance, but somebody is called below zero: the bank may debit first.
    Alarm,
}

/// Where the balance of an account is kept (DESIGN section 4, Accounts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keeping {
    /// A balance row is loaded; each line carries a gapless `account_seq` and `balance_after`.
    Chained,
    /// Takes deltas under the shard head and is never loaded.
    Delta,
    /// The balance is a column of the object that the dimension names.
    Object,
}

/// Whose money an account shows, and so who sees its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Each line carries a merchant, who sees it.
    Merchant,
    /// No line carries a merchant.
    Platform,
}

/// What is fixed about all accounts of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Number of the account.
    pub code: u16,
    /// English name.
    pub name: &'static str,
    /// Chinese name.
    pub gloss: &'static str,
    /// What the dimension of one account names; empty if there is one account of this code per currency.
    pub dimensions: &'static str,
    /// The side on which it grows.
    pub side: Side,
    /// How far it may fall.
    pub floor: Floor,
    /// Where its balance is kept.
    pub keeping: Keeping,
    /// The part of a merchant's balance that it is.
    pub bucket: Option<Bucket>,
    /// Whose it is.
    pub owner: Owner,
    /// What it means and when it must be zero.
    pub meaning: &'static str,
}

/// Every account, by rising code.
pub const CHART: [Facts; 31] = [
    BANK,
    OWN_FUNDS,
    CHANNEL_RECEIVABLE,
    SETTLEMENT_CLEARING,
    DISPUTE_RECEIVABLE,
    MERCHANT_RECEIVABLE,
    FX_POSITION,
    SUSPENSE_SHORT,
    BETWEEN_SHARDS,
    MERCHANT_PENDING,
    MERCHANT_AVAILABLE,
    MERCHANT_RESERVE,
    ESCROW,
    MERCHANT_BLOCKED,
    PAYOUT_IN_TRANSIT,
    SPLIT_HOLD,
    CHANNEL_FEE_ACCRUED,
    REFUND_IN_TRANSIT,
    DISPUTE_HELD,
    TAX_PAYABLE,
    SUSPENSE_LONG,
    UNCLAIMED,
    OWN_CAPITAL,
    FEE_INCOME,
    OTHER_FEES,
    FX_SPREAD,
    CHANNEL_COST,
    LOSS,
    FX_RESULT,
    MEMO_AUTHORIZED,
    MEMO_AUTHORIZED_CONTRA,
];

pub(crate) const BANK: Facts = Facts {
    code: 1010,
    name: "bank",
    gloss: "备付金银行存款",
    dimensions: "bank account",
    side: Side::Debit,
    floor: Floor::Alarm,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "clients' money at the custody bank; equals the bank statement at each cut-off",
};

pub(crate) const OWN_FUNDS: Facts = Facts {
    code: 1020,
    name: "own funds",
    gloss: "自有资金",
    dimensions: "bank account",
    side: Side::Debit,
    floor: Floor::Zero,
    keeping: Keeping::Chained,
    bucket: None,
    owner: Owner::Platform,
    meaning: "the operator's own money, kept apart",
};

pub(crate) const CHANNEL_RECEIVABLE: Facts = Facts {
    code: 1110,
    name: "channel receivable",
    gloss: "应收渠道款",
    dimensions: "channel account, bill date",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "taken by the channel, not yet on a matched bill; zero when each of its rows stands on a matched bill",
};

pub(crate) const SETTLEMENT_CLEARING: Facts = Facts {
    code: 1120,
    name: "settlement clearing",
    gloss: "清算在途",
    dimensions: "batch",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "on the bill, cash not seen yet; zero when the bank line is matched",
};

pub(crate) const DISPUTE_RECEIVABLE: Facts = Facts {
    code: 1130,
    name: "dispute receivable",
    gloss: "争议应收",
    dimensions: "dispute",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "the channel took the money, case open; zero when the case ends",
};

pub(crate) const MERCHANT_RECEIVABLE: Facts = Facts {
    code: 1210,
    name: "merchant receivable",
    gloss: "应收商户款",
    dimensions: "merchant",
    side: Side::Debit,
    floor: Floor::Zero,
    keeping: Keeping::Chained,
    bucket: Some(Bucket::Owed),
    owner: Owner::Merchant,
    meaning: "what a merchant owes",
};

pub(crate) const FX_POSITION: Facts = Facts {
    code: 1310,
    name: "FX position",
    gloss: "外汇头寸",
    dimensions: "conversion",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "both legs of a conversion; zero when squared and its result booked",
};

pub(crate) const SUSPENSE_SHORT: Facts = Facts {
    code: 1910,
    name: "suspense short",
    gloss: "短款挂账",
    dimensions: "case",
    side: Side::Debit,
    floor: Floor::Zero,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "money missing or paid out unknown, found by reconciliation; zero when the case closes",
};

pub(crate) const BETWEEN_SHARDS: Facts = Facts {
    code: 1920,
    name: "between shards",
    gloss: "分片往来",
    dimensions: "other shard",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "one movement's two halves; summed over all shards zero but for what is in flight",
};

pub(crate) const MERCHANT_PENDING: Facts = Facts {
    code: 2010,
    name: "merchant pending",
    gloss: "待结算",
    dimensions: "merchant, available on",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Chained,
    bucket: Some(Bucket::Pending),
    owner: Owner::Merchant,
    meaning: "earned, not matured; zero after its day",
};

pub(crate) const MERCHANT_AVAILABLE: Facts = Facts {
    code: 2020,
    name: "merchant available",
    gloss: "可提现",
    dimensions: "merchant",
    side: Side::Credit,
    floor: Floor::CreditLine,
    keeping: Keeping::Chained,
    bucket: Some(Bucket::Available),
    owner: Owner::Merchant,
    meaning: "may be paid out; the credit line serves refunds and fees and is never paid out",
};

pub(crate) const MERCHANT_RESERVE: Facts = Facts {
    code: 2030,
    name: "merchant reserve",
    gloss: "保证金",
    dimensions: "hold",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Chained,
    bucket: Some(Bucket::Reserved),
    owner: Owner::Merchant,
    meaning: "rolling or fixed reserve of a merchant under a plan",
};

pub(crate) const ESCROW: Facts = Facts {
    code: 2040,
    name: "escrow",
    gloss: "担保交易",
    dimensions: "payment",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Object,
    bucket: Some(Bucket::Escrow),
    owner: Owner::Merchant,
    meaning: "held until delivery; zero when released or refunded",
};

pub(crate) const MERCHANT_BLOCKED: Facts = Facts {
    code: 2050,
    name: "merchant blocked",
    gloss: "冻结",
    dimensions: "case",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Chained,
    bucket: Some(Bucket::Blocked),
    owner: Owner::Merchant,
    meaning: "risk or legal freeze of a merchant's money",
};

pub(crate) const PAYOUT_IN_TRANSIT: Facts = Facts {
    code: 2060,
    name: "payout in transit",
    gloss: "出款在途",
    dimensions: "payout",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Object,
    bucket: Some(Bucket::InTransit),
    owner: Owner::Merchant,
    meaning: "zero on bank debit or refusal",
};

pub(crate) const SPLIT_HOLD: Facts = Facts {
    code: 2070,
    name: "split hold",
    gloss: "待分账",
    dimensions: "payment",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Object,
    bucket: Some(Bucket::SplitHold),
    owner: Owner::Merchant,
    meaning: "waits for split instructions; zero when split or unfrozen",
};

pub(crate) const CHANNEL_FEE_ACCRUED: Facts = Facts {
    code: 2120,
    name: "channel fee accrued",
    gloss: "应付渠道手续费",
    dimensions: "channel account, bill date",
    side: Side::Credit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "zero when the bill confirms the fee",
};

pub(crate) const REFUND_IN_TRANSIT: Facts = Facts {
    code: 2130,
    name: "refund in transit",
    gloss: "退款在途",
    dimensions: "refund",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "accepted, the channel has not taken it yet; zero when taken or failed",
};

pub(crate) const DISPUTE_HELD: Facts = Facts {
    code: 2140,
    name: "dispute held",
    gloss: "争议冻结",
    dimensions: "dispute",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "taken from the merchant while the case is open",
};

pub(crate) const TAX_PAYABLE: Facts = Facts {
    code: 2210,
    name: "tax payable",
    gloss: "应交税费",
    dimensions: "jurisdiction",
    side: Side::Credit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "tax in what merchants are charged, until it is paid",
};

pub(crate) const SUSPENSE_LONG: Facts = Facts {
    code: 2910,
    name: "suspense long",
    gloss: "长款挂账",
    dimensions: "case",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "money found by reconciliation or held at the door; zero when the case closes",
};

pub(crate) const UNCLAIMED: Facts = Facts {
    code: 2990,
    name: "unclaimed",
    gloss: "无人认领款",
    dimensions: "merchant",
    side: Side::Credit,
    floor: Floor::Zero,
    keeping: Keeping::Chained,
    bucket: None,
    owner: Owner::Merchant,
    meaning: "the rest of closed merchants, payouts that came back",
};

pub(crate) const OWN_CAPITAL: Facts = Facts {
    code: 3010,
    name: "own capital",
    gloss: "自有资本",
    dimensions: "",
    side: Side::Credit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "what the operator put into 1020 and took out",
};

pub(crate) const FEE_INCOME: Facts = Facts {
    code: 4010,
    name: "fee income",
    gloss: "手续费收入",
    dimensions: "method",
    side: Side::Credit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "merchants' fees without tax",
};

pub(crate) const OTHER_FEES: Facts = Facts {
    code: 4020,
    name: "other fees",
    gloss: "其他收费",
    dimensions: "kind",
    side: Side::Credit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "monthly and other fees, commissions",
};

pub(crate) const FX_SPREAD: Facts = Facts {
    code: 4030,
    name: "FX spread",
    gloss: "汇差收入",
    dimensions: "",
    side: Side::Credit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "the operator's margin on conversions",
};

pub(crate) const CHANNEL_COST: Facts = Facts {
    code: 5010,
    name: "channel cost",
    gloss: "渠道成本",
    dimensions: "kind",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "what channels and banks take",
};

pub(crate) const LOSS: Facts = Facts {
    code: 5020,
    name: "losses",
    gloss: "损失",
    dimensions: "kind",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "debts and missing money written off",
};

pub(crate) const FX_RESULT: Facts = Facts {
    code: 5030,
    name: "FX result",
    gloss: "汇兑损益",
    dimensions: "",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Delta,
    bucket: None,
    owner: Owner::Platform,
    meaning: "gain or loss when a position is squared",
};

pub(crate) const MEMO_AUTHORIZED: Facts = Facts {
    code: 9010,
    name: "memo authorized",
    gloss: "预授权备忘",
    dimensions: "payment",
    side: Side::Debit,
    floor: Floor::None,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "authorized amount; zero when captured, voided or expired; never in the general ledger",
};

pub(crate) const MEMO_AUTHORIZED_CONTRA: Facts = Facts {
    code: 9020,
    name: "memo authorized contra",
    gloss: "预授权备忘对方",
    dimensions: "payment",
    side: Side::Credit,
    floor: Floor::None,
    keeping: Keeping::Object,
    bucket: None,
    owner: Owner::Platform,
    meaning: "the other side of 9010",
};
