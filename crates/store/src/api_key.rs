//! Control rows of API keys, and nonces of requests that write no money row.

use crate::db::{Columns, Db, corrupt, guard, params, statements};
use crate::{StoreError, code, members};
use domain::api_key::{ApiKey, Notice, Owner};
use domain::id::KeyId;

/// A signature is valid for 300 s either way (WIRE); a nonce that is older than this can't come back.
const NONCE_KEPT_US: i64 = 3_600 * 1_000_000;
/// Old nonces removed with each new one.
const NONCES_FORGOTTEN_AT_ONCE: i64 = 16;

macro_rules! columns {
    () => {
        "id, merchant, partner, name, bearer_hash, public_key_pem, certificate, permissions, ip_allow, expires_at_us, \
         revoked_at_us, noticed_days, created_by, changed_by, created_at_us, sequence"
    };
}

statements! {
    INSERT = concat!("INSERT INTO api_key (", columns!(), ") \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
    UPDATE = "UPDATE api_key SET name = ?3, permissions = ?4, ip_allow = ?5, expires_at_us = ?6, revoked_at_us = ?7, \
        noticed_days = ?8, changed_by = ?9, sequence = ?10 WHERE id = ?1 AND sequence = ?2";
    SNAPSHOT = concat!("SELECT ", columns!(), " FROM api_key");

    NONCE_INSERT = "INSERT INTO control_nonce (key, nonce, at_us) VALUES (?1, ?2, ?3)";
    NONCE_USED = "SELECT 1 FROM control_nonce WHERE key = ?1 AND nonce = ?2";
    NONCES_FORGET = "DELETE FROM control_nonce WHERE (key, nonce) IN \
        (SELECT key, nonce FROM control_nonce INDEXED BY control_nonce_age WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)";
}

pub(crate) async fn insert(db: &Db, key: &ApiKey) -> Result<(), StoreError> {
    db.execute(
        INSERT,
        &params![
            key.id.0.0,
            key.owner.merchant().map(|id| id.0.0),
            key.owner.partner().map(|id| id.0.0),
            &key.name,
            key.bearer_hash.as_ref(),
            &key.public_key_pem,
            key.certificate.as_ref().map(members::certificate),
            code::texts(&key.permissions),
            code::texts(&key.ip_allow),
            key.expires_at_us,
            key.revoked_at_us,
            key.noticed.map(Notice::days),
            key.created_by.map(|id| id.0.0),
            key.changed_by.map(|id| id.0.0),
            key.created_at_us,
            key.sequence,
        ],
    )
    .await?;
    Ok(())
}

/// Whose it is and what proves it never change.
pub(crate) async fn update(db: &Db, key: &ApiKey, expected_sequence: i64) -> Result<(), StoreError> {
    let values = params![
        key.id.0.0,
        expected_sequence,
        &key.name,
        code::texts(&key.permissions),
        code::texts(&key.ip_allow),
        key.expires_at_us,
        key.revoked_at_us,
        key.noticed.map(Notice::days),
        key.changed_by.map(|id| id.0.0),
        key.sequence,
    ];
    let count = db.execute(UPDATE, &values).await?;
    guard(count, || format!("key {} is not at sequence {expected_sequence}", key.id))
}

pub(crate) async fn all(db: &Db) -> Result<Vec<ApiKey>, StoreError> {
    db.all(SNAPSHOT, &[], read).await
}

fn read(c: &mut Columns<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: c.id()?,
        owner: match (c.opt_id()?, c.opt_id()?) {
            (Some(merchant), None) => Owner::Merchant(merchant),
            (None, Some(partner)) => Owner::Partner(partner),
            (Some(_), Some(_)) | (None, None) => return Err(corrupt("a key has no owner, or two")),
        },
        name: c.string()?,
        bearer_hash: c.opt_bytes()?,
        public_key_pem: c.opt_string()?,
        certificate: c.opt_decoded(members::read_certificate)?,
        permissions: code::read_texts(c.blob()?)
            .ok_or_else(|| corrupt("a key's permissions can't be read"))?,
        ip_allow: code::read_texts(c.blob()?).ok_or_else(|| corrupt("a key's addresses can't be read"))?,
        expires_at_us: c.opt_int()?,
        revoked_at_us: c.opt_int()?,
        noticed: c.opt_int()?.map(notice).transpose()?,
        created_by: c.opt_id()?,
        changed_by: c.opt_id()?,
        created_at_us: c.int()?,
        sequence: c.int()?,
    })
}

fn notice(days: i64) -> Result<Notice, StoreError> {
    let found = Notice::ALL.into_iter().find(|notice| notice.days() == days);
    found.ok_or_else(|| corrupt("a key's notice is not known"))
}

/// Whether the nonce was used.
pub(crate) async fn is_nonce_used(db: &Db, key: KeyId, nonce: [u8; 16]) -> Result<bool, StoreError> {
    Ok(db.one(NONCE_USED, &params![key.0.0, nonce], |c| c.int()).await?.is_some())
}

/// Uses a nonce up.
pub(crate) async fn use_nonce(db: &Db, key: KeyId, nonce: [u8; 16], at_us: i64) -> Result<(), StoreError> {
    db.execute(NONCES_FORGET, &params![at_us.saturating_sub(NONCE_KEPT_US), NONCES_FORGOTTEN_AT_ONCE])
        .await?;
    db.execute(NONCE_INSERT, &params![key.0.0, nonce, at_us]).await?;
    Ok(())
}
