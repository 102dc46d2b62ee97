//! Removes what grew old, by ranges of keys. Candidates are read first; what is still needed is sorted out before anything is
//! deleted, and what would be deleted says once more that it may.

use crate::StoreError;
use crate::db::{Columns, Db, Many, keyed, params, statements};
use crate::retention::{Aging, Forgotten, Place};
use domain::id::{MerchantId, Shard, Uid};
use std::collections::HashSet;

statements! {
    /// With each event: the next of its merchant, and whether another destination than the first still waits.
    EVENTS_FROM = "SELECT e.seq, e.id, e.merchant, CASE WHEN e.d_status = 'pending' THEN 1 ELSE 0 END, \
        (SELECT n.id FROM event n INDEXED BY event_merchant WHERE n.shard = ?1 AND n.merchant = e.merchant AND n.seq > e.seq \
            ORDER BY n.seq LIMIT 1), \
        (SELECT COUNT(*) FROM delivery d WHERE d.shard = ?1 AND d.seq = e.seq AND d.status = 'pending') \
        FROM event e WHERE e.shard = ?1 AND e.seq > ?2 ORDER BY e.seq LIMIT ?3";
    TRIES_FROM = "SELECT delivery, number, at_us FROM delivery_attempt WHERE shard = ?1 AND (delivery, number) > (?2, ?3) \
        AND delivery < ?4 ORDER BY delivery, number LIMIT ?5";
    KEYS_FROM = "SELECT merchant, key_hash, created_at_us, object FROM idempotency \
        WHERE shard = ?1 AND (merchant, key_hash) > (?2, ?3) ORDER BY merchant, key_hash LIMIT ?4";
    BATCHES_FROM = "SELECT batch, committed_at_us FROM journal_batch WHERE shard = ?1 AND batch > ?2 ORDER BY batch LIMIT ?3";
}

keyed! {
    EVENT_DROP (Big) = "DELETE FROM event WHERE shard = ?1 AND seq = ?2 AND (d_status IS NULL OR d_status <> 'pending') \
        RETURNING seq"
        => "DELETE FROM event USING {keys} WHERE shard = ?1 AND seq = k2 AND (d_status IS NULL OR d_status <> 'pending') \
            RETURNING seq";
    DELIVERY_DROP (Big) = "DELETE FROM delivery WHERE shard = ?1 AND seq = ?2 AND status <> 'pending' RETURNING seq"
        => "DELETE FROM delivery USING {keys} WHERE shard = ?1 AND seq = k2 AND status <> 'pending' RETURNING seq";
    DELIVERY_LEFT (Big) = "SELECT seq FROM delivery WHERE shard = ?1 AND seq = ?2"
        => "SELECT seq FROM {keys} JOIN delivery ON seq = k2 WHERE shard = ?1";
    TRY_DROP (Uid, Big) = "DELETE FROM delivery_attempt WHERE shard = ?1 AND delivery = ?2 AND number = ?3 RETURNING number"
        => "DELETE FROM delivery_attempt USING {keys} WHERE shard = ?1 AND delivery = k2 AND number = k3 RETURNING number";
    KEY_DROP (Uid, Uid) = "DELETE FROM idempotency WHERE shard = ?1 AND merchant = ?2 AND key_hash = ?3 RETURNING created_at_us"
        => "DELETE FROM idempotency USING {keys} WHERE shard = ?1 AND merchant = k2 AND key_hash = k3 RETURNING created_at_us";
    BATCH_DROP (Uid) = "DELETE FROM journal_batch WHERE shard = ?1 AND batch = ?2 RETURNING committed_at_us"
        => "DELETE FROM journal_batch USING {keys} WHERE shard = ?1 AND batch = k2 RETURNING committed_at_us";

    /// What a key was used for is looked for among all nouns: an id does not say which it is of.
    OPEN_PAYMENT (Uid) = "SELECT id FROM payment WHERE shard = ?1 AND id = ?2 \
        AND status IN ('created', 'requires_action', 'processing', 'authorized')"
        => "SELECT id FROM {keys} JOIN payment ON id = k2 WHERE shard = ?1 \
            AND status IN ('created', 'requires_action', 'processing', 'authorized')";
    OPEN_REFUND (Uid) = "SELECT id FROM refund WHERE shard = ?1 AND id = ?2 AND status IN ('pending', 'requires_attention')"
        => "SELECT id FROM {keys} JOIN refund ON id = k2 WHERE shard = ?1 AND status IN ('pending', 'requires_attention')";
    PAYMENT_OF_ATTEMPT (Uid) = "SELECT id, payment FROM attempt WHERE shard = ?1 AND id = ?2"
        => "SELECT id, payment FROM {keys} JOIN attempt ON id = k2 WHERE shard = ?1";
    PAYMENT_OF_CAPTURE (Uid) = "SELECT id, payment FROM capture WHERE shard = ?1 AND id = ?2"
        => "SELECT id, payment FROM {keys} JOIN capture ON id = k2 WHERE shard = ?1";
}

/// One batch of candidates: the keys of those that may go, and where to go on.
#[derive(Debug)]
pub(crate) struct Found<K> {
    pub(crate) old: Vec<K>,
    pub(crate) next: Option<Place>,
}

