//! Rows of refunds.

use crate::db::{Columns, Db, Many, after_due, corrupt, keyed, page_end, params, statements, writes};
use crate::reads::{Page, RefundFilter};
use crate::{StoreError, members, natural_key};
use domain::channel::SandboxOutcome;
use domain::id::{MerchantId, RefundId, Shard, Uid};
use domain::refund::{Kind, Refund, Status};

macro_rules! columns {
    () => {
        "id, payment, attempt, merchant, channel_account, merchant_order_no, merchant_refund_no, kind, amount_minor, \
         currency, status, reason, fee_returned_minor, fee_charged_minor, cost_returned_minor, in_transit_minor, \
         channel_refund_no, bill_date, failure, sandbox_outcome, contradiction, job_due_at_us, job_owner, job_fence, \
         job_tries, succeeded_at_us, created_at_us, updated_at_us, sequence, acting_key, accepted_lines"
    };
}

macro_rules! list_filters {
    () => {
        " AND (created_at_us, id) < (?3, ?4) AND (status = ?5 OR ?5 IS NULL) AND (payment = ?6 OR ?6 IS NULL) \
         AND (merchant_refund_no = ?7 OR ?7 IS NULL) "
    };
}

keyed! {
    BY_ID (Uid) = concat!("SELECT ", columns!(), " FROM refund WHERE shard = ?1 AND id = ?2")
        => concat!("SELECT ", columns!(), " FROM {keys} JOIN refund ON id = k2 WHERE shard = ?1");
    /// By merchant, number, and the number's hash. What has an OFFSET is looked up key by key, in this order, whatever statistics say.
    BY_REFUND_NO (Uid, Text, Uid) = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_no \
        WHERE shard = ?1 AND merchant = ?2 AND merchant_refund_no = ?3")
        => concat!("SELECT ", columns!(), " FROM {keys}, \
            LATERAL (SELECT object FROM natural_key \
                WHERE shard = ?1 AND noun = 2 AND owner = k2 AND hash = k4 OFFSET 0) n, \
            LATERAL (SELECT * FROM refund \
                WHERE shard = ?1 AND id = n.object AND merchant_refund_no = k3 OFFSET 0) r");
}

writes! {
    INSERT = insert "refund" row {
        id: Uid, payment: Uid, attempt: Uid, merchant: Uid, channel_account: Uid, merchant_order_no: Text,
        merchant_refund_no: Text, kind: Text, amount_minor: Big, currency: Small, status: Text, reason: Text,
        fee_returned_minor: Big, fee_charged_minor: Big, cost_returned_minor: Big, in_transit_minor: Big,
        channel_refund_no: Text, bill_date: Int, failure: Bytes, sandbox_outcome: Text, contradiction: Text,
        job_due_at_us: Big, job_owner: Big, job_fence: Big, job_tries: Big, succeeded_at_us: Big,
        created_at_us: Big, updated_at_us: Big, sequence: Big, acting_key: Uid, accepted_lines: Bytes,
    };
    UPDATE = update "refund" key { id: Uid } expect { sequence: Big } set {
        status: Text, fee_returned_minor: Big, fee_charged_minor: Big, cost_returned_minor: Big,
        in_transit_minor: Big, channel_refund_no: Text, bill_date: Int, failure: Bytes, contradiction: Text,
        job_due_at_us: Big, job_owner: Big, job_fence: Big, job_tries: Big, succeeded_at_us: Big,
        updated_at_us: Big, sequence: Big, attempt: Uid, channel_account: Uid, accepted_lines: Bytes,
    };
}

statements! {
    LIST = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_list \
        WHERE shard = ?1 AND merchant = ?2", list_filters!(), "ORDER BY created_at_us DESC, id DESC LIMIT ?8");
    /// A payment's refunds are few: sorted after they are found.
    LIST_OF_PAYMENT_SORT = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_payment \
        WHERE shard = ?1 AND payment = ?6 AND merchant = ?2", list_filters!(),
        "ORDER BY created_at_us DESC, id DESC LIMIT ?8");
    LIST_BY_REFUND_NO = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_no \
        WHERE shard = ?1 AND merchant = ?2 AND merchant_refund_no = ?7", list_filters!(), "LIMIT ?8")
        => concat!("SELECT ", columns!(), " FROM (SELECT r.* FROM natural_key n \
            JOIN refund r ON r.shard = ?1 AND r.id = n.object \
            WHERE n.shard = ?1 AND n.noun = 2 AND n.owner = ?2 AND n.hash = ?9 AND r.merchant = ?2) AS numbered \
            WHERE merchant_refund_no = ?7", list_filters!(), "LIMIT ?8");
    AFTER = concat!("SELECT ", columns!(), " FROM refund WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    DUE = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_due \
        WHERE shard = ?1 AND job_due_at_us <= ?2 ORDER BY job_due_at_us LIMIT ?3");
    OPEN = concat!("SELECT ", columns!(), " FROM refund INDEXED BY refund_due \
        WHERE shard = ?1 AND job_due_at_us >= ?2 AND (job_due_at_us > ?2 OR id > ?3) \
        ORDER BY job_due_at_us, id LIMIT ?4");
}

