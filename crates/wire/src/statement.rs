//! Statements and inclusion proofs.

use crate::balance::BalanceTransactionObject;
use crate::text::{IdText, Instant, Money};
use domain::id::World;
use domain::statement::{FlowTotal, Statement, Totals, TradeTotal};
use money::{Amount, Currency};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a business day came to. Immutable.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Statement)]
pub struct StatementObject<'a> {
    /// Its id.
    pub id: IdText,
    /// `statement`
    pub object: &'static str,
    /// `live` or `sandbox`.
    pub world: &'static str,
    /// Whose it is.
    pub merchant: IdText,
    /// trade: payments and refunds; fund_flow: every line of the merchant's accounts.
    pub kind: &'static str,
    /// The business day, YYYY-MM-DD.
    pub date: String,
    /// The zone of the day.
    pub business_zone: &'a str,
    /// When the day began.
    pub starts_at: Instant,
    /// When it ended: the first instant of the next.
    pub ends_at: Instant,
    /// `ready`
    pub status: &'static str,
    /// Lines in its files, headers not counted.
    pub line_count: i64,
    /// What the lines sum to, a row per currency; amounts are signed as the merchant gains.
    pub totals: Vec<StatementTotal>,
    /// SHA-256 of its file in format jsonl, in hexadecimal.
    pub sha256: String,
    /// The root against which proofs of the day's lines are checked, in hexadecimal; null when nothing was booked that day. It is
    /// over the chained roots of `blocks`.
    pub root: Option<String>,
    /// The sealed blocks that the day's lines lie in; null when nothing was booked that day.
    pub blocks: Option<BlockRange>,
    /// The columns of its files; new ones come with a higher number, at the end.
    pub schema: u16,
    /// When it was formed, business time.
    pub created_at: Instant,
    /// As `created_at`.
    pub updated_at: Instant,
    /// Always 1.
    pub sequence: i64,
}

/// Sealed blocks, both ends included.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct BlockRange {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
}

/// One currency of a statement. What belongs to the other kind is null.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct StatementTotal {
    /// ISO 4217.
    pub currency: &'static str,
    /// Of trade: payments and captures.
    pub payment_count: Option<i64>,
    /// Of trade: refunds accepted.
    pub refund_count: Option<i64>,
    /// Of trade: refunds that failed.
    pub failed_refund_count: Option<i64>,
    /// Of trade: gross of payments.
    pub gross: Option<Money>,
    /// Of trade: fees, below zero.
    pub fee: Option<Money>,
    /// Of trade: refunds, below zero, failed ones taken off.
    pub refund_amount: Option<Money>,
    /// Of trade: fees given back.
    pub fee_refund: Option<Money>,
    /// Of trade: fees of refunding, below zero.
    pub refund_fee: Option<Money>,
    /// Of trade: the sum of these.
    pub net: Option<Money>,
    /// Of fund_flow: movements, the day's balance transactions.
    pub movement_count: Option<i64>,
    /// Of fund_flow: all of the merchant's accounts when the day began, debt taken off.
    pub opening: Option<Money>,
    /// Of fund_flow: all of them when it ended, which is opening and the sums of all categories.
    pub closing: Option<Money>,
    /// Of fund_flow: the sum of each category that moved.
    pub by_category: Option<BTreeMap<String, Money>>,
}

impl StatementTotal {
    fn of_trade(row: &TradeTotal) -> StatementTotal {
        let money = |minor| Some(money(minor, row.currency));
        StatementTotal {
            currency: row.currency.code(),
            payment_count: Some(row.payments),
            refund_count: Some(row.refunds),
            failed_refund_count: Some(row.failed_refunds),
            gross: money(row.gross_minor),
            fee: money(row.fee_minor),
            refund_amount: money(row.refund_minor),
            fee_refund: money(row.fee_refund_minor),
            refund_fee: money(row.refund_fee_minor),
            net: money(row.net_minor),
            ..StatementTotal::default()
        }
    }

    fn of_flow(row: &FlowTotal) -> StatementTotal {
        let sums = row.by_category.iter().map(|(name, minor)| (name.clone(), money(*minor, row.currency)));
        StatementTotal {
            currency: row.currency.code(),
            movement_count: Some(row.movements),
            opening: Some(money(row.opening_minor, row.currency)),
            closing: Some(money(row.closing_minor, row.currency)),
            by_category: Some(sums.collect()),
            ..StatementTotal::default()
        }
    }
}

fn money(minor: i64, currency: Currency) -> Money {
    Amount::new(minor, currency).into()
}