/// Candidates of each kind.
#[derive(Debug)]
pub(crate) enum Candidates {
    Events(Found<i64>),
    Tries(Found<(Uid, i64)>),
    Keys(Found<(Uid, Uid)>),
    Batches(Found<Uid>),
}

impl Candidates {
    /// When there is nothing to delete: what the look came to.
    pub(crate) fn nothing(&self) -> Option<Forgotten> {
        let (is_empty, next) = match self {
            Candidates::Events(found) => (found.old.is_empty(), &found.next),
            Candidates::Tries(found) => (found.old.is_empty(), &found.next),
            Candidates::Keys(found) => (found.old.is_empty(), &found.next),
            Candidates::Batches(found) => (found.old.is_empty(), &found.next),
        };
        is_empty.then(|| Forgotten { removed: 0, next: next.clone() })
    }
}

/// Reads what may be deleted.
pub(crate) async fn candidates(
    db: &Db,
    shard: Shard,
    aging: Aging,
    before_us: i64,
    from: Place,
    limit: u32,
) -> Result<Candidates, StoreError> {
    Ok(match aging {
        Aging::Events => Candidates::Events(old_events(db, shard, before_us, from, limit).await?),
        Aging::DeliveryAttempts => Candidates::Tries(old_tries(db, shard, before_us, &from, limit).await?),
        Aging::Idempotency => Candidates::Keys(old_keys(db, shard, before_us, &from, limit).await?),
        Aging::Batches => Candidates::Batches(old_batches(db, shard, before_us, &from, limit).await?),
    })
}

/// Deletes candidates; call it in a transaction.
pub(crate) async fn delete(db: &Db, shard: Shard, candidates: Candidates) -> Result<Forgotten, StoreError> {
    let count = |rows: Vec<i64>| u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let number = |c: &mut Columns<'_>| c.int();
    Ok(match candidates {
        Candidates::Events(Found { old, next }) => {
            Forgotten { removed: count(delete_events(db, shard, &old).await?), next }
        }
        Candidates::Tries(Found { old, next }) => {
            let keys = Many::of(old.iter().map(|(delivery, number)| params![delivery.0, *number]));
            Forgotten { removed: count(db.find_all(&TRY_DROP, shard, &keys, number).await?), next }
        }
        Candidates::Keys(Found { old, next }) => {
            let keys = Many::of(old.iter().map(|(merchant, hash)| params![merchant.0, hash.0]));
            Forgotten { removed: count(db.find_all(&KEY_DROP, shard, &keys, number).await?), next }
        }
        Candidates::Batches(Found { old, next }) => {
            let keys = Many::of(old.iter().map(|batch| params![batch.0]));
            Forgotten { removed: count(db.find_all(&BATCH_DROP, shard, &keys, number).await?), next }
        }
    })
}

/// An id made before `before_us`, which is also the first id of that moment.
fn bound(before_us: i64) -> Uid {
    let ms = u64::try_from(before_us / 1_000).unwrap_or(0);
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(ms.to_be_bytes().into_iter().skip(2)).for_each(|(slot, byte)| *slot = byte);
    Uid(bytes)
}

/// Where a full page ends; `None` behind the last row.
fn behind(rows: usize, limit: u32, place: Option<Place>) -> Option<Place> {
    place.filter(|_| rows >= usize::try_from(limit).unwrap_or(usize::MAX))
}

/// An event and what decides on its staying.
#[derive(Debug, Clone, Copy)]
struct Told {
    seq: i64,
    id: Uid,
    merchant: MerchantId,
    next: Option<Uid>,
    waits: bool,
}

/// The age of an event is told by its id, made by the real clock; what it says of itself is business time.
async fn old_events(
    db: &Db,
    shard: Shard,
    before_us: i64,
    from: Place,
    limit: u32,
) -> Result<Found<i64>, StoreError> {
    let read = |c: &mut Columns<'_>| {
        let (seq, id, merchant, waits) = (c.int()?, c.uid()?, c.id()?, c.int()? > 0);
        Ok(Told { seq, id, merchant, next: c.opt_uid()?, waits: waits | (c.int()? > 0) })
    };
    let rows = db.all(EVENTS_FROM, &params![shard.0, from.number, limit], read).await?;
    let before = bound(before_us);
    let is_old = |id: &Uid| *id < before;
    let (mut old, mut stopped) = (Vec::new(), from.stopped);
    for told in &rows {
        let may_go = is_old(&told.id) && told.next.as_ref().is_some_and(is_old) && !told.waits;
        if stopped.contains(&told.merchant) || !may_go {
            stopped.insert(told.merchant);
        } else {
            old.push(told.seq);
        }
    }
    // Numbers rise with time: behind a whole page of young ones there are no old ones.
    let goes_on = rows.iter().any(|told| is_old(&told.id));
    let place = rows.last().map(|told| Place { number: told.seq, stopped, ..Place::default() });
    Ok(Found { old, next: behind(rows.len(), limit, place).filter(|_| goes_on) })
}