fn read(c: &mut Columns<'_>) -> Result<Refund, StoreError> {
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
        acting_key: c.opt_id()?,
    };
    refund.accepted_lines = members::read_lines(c.blob()?, refund.amount.currency())
        .ok_or_else(|| corrupt("a refund's lines can't be read"))?;
    Ok(refund)
}

/// New refunds.
pub(crate) fn inserts(refunds: &[Refund]) -> Many<'_> {
    Many::of(refunds.iter().map(|r| {
        params![
            r.id.0.0,
            r.payment.0.0,
            r.attempt.0.0,
            r.merchant.0.0,
            r.channel_account.0.0,
            &r.merchant_order_no,
            &r.merchant_refund_no,
            r.kind.as_str(),
            r.amount.minor(),
            r.amount.currency().numeric(),
            r.status.as_str(),
            &r.reason,
            r.fee_returned_minor,
            r.fee_charged_minor,
            r.cost_returned_minor,
            r.in_transit_minor,
            &r.channel_refund_no,
            r.bill_date.map(|day| day.0),
            r.failure.as_ref().map(members::failure),
            r.sandbox_outcome.map(SandboxOutcome::as_str),
            &r.contradiction,
            r.job.due_at_us,
            r.job.owner,
            r.job.fence,
            r.job.tries,
            r.succeeded_at_us,
            r.created_at_us,
            r.updated_at_us,
            r.sequence,
            r.acting_key.map(|id| id.0.0),
            members::lines(&r.accepted_lines, r.amount.currency()),
        ]
    }))
}

/// Changed refunds with the sequence they must still have.
pub(crate) fn updates(refunds: &[(i64, Refund)]) -> Many<'_> {
    Many::of(refunds.iter().map(|(expected, r)| {
        params![
            r.id.0.0,
            *expected,
            r.status.as_str(),
            r.fee_returned_minor,
            r.fee_charged_minor,
            r.cost_returned_minor,
            r.in_transit_minor,
            &r.channel_refund_no,
            r.bill_date.map(|day| day.0),
            r.failure.as_ref().map(members::failure),
            &r.contradiction,
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
        ]
    }))
}

/// Refunds by id.
pub(crate) async fn by_ids(
    db: &Db,
    shard: Shard,
    ids: impl IntoIterator<Item = RefundId>,
) -> Result<Vec<Refund>, StoreError> {
    let keys = Many::of(ids.into_iter().map(|id| params![id.0.0]));
    db.find_all(&BY_ID, shard, &keys, read).await
}

/// Refunds by the merchant's number.
pub(crate) async fn by_refund_nos(
    db: &Db,
    shard: Shard,
    numbers: &[(MerchantId, String)],
) -> Result<Vec<Refund>, StoreError> {
    let keys = numbers.iter().map(|(merchant, no)| params![merchant.0.0, no, natural_key::hash(no)]);
    db.find_all(&BY_REFUND_NO, shard, &Many::of(keys), read).await
}

pub(crate) async fn list(
    db: &Db,
    merchant: MerchantId,
    filter: &RefundFilter,
    page: Page,
) -> Result<Vec<Refund>, StoreError> {
    let (before_us, before_id) = page_end(page.after, None);
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
        &filter.merchant_refund_no,
        page.limit,
        filter.merchant_refund_no.as_deref().map(natural_key::hash),
    ];
    db.all(sql, &values, read).await
}

pub(crate) async fn after(
    db: &Db,
    shard: Shard,
    after: Option<RefundId>,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    let after = after.map_or(Uid([0; 16]), |id| id.0);
    db.all(AFTER, &params![shard.0, after.0, limit], read).await
}

pub(crate) async fn due(
    db: &Db,
    shard: Shard,
    real_now_us: i64,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    db.all(DUE, &params![shard.0, real_now_us, limit], read).await
}

/// Those with a job, due or not.
pub(crate) async fn open(
    db: &Db,
    shard: Shard,
    after: Option<(i64, RefundId)>,
    limit: u32,
) -> Result<Vec<Refund>, StoreError> {
    let (due_at_us, id) = after_due(after);
    db.all(OPEN, &params![shard.0, due_at_us, id, limit], read).await
}
