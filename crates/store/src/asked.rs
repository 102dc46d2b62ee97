//! What a request brings to the control write that it asks for, judged and noted in the write's own transaction.

use crate::control::{Asked, Made};
use crate::db::{Columns, Db, params, statements};
use crate::{StoreError, api_key, head};
use domain::id::{Id, Uid};
use domain::merchant::Head;

statements! {
    MADE_INSERT = "INSERT INTO control_idempotency (merchant, key_hash, fingerprint, object) VALUES (?1, ?2, ?3, ?4)";
    MADE_BEFORE = "SELECT fingerprint, object FROM control_idempotency WHERE merchant = ?1 AND key_hash = ?2";
}

/// Refuses a request whose key epoch moved or whose nonce was used; answers what its idempotency key made before, if it did. The
/// merchant's head stays locked: a key that it was signed with can't be revoked before the commit.
pub(crate) async fn admit(db: &Db, asked: &Asked) -> Result<Option<Made<Uid>>, StoreError> {
    let heads = head::lock(db, asked.merchant.0.shard(), [asked.merchant]).await?;
    judge(db, asked, heads.first()).await
}

/// As [`admit`], where nothing will be written.
pub(crate) async fn look(db: &Db, asked: &Asked) -> Result<Option<Made<Uid>>, StoreError> {
    let head = head::of_merchant(db, asked.merchant.0.shard(), asked.merchant).await?;
    judge(db, asked, head.as_ref()).await
}

async fn judge(db: &Db, asked: &Asked, head: Option<&Head>) -> Result<Option<Made<Uid>>, StoreError> {
    if head.map(|head| head.key_epoch) != Some(asked.key_epoch) {
        return Err(StoreError::Stale);
    }
    if let (Some(key), Some(nonce)) = (asked.key, asked.nonce)
        && api_key::is_nonce_used(db, key, nonce).await?
    {
        return Err(StoreError::NonceUsed);
    }
    let Some((key_hash, fingerprint)) = asked.idempotency else { return Ok(None) };
    let read = |c: &mut Columns<'_>| Ok((c.bytes::<16>()?, c.uid()?));
    let before = db.one(MADE_BEFORE, &params![asked.merchant.0.0, key_hash], read).await?;
    Ok(before.map(|(found, made)| if found == fingerprint { Made::Before(made) } else { Made::KeyReused }))
}

/// Notes the nonce and the idempotency key, with the effect that they stand for.
pub(crate) async fn note<I: Id>(db: &Db, asked: &Asked, object: I) -> Result<(), StoreError> {
    if let (Some(key), Some(nonce)) = (asked.key, asked.nonce) {
        api_key::use_nonce(db, key, nonce, asked.at_us).await?;
    }
    if let Some((key_hash, fingerprint)) = asked.idempotency {
        let values = params![asked.merchant.0.0, key_hash, fingerprint, object.uid().0];
        db.execute(MADE_INSERT, &values).await?;
    }
    Ok(())
}
