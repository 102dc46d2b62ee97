//! Rows of refunds.

use super::columns::Columns;
use super::db::{self, Db};
use super::fault::corrupt;
use super::members;
use super::statements::statements;
use crate::StoreError;
use crate::reads::{Page, RefundFilter};
use domain::channel::SandboxOutcome;
use domain::id::{MerchantId, RefundId, Shard, Uid};
use domain::refund::{Kind, Refund, Status};
use rusqlite::params;

macro_rules! columns {
    () => {
        "id, payment, attempt, merchant, channel_account, merchant_order_no, merchant_refund_no, kind, amount_minor, \
         currency, status, reason, fee_returned_minor, fee_charged_minor, cost_returned_minor, in_transit_minor, \
         channel_refund_no, bill_date, failure, sandbox_outcome, contradiction, job_due_at_us, job_owner, job_fence, \
         job_tries, succeeded_at_us, created_at_us, updated_at_us, sequence, accepted_lines"
    };
}

macro_rules! list_filters {
    () => {
        " AND (created_at_us, id) < (?3, ?4) AND (?5 IS NULL OR status = ?5) AND (?6 IS NULL OR payment = ?6) \
         AND (?7 IS NULL OR merchant_refund_no = ?7) "
    };
}

statements! {
    INSERT = concat!("INSERT INTO refund (shard, ", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
        ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, \
        ?31)");
    UPDATE = "UPDATE refund SET status = ?4, fee_returned_minor = ?5, fee_charged_minor = ?6, \
        cost_returned_minor = ?7, in_transit_minor = ?8, channel_refund_no = ?9, bill_date = ?10, failure = ?11, \
        contradiction = ?12, job_due_at_us = ?13, job_owner = ?14, job_fence = ?15, job_tries = ?16, \
        succeeded_at_us = ?17, updated_at_us = ?18, sequence = ?19, attempt = ?20, channel_account = ?21, \
        accepted_lines = ?22 WHERE shard = ?1 AND id = ?2 AND sequence = ?3";
    BY_ID = concat!("SELECT ", columns!(), " FROM refund WHERE shard = ?1 AND id = ?2");
    BY_REFUND_NO = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_no \
        WHERE shard = ?1 AND merchant = ?2 AND merchant_refund_no = ?3");
    LIST = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_list \
        WHERE shard = ?1 AND merchant = ?2", list_filters!(), "ORDER BY created_at_us DESC, id DESC LIMIT ?8");
    /// A payment's refunds are few: sorted after they are found.
    LIST_OF_PAYMENT_SORT = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_payment \
        WHERE shard = ?1 AND payment = ?6 AND merchant = ?2", list_filters!(),
        "ORDER BY created_at_us DESC, id DESC LIMIT ?8");
    LIST_BY_REFUND_NO = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_no \
        WHERE shard = ?1 AND merchant = ?2 AND merchant_refund_no = ?7", list_filters!(), "LIMIT ?8");
    AFTER = concat!("SELECT ", columns!(), " FROM refund WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    DUE = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_due \
        WHERE shard = ?1 AND job_due_at_us <= ?2 ORDER BY job_due_at_us LIMIT ?3");
}

fn read(c: &mut Columns<'_, '_>) -> Result<Refund, StoreError> {
    let mut refund = Refund {
        id: c.id()?,
        payment: c.id()?,
        attempt: c.id()?,
        merchant: c.id()?,
        channel_account: c.id()?,
        merchant_order_no: c.string()?,
        merchant_refund_no: c.opt_string()?,
        kind: c.word(Kind::parse)?,
        amount: c.amount()?,
        status: c.word(Status::parse)?,
        reason: c.opt_string()?,
        fee_returned_minor: c.int()?,
        fee_charged_minor: c.int()?,
        cost_returned_minor: c.int()?,
        accepted_lines: Vec::new(),
        in_transit_minor: c.int()?,
        channel_refund_no: c.opt_string()?,
        bill_date: c.opt_day()?,
        failure: c.opt_decoded(members::read_failure)?,
        sandbox_outcome: c.opt_word(SandboxOutcome::parse)?,
        contradiction: c.opt_string()?,
        job: c.job()?,
        succeeded_at_us: c.opt_int()?,
        created_at_us: c.int()?,
        updated_at_us: c.int()?,
        sequence: c.int()?,
    };
    refund.accepted_lines = members::read_lines(c.blob()?, refund.amount.currency())
        .ok_or_else(|| corrupt("a refund's lines can't be read"))?;
    Ok(refund)
}

