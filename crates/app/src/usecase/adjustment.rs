//! Adjustments between merchants: proposed and approved by people, moved in two halves. The second half is a job of the giver's
//! shard, committed with the first; it goes through the receiver's lane, where a row under the adjustment's id keeps it from being
//! booked twice, so any node may do it, at any time, again.

use crate::lane::Command;
use crate::{App, Refusal};
use domain::adjustment::{
    self, Adjustment, Corrected, DecideAdjustment, Person, ProposeAdjustment, Reason, SettleAdjustment,
    Verdict,
};
use domain::id::{AdjustmentId, MerchantId};
use money::{Amount, MAX_WIRE};

/// An adjustment to be proposed. Whoever asks makes the id, so that asking twice is asking once.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the options of `feiqian adjustment propose`
pub struct NewAdjustment {
    pub id: AdjustmentId,
    pub from: MerchantId,
    pub to: MerchantId,
    pub corrects: Corrected,
    /// Minor units of the currency of what is corrected.
    pub amount_minor: i64,
    pub reason: Reason,
    pub by: Person,
}

impl App {
    /// Asks for an adjustment; nothing is booked before another person approves it.
    ///
    /// # Errors
    /// [`Refusal::FieldInvalid`], [`Refusal::NotFound`], rejections of [`adjustment::propose`].
    pub async fn propose_adjustment(&self, new: NewAdjustment) -> Result<Adjustment, Refusal> {
        self.refresh_config().await;
        let config = self.config();
        if config.merchant(new.from).is_none() || config.merchant(new.to).is_none() {
            return Err(Refusal::NotFound("merchant"));
        }
        let shard = new.from.0.shard();
        if new.from == new.to || new.to.0.shard().world() != shard.world() {
            return Err(invalid("/to", "another merchant of the same world as --from"));
        }
        if new.id.0.shard() != shard {
            return Err(invalid("/id", "an id of the giver's shard"));
        }
        if !(1..=MAX_WIRE).contains(&new.amount_minor) {
            return Err(invalid("/amount", &format!("1 to {MAX_WIRE} minor units")));
        }
        let corrected = self.corrected(&new).await?;
        let command = ProposeAdjustment {
            id: new.id,
            merchant: new.from,
            receiver: new.to,
            amount: Amount::new(new.amount_minor, corrected.currency()),
            corrects: new.corrects,
            reason: new.reason,
            by: new.by,
        };
        let reply = self.apply(new.from, Command::ProposeAdjustment(Box::new(command))).await?;
        reply.adjustment.ok_or(Refusal::Internal)
    }

    /// What is corrected, an object of one of the two; its amount.
    async fn corrected(&self, new: &NewAdjustment) -> Result<Amount, Refusal> {
        let is_theirs = |merchant| merchant == new.from || merchant == new.to;
        match new.corrects {
            Corrected::Payment(id) => {
                let found = self.store().payment(id).await?.filter(|payment| is_theirs(payment.merchant));
                found.map(|payment| payment.amount).ok_or(Refusal::NotFound("payment of one of the two"))
            }
            Corrected::Refund(id) => {
                let found = self.store().refund(id).await?.filter(|refund| is_theirs(refund.merchant));
                found.map(|refund| refund.amount).ok_or(Refusal::NotFound("refund of one of the two"))
            }
        }
    }

    /// Another person decides. With an approval the giver's half is booked and the receiver's follows; answers the adjustment
    /// as it is then, or in transit when that takes longer.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], rejections of [`adjustment::decide`].
    pub async fn decide_adjustment(
        &self,
        id: AdjustmentId,
        verdict: Verdict,
        by: Person,
    ) -> Result<Adjustment, Refusal> {
        let merchant = self.adjustment(id).await?.merchant;
        let command = DecideAdjustment { id, merchant, verdict, by };
        let app = self.clone();
        self.detached(async move {
            let reply = app.apply(merchant, Command::DecideAdjustment(Box::new(command))).await?;
            let decided = reply.adjustment.ok_or(Refusal::Internal)?;
            if decided.status != adjustment::Status::InTransit {
                return Ok(decided);
            }
            Ok(app.deliver(&decided).await.unwrap_or_else(|refusal| {
                tracing::warn!(?refusal, adjustment = %id, "its second half is booked later");
                decided
            }))
        })
        .await
    }

    /// Books the second half and notes it with the first. What is done already is done no second time.
    pub(crate) async fn deliver(&self, adjustment: &Adjustment) -> Result<Adjustment, Refusal> {
        let Adjustment { id, merchant, receiver, amount, corrects, .. } = *adjustment;
        let receive = adjustment::Receive { adjustment: id, merchant: receiver, amount, corrects };
        self.apply(receiver, Command::ReceiveAdjustment(receive)).await?;
        let settle = SettleAdjustment { id, merchant };
        let reply = self.apply(merchant, Command::SettleAdjustment(settle)).await?;
        reply.adjustment.ok_or(Refusal::Internal)
    }

    /// One adjustment.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn adjustment(&self, id: AdjustmentId) -> Result<Adjustment, Refusal> {
        if !self.store().shards().contains(&id.0.shard()) {
            return Err(Refusal::NotFound("adjustment"));
        }
        self.store().adjustment(id).await?.ok_or(Refusal::NotFound("adjustment"))
    }
}

fn invalid(pointer: &'static str, detail: &str) -> Refusal {
    Refusal::FieldInvalid { pointer, detail: detail.to_owned() }
}
