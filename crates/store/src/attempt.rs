//! Rows of attempts.

use crate::db::{Columns, Db, Many, after_due, keyed, params, statements, writes};
use crate::{StoreError, members};
use domain::attempt::{Attempt, Status};
use domain::channel::SandboxOutcome;
use domain::id::{AttemptId, PaymentId, Shard, Uid};
use domain::payment::Scene;

macro_rules! columns {
    () => {
        "id, payment, merchant, status, method, scene, channel_account, amount_minor, currency, channel_trade_no, \
         failure, sandbox_outcome, taken_minor, taken_currency, bill_date, held_minor, sent_back_minor, \
         contradiction, job_due_at_us, job_owner, job_fence, job_tries, created_at_us, updated_at_us, sequence, \
         acting_key"
    };
}

keyed! {
    BY_ID (Uid) = concat!("SELECT ", columns!(), " FROM attempt WHERE shard = ?1 AND id = ?2")
        => concat!("SELECT ", columns!(), " FROM {keys} JOIN attempt ON id = k2 WHERE shard = ?1");
}

writes! {
    INSERT = insert "attempt" row {
        id: Uid, payment: Uid, merchant: Uid, status: Text, method: Text, scene: Text, channel_account: Uid,
        amount_minor: Big, currency: Small, channel_trade_no: Text, failure: Bytes, sandbox_outcome: Text,
        taken_minor: Big, taken_currency: Small, bill_date: Int, held_minor: Big, sent_back_minor: Big,
        contradiction: Text, job_due_at_us: Big, job_owner: Big, job_fence: Big, job_tries: Big,
        created_at_us: Big, updated_at_us: Big, sequence: Big, acting_key: Uid,
    };
    UPDATE = update "attempt" key { id: Uid } expect { sequence: Big } set {
        status: Text, channel_trade_no: Text, failure: Bytes, taken_minor: Big, taken_currency: Small,
        bill_date: Int, held_minor: Big, sent_back_minor: Big, contradiction: Text, job_due_at_us: Big,
        job_owner: Big, job_fence: Big, job_tries: Big, updated_at_us: Big, sequence: Big,
    };
}

statements! {
    /// All have their payment's time in their ids.
    SORT_OF_PAYMENT = concat!("SELECT ", columns!(), " FROM attempt INDEXED BY attempt_payment \
        WHERE shard = ?1 AND payment = ?2 ORDER BY created_at_us, id LIMIT 100");
    AFTER = concat!("SELECT ", columns!(), " FROM attempt WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    DUE = concat!("SELECT ", columns!(), " FROM attempt INDEXED BY attempt_due \
        WHERE shard = ?1 AND job_due_at_us <= ?2 ORDER BY job_due_at_us LIMIT ?3");
    OPEN = concat!("SELECT ", columns!(), " FROM attempt INDEXED BY attempt_due \
        WHERE shard = ?1 AND job_due_at_us >= ?2 AND (job_due_at_us > ?2 OR id > ?3) \
        ORDER BY job_due_at_us, id LIMIT ?4");
}

fn read(c: &mut Columns<'_>) -> Result<Attempt, StoreError> {
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
        acting_key: c.opt_id()?,
    })
}

/// New attempts.
pub(crate) fn inserts(attempts: &[Attempt]) -> Many<'_> {
    Many::of(attempts.iter().map(|a| {
        params![
            a.id.0.0,
            a.payment.0.0,
            a.merchant.0.0,
            a.status.as_str(),
            &a.method,
            a.scene.as_str(),
            a.channel_account.0.0,
            a.amount.minor(),
            a.amount.currency().numeric(),
            &a.channel_trade_no,
            a.failure.as_ref().map(members::failure),
            a.sandbox_outcome.map(SandboxOutcome::as_str),
            a.taken.map(|taken| taken.minor()),
            a.taken.map(|taken| taken.currency().numeric()),
            a.bill_date.map(|day| day.0),
            a.held_minor,
            a.sent_back_minor,
            &a.contradiction,
            a.job.due_at_us,
            a.job.owner,
            a.job.fence,
            a.job.tries,
            a.created_at_us,
            a.updated_at_us,
            a.sequence,
            a.acting_key.map(|id| id.0.0),
        ]
    }))
}

/// Changed attempts with the sequence they must still have.
pub(crate) fn updates(attempts: &[(i64, Attempt)]) -> Many<'_> {
    Many::of(attempts.iter().map(|(expected, a)| {
        params![
            a.id.0.0,
            *expected,
            a.status.as_str(),
            &a.channel_trade_no,
            a.failure.as_ref().map(members::failure),
            a.taken.map(|taken| taken.minor()),
            a.taken.map(|taken| taken.currency().numeric()),
            a.bill_date.map(|day| day.0),
            a.held_minor,
            a.sent_back_minor,
            &a.contradiction,
            a.job.due_at_us,
            a.job.owner,
            a.job.fence,
            a.job.tries,
            a.updated_at_us,
            a.sequence,
        ]
    }))
}

/// Attempts by id.
pub(crate) async fn by_ids(
    db: &Db,
    shard: Shard,
    ids: impl IntoIterator<Item = AttemptId>,
) -> Result<Vec<Attempt>, StoreError> {
    let keys = Many::of(ids.into_iter().map(|id| params![id.0.0]));
    db.find_all(&BY_ID, shard, &keys, read).await
}

pub(crate) async fn of_payment(db: &Db, payment: PaymentId) -> Result<Vec<Attempt>, StoreError> {
    db.all(SORT_OF_PAYMENT, &params![payment.0.shard().0, payment.0.0], read).await
}

pub(crate) async fn after(
    db: &Db,
    shard: Shard,
    after: Option<AttemptId>,
    limit: u32,
) -> Result<Vec<Attempt>, StoreError> {
    let after = after.map_or(Uid([0; 16]), |id| id.0);
    db.all(AFTER, &params![shard.0, after.0, limit], read).await
}

pub(crate) async fn due(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<Attempt>, StoreError> {
    db.all(DUE, &params![shard.0, real_now_us, limit], read).await
}

/// Those with a job, due or not.
pub(crate) async fn open(
    db: &Db,
    shard: Shard,
    after: Option<(i64, AttemptId)>,
    limit: u32,
) -> Result<Vec<Attempt>, StoreError> {
    let (due_at_us, id) = after_due(after);
    db.all(OPEN, &params![shard.0, due_at_us, id, limit], read).await
}