impl<'a> StatementObject<'a> {
    /// Shows a statement.
    pub fn of(statement: &'a Statement, world: World) -> StatementObject<'a> {
        let totals = match &statement.totals {
            Totals::Trade(rows) => rows.iter().map(StatementTotal::of_trade).collect(),
            Totals::FundFlow(rows) => rows.iter().map(StatementTotal::of_flow).collect(),
        };
        let formed_at = Instant(statement.created_at_us);
        StatementObject {
            id: IdText::of(statement.id),
            object: "statement",
            world: world.as_str(),
            merchant: IdText::of(statement.merchant),
            kind: statement.kind.as_str(),
            date: statement.day.to_string(),
            business_zone: &statement.zone,
            starts_at: Instant(statement.span.starts_at_us),
            ends_at: Instant(statement.span.ends_at_us),
            status: "ready",
            line_count: statement.line_count,
            totals,
            sha256: hex(&statement.sha256),
            root: statement.root.map(|root| hex(&root.root)),
            blocks: statement.root.map(|root| BlockRange { first: root.first_block, last: root.last_block }),
            schema: statement.schema,
            created_at: formed_at,
            updated_at: formed_at,
            sequence: 1,
        }
    }
}

/// Bytes in lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// That a line of a merchant's balance stands in the sealed journal. All hashes are SHA-256, in hexadecimal.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Proof)]
pub struct ProofObject {
    /// `proof`
    pub object: &'static str,
    /// The line that is proven.
    pub balance_transaction: BalanceTransactionObject,
    /// The line in the tree of its block.
    pub leaf: ProofLeaf,
    /// The block, and its place in the chain of blocks.
    pub block: ProofBlock,
    /// The block in the tree of the day, whose root the day's statements name; null until they are formed.
    pub statement: Option<ProofStatement>,
}

/// A line in the tree of its block: leaf hash = SHA-256(0x00, salt, bytes), node hash = SHA-256(0x01, left, right) as in RFC 9162.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProofLeaf {
    /// The line in canonical bytes.
    pub bytes: String,
    /// 16 secret bytes of the line, shown to its owner only.
    pub salt: String,
    /// Its number in the block, from 0.
    pub index: u64,
    /// Leaves of the block.
    pub size: u64,
    /// The path to the block's root, the leaf's sibling first.
    pub siblings: Vec<String>,
}

/// A sealed block: chained = SHA-256(previous, root).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProofBlock {
    /// Its number.
    pub number: i64,
    /// The root of the tree over its lines.
    pub root: String,
    /// The chained root of the block before; of the first one, the start of the chain.
    pub previous: String,
    /// Its own chained root.
    pub chained: String,
}

/// A block in the tree of a business day: its leaf hash is SHA-256(0x00, chained).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProofStatement {
    /// The business day.
    pub date: String,
    /// The day's trade statement.
    pub trade: Option<IdText>,
    /// The day's fund flow.
    pub fund_flow: Option<IdText>,
    /// The block's number among the day's blocks, from 0.
    pub index: u64,
    /// Blocks of the day.
    pub size: u64,
    /// The path to the day's root, the block's sibling first.
    pub siblings: Vec<String>,
    /// The day's root, as both statements name it.
    pub root: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EVENT_BODY_MAX_BYTES, EventHead, event_body};
    use domain::Uid;
    use domain::id::{EventId, MerchantId, StatementId};
    use domain::statement::{Kind, Root, Span};
    use ledger::{Category, Day};

    fn statement(kind: Kind, totals: Totals) -> Statement {
        Statement {
            id: StatementId(Uid([1; 16])),
            merchant: MerchantId(Uid([2; 16])),
            kind,
            day: Day(20_782),
            zone: "America/Argentina/ComodRivadavia".to_owned(),
            span: Span { starts_at_us: 0, ends_at_us: 86_400_000_000, offset_s: 0, shift: None },
            schema: 1,
            after_seq: 0,
            last_seq: 9,
            line_count: i64::MAX,
            totals,
            sha256: [0xab; 32],
            root: Some(Root { root: [0xcd; 32], first_block: 1, last_block: 2 }),
            created_at_us: 0,
        }
    }

    /// An event has a bound; so many currencies and categories in a day stay below it.
    #[test]
    fn the_event_of_a_rich_day_is_small_enough() {
        let largest = -money::MAX_WIRE;
        let currencies: Vec<Currency> = Currency::all().take(20).collect();
        let flow = |currency: &Currency| {
            let mut row = FlowTotal::opened(*currency, largest);
            for category in Category::ALL.into_iter().take(9) {
                row.by_category.insert(category.as_str().to_owned(), largest);
            }
            row
        };
        let trade = |currency: &Currency| TradeTotal {
            gross_minor: largest,
            fee_minor: largest,
            refund_minor: largest,
            fee_refund_minor: largest,
            refund_fee_minor: largest,
            net_minor: largest,
            ..TradeTotal::empty(*currency)
        };
        let head = EventHead {
            id: EventId(Uid([3; 16])),
            kind: domain::event::Type::StatementReady,
            created_at_us: 0,
            world: World::Live,
            merchant: MerchantId(Uid([2; 16])),
            previous_status: None,
            sequence: 1,
        };
        for (kind, totals) in [
            (Kind::FundFlow, Totals::FundFlow(currencies.iter().map(flow).collect())),
            (Kind::Trade, Totals::Trade(currencies.iter().map(trade).collect())),
        ] {
            let statement = statement(kind, totals);
            let body = event_body(&head, &StatementObject::of(&statement, World::Live));
            assert!(body.len() < EVENT_BODY_MAX_BYTES, "{} bytes", body.len());
        }
    }

    #[test]
    fn a_day_without_bookings_has_no_root() {
        let empty = Statement { root: None, ..statement(Kind::Trade, Totals::Trade(Vec::new())) };
        let shown = serde_json::to_value(StatementObject::of(&empty, World::Sandbox)).unwrap();
        assert_eq!((&shown["root"], &shown["blocks"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        assert_eq!(shown["totals"], serde_json::json!([]));
        assert_eq!(shown["date"], "2026-11-25");
        assert_eq!(shown["sha256"], "ab".repeat(32));
    }
}
