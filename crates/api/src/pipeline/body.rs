//! Reading a body: once, and bounded in size, in time, and together with all others.

use crate::problem::{Code, Problem};
use crate::state::Shared;
use crate::text::Text;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// What a body takes of the bytes of all; given back when it is dropped.
pub type Share = Option<OwnedSemaphorePermit>;

/// So much of each body is taken whatever others hold: nearly every request is smaller.
const FREE_BYTES: usize = 16 * 1024;
/// Bytes of a body that is too large, read and thrown away.
const DISCARDED_MAX_BYTES: usize = 1024 * 1024;
/// After so many seconds it may be tried again, where others' bodies were in the way.
const RETRY_AFTER_S: u64 = 1;

/// A body whose chunks make no sense, or whose client broke off: that one does not read the answer.
const BROKEN: Text = Text::fixed(
    "The body did not come whole: its transfer coding is broken.",
    "请求体不完整：其传输编码有误。",
);

/// Reads a body.
///
/// # Errors
/// `malformed_json` for one that does not come whole, `body_too_large`, `body_timeout`, `overloaded` when other bodies take all that bodies may.
pub async fn read_body(
    state: &Shared,
    headers: &HeaderMap,
    mut body: Body,
) -> Result<(Bytes, Share), Problem> {
    let read = read_within(state, headers, &mut body);
    match timeout(Duration::from_millis(state.config.body_timeout_ms), read).await {
        Ok(result) => result,
        Err(_) => Err(Problem::new(Code::BodyTimeout)),
    }
}

async fn read_within(
    state: &Shared,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<(Bytes, Share), Problem> {
    let max_bytes = state.config.body_max_bytes;
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > u64::try_from(max_bytes).unwrap_or(u64::MAX)) {
        // Who asks before sending gets the answer instead of a "continue".
        if !headers.contains_key(EXPECT) {
            discard(body).await;
        }
        return Err(Problem::new(Code::BodyTooLarge));
    }
    // What is announced is not touched before it comes, and is never grown by doubling.
    let announced = declared.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    let (mut read, mut share) = (BytesMut::with_capacity(announced), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::detailed(Code::MalformedJson, BROKEN))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = read.len().saturating_add(data.len());
        if length > max_bytes {
            drop((read, share));
            discard(body).await;
            return Err(Problem::new(Code::BodyTooLarge));
        }
        if let Err(problem) = take_share(state, &mut share, length) {
            drop((read, share));
            discard(body).await;
            return Err(problem);
        }
        read.extend_from_slice(&data);
    }
    Ok((read.freeze(), share))
}

/// Takes what a body of this length needs more than it has.
fn take_share(state: &Shared, share: &mut Share, length: usize) -> Result<(), Problem> {
    let wanted_kib = length.saturating_sub(FREE_BYTES).div_ceil(1024);
    let held_kib = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let more_kib = u32::try_from(wanted_kib.saturating_sub(held_kib)).unwrap_or(u32::MAX);
    if more_kib == 0 {
        return Ok(());
    }
    let full = |_| Problem::new(Code::Overloaded).with(|parts| parts.retry_after_s = Some(RETRY_AFTER_S));
    let more = Arc::clone(&state.bodies).try_acquire_many_owned(more_kib).map_err(full)?;
    match share {
        Some(held) => held.merge(more),
        None => *share = Some(more),
    }
    Ok(())
}

/// Reads the rest of a refused body, within a bound: a connection closed on a client that still sends is reset, and the
/// client never sees the refusal.
async fn discard(body: &mut Body) {
    let mut discarded = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        discarded = discarded.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if discarded > DISCARDED_MAX_BYTES {
            return;
        }
    }
}