pub(super) fn insert_all(db: &Db, shard: Shard, refunds: &[Refund]) -> Result<(), StoreError> {
    if refunds.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(INSERT)?;
    for r in refunds {
        statement.execute(params![
            shard.0,
            r.id.0.0,
            r.payment.0.0,
            r.attempt.0.0,
            r.merchant.0.0,
            r.channel_account.0.0,
            r.merchant_order_no,
            r.merchant_refund_no,
            r.kind.as_str(),
            r.amount.minor(),
            r.amount.currency().numeric(),
            r.status.as_str(),
            r.reason,
            r.fee_returned_minor,
            r.fee_charged_minor,
            r.cost_returned_minor,
            r.in_transit_minor,
            r.channel_refund_no,
            r.bill_date.map(|day| day.0),
            r.failure.as_ref().map(members::failure),
            r.sandbox_outcome.map(SandboxOutcome::as_str),
            r.contradiction,
            r.job.due_at_us,
            r.job.owner,
            r.job.fence,
            r.job.tries,
            r.succeeded_at_us,
            r.created_at_us,
            r.updated_at_us,
            r.sequence,
            members::lines(&r.accepted_lines, r.amount.currency()),
        ])?;
    }
    Ok(())
}

pub(super) fn update_all(db: &Db, shard: Shard, refunds: &[(i64, Refund)]) -> Result<(), StoreError> {
    if refunds.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(UPDATE)?;
    for (expected, r) in refunds {
        let count = statement.execute(params![
            shard.0,
            r.id.0.0,
            expected,
            r.status.as_str(),
            r.fee_returned_minor,
            r.fee_charged_minor,
            r.cost_returned_minor,
            r.in_transit_minor,
            r.channel_refund_no,
            r.bill_date.map(|day| day.0),
            r.failure.as_ref().map(members::failure),
            r.contradiction,
            r.job.due_at_us,
            r.job.owner,
            r.job.fence,
            r.job.tries,
            r.succeeded_at_us,
            r.updated_at_us,
            r.sequence,
            r.attempt.0.0,
            r.channel_account.0.0,
            members::lines(&r.accepted_lines, r.amount.currency()),
        ])?;
        db::guard(count, || format!("refund {} is not at sequence {expected}", r.id))?;
    }
    Ok(())
}

pub(super) fn by_id(db: &Db, shard: Shard, id: RefundId) -> Result<Option<Refund>, StoreError> {
    db.one(BY_ID, params![shard.0, id.0.0], read)
}

pub(super) fn by_refund_no(
    db: &Db,
    shard: Shard,
    merchant: MerchantId,
    no: &str,
) -> Result<Option<Refund>, StoreError> {
    db.one(BY_REFUND_NO, params![shard.0, merchant.0.0, no], read)
}

pub(super) fn list(
    db: &Db,
    merchant: MerchantId,
    filter: &RefundFilter,
    page: Page,
) -> Result<Vec<Refund>, StoreError> {
    let (before_us, before_id) = db::page_end(page.after, None);
    let sql = match (&filter.merchant_refund_no, filter.payment) {
        (Some(_), _) => LIST_BY_REFUND_NO,
        (None, Some(_)) => LIST_OF_PAYMENT_SORT,
        (None, None) => LIST,
    };
    let values = params![
        merchant.0.shard().0,
        merchant.0.0,
        before_us,
        before_id,
        filter.status.map(Status::as_str),
        filter.payment.map(|id| id.0.0),
        filter.merchant_refund_no,
        page.limit,
    ];
    db.all(sql, values, read)
}

pub(super) fn after(
    db: &Db,
    shard: Shard,
    after: Option<RefundId>,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    let after = after.map_or(Uid([0; 16]), |id| id.0);
    db.all(AFTER, params![shard.0, after.0, limit], read)
}

pub(super) fn due(db: &Db, shard: Shard, real_now_us: i64, limit: u32) -> Result<Vec<Refund>, StoreError> {
    db.all(DUE, params![shard.0, real_now_us, limit], read)
}
