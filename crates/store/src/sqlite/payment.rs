//! Rows of payments.

use super::columns::Columns;
use super::db::{self, Db, Place};
use super::fault::corrupt;
use super::members;
use super::statements::statements;
use crate::StoreError;
use crate::reads::{Page, PaymentFilter};
use domain::id::{MerchantId, PaymentId, Shard, Uid};
use domain::payment::{CaptureMode, Payment, Scene, Status, StatusReason};
use rusqlite::params;
use std::sync::Arc;

const PERSONAL: Place = Place { table: "payment", column: "personal" };

macro_rules! columns {
    () => {
        "p.id, p.merchant, p.merchant_order_no, p.status, p.status_reason, p.amount_minor, p.currency, \
         p.authorized_minor, p.capturing_minor, p.captured_minor, p.refunded_minor, p.refunding_minor, \
         p.fee_minor, p.fee_returned_minor, p.cost_minor, p.cost_returned_minor, p.method, p.scene, \
         p.capture_mode, p.price, p.expires_at_us, p.authorization_expires_at_us, p.ending, p.next_action, \
         p.failure, p.latest_attempt, p.open_attempt, p.paid_attempt, p.available_on, p.created_at_us, \
         p.updated_at_us, p.authorized_at_us, p.paid_at_us, p.closed_at_us, p.sequence, p.details, p.personal"
    };
}

macro_rules! list_filters {
    () => {
        " AND (p.created_at_us, p.id) < (?3, ?4) AND p.created_at_us >= ?5 AND (?6 IS NULL OR p.status = ?6) \
         AND (?7 IS NULL OR p.method = ?7) AND (?8 IS NULL OR p.scene = ?8) "
    };
}

statements! {
    INSERT = "INSERT INTO payment (shard, id, merchant, merchant_order_no, status, status_reason, amount_minor, \
        currency, authorized_minor, capturing_minor, captured_minor, refunded_minor, refunding_minor, fee_minor, \
        fee_returned_minor, cost_minor, cost_returned_minor, method, scene, capture_mode, price, expires_at_us, \
        authorization_expires_at_us, ending, next_action, failure, latest_attempt, open_attempt, paid_attempt, \
        available_on, created_at_us, updated_at_us, authorized_at_us, paid_at_us, closed_at_us, sequence, \
        deadline_us, details, personal) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
        ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39)";
    UPDATE = "UPDATE payment SET status = ?4, status_reason = ?5, authorized_minor = ?6, capturing_minor = ?7, \
        captured_minor = ?8, refunded_minor = ?9, refunding_minor = ?10, fee_minor = ?11, fee_returned_minor = ?12, \
        cost_minor = ?13, cost_returned_minor = ?14, authorization_expires_at_us = ?15, ending = ?16, \
        next_action = ?17, failure = ?18, latest_attempt = ?19, open_attempt = ?20, paid_attempt = ?21, \
        available_on = ?22, updated_at_us = ?23, authorized_at_us = ?24, paid_at_us = ?25, closed_at_us = ?26, \
        sequence = ?27, deadline_us = ?28, expires_at_us = ?29 \
        WHERE shard = ?1 AND id = ?2 AND sequence = ?3";
    BY_ID = concat!("SELECT ", columns!(), " FROM payment p WHERE p.shard = ?1 AND p.id = ?2");
    BY_ORDER_NO = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_order_no \
        WHERE p.shard = ?1 AND p.merchant = ?2 AND p.merchant_order_no = ?3");
    LIST = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_list \
        WHERE p.shard = ?1 AND p.merchant = ?2", list_filters!(),
        "ORDER BY p.created_at_us DESC, p.id DESC LIMIT ?9");
    LIST_BY_ORDER_NO = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_order_no \
        WHERE p.shard = ?1 AND p.merchant = ?2 AND p.merchant_order_no = ?10", list_filters!(), "LIMIT ?9");
    AFTER = concat!("SELECT ", columns!(), " FROM payment p WHERE p.shard = ?1 AND p.id > ?2 \
        ORDER BY p.id LIMIT ?3");
    /// Due by each merchant's own clock: the index bounds the look by the clock that is furthest ahead.
    EXPIRED = concat!("SELECT ", columns!(), " FROM payment p INDEXED BY payment_deadline \
        CROSS JOIN merchant_head h ON h.shard = p.shard AND h.merchant = p.merchant \
        WHERE p.shard = ?1 AND p.deadline_us IS NOT NULL AND p.deadline_us < ?2 + ?4 \
        AND p.deadline_us < ?2 + h.clock_offset_us ORDER BY p.deadline_us LIMIT ?3");
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

