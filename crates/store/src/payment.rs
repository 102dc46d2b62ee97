//! Rows of payments.

use crate::db::{Columns, Db, KeyVersion, Many, corrupt, keyed, page_end, params, statements, writes};
use crate::place::Place;
use crate::reads::{Page, PaymentFilter};
use crate::{StoreError, head, members, natural_key};
use domain::id::{MerchantId, PaymentId, Shard, Uid};
use domain::payment::{CaptureMode, Payment, Scene, Status, StatusReason};
use std::sync::Arc;

macro_rules! columns {
    () => {
        "p.id, p.merchant, p.merchant_order_no, p.status, p.status_reason, p.amount_minor, p.currency, \
         p.authorized_minor, p.capturing_minor, p.captured_minor, p.refunded_minor, p.refunding_minor, \
         p.fee_minor, p.fee_returned_minor, p.cost_minor, p.cost_returned_minor, p.method, p.scene, \
         p.capture_mode, p.price, p.expires_at_us, p.authorization_expires_at_us, p.ending, p.next_action, \
         p.failure, p.latest_attempt, p.open_attempt, p.paid_attempt, p.available_on, p.created_at_us, \
         p.updated_at_us, p.authorized_at_us, p.paid_at_us, p.closed_at_us, p.sequence, p.ended_by, p.details, p.personal"
    };
}

macro_rules! list_filters {
    () => {
        " AND (p.created_at_us, p.id) < (?3, ?4) AND p.created_at_us >= ?5 AND (p.status = ?6 OR ?6 IS NULL) \
         AND (p.method = ?7 OR ?7 IS NULL) AND (p.scene = ?8 OR ?8 IS NULL) "
    };
}

keyed! {
    BY_ID (Uid) = concat!("SELECT ", columns!(), " FROM payment p WHERE p.shard = ?1 AND p.id = ?2")
        => concat!("SELECT ", columns!(), " FROM {keys} JOIN payment p ON p.id = k2 WHERE p.shard = ?1");
    /// By merchant, number, and the number's hash. What has an OFFSET is looked up key by key, in this order, whatever statistics say.
    BY_ORDER_NO (Uid, Text, Uid) = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_order_no \
        WHERE p.shard = ?1 AND p.merchant = ?2 AND p.merchant_order_no = ?3")
        => concat!("SELECT ", columns!(), " FROM {keys}, \
            LATERAL (SELECT object FROM natural_key \
                WHERE shard = ?1 AND noun = 1 AND owner = k2 AND hash = k4 OFFSET 0) n, \
            LATERAL (SELECT * FROM payment \
                WHERE shard = ?1 AND id = n.object AND merchant_order_no = k3 OFFSET 0) p");
}

writes! {
    INSERT = insert "payment" row {
        id: Uid, merchant: Uid, merchant_order_no: Text, status: Text, status_reason: Text, amount_minor: Big,
        currency: Small, authorized_minor: Big, capturing_minor: Big, captured_minor: Big, refunded_minor: Big,
        refunding_minor: Big, fee_minor: Big, fee_returned_minor: Big, cost_minor: Big, cost_returned_minor: Big,
        method: Text, scene: Text, capture_mode: Text, price: Uid, expires_at_us: Big,
        authorization_expires_at_us: Big, ending: Text, next_action: Bytes, failure: Bytes, latest_attempt: Uid,
        open_attempt: Uid, paid_attempt: Uid, available_on: Int, created_at_us: Big, updated_at_us: Big,
        authorized_at_us: Big, paid_at_us: Big, closed_at_us: Big, sequence: Big, deadline_us: Big, details: Bytes,
        personal: Bytes, ended_by: Uid,
    };
    UPDATE = update "payment" key { id: Uid } expect { sequence: Big } set {
        status: Text, status_reason: Text, authorized_minor: Big, capturing_minor: Big, captured_minor: Big,
        refunded_minor: Big, refunding_minor: Big, fee_minor: Big, fee_returned_minor: Big, cost_minor: Big,
        cost_returned_minor: Big, authorization_expires_at_us: Big, ending: Text, next_action: Bytes,
        failure: Bytes, latest_attempt: Uid, open_attempt: Uid, paid_attempt: Uid, available_on: Int,
        updated_at_us: Big, authorized_at_us: Big, paid_at_us: Big, closed_at_us: Big, sequence: Big,
        deadline_us: Big, expires_at_us: Big, ended_by: Uid,
    };
}

