//! What channels did and the books do not know: since the moment of the backup, or of a row that had ended by then.

use super::{AT_ONCE, Open, Resumed};
use crate::{App, Refusal};
use channels::Effects;
use domain::channel::{Effect, EffectKind, EffectState};
use domain::id::{AttemptId, CaptureId, ChannelAccountId, Id, RefundId};
use domain::payment::EXPIRES_IN_MAX_US;
use domain::{attempt, capture, refund};
use futures::StreamExt;
use futures::stream;
use store::safekeeping::LostEffect;

/// The most effects that are noted as lost.
const LOST_MAX: usize = 1_000_000;
/// How many of them are noted in one write.
const KEPT_AT_ONCE: usize = 500;
/// What was made so long before the moment of the books is in them, however far nodes' clocks were apart.
const CLOCKS_APART_MS: u64 = 86_400_000;

/// How the books stand to something that a channel did.
enum Standing {
    /// They have it, or it goes on by itself.
    Known,
    /// They have no such row.
    Unknown,
    /// The row ended without it: a channel that does it after all tells that once, and it may have told before the disk was lost.
    Ended(Open),
}

impl App {
    /// Lists what each channel knows and the books do not. Answers what they hold as ended otherwise, to be asked about.
    pub(super) async fn note_lost(&self, resumed: &mut Resumed) -> Result<Vec<Open>, Refusal> {
        let mut ended = Vec::new();
        for account in self.0.gate.accounts() {
            let Some(questions) = self.0.gate.questions(account) else { continue };
            let effects = match questions.effects().await {
                Effects::Listed(effects) => effects,
                Effects::NoList => {
                    resumed.without_list.push(account);
                    continue;
                }
                Effects::Unavailable => {
                    resumed.unanswered.push(account.to_string());
                    continue;
                }
            };
            let effects = effects.into_iter().filter(|effect| self.may_be_news(effect));
            let stood = stream::iter(effects).map(|effect| async move {
                let standing = self.standing(account, &effect).await?;
                Ok::<_, Refusal>((effect, standing))
            });
            let stood: Vec<_> = stood.buffer_unordered(AT_ONCE).collect().await;
            let mut unknown = Vec::new();
            for one in stood {
                match one? {
                    (_, Standing::Known) => {}
                    (effect, Standing::Unknown) => unknown.push(effect),
                    (_, Standing::Ended(open)) => ended.push(open),
                }
            }
            self.keep_lost(account, unknown, resumed).await?;
        }
        Ok(ended)
    }

    async fn keep_lost(
        &self,
        account: ChannelAccountId,
        effects: Vec<Effect>,
        resumed: &mut Resumed,
    ) -> Result<(), Refusal> {
        let all = effects.len();
        if all > LOST_MAX {
            tracing::error!(account = %account, all, "only the first lost effects are noted");
        }
        let found_at_us = self.0.clock.real_now_us();
        let effects = effects.into_iter().take(LOST_MAX);
        let lost: Vec<_> =
            effects.map(|effect| LostEffect { account, effect, found_at_us, handled_at_us: None }).collect();
        for some in lost.chunks(KEPT_AT_ONCE) {
            self.store().keep_lost(some).await?;
        }
        resumed.lost += u64::try_from(all).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Whether the books may not know it, by the time in its number. That of a try is its payment's, which may be
    /// tried until it expires. Captures and refunds are few: a channel may do one that the books hold as failed at any time.
    fn may_be_news(&self, effect: &Effect) -> bool {
        let Some(restored) = self.config().restored else { return true };
        let books_of_ms = u64::try_from(restored.books_of_us / 1_000).unwrap_or(0);
        let is_since = |window_ms: u64| effect.number.at_ms() >= books_of_ms.saturating_sub(window_ms);
        match effect.kind {
            EffectKind::Payment => is_since(CLOCKS_APART_MS + EXPIRES_IN_MAX_US.unsigned_abs() / 1_000),
            EffectKind::Capture | EffectKind::Refund => true,
        }
    }

    /// A row of another account says nothing about this one.
    async fn standing(&self, account: ChannelAccountId, effect: &Effect) -> Result<Standing, Refusal> {
        let (store, number) = (self.store(), effect.number);
        let is_done = effect.state != EffectState::Open;
        let ended = match effect.kind {
            EffectKind::Payment => store
                .attempt(AttemptId::from_uid(number))
                .await?
                .filter(|attempt| attempt.channel_account == account)
                .map(|attempt| {
                    let unpaid = matches!(attempt.status, attempt::Status::Failed | attempt::Status::Closed);
                    (is_done && unpaid).then(|| Open::Attempt(Box::new(attempt)))
                }),
            EffectKind::Capture => store
                .capture(CaptureId::from_uid(number))
                .await?
                .filter(|capture| capture.channel_account == account)
                .map(|capture| {
                    let failed = capture.status == capture::Status::Failed;
                    (is_done && failed).then(|| Open::Capture(Box::new(capture)))
                }),
            EffectKind::Refund => store
                .refund(RefundId::from_uid(number))
                .await?
                .filter(|refund| refund.channel_account == account)
                .map(|refund| {
                    let failed = refund.status == refund::Status::Failed;
                    (is_done && failed).then(|| Open::Refund(Box::new(refund)))
                }),
        };
        Ok(match ended {
            None => Standing::Unknown,
            Some(None) => Standing::Known,
            Some(Some(open)) => Standing::Ended(open),
        })
    }
}
