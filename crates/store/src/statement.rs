//! Rows of statements, which merchants' days are due, and what a day's lines are about.

use crate::StoreError;
use crate::db::{Columns, Db, Many, corrupt, keyed, params, statements, writes};
use crate::reads::Page;
use crate::statements::{DayPage, FormedDay, StatementFilter, StatementPlace};
use crate::{event, head, journal, members};
use domain::id::{Id, MerchantId, PaymentId, RefundId, Shard, StatementId, Uid};
use domain::payment::{Details, Scene};
use domain::statement::{Kind, OrderFacts, Orders, RefundFacts, Root, Span, Statement, Totals};

macro_rules! columns {
    () => {
        "merchant, day, kind, id, zone, starts_at_us, ends_at_us, offset_s, shift_at_us, shift_offset_s, schema, \
         after_seq, last_seq, line_count, totals, sha256, root, first_block, last_block, created_at_us"
    };
}

macro_rules! order_columns {
    () => {
        "p.id, p.merchant_order_no, p.amount_minor, p.currency, p.method, p.scene, p.details, p.created_at_us"
    };
}

macro_rules! refund_columns {
    () => {
        "r.id, r.payment, r.merchant_refund_no, r.amount_minor, r.currency, r.reason, r.created_at_us"
    };
}

keyed! {
    ORDER (Uid) = concat!("SELECT ", order_columns!(), " FROM payment p WHERE p.shard = ?1 AND p.id = ?2")
        => concat!("SELECT ", order_columns!(), " FROM {keys} JOIN payment p ON p.id = k2 WHERE p.shard = ?1");
    REFUND (Uid) = concat!("SELECT ", refund_columns!(), " FROM refund r WHERE r.shard = ?1 AND r.id = ?2")
        => concat!("SELECT ", refund_columns!(), " FROM {keys} JOIN refund r ON r.id = k2 WHERE r.shard = ?1");
}