statements! {
    LIST = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_list \
        WHERE p.shard = ?1 AND p.merchant = ?2", list_filters!(),
        "ORDER BY p.created_at_us DESC, p.id DESC LIMIT ?9");
    LIST_BY_ORDER_NO = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_order_no \
        WHERE p.shard = ?1 AND p.merchant = ?2 AND p.merchant_order_no = ?10", list_filters!(), "LIMIT ?9")
        => concat!("SELECT ", columns!(), " FROM natural_key n JOIN payment p ON p.shard = ?1 AND p.id = n.object \
            WHERE n.shard = ?1 AND n.noun = 1 AND n.owner = ?2 AND n.hash = ?11 AND p.merchant_order_no = ?10",
            list_filters!(), "LIMIT ?9");
    AFTER = concat!("SELECT ", columns!(), " FROM payment p WHERE p.shard = ?1 AND p.id > ?2 \
        ORDER BY p.id LIMIT ?3");
    /// Due by each merchant's own clock: the index bounds the look by the clock that is furthest ahead.
    EXPIRED = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_deadline \
        CROSS JOIN merchant_head h ON h.shard = p.shard AND h.merchant = p.merchant \
        WHERE p.shard = ?1 AND p.deadline_us IS NOT NULL AND p.deadline_us < CAST(?2 AS BIGINT) + ?4 \
        AND p.deadline_us < CAST(?2 AS BIGINT) + h.clock_offset_us ORDER BY p.deadline_us LIMIT ?3");
}

/// When a payment must be ended: `None` once it is final, is being ended, or waits for a person.
fn deadline_us(payment: &Payment) -> Option<i64> {
    if payment.ending.is_some() || payment.status_reason == Some(StatusReason::AmountMismatch) {
        return None;
    }
    match payment.status {
        Status::Created | Status::RequiresAction | Status::Processing => Some(payment.expires_at_us),
        // A capture under way decides first.
        Status::Authorized if payment.capturing_minor > 0 => None,
        Status::Authorized => payment.authorization_expires_at_us,
        Status::Succeeded | Status::Failed | Status::Closed => None,
    }
}

fn read(db: &Db, c: &mut Columns<'_>) -> Result<Payment, StoreError> {
    let id: PaymentId = c.id()?;
    Ok(Payment {
        id,
        merchant: c.id()?,
        merchant_order_no: c.string()?,
        status: c.word(Status::parse)?,
        status_reason: c.opt_word(StatusReason::parse)?,
        amount: c.amount()?,
        authorized_minor: c.int()?,
        capturing_minor: c.int()?,
        captured_minor: c.int()?,
        refunded_minor: c.int()?,
        refunding_minor: c.int()?,
        fee_minor: c.opt_int()?,
        fee_returned_minor: c.int()?,
        cost_minor: c.int()?,
        cost_returned_minor: c.int()?,
        method: c.string()?,
        scene: c.word(Scene::parse)?,
        capture_mode: c.word(CaptureMode::parse)?,
        price: c.id()?,
        expires_at_us: c.int()?,
        authorization_expires_at_us: c.opt_int()?,
        ending: c.opt_word(StatusReason::parse)?,
        next_action: c.opt_decoded(members::read_action)?,
        failure: c.opt_decoded(members::read_failure)?,
        latest_attempt: c.opt_id()?,
        open_attempt: c.opt_id()?,
        paid_attempt: c.opt_id()?,
        available_on: c.opt_day()?,
        created_at_us: c.int()?,
        updated_at_us: c.int()?,
        authorized_at_us: c.opt_int()?,
        paid_at_us: c.opt_int()?,
        closed_at_us: c.opt_int()?,
        sequence: c.int()?,
        ended_by: c.opt_id()?,
        details: read_details(db, id, c)?,
    })
}

fn read_details(
    db: &Db,
    id: PaymentId,
    c: &mut Columns<'_>,
) -> Result<Arc<domain::payment::Details>, StoreError> {
    let details = c.blob()?;
    let personal = match c.opt_blob()? {
        Some(sealed) => Some(db.open(Place::PaymentPersonal, &id.0.0, sealed)?),
        None => None,
    };
    members::read_details(details, personal.as_deref())
        .map(Arc::new)
        .ok_or_else(|| corrupt("a payment's details can't be read"))
}

