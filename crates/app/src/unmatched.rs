//! What channels told or did that the books do not know.

use crate::Refusal;
use domain::channel::EffectKind;
use domain::id::{AttemptId, CaptureId, ChannelAccountId, Id, RefundId, Uid};
use store::Store;
use store::safekeeping::{KeptNotice, LostEffect};

/// Rows in one read.
const PAGE: u32 = 500;
/// The most kept callbacks that are looked at.
const NOTICES_MAX: usize = 100_000;

/// All of it.
#[derive(Default)]
pub struct Unmatched {
    /// Done after the backup from which the books were restored.
    pub effects: Vec<LostEffect>,
    /// Callbacks about numbers that no row knows.
    pub notices: Vec<KeptNotice>,
}

impl Unmatched {
    /// How many, for a gauge.
    pub(crate) fn count(&self) -> f64 {
        let count = self.effects.len() + self.notices.len();
        u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
    }
}

/// Reads what is noted and leaves out what the books have come to know since, and what a person has dealt with.
///
/// # Errors
/// [`Refusal::StoreUnavailable`].
pub async fn unmatched(store: &dyn Store) -> Result<Unmatched, Refusal> {
    let mut found = Unmatched::default();
    for lost in store.snapshot().await?.lost {
        let open = lost.handled_at_us.is_none();
        if open && !is_known(store, lost.account, lost.effect.kind, lost.effect.number).await? {
            found.effects.push(lost);
        }
    }
    let mut after = None;
    while found.notices.len() < NOTICES_MAX {
        let page = store.kept_notices(after.take(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        for notice in page {
            if notice.handled_at_us.is_none() && !is_any_known(store, notice.key.0, &notice.key.1).await? {
                found.notices.push(notice);
            }
        }
    }
    Ok(found)
}

/// Whether the books have a row of that number at that account: another account's says nothing about this one.
async fn is_known(
    store: &dyn Store,
    account: ChannelAccountId,
    kind: EffectKind,
    number: Uid,
) -> Result<bool, Refusal> {
    let found = match kind {
        EffectKind::Payment => {
            store.attempt(AttemptId::from_uid(number)).await?.map(|attempt| attempt.channel_account)
        }
        EffectKind::Capture => {
            store.capture(CaptureId::from_uid(number)).await?.map(|capture| capture.channel_account)
        }
        EffectKind::Refund => {
            store.refund(RefundId::from_uid(number)).await?.map(|refund| refund.channel_account)
        }
    };
    Ok(found == Some(account))
}

/// A callback's number alone does not tell what it is of.
async fn is_any_known(store: &dyn Store, account: ChannelAccountId, number: &str) -> Result<bool, Refusal> {
    let Some(uid) = Uid::parse(number) else { return Ok(false) };
    for kind in [EffectKind::Payment, EffectKind::Capture, EffectKind::Refund] {
        if is_known(store, account, kind, uid).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
