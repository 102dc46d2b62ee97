//! Balances and their lines.

use super::ledger::facts;
use crate::access::may;
use crate::cursor::Place;
use crate::json::{Fault, read};
use crate::listing::Listing;
use crate::pipeline::{Allowed, Reply, parse_id};
use crate::problem::{Code, Problem};
use crate::query::Query;
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use domain::id::{AdjustmentId, PaymentId, RefundId};
use domain::{Id, Uid};
use ledger::Category;
use money::Amount;
use store::reads::LineFilter;
use wire::{BalanceObject, BalanceTransactionObject, IdText, Instant, List, Money};

static BALANCES: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/balances",
    id: "listBalances",
    summary: "The merchant's money, one row per currency ever used. Never paged.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::Page("Balance"),
    codes: &[],
};

static LINES: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/balance_transactions",
    id: "listBalanceTransactions",
    summary: "Every line of the merchant's balances, newest first. A source or a period of which lines were archived is refused.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["category", "source", "posted_at_gte", "posted_at_lt", "limit", "cursor"],
    answer: Answer::Page("BalanceTransaction"),
    codes: &[Code::LinesArchived],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&BALANCES, balances);
    routes.add(&LINES, lines);
}

async fn balances(call: Allowed<may::ReadBalances>) -> Result<Reply, Problem> {
    let now = Instant(call.business_now_us().await?);
    let views = call.app().balances(&call.caller).await?;
    let data = views
        .iter()
        .map(|view| {
            let money = |minor| Money::from(Amount::new(minor, view.currency));
            BalanceObject {
                object: "balance",
                world: call.world().as_str(),
                merchant: IdText::of(call.caller.merchant),
                currency: view.currency.code(),
                pending: money(view.pending_minor),
                available: money(view.available_minor),
                reserved: money(view.reserved_minor),
                escrow: money(view.escrow_minor),
                split_hold: money(view.split_hold_minor),
                blocked: money(view.blocked_minor),
                in_transit: money(view.in_transit_minor),
                owed: money(view.owed_minor),
                updated_at: now,
            }
        })
        .collect();
    Ok(Reply::ok(&List { data, next_cursor: None }))
}

/// The categories that merchants see; the platform's own are not among them.
pub const CATEGORIES: [Category; 15] = [
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
];

fn filter(query: &Query) -> Result<LineFilter, Problem> {
    Ok(LineFilter {
        category: query.read("category", |text| read::one_of(&CATEGORIES, Category::as_str, text))?,
        source: query.read("source", source)?,
        posted_at_gte_us: query.time_us("posted_at_gte")?,
        posted_at_lt_us: query.time_us("posted_at_lt")?,
    })
}

fn source(text: &str) -> Result<Uid, Fault> {
    let payment = parse_id::<PaymentId>(text).map(Id::uid);
    payment
        .or_else(|| parse_id::<RefundId>(text).map(Id::uid))
        .or_else(|| parse_id::<AdjustmentId>(text).map(Id::uid))
        .ok_or_else(|| {
            Fault::invalid(
                "A payment's, refund's or adjustment's id is expected.",
                "此处应为支付、退款或调账编号。",
            )
        })
}

async fn lines(call: Allowed<may::ReadBalances>) -> Result<Reply, Problem> {
    let (filter, listing) = (filter(&call.query)?, Listing::of(&call)?);
    let rows = call.app().lines(&call.caller, &filter, listing.by_seq()?).await?;
    let (merchant, world) = (call.caller.merchant, call.world());
    let page = listing.page(
        &rows,
        |line| Place::Seq(line.seq, line.line),
        |line| BalanceTransactionObject::of(&facts(&call, line), merchant, world),
    );
    // A line outside the balance would be a defect of the store's filter; it is left out, not shown as null.
    let data: Vec<_> = page.data.into_iter().flatten().collect();
    Ok(Reply::ok(&List { data, next_cursor: page.next_cursor }))
}