/// New payments.
pub(crate) fn inserts<'a>(
    db: &Db,
    version: KeyVersion,
    payments: &'a [Payment],
) -> Result<Many<'a>, StoreError> {
    let mut rows = Many::default();
    for p in payments {
        let personal = match members::personal(&p.details) {
            Some(plain) => Some(db.seal(version, Place::PaymentPersonal, &p.id.0.0, &plain)?),
            None => None,
        };
        rows.push(params![
            p.id.0.0,
            p.merchant.0.0,
            &p.merchant_order_no,
            p.status.as_str(),
            p.status_reason.map(StatusReason::as_str),
            p.amount.minor(),
            p.amount.currency().numeric(),
            p.authorized_minor,
            p.capturing_minor,
            p.captured_minor,
            p.refunded_minor,
            p.refunding_minor,
            p.fee_minor,
            p.fee_returned_minor,
            p.cost_minor,
            p.cost_returned_minor,
            &p.method,
            p.scene.as_str(),
            p.capture_mode.as_str(),
            p.price.0.0,
            p.expires_at_us,
            p.authorization_expires_at_us,
            p.ending.map(StatusReason::as_str),
            p.next_action.as_ref().map(members::action),
            p.failure.as_ref().map(members::failure),
            p.latest_attempt.map(|id| id.0.0),
            p.open_attempt.map(|id| id.0.0),
            p.paid_attempt.map(|id| id.0.0),
            p.available_on.map(|day| day.0),
            p.created_at_us,
            p.updated_at_us,
            p.authorized_at_us,
            p.paid_at_us,
            p.closed_at_us,
            p.sequence,
            deadline_us(p),
            members::details(&p.details),
            personal,
            p.ended_by.map(|id| id.0.0),
        ]);
    }
    Ok(rows)
}

/// Changed payments with the sequence they must still have.
pub(crate) fn updates(payments: &[(i64, Payment)]) -> Many<'_> {
    Many::of(payments.iter().map(|(expected, p)| {
        params![
            p.id.0.0,
            *expected,
            p.status.as_str(),
            p.status_reason.map(StatusReason::as_str),
            p.authorized_minor,
            p.capturing_minor,
            p.captured_minor,
            p.refunded_minor,
            p.refunding_minor,
            p.fee_minor,
            p.fee_returned_minor,
            p.cost_minor,
            p.cost_returned_minor,
            p.authorization_expires_at_us,
            p.ending.map(StatusReason::as_str),
            p.next_action.as_ref().map(members::action),
            p.failure.as_ref().map(members::failure),
            p.latest_attempt.map(|id| id.0.0),
            p.open_attempt.map(|id| id.0.0),
            p.paid_attempt.map(|id| id.0.0),
            p.available_on.map(|day| day.0),
            p.updated_at_us,
            p.authorized_at_us,
            p.paid_at_us,
            p.closed_at_us,
            p.sequence,
            deadline_us(p),
            p.expires_at_us,
            p.ended_by.map(|id| id.0.0),
        ]
    }))
}

/// Payments by id.
pub(crate) async fn by_ids(
    db: &Db,
    shard: Shard,
    ids: impl IntoIterator<Item = PaymentId>,
) -> Result<Vec<Payment>, StoreError> {
    let keys = Many::of(ids.into_iter().map(|id| params![id.0.0]));
    db.find_all(&BY_ID, shard, &keys, |c| read(db, c)).await
}

/// Payments by the merchant's number.
pub(crate) async fn by_order_nos(
    db: &Db,
    shard: Shard,
    numbers: &[(MerchantId, String)],
) -> Result<Vec<Payment>, StoreError> {
    let keys = numbers.iter().map(|(merchant, no)| params![merchant.0.0, no, natural_key::hash(no)]);
    db.find_all(&BY_ORDER_NO, shard, &Many::of(keys), |c| read(db, c)).await
}

pub(crate) async fn list(
    db: &Db,
    merchant: MerchantId,
    filter: &PaymentFilter,
    page: Page,
) -> Result<Vec<Payment>, StoreError> {
    let (before_us, before_id) = page_end(page.after, filter.created_at_lt_us);
    let sql = if filter.merchant_order_no.is_some() { LIST_BY_ORDER_NO } else { LIST };
    let values = params![
        merchant.0.shard().0,
        merchant.0.0,
        before_us,
        before_id,
        filter.created_at_gte_us.unwrap_or(i64::MIN),
        filter.status.map(Status::as_str),
        filter.method.as_deref(),
        filter.scene.map(Scene::as_str),
        page.limit,
        &filter.merchant_order_no,
        filter.merchant_order_no.as_deref().map(natural_key::hash),
    ];
    db.all(sql, &values, |c| read(db, c)).await
}

pub(crate) async fn after(
    db: &Db,
    shard: Shard,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    let after = after.map_or(Uid([0; 16]), |id| id.0);
    db.all(AFTER, &params![shard.0, after.0, limit], |c| read(db, c)).await
}

pub(crate) async fn expired(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    let furthest_us = head::furthest_clock_us(db, shard).await?;
    db.all(EXPIRED, &params![shard.0, real_now_us, limit, furthest_us], |c| read(db, c)).await
}