writes! {
    INSERT = insert "statement" row {
        merchant: Uid, day: Int, kind: Text, id: Uid, zone: Text, starts_at_us: Big, ends_at_us: Big, offset_s: Int,
        shift_at_us: Big, shift_offset_s: Int, schema: Small, after_seq: Big, last_seq: Big, line_count: Big,
        totals: Text, sha256: Bytes, root: Bytes, first_block: Big, last_block: Big, created_at_us: Big,
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM statement INDEXED BY statement_id WHERE shard = ?1 AND id = ?2");
    LIST = concat!("SELECT ", columns!(), " FROM statement INDEXED BY statement_list \
        WHERE shard = ?1 AND merchant = ?2 AND (created_at_us, id) < (?3, ?4) AND (kind = ?5 OR ?5 IS NULL) \
        ORDER BY created_at_us DESC, id DESC LIMIT ?6");
    /// A day has one statement of each kind: sorted after they are found.
    LIST_OF_DAY_SORT = concat!("SELECT ", columns!(), " FROM statement \
        WHERE shard = ?1 AND merchant = ?2 AND day = ?7 AND (created_at_us, id) < (?3, ?4) \
        AND (kind = ?5 OR ?5 IS NULL) ORDER BY created_at_us DESC, id DESC LIMIT ?6");
    LAST = concat!("SELECT ", columns!(), " FROM statement \
        WHERE shard = ?1 AND merchant = ?2 AND kind = ?3 ORDER BY day DESC LIMIT 1");
    LAST_FROM = concat!("SELECT ", columns!(), " FROM statement \
        WHERE shard = ?1 AND merchant = ?2 AND kind = ?3 AND first_block <= ?4 ORDER BY day DESC LIMIT 1");
    AFTER = concat!("SELECT ", columns!(), " FROM statement WHERE shard = ?1 AND (merchant, day, kind) > (?2, ?3, ?4) \
        ORDER BY merchant, day, kind LIMIT ?5");

    DUE = "SELECT d.merchant FROM statement_due d INDEXED BY statement_due_at \
        CROSS JOIN merchant_head h ON h.shard = d.shard AND h.merchant = d.merchant \
        WHERE d.shard = ?1 AND d.due_at_us <= CAST(?2 AS BIGINT) + ?4 \
        AND d.due_at_us <= CAST(?2 AS BIGINT) + h.clock_offset_us ORDER BY d.due_at_us LIMIT ?3";
    SET_DUE = "INSERT INTO statement_due (shard, merchant, due_at_us) VALUES (?1, ?2, ?3) \
        ON CONFLICT (shard, merchant) DO UPDATE SET due_at_us = excluded.due_at_us";
}

fn read(c: &mut Columns<'_>) -> Result<Statement, StoreError> {
    let (merchant, day, kind, id, zone) = (c.id()?, c.day()?, c.word(Kind::parse)?, c.id()?, c.string()?);
    let (starts_at_us, ends_at_us, offset_s) = (c.int()?, c.int()?, c.small()?);
    let (shift_at_us, shift_offset_s) = (c.opt_int()?, c.opt_int()?);
    let shift_offset_s = shift_offset_s.and_then(|seconds| i32::try_from(seconds).ok());
    let span = Span { starts_at_us, ends_at_us, offset_s, shift: shift_at_us.zip(shift_offset_s) };
    let (schema, after_seq, last_seq, line_count) = (c.small()?, c.int()?, c.int()?, c.int()?);
    let totals = c.word(Totals::parse)?;
    let sha256 = c.bytes()?;
    let root = match (c.opt_bytes()?, c.opt_int()?, c.opt_int()?) {
        (Some(root), Some(first_block), Some(last_block)) => Some(Root { root, first_block, last_block }),
        (None, None, None) => None,
        _ => return Err(corrupt("a statement has a root without its blocks")),
    };
    let created_at_us = c.int()?;
    Ok(Statement {
        id,
        merchant,
        kind,
        day,
        zone,
        span,
        schema,
        after_seq,
        last_seq,
        line_count,
        totals,
        sha256,
        root,
        created_at_us,
    })
}

async fn insert(db: &Db, shard: Shard, statement: &Statement) -> Result<(), StoreError> {
    let row = params![
        statement.merchant.0.0,
        statement.day.0,
        statement.kind.as_str(),
        statement.id.0.0,
        &statement.zone,
        statement.span.starts_at_us,
        statement.span.ends_at_us,
        statement.span.offset_s,
        statement.span.shift.map(|(at_us, _)| at_us),
        statement.span.shift.map(|(_, offset_s)| offset_s),
        statement.schema,
        statement.after_seq,
        statement.last_seq,
        statement.line_count,
        statement.totals.to_text(),
        &statement.sha256,
        statement.root.as_ref().map(|root| &root.root),
        statement.root.map(|root| root.first_block),
        statement.root.map(|root| root.last_block),
        statement.created_at_us,
    ];
    db.write(&INSERT, shard, Many::of([row])).await
}

pub(crate) async fn by_id(db: &Db, id: StatementId) -> Result<Option<Statement>, StoreError> {
    db.one(BY_ID, &params![id.0.shard().0, id.0.0], read).await
}

pub(crate) async fn last(db: &Db, merchant: MerchantId, kind: Kind) -> Result<Option<Statement>, StoreError> {
    db.one(LAST, &params![merchant.0.shard().0, merchant.0.0, kind.as_str()], read).await
}

pub(crate) async fn last_from(
    db: &Db,
    merchant: MerchantId,
    kind: Kind,
    block: i64,
) -> Result<Option<Statement>, StoreError> {
    db.one(LAST_FROM, &params![merchant.0.shard().0, merchant.0.0, kind.as_str(), block], read).await
}

pub(crate) async fn list(
    db: &Db,
    merchant: MerchantId,
    filter: StatementFilter,
    page: Page,
) -> Result<Vec<Statement>, StoreError> {
    let (before_us, before_id) = crate::db::page_end(page.after, None);
    let kind = filter.kind.map(Kind::as_str);
    let values = params![merchant.0.shard().0, merchant.0.0, before_us, before_id, kind, page.limit];
    match filter.day {
        None => db.all(LIST, &values, read).await,
        Some(day) => {
            let [shard, owner, before_us, before_id, kind, limit] = values;
            let values = [shard, owner, before_us, before_id, kind, limit, day.0.into()];
            db.all(LIST_OF_DAY_SORT, &values, read).await
        }
    }
}

pub(crate) async fn after(
    db: &Db,
    shard: Shard,
    place: Option<StatementPlace>,
    limit: u32,
) -> Result<Vec<Statement>, StoreError> {
    let (merchant, day, kind) = match place {
        Some((merchant, day, kind)) => (merchant.0.0, day.0, kind.as_str()),
        None => ([0; 16], i32::MIN, ""),
    };
    db.all(AFTER, &params![shard.0, merchant, day, kind, limit], read).await
}

/// Writes days in the order in which all writers take locks: the merchants' rows by key, and what takes the shard's head last.
pub(crate) async fn append_all(db: &Db, shard: Shard, days: &[FormedDay]) -> Result<(), StoreError> {
    let mut in_turn: Vec<&FormedDay> = days.iter().collect();
    in_turn.sort_by_key(|day| day.statements.first().map(|first| (first.merchant, first.day)));
    for day in &in_turn {
        append(db, shard, day).await?;
    }
    for event in in_turn.iter().flat_map(|day| &day.events) {
        event::insert_one(db, shard, event).await?;
    }
    Ok(())
}

/// Each statement must go on where its merchant's last one of the kind ended.
async fn append(db: &Db, shard: Shard, day: &FormedDay) -> Result<(), StoreError> {
    for statement in &day.statements {
        if statement.merchant.0.shard() != shard || statement.id.0.shard() != shard {
            return Err(corrupt("a statement belongs to another shard"));
        }
        if let Some(last) = last(db, statement.merchant, statement.kind).await?
            && (statement.day, statement.after_seq) != (last.day.plus(1), last.last_seq)
        {
            let (merchant, day) = (statement.merchant, last.day);
            return Err(StoreError::Conflict(format!("the statements of {merchant} go to {day} already")));
        }
        insert(db, shard, statement).await?;
        set_due(db, statement.merchant, day.next_due_at_us).await?;
    }
    Ok(())
}

pub(crate) async fn due(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<MerchantId>, StoreError> {
    let furthest_us = head::furthest_clock_us(db, shard).await?;
    db.all(DUE, &params![shard.0, real_now_us, limit, furthest_us], |c| c.id()).await
}

/// A merchant's next day is looked at from here on.
pub(crate) async fn set_due(db: &Db, merchant: MerchantId, due_at_us: i64) -> Result<(), StoreError> {
    db.execute(SET_DUE, &params![merchant.0.shard().0, merchant.0.0, due_at_us]).await?;
    Ok(())
}

/// A merchant's transactions with the payments and refunds that caused them. Call it where all statements see the same state.
pub(crate) async fn merchant_journal(
    db: &Db,
    merchant: MerchantId,
    after_seq: i64,
    last_seq: i64,
    limit: u32,
) -> Result<DayPage, StoreError> {
    let shard = merchant.0.shard();
    let transactions = journal::of_merchant(db, merchant, after_seq, last_seq, limit).await?;
    let mut sources: Vec<Uid> = transactions.iter().map(|stored| stored.transaction.source).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut orders = Orders::default();
    // Which noun a source is of, the journal does not say: whichever table has it.
    note_payments(db, shard, &sources, &mut orders).await?;
    sources.retain(|source| !orders.payments.contains_key(&PaymentId::from_uid(*source)));
    note_refunds(db, shard, &sources, &mut orders).await?;
    let mut refunded: Vec<Uid> = orders.refunds.values().map(|refund| refund.payment.uid()).collect();
    refunded.retain(|payment| !orders.payments.contains_key(&PaymentId::from_uid(*payment)));
    refunded.sort_unstable();
    refunded.dedup();
    note_payments(db, shard, &refunded, &mut orders).await?;
    Ok(DayPage { transactions, orders })
}

fn keys(ids: &[Uid]) -> Many<'static> {
    Many::of(ids.iter().map(|id| params![id.0]))
}

async fn note_payments(db: &Db, shard: Shard, ids: &[Uid], orders: &mut Orders) -> Result<(), StoreError> {
    let found = db.find_all(&ORDER, shard, &keys(ids), read_order).await?;
    orders.payments.extend(found);
    Ok(())
}

fn read_order(c: &mut Columns<'_>) -> Result<(PaymentId, OrderFacts), StoreError> {
    let (id, merchant_order_no, amount, method) = (c.id()?, c.string()?, c.amount()?, c.string()?);
    let scene = c.word(Scene::parse)?;
    let details = members::read_details(c.blob()?, None);
    let Some(Details { subject, store, terminal, .. }) = details else {
        return Err(corrupt("a payment's details can't be read"));
    };
    let created_at_us = c.int()?;
    Ok((id, OrderFacts { merchant_order_no, amount, method, scene, subject, store, terminal, created_at_us }))
}

async fn note_refunds(db: &Db, shard: Shard, ids: &[Uid], orders: &mut Orders) -> Result<(), StoreError> {
    let read = |c: &mut Columns<'_>| {
        let id: RefundId = c.id()?;
        let facts = RefundFacts {
            payment: c.id()?,
            merchant_refund_no: c.opt_string()?,
            amount: c.amount()?,
            reason: c.opt_string()?,
            created_at_us: c.int()?,
        };
        Ok((id, facts))
    };
    let found = db.find_all(&REFUND, shard, &keys(ids), read).await?;
    orders.refunds.extend(found);
    Ok(())
}
