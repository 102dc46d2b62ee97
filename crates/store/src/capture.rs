//! Rows of captures.

use crate::db::{Columns, Db, Many, after_due, keyed, params, statements, writes};
use crate::{StoreError, members};
use domain::capture::{Capture, Status};
use domain::id::{CaptureId, PaymentId, Shard};

macro_rules! columns {
    () => {
        "id, payment, attempt, merchant, channel_account, amount_minor, currency, is_final, status, fee_minor, \
         cost_minor, available_on, bill_date, failure, job_due_at_us, job_owner, job_fence, job_tries, \
         created_at_us, updated_at_us, sequence, acting_key"
    };
}

keyed! {
    BY_ID (Uid) = concat!("SELECT ", columns!(), " FROM capture WHERE shard = ?1 AND id = ?2")
        => concat!("SELECT ", columns!(), " FROM {keys} JOIN capture ON id = k2 WHERE shard = ?1");
    /// All captures of payments; they are few.
    OF_PAYMENTS (Uid) = concat!("SELECT ", columns!(), " FROM capture INDEXED BY capture_payment \
        WHERE shard = ?1 AND payment = ?2")
        => concat!("SELECT ", columns!(), " FROM {keys} JOIN capture ON payment = k2 WHERE shard = ?1");
}

writes! {
    INSERT = insert "capture" row {
        id: Uid, payment: Uid, attempt: Uid, merchant: Uid, channel_account: Uid, amount_minor: Big,
        currency: Small, is_final: Small, status: Text, fee_minor: Big, cost_minor: Big, available_on: Int,
        bill_date: Int, failure: Bytes, job_due_at_us: Big, job_owner: Big, job_fence: Big, job_tries: Big,
        created_at_us: Big, updated_at_us: Big, sequence: Big, acting_key: Uid,
    };
    UPDATE = update "capture" key { id: Uid } expect { sequence: Big } set {
        status: Text, fee_minor: Big, cost_minor: Big, available_on: Int, bill_date: Int, failure: Bytes,
        job_due_at_us: Big, job_owner: Big, job_fence: Big, job_tries: Big, updated_at_us: Big, sequence: Big,
    };
}

statements! {
    OF_PAYMENT = concat!("SELECT ", columns!(), " FROM capture INDEXED BY capture_payment \
        WHERE shard = ?1 AND payment = ?2 ORDER BY id LIMIT ?3");
    DUE = concat!("SELECT ", columns!(), " FROM capture INDEXED BY capture_due \
        WHERE shard = ?1 AND job_due_at_us <= ?2 ORDER BY job_due_at_us LIMIT ?3");
    OPEN = concat!("SELECT ", columns!(), " FROM capture INDEXED BY capture_due \
        WHERE shard = ?1 AND job_due_at_us >= ?2 AND (job_due_at_us > ?2 OR id > ?3) \
        ORDER BY job_due_at_us, id LIMIT ?4");
}

fn read(c: &mut Columns<'_>) -> Result<Capture, StoreError> {
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
        acting_key: c.opt_id()?,
    })
}

/// New captures.
pub(crate) fn inserts(captures: &[Capture]) -> Many<'_> {
    Many::of(captures.iter().map(|capture| {
        params![
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
            capture.acting_key.map(|id| id.0.0),
        ]
    }))
}

/// Changed captures with the sequence they must still have.
pub(crate) fn updates(captures: &[(i64, Capture)]) -> Many<'_> {
    Many::of(captures.iter().map(|(expected, capture)| {
        params![
            capture.id.0.0,
            *expected,
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
        ]
    }))
}

/// Captures by id.
pub(crate) async fn by_ids(
    db: &Db,
    shard: Shard,
    ids: impl IntoIterator<Item = CaptureId>,
) -> Result<Vec<Capture>, StoreError> {
    let keys = Many::of(ids.into_iter().map(|id| params![id.0.0]));
    db.find_all(&BY_ID, shard, &keys, read).await
}

/// All captures of payments.
pub(crate) async fn of_payments(
    db: &Db,
    shard: Shard,
    payments: &[PaymentId],
) -> Result<Vec<Capture>, StoreError> {
    let keys = Many::of(payments.iter().map(|id| params![id.0.0]));
    db.find_all(&OF_PAYMENTS, shard, &keys, read).await
}

/// Oldest first.
pub(crate) async fn of_payment(
    db: &Db,
    shard: Shard,
    payment: PaymentId,
    limit: u32,
) -> Result<Vec<Capture>, StoreError> {
    db.all(OF_PAYMENT, &params![shard.0, payment.0.0, limit], read).await
}

pub(crate) async fn due(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<Capture>, StoreError> {
    db.all(DUE, &params![shard.0, real_now_us, limit], read).await
}

/// Those with a job, due or not.
pub(crate) async fn open(
    db: &Db,
    shard: Shard,
    after: Option<(i64, CaptureId)>,
    limit: u32,
) -> Result<Vec<Capture>, StoreError> {
    let (due_at_us, id) = after_due(after);
    db.all(OPEN, &params![shard.0, due_at_us, id, limit], read).await
}
