//! What was decided under idempotency keys, and used nonces.

use crate::StoreError;
use crate::db::{Columns, Db, Many, keyed, params, writes};
use domain::id::{KeyId, MerchantId, Shard};
use domain::rows::IdempotencyRow;

keyed! {
    BY_KEY (Uid, Uid) = "SELECT merchant, key_hash, fingerprint, nonce_key, nonce, object, refusal, created_at_us \
        FROM idempotency WHERE shard = ?1 AND merchant = ?2 AND key_hash = ?3"
        => "SELECT merchant, key_hash, fingerprint, nonce_key, nonce, object, refusal, created_at_us \
            FROM {keys} JOIN idempotency ON merchant = k2 AND key_hash = k3 WHERE shard = ?1";
    NONCE (Uid, Uid) = "SELECT nonce_key, nonce FROM idempotency INDEXED BY idempotency_nonce \
        WHERE shard = ?1 AND nonce_key = ?2 AND nonce = ?3"
        => "SELECT nonce_key, nonce FROM {keys} JOIN idempotency ON nonce_key = k2 AND nonce = k3 \
            WHERE shard = ?1 AND nonce IS NOT NULL";
}

writes! {
    INSERT = insert "idempotency" row {
        merchant: Uid, key_hash: Uid, fingerprint: Uid, nonce_key: Uid, nonce: Uid, object: Uid, refusal: Text,
        created_at_us: Big,
    };
}

/// New rows.
pub(crate) fn inserts(rows: &[IdempotencyRow]) -> Many<'_> {
    Many::of(rows.iter().map(|row| {
        params![
            row.merchant.0.0,
            row.key_hash,
            row.fingerprint,
            row.nonce.map(|(key, _)| key.0.0),
            row.nonce.map(|(_, hash)| hash),
            row.object.map(|object| object.0),
            &row.refusal,
            row.created_at_us,
        ]
    }))
}

fn read(c: &mut Columns<'_>) -> Result<IdempotencyRow, StoreError> {
    Ok(IdempotencyRow {
        merchant: c.id()?,
        key_hash: c.bytes()?,
        fingerprint: c.bytes()?,
        nonce: {
            let key: Option<KeyId> = c.opt_id()?;
            key.zip(c.opt_bytes()?)
        },
        object: c.opt_uid()?,
        refusal: c.opt_string()?,
        created_at_us: c.int()?,
    })
}

/// What was decided under keys.
pub(crate) async fn by_keys(
    db: &Db,
    shard: Shard,
    keys: &[(MerchantId, [u8; 16])],
) -> Result<Vec<IdempotencyRow>, StoreError> {
    let keys = Many::of(keys.iter().map(|(merchant, key_hash)| params![merchant.0.0, *key_hash]));
    db.find_all(&BY_KEY, shard, &keys, read).await
}

/// Which of these nonces were used.
pub(crate) async fn used_nonces(
    db: &Db,
    shard: Shard,
    nonces: &[(KeyId, [u8; 16])],
) -> Result<Vec<(KeyId, [u8; 16])>, StoreError> {
    let keys = Many::of(nonces.iter().map(|(key, hash)| params![key.0.0, *hash]));
    db.find_all(&NONCE, shard, &keys, |c| Ok((c.id()?, c.bytes()?))).await
}
