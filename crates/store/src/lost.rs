//! What a channel did and these books do not know.

use crate::StoreError;
use crate::db::{Db, params, statements};
use crate::safekeeping::LostEffect;
use domain::channel::{Effect, EffectKind, EffectState};
use domain::id::{ChannelAccountId, Uid};

statements! {
    KEEP = "INSERT INTO lost_effect (account, number, kind, trade, status, channel_no, amount_minor, currency, at_us, \
        found_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
    SNAPSHOT = "SELECT account, number, kind, trade, status, channel_no, amount_minor, currency, at_us, found_at_us, \
        handled_at_us FROM lost_effect";
    HANDLED = "UPDATE lost_effect SET handled_at_us = ?3 WHERE account = ?1 AND number = ?2";
}

pub(crate) async fn keep(db: &Db, lost: &[LostEffect]) -> Result<(), StoreError> {
    for LostEffect { account, effect, found_at_us, .. } in lost {
        db.execute(
            KEEP,
            &params![
                account.0.0,
                effect.number.0,
                effect.kind.as_str(),
                effect.trade.0,
                effect.state.as_str(),
                &effect.channel_no,
                effect.amount.minor(),
                effect.amount.currency().numeric(),
                effect.at_us,
                *found_at_us,
            ],
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn all(db: &Db) -> Result<Vec<LostEffect>, StoreError> {
    db.all(SNAPSHOT, &[], |c| {
        let account = c.id()?;
        let (number, kind, trade) = (c.uid()?, c.word(EffectKind::parse)?, c.uid()?);
        let (state, channel_no) = (c.word(EffectState::parse)?, c.string()?);
        let (amount, at_us) = (c.amount()?, c.int()?);
        let effect = Effect { kind, number, trade, state, channel_no, amount, at_us };
        Ok(LostEffect { account, effect, found_at_us: c.int()?, handled_at_us: c.opt_int()? })
    })
    .await
}

/// True when it was noted.
pub(crate) async fn mark_handled(
    db: &Db,
    account: ChannelAccountId,
    number: Uid,
    at_us: i64,
) -> Result<bool, StoreError> {
    Ok(db.execute(HANDLED, &params![account.0.0, number.0, at_us]).await? > 0)
}
