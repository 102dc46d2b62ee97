//! Rows of attempts.

use super::columns::Columns;
use super::db::{self, Db};
use super::members;
use super::statements::statements;
use crate::StoreError;
use domain::attempt::{Attempt, Status};
use domain::channel::SandboxOutcome;
use domain::id::{AttemptId, PaymentId, Shard, Uid};
use domain::payment::Scene;
use rusqlite::params;

macro_rules! columns {
    () => {
        "id, payment, merchant, status, method, scene, channel_account, amount_minor, currency, channel_trade_no, \
         failure, sandbox_outcome, taken_minor, taken_currency, bill_date, held_minor, sent_back_minor, \
         contradiction, job_due_at_us, job_owner, job_fence, job_tries, created_at_us, updated_at_us, sequence"
    };
}

statements! {
    INSERT = concat!("INSERT INTO attempt (shard, ", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
        ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)");
    UPDATE = "UPDATE attempt SET status = ?4, channel_trade_no = ?5, failure = ?6, taken_minor = ?7, \
        taken_currency = ?8, bill_date = ?9, held_minor = ?10, sent_back_minor = ?11, contradiction = ?12, \
        job_due_at_us = ?13, job_owner = ?14, job_fence = ?15, job_tries = ?16, updated_at_us = ?17, sequence = ?18 \
        WHERE shard = ?1 AND id = ?2 AND sequence = ?3";
    BY_ID = concat!("SELECT ", columns!(), " FROM attempt WHERE shard = ?1 AND id = ?2");
    OF_PAYMENT = concat!("SELECT ", columns!(), " FROM attempt INDEXED BY attempt_payment \
        WHERE shard = ?1 AND payment = ?2 ORDER BY id LIMIT 100");
    AFTER = concat!("SELECT ", columns!(), " FROM attempt WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    DUE = concat!("SELECT ", columns!(), " FROM attempt INDEXED BY attempt_due \
        WHERE shard = ?1 AND job_due_at_us <= ?2 ORDER BY job_due_at_us LIMIT ?3");
}

fn read(c: &mut Columns<'_, '_>) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        id: c.id()?,
        payment: c.id()?,
        merchant: c.id()?,
        status: c.word(Status::parse)?,
        method: c.string()?,
        scene: c.word(Scene::parse)?,
        channel_account: c.id()?,
        amount: c.amount()?,
        channel_trade_no: c.opt_string()?,
        failure: c.opt_decoded(members::read_failure)?,
        sandbox_outcome: c.opt_word(SandboxOutcome::parse)?,
        taken: c.opt_amount()?,
        bill_date: c.opt_day()?,
        held_minor: c.int()?,
        sent_back_minor: c.int()?,
        contradiction: c.opt_string()?,
        job: c.job()?,
        created_at_us: c.int()?,
        updated_at_us: c.int()?,
        sequence: c.int()?,
    })
}

pub(super) fn insert_all(db: &Db, shard: Shard, attempts: &[Attempt]) -> Result<(), StoreError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(INSERT)?;
    for a in attempts {
        statement.execute(params![
            shard.0,
            a.id.0.0,
            a.payment.0.0,
            a.merchant.0.0,
            a.status.as_str(),
            a.method,
            a.scene.as_str(),
            a.channel_account.0.0,
            a.amount.minor(),
            a.amount.currency().numeric(),
            a.channel_trade_no,
            a.failure.as_ref().map(members::failure),
            a.sandbox_outcome.map(SandboxOutcome::as_str),
            a.taken.map(|taken| taken.minor()),
            a.taken.map(|taken| taken.currency().numeric()),
            a.bill_date.map(|day| day.0),
            a.held_minor,
            a.sent_back_minor,
            a.contradiction,
            a.job.due_at_us,
            a.job.owner,
            a.job.fence,
            a.job.tries,
            a.created_at_us,
            a.updated_at_us,
            a.sequence,
        ])?;
    }
    Ok(())
}

pub(super) fn update_all(db: &Db, shard: Shard, attempts: &[(i64, Attempt)]) -> Result<(), StoreError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(UPDATE)?;
    for (expected, a) in attempts {
        let count = statement.execute(params![
            shard.0,
            a.id.0.0,
            expected,
            a.status.as_str(),
            a.channel_trade_no,
            a.failure.as_ref().map(members::failure),
            a.taken.map(|taken| taken.minor()),
            a.taken.map(|taken| taken.currency().numeric()),
            a.bill_date.map(|day| day.0),
            a.held_minor,
            a.sent_back_minor,
            a.contradiction,
            a.job.due_at_us,
            a.job.owner,
            a.job.fence,
            a.job.tries,
            a.updated_at_us,
            a.sequence,
        ])?;
        db::guard(count, || format!("attempt {} is not at sequence {expected}", a.id))?;
    }
    Ok(())
}

/// Finds attempts one by one with one prepared statement.
pub(super) struct Finder<'a> {
    shard: Shard,
    by_id: rusqlite::CachedStatement<'a>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(db: &'a Db, shard: Shard) -> Result<Finder<'a>, StoreError> {
        Ok(Finder { shard, by_id: db.statement(BY_ID)? })
    }

    pub(super) fn by_id(&mut self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        db::one(&mut self.by_id, params![self.shard.0, id.0.0], read)
    }
}

pub(super) fn of_payment(db: &Db, payment: PaymentId) -> Result<Vec<Attempt>, StoreError> {
    db.all(OF_PAYMENT, params![payment.0.shard().0, payment.0.0], read)
}

pub(super) fn after(
    db: &Db,
    shard: Shard,
    after: Option<AttemptId>,
    limit: u32,
) -> Result<Vec<Attempt>, StoreError> {
    let after = after.map_or(Uid([0; 16]), |id| id.0);
    db.all(AFTER, params![shard.0, after.0, limit], read)
}

pub(super) fn due(db: &Db, shard: Shard, real_now_us: i64, limit: u32) -> Result<Vec<Attempt>, StoreError> {
    db.all(DUE, params![shard.0, real_now_us, limit], read)
}