/// Deliveries first: if one was made due again since, nothing of this batch goes now.
async fn delete_events(db: &Db, shard: Shard, old: &[i64]) -> Result<Vec<i64>, StoreError> {
    let keys = || Many::of(old.iter().map(|seq| params![*seq]));
    let number = |c: &mut Columns<'_>| c.int();
    db.find_all(&DELIVERY_DROP, shard, &keys(), number).await?;
    let left: Vec<i64> = db.find_all(&DELIVERY_LEFT, shard, &keys(), number).await?;
    let gone: Vec<i64> = db.find_all(&EVENT_DROP, shard, &keys(), number).await?;
    if left.is_empty() && gone.len() == old.len() {
        return Ok(gone);
    }
    Err(StoreError::Conflict("an old event is to be sent again".to_owned()))
}

async fn old_tries(
    db: &Db,
    shard: Shard,
    before_us: i64,
    from: &Place,
    limit: u32,
) -> Result<Found<(Uid, i64)>, StoreError> {
    let [delivery, _] = from.keys;
    let values = params![shard.0, delivery, from.number, bound(before_us).0, limit];
    let read = |c: &mut Columns<'_>| Ok((c.uid()?, c.int()?, c.int()?));
    let rows: Vec<(Uid, i64, i64)> = db.all(TRIES_FROM, &values, read).await?;
    let old = rows.iter().filter(|(.., at_us)| *at_us < before_us).map(|(id, number, _)| (*id, *number));
    let place = rows.last().map(|(delivery, number, _)| Place {
        keys: [delivery.0, [0; 16]],
        number: *number,
        ..Place::default()
    });
    Ok(Found { old: old.collect(), next: behind(rows.len(), limit, place) })
}

async fn old_keys(
    db: &Db,
    shard: Shard,
    before_us: i64,
    from: &Place,
    limit: u32,
) -> Result<Found<(Uid, Uid)>, StoreError> {
    let [merchant, hash] = from.keys;
    let read = |c: &mut Columns<'_>| Ok(((c.uid()?, c.uid()?), c.int()?, c.opt_uid()?));
    let rows: Vec<((Uid, Uid), i64, Option<Uid>)> =
        db.all(KEYS_FROM, &params![shard.0, merchant, hash, limit], read).await?;
    let place =
        rows.last().map(|((merchant, hash), ..)| Place { keys: [merchant.0, hash.0], ..Place::default() });
    let next = behind(rows.len(), limit, place);
    let aged: Vec<_> = rows.into_iter().filter(|(_, created_at_us, _)| *created_at_us < before_us).collect();
    let open = still_open(db, shard, aged.iter().filter_map(|(.., object)| *object).collect()).await?;
    let is_done = |object: &Option<Uid>| object.is_none_or(|object| !open.contains(&object));
    let old = aged.into_iter().filter(|(.., object)| is_done(object)).map(|(key, ..)| key).collect();
    Ok(Found { old, next })
}

/// Which of these objects are payments or refunds that are not final, or belong to such a payment. What is final stays so.
async fn still_open(db: &Db, shard: Shard, objects: HashSet<Uid>) -> Result<HashSet<Uid>, StoreError> {
    let keys = Many::of(objects.iter().map(|object| params![object.0]));
    let id = |c: &mut Columns<'_>| c.uid();
    let pair = |c: &mut Columns<'_>| Ok((c.uid()?, c.uid()?));
    let mut open: HashSet<Uid> = db.find_all(&OPEN_PAYMENT, shard, &keys, id).await?.into_iter().collect();
    open.extend(db.find_all(&OPEN_REFUND, shard, &keys, id).await?);
    let mut parts: Vec<(Uid, Uid)> = db.find_all(&PAYMENT_OF_ATTEMPT, shard, &keys, pair).await?;
    parts.extend(db.find_all(&PAYMENT_OF_CAPTURE, shard, &keys, pair).await?);
    let payments: HashSet<Uid> = parts.iter().map(|(_, payment)| *payment).collect();
    let payments = Many::of(payments.iter().map(|payment| params![payment.0]));
    let payments: HashSet<Uid> =
        db.find_all(&OPEN_PAYMENT, shard, &payments, id).await?.into_iter().collect();
    open.extend(parts.into_iter().filter(|(_, payment)| payments.contains(payment)).map(|(part, _)| part));
    Ok(open)
}

/// One without a time stands for a commit that was looked for and must never arrive: it stays.
async fn old_batches(
    db: &Db,
    shard: Shard,
    before_us: i64,
    from: &Place,
    limit: u32,
) -> Result<Found<Uid>, StoreError> {
    let [batch, _] = from.keys;
    let rows: Vec<(Uid, i64)> =
        db.all(BATCHES_FROM, &params![shard.0, batch, limit], |c| Ok((c.uid()?, c.int()?))).await?;
    let is_old = |at_us: i64| at_us > 0 && at_us < before_us;
    let old = rows.iter().filter(|(_, at_us)| is_old(*at_us)).map(|(batch, _)| *batch).collect();
    let place = rows.last().map(|(batch, _)| Place { keys: [batch.0, [0; 16]], ..Place::default() });
    Ok(Found { old, next: behind(rows.len(), limit, place) })
}
