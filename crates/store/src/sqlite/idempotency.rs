//! What was decided under idempotency keys, and used nonces.

use super::db::Db;
use super::statements::statements;
use crate::StoreError;
use domain::id::{KeyId, MerchantId, Shard};
use domain::rows::IdempotencyRow;
use rusqlite::params;

statements! {
    INSERT = "INSERT INTO idempotency (shard, merchant, key_hash, fingerprint, nonce_key, nonce, object, refusal, \
        created_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    BY_KEY = "SELECT fingerprint, nonce_key, nonce, object, refusal, created_at_us FROM idempotency \
        WHERE shard = ?1 AND merchant = ?2 AND key_hash = ?3";
    NONCE = "SELECT 1 FROM idempotency INDEXED BY idempotency_nonce \
        WHERE shard = ?1 AND nonce_key = ?2 AND nonce = ?3";
}

pub(super) fn insert_all(db: &Db, shard: Shard, rows: &[IdempotencyRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = db.statement(INSERT)?;
    for row in rows {
        statement.execute(params![
            shard.0,
            row.merchant.0.0,
            row.key_hash,
            row.fingerprint,
            row.nonce.map(|(key, _)| key.0.0),
            row.nonce.map(|(_, hash)| hash),
            row.object.map(|object| object.0),
            row.refusal,
            row.created_at_us,
        ])?;
    }
    Ok(())
}

pub(super) fn by_key(
    db: &Db,
    shard: Shard,
    merchant: MerchantId,
    key_hash: [u8; 16],
) -> Result<Option<IdempotencyRow>, StoreError> {
    db.one(BY_KEY, params![shard.0, merchant.0.0, key_hash], |c| {
        Ok(IdempotencyRow {
            merchant,
            key_hash,
            fingerprint: c.bytes()?,
            nonce: {
                let key: Option<KeyId> = c.opt_id()?;
                key.zip(c.opt_bytes()?)
            },
            object: c.opt_uid()?,
            refusal: c.opt_string()?,
            created_at_us: c.int()?,
        })
    })
}

pub(super) fn is_nonce_used(db: &Db, shard: Shard, key: KeyId, hash: [u8; 16]) -> Result<bool, StoreError> {
    Ok(db.one(NONCE, params![shard.0, key.0.0, hash], |c| c.int())?.is_some())
}