fn read(db: &Db, c: &mut Columns<'_, '_>) -> Result<Payment, StoreError> {
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
        details: read_details(db, id, c)?,
    })
}

fn read_details(
    db: &Db,
    id: PaymentId,
    c: &mut Columns<'_, '_>,
) -> Result<Arc<domain::payment::Details>, StoreError> {
    let details = c.blob()?;
    let personal = match c.opt_blob()? {
        Some(sealed) => Some(db.open(PERSONAL, &id.0.0, sealed)?),
        None => None,
    };
    members::read_details(details, personal.as_deref())
        .map(Arc::new)
        .ok_or_else(|| corrupt("a payment's details can't be read"))
}

pub(super) fn insert_all(db: &Db, shard: Shard, payments: &[Payment]) -> Result<(), StoreError> {
    if payments.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(INSERT)?;
    for p in payments {
        let personal = match members::personal(&p.details) {
            Some(plain) => Some(db.seal(PERSONAL, &p.id.0.0, &plain)?),
            None => None,
        };
        statement.execute(params![
            shard.0,
            p.id.0.0,
            p.merchant.0.0,
            p.merchant_order_no,
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
            p.method,
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
        ])?;
    }
    Ok(())
}

pub(super) fn update_all(db: &Db, shard: Shard, payments: &[(i64, Payment)]) -> Result<(), StoreError> {
    if payments.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(UPDATE)?;
    for (expected, p) in payments {
        let count = statement.execute(params![
            shard.0,
            p.id.0.0,
            expected,
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
        ])?;
        db::guard(count, || format!("payment {} is not at sequence {expected}", p.id))?;
    }
    Ok(())
}

/// Finds payments one by one with one prepared statement.
pub(super) struct Finder<'a> {
    db: &'a Db,
    shard: Shard,
    by_id: rusqlite::CachedStatement<'a>,
    by_order_no: rusqlite::CachedStatement<'a>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(db: &'a Db, shard: Shard) -> Result<Finder<'a>, StoreError> {
        Ok(Finder { db, shard, by_id: db.statement(BY_ID)?, by_order_no: db.statement(BY_ORDER_NO)? })
    }

    pub(super) fn by_id(&mut self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        db::one(&mut self.by_id, params![self.shard.0, id.0.0], |c| read(self.db, c))
    }

    pub(super) fn by_order_no(
        &mut self,
        merchant: MerchantId,
        no: &str,
    ) -> Result<Option<Payment>, StoreError> {
        db::one(&mut self.by_order_no, params![self.shard.0, merchant.0.0, no], |c| read(self.db, c))
    }
}

pub(super) fn list(
    db: &Db,
    merchant: MerchantId,
    filter: &PaymentFilter,
    page: Page,
) -> Result<Vec<Payment>, StoreError> {
    let (before_us, before_id) = db::page_end(page.after, filter.created_at_lt_us);
    let sql = if filter.merchant_order_no.is_some() { LIST_BY_ORDER_NO } else { LIST };
    let mut statement = db.statement(sql)?;
    statement.raw_bind_parameter(1, merchant.0.shard().0)?;
    statement.raw_bind_parameter(2, merchant.0.0)?;
    statement.raw_bind_parameter(3, before_us)?;
    statement.raw_bind_parameter(4, before_id)?;
    statement.raw_bind_parameter(5, filter.created_at_gte_us.unwrap_or(i64::MIN))?;
    statement.raw_bind_parameter(6, filter.status.map(Status::as_str))?;
    statement.raw_bind_parameter(7, filter.method.as_deref())?;
    statement.raw_bind_parameter(8, filter.scene.map(Scene::as_str))?;
    statement.raw_bind_parameter(9, page.limit)?;
    if let Some(no) = &filter.merchant_order_no {
        statement.raw_bind_parameter(10, no)?;
    }
    db::all_bound(&mut statement, |c| read(db, c))
}

pub(super) fn after(
    db: &Db,
    shard: Shard,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    let after = after.map_or(Uid([0; 16]), |id| id.0);
    db.all(AFTER, params![shard.0, after.0, limit], |c| read(db, c))
}

pub(super) fn expired(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<Payment>, StoreError> {
    let furthest_us = super::head::furthest_clock_us(db, shard)?;
    db.all(EXPIRED, params![shard.0, real_now_us, limit, furthest_us], |c| read(db, c))
}
