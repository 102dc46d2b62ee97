//! Callbacks that no row knows yet. They may hold personal data, so they rest sealed; the same one is kept once.

use crate::StoreError;
use crate::db::{Db, Place, params, statements};
use domain::id::ChannelAccountId;

const HEADERS: Place = Place { table: "channel_notice", column: "headers" };
const BODY: Place = Place { table: "channel_notice", column: "body" };

statements! {
    INSERT = "INSERT INTO channel_notice (account, reference, digest, at_us, headers, body) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
}

pub(crate) async fn keep(
    db: &Db,
    account: ChannelAccountId,
    reference: &str,
    headers: &str,
    body: &[u8],
    at_us: i64,
) -> Result<(), StoreError> {
    let digest = crypto::sha256(body);
    let row_id = [account.0.0.as_slice(), reference.as_bytes(), &digest].concat();
    let headers = db.seal(HEADERS, &row_id, headers.as_bytes())?;
    let body = db.seal(BODY, &row_id, body)?;
    db.execute(INSERT, &params![account.0.0, reference, &digest, at_us, headers, body]).await?;
    Ok(())
}
