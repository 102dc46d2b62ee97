//! Callbacks that no row knows yet. They may hold personal data, so they rest sealed; the same one is kept once.

use crate::StoreError;
use crate::db::{Db, KeyVersion, params, statements, storable};
use crate::place::Place;
use crate::safekeeping::{KeptNotice, NoticeKey};
use domain::Uid;
use domain::id::ChannelAccountId;

statements! {
    INSERT = "INSERT INTO channel_notice (account, reference, digest, at_us, headers, body) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    HANDLED = "UPDATE channel_notice SET handled_at_us = ?3 WHERE account = ?1 AND reference = ?2";
    KEPT = "SELECT account, reference, digest, at_us, handled_at_us, body FROM channel_notice \
        WHERE (account, reference, digest) > (?1, ?2, ?3) ORDER BY account, reference, digest LIMIT ?4";
}

pub(crate) async fn keep(
    db: &Db,
    version: KeyVersion,
    account: ChannelAccountId,
    reference: &str,
    headers: &str,
    body: &[u8],
    at_us: i64,
) -> Result<(), StoreError> {
    // As the row will hold it: the seal names the row by it.
    let reference = &*storable(reference);
    let digest = crypto::sha256(body);
    let row_id = row_id(account, reference, &digest);
    let headers = db.seal(version, Place::NoticeHeaders, &row_id, headers.as_bytes())?;
    let body = db.seal(version, Place::NoticeBody, &row_id, body)?;
    db.execute(INSERT, &params![account.0.0, reference, &digest, at_us, headers, body]).await?;
    Ok(())
}

/// Names the row for the seal.
fn row_id(account: ChannelAccountId, reference: &str, digest: &[u8; 32]) -> Vec<u8> {
    [account.0.0.as_slice(), reference.as_bytes(), digest].concat()
}

pub(crate) async fn kept(
    db: &Db,
    after: Option<NoticeKey>,
    limit: u32,
) -> Result<Vec<KeptNotice>, StoreError> {
    let start = (ChannelAccountId(Uid([0; 16])), String::new(), [0; 32]);
    let (account, reference, digest) = after.unwrap_or(start);
    db.all(KEPT, &params![account.0.0, &reference, &digest, limit], |c| {
        let (account, reference, digest): (ChannelAccountId, String, [u8; 32]) =
            (c.id()?, c.string()?, c.bytes()?);
        let (at_us, handled_at_us) = (c.int()?, c.opt_int()?);
        let body = db.open(Place::NoticeBody, &row_id(account, &reference, &digest), c.blob()?)?;
        Ok(KeptNotice { key: (account, reference, digest), at_us, handled_at_us, body })
    })
    .await
}

/// Of all callbacks about a number; true when there was one.
pub(crate) async fn mark_handled(
    db: &Db,
    account: ChannelAccountId,
    reference: &str,
    at_us: i64,
) -> Result<bool, StoreError> {
    Ok(db.execute(HANDLED, &params![account.0.0, reference, at_us]).await? > 0)
}
