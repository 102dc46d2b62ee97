//! Control rows of API keys, creates under idempotency keys, and nonces of requests that write no money row.

use crate::StoreError;
use crate::code;
use crate::control::Made;
use crate::db::{Db, corrupt, guard, params, statements};
use domain::id::{Id, KeyId, MerchantId};
use domain::merchant::ApiKey;

/// A signature is valid for 300 s either way (WIRE); a nonce that is older than this can't come back.
const NONCE_KEPT_US: i64 = 3_600 * 1_000_000;
/// Old nonces removed with each new one.
const NONCES_FORGOTTEN_AT_ONCE: i64 = 16;

statements! {
    INSERT = "INSERT INTO api_key (id, merchant, name, bearer_hash, public_key_pem, permissions, ip_allow, \
        expires_at_us, revoked_at_us, created_at_us, sequence) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    UPDATE = "UPDATE api_key SET name = ?3, bearer_hash = ?4, public_key_pem = ?5, permissions = ?6, ip_allow = ?7, \
        expires_at_us = ?8, revoked_at_us = ?9, sequence = ?10 WHERE id = ?1 AND sequence = ?2";
    SNAPSHOT = "SELECT id, merchant, name, bearer_hash, public_key_pem, permissions, ip_allow, expires_at_us, \
        revoked_at_us, created_at_us, sequence FROM api_key";

    MADE_INSERT = "INSERT INTO control_idempotency (merchant, key_hash, fingerprint, object) VALUES (?1, ?2, ?3, ?4)";
    MADE_BEFORE = "SELECT fingerprint, object FROM control_idempotency WHERE merchant = ?1 AND key_hash = ?2";

    NONCE_INSERT = "INSERT INTO control_nonce (key, nonce, at_us) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    NONCE_USED = "SELECT 1 FROM control_nonce WHERE key = ?1 AND nonce = ?2";
    NONCES_FORGET = "DELETE FROM control_nonce WHERE (key, nonce) IN \
        (SELECT key, nonce FROM control_nonce INDEXED BY control_nonce_age WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)";
}

pub(crate) async fn insert(db: &Db, key: &ApiKey) -> Result<(), StoreError> {
    db.execute(
        INSERT,
        &params![
            key.id.0.0,
            key.merchant.0.0,
            &key.name,
            key.bearer_hash.as_ref(),
            &key.public_key_pem,
            code::texts(&key.permissions),
            code::texts(&key.ip_allow),
            key.expires_at_us,
            key.revoked_at_us,
            key.created_at_us,
            key.sequence,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn update(db: &Db, key: &ApiKey, expected_sequence: i64) -> Result<(), StoreError> {
    let values = params![
        key.id.0.0,
        expected_sequence,
        &key.name,
        key.bearer_hash.as_ref(),
        &key.public_key_pem,
        code::texts(&key.permissions),
        code::texts(&key.ip_allow),
        key.expires_at_us,
        key.revoked_at_us,
        key.sequence,
    ];
    let count = db.execute(UPDATE, &values).await?;
    guard(count, || format!("key {} is not at sequence {expected_sequence}", key.id))
}

pub(crate) async fn all(db: &Db) -> Result<Vec<ApiKey>, StoreError> {
    db.all(SNAPSHOT, &[], |c| {
        Ok(ApiKey {
            id: c.id()?,
            merchant: c.id()?,
            name: c.string()?,
            bearer_hash: c.opt_bytes()?,
            public_key_pem: c.opt_string()?,
            permissions: code::read_texts(c.blob()?)
                .ok_or_else(|| corrupt("a key's permissions can't be read"))?,
            ip_allow: code::read_texts(c.blob()?)
                .ok_or_else(|| corrupt("a key's addresses can't be read"))?,
            expires_at_us: c.opt_int()?,
            revoked_at_us: c.opt_int()?,
            created_at_us: c.int()?,
            sequence: c.int()?,
        })
    })
    .await
}

/// What an idempotency key made before; `None` for a key that is new, or none.
pub(crate) async fn made_earlier<I: Id>(
    db: &Db,
    merchant: MerchantId,
    idempotency: Option<([u8; 16], [u8; 16])>,
) -> Result<Option<Made<I>>, StoreError> {
    let Some((key_hash, fingerprint)) = idempotency else { return Ok(None) };
    let before =
        db.one(MADE_BEFORE, &params![merchant.0.0, key_hash], |c| Ok((c.bytes::<16>()?, c.id()?))).await?;
    Ok(before.map(|(found, made)| if found == fingerprint { Made::Before(made) } else { Made::KeyReused }))
}

/// As [`made_earlier`]; notes that a new key makes `object` now.
pub(crate) async fn made_before<I: Id>(
    db: &Db,
    merchant: MerchantId,
    idempotency: Option<([u8; 16], [u8; 16])>,
    object: I,
) -> Result<Made<I>, StoreError> {
    if let Some(before) = made_earlier(db, merchant, idempotency).await? {
        return Ok(before);
    }
    if let Some((key_hash, fingerprint)) = idempotency {
        db.execute(MADE_INSERT, &params![merchant.0.0, key_hash, fingerprint, object.uid().0]).await?;
    }
    Ok(Made::Now)
}

/// Whether the nonce was used.
pub(crate) async fn is_nonce_used(db: &Db, key: KeyId, nonce: [u8; 16]) -> Result<bool, StoreError> {
    Ok(db.one(NONCE_USED, &params![key.0.0, nonce], |c| c.int()).await?.is_some())
}

/// `false` when the nonce was used before.
pub(crate) async fn use_nonce(db: &Db, key: KeyId, nonce: [u8; 16], at_us: i64) -> Result<bool, StoreError> {
    db.execute(NONCES_FORGET, &params![at_us.saturating_sub(NONCE_KEPT_US), NONCES_FORGOTTEN_AT_ONCE])
        .await?;
    Ok(db.execute(NONCE_INSERT, &params![key.0.0, nonce, at_us]).await? == 1)
}
