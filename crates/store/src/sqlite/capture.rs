//! Rows of captures.

use super::columns::Columns;
use super::db::{self, Db};
use super::members;
use super::statements::statements;
use crate::StoreError;
use domain::capture::{Capture, Status};
use domain::id::{CaptureId, PaymentId, Shard};
use rusqlite::params;

macro_rules! columns {
    () => {
        "id, payment, attempt, merchant, channel_account, amount_minor, currency, is_final, status, fee_minor, \
         cost_minor, available_on, bill_date, failure, job_due_at_us, job_owner, job_fence, job_tries, \
         created_at_us, updated_at_us, sequence"
    };
}

statements! {
    INSERT = concat!("INSERT INTO capture (shard, ", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
        ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)");
    UPDATE = "UPDATE capture SET status = ?4, fee_minor = ?5, cost_minor = ?6, available_on = ?7, bill_date = ?8, \
        failure = ?9, job_due_at_us = ?10, job_owner = ?11, job_fence = ?12, job_tries = ?13, updated_at_us = ?14, \
        sequence = ?15 WHERE shard = ?1 AND id = ?2 AND sequence = ?3";
    BY_ID = concat!("SELECT ", columns!(), " FROM capture WHERE shard = ?1 AND id = ?2");
    OF_PAYMENT = concat!("SELECT ", columns!(), " FROM capture INDEXED BY capture_payment \
        WHERE shard = ?1 AND payment = ?2 ORDER BY id LIMIT ?3");
    DUE = concat!("SELECT ", columns!(), " FROM capture INDEXED BY capture_due \
        WHERE shard = ?1 AND job_due_at_us <= ?2 ORDER BY job_due_at_us LIMIT ?3");
}

fn read(c: &mut Columns<'_, '_>) -> Result<Capture, StoreError> {
    Ok(Capture {
        id: c.id()?,
        payment: c.id()?,
        attempt: c.id()?,
        merchant: c.id()?,
        channel_account: c.id()?,
        amount: c.amount()?,
        is_final: c.flag()?,
        status: c.word(Status::parse)?,
        fee_minor: c.int()?,
        cost_minor: c.int()?,
        available_on: c.opt_day()?,
        bill_date: c.opt_day()?,
        failure: c.opt_decoded(members::read_failure)?,
        job: c.job()?,
        created_at_us: c.int()?,
        updated_at_us: c.int()?,
        sequence: c.int()?,
    })
}

pub(super) fn insert_all(db: &Db, shard: Shard, captures: &[Capture]) -> Result<(), StoreError> {
    if captures.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(INSERT)?;
    for capture in captures {
        statement.execute(params![
            shard.0,
            capture.id.0.0,
            capture.payment.0.0,
            capture.attempt.0.0,
            capture.merchant.0.0,
            capture.channel_account.0.0,
            capture.amount.minor(),
            capture.amount.currency().numeric(),
            capture.is_final,
            capture.status.as_str(),
            capture.fee_minor,
            capture.cost_minor,
            capture.available_on.map(|day| day.0),
            capture.bill_date.map(|day| day.0),
            capture.failure.as_ref().map(members::failure),
            capture.job.due_at_us,
            capture.job.owner,
            capture.job.fence,
            capture.job.tries,
            capture.created_at_us,
            capture.updated_at_us,
            capture.sequence,
        ])?;
    }
    Ok(())
}

pub(super) fn update_all(db: &Db, shard: Shard, captures: &[(i64, Capture)]) -> Result<(), StoreError> {
    if captures.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(UPDATE)?;
    for (expected, capture) in captures {
        let count = statement.execute(params![
            shard.0,
            capture.id.0.0,
            expected,
            capture.status.as_str(),
            capture.fee_minor,
            capture.cost_minor,
            capture.available_on.map(|day| day.0),
            capture.bill_date.map(|day| day.0),
            capture.failure.as_ref().map(members::failure),
            capture.job.due_at_us,
            capture.job.owner,
            capture.job.fence,
            capture.job.tries,
            capture.updated_at_us,
            capture.sequence,
        ])?;
        db::guard(count, || format!("capture {} is not at sequence {expected}", capture.id))?;
    }
    Ok(())
}

pub(super) fn by_id(db: &Db, shard: Shard, id: CaptureId) -> Result<Option<Capture>, StoreError> {
    db.one(BY_ID, params![shard.0, id.0.0], read)
}

/// Oldest first.
pub(super) fn of_payment(
    db: &Db,
    shard: Shard,
    payment: PaymentId,
    limit: u32,
) -> Result<Vec<Capture>, StoreError> {
    db.all(OF_PAYMENT, params![shard.0, payment.0.0, limit], read)
}

pub(super) fn due(db: &Db, shard: Shard, real_now_us: i64, limit: u32) -> Result<Vec<Capture>, StoreError> {
    db.all(DUE, params![shard.0, real_now_us, limit], read)
}
