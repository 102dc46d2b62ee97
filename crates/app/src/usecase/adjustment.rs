//! Adjustments between merchants: proposed and approved by people, moved in two halves. The second half is a job of the giver's
//! shard, committed with the first; it goes through the receiver's lane, where a row under the adjustment's id keeps it from being
//! booked twice, so any node may do it, at any time, again.

use crate::lane::Command;
use crate::{App, Refusal};
use domain::adjustment::{
    self, Adjustment, Corrected, DecideAdjustment, Person, ProposeAdjustment, Reason, SettleAdjustment,
    Verdict,
};
use domain::id::{AdjustmentId, MerchantId, PaymentId, RefundId, Uid};
use money::{Amount, MAX_WIRE};
use std::time::Duration;
use tokio::sync::oneshot;

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
        if self.is_taken(new.id.0).await? {
            return Err(invalid("/id", "the id of another object"));
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

    /// The journal names what caused its lines by an id without a noun.
    async fn is_taken(&self, id: Uid) -> Result<bool, Refusal> {
        let store = self.store();
        Ok(store.payment(PaymentId(id)).await?.is_some() || store.refund(RefundId(id)).await?.is_some())
    }

    /// What is corrected, an object of one of the two; its amount.
    async fn corrected(&self, new: &NewAdjustment) -> Result<Amount, Refusal> {
        let found = self.amount_of(new.corrects).await?;
        let theirs = found.filter(|(merchant, _)| [new.from, new.to].contains(merchant));
        theirs.map(|(_, amount)| amount).ok_or(Refusal::NotFound(match new.corrects {
            Corrected::Payment(_) => "payment of one of the two",
            Corrected::Refund(_) => "refund of one of the two",
        }))
    }

    /// Whose an object is, and how much it is about.
    async fn amount_of(&self, object: Corrected) -> Result<Option<(MerchantId, Amount)>, Refusal> {
        if !self.store().shards().contains(&object.uid().shard()) {
            return Ok(None);
        }
        Ok(match object {
            Corrected::Payment(id) => {
                self.store().payment(id).await?.map(|found| (found.merchant, found.amount))
            }
            Corrected::Refund(id) => {
                self.store().refund(id).await?.map(|found| (found.merchant, found.amount))
            }
        })
    }

    /// A person decides; another one than proposed it, to approve. With an approval the giver's half is booked and the receiver's follows;
    /// answers the adjustment as it is then, or in transit when that takes longer. All that one merchant gives for one object is no more
    /// than that object, unless `beyond` says that it may be.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Held`] for an approval, rejections of [`adjustment::decide`].
    pub async fn decide_adjustment(
        &self,
        id: AdjustmentId,
        verdict: Verdict,
        by: Person,
        beyond: bool,
    ) -> Result<Adjustment, Refusal> {
        if verdict == Verdict::Approve {
            // Books that were restored may lack refunds which take what is there.
            self.0.gate.open()?;
        }
        let Adjustment { merchant, corrects, .. } = self.adjustment(id).await?;
        let limit_minor = match beyond {
            true => None,
            // It was there when it was proposed, and goes never; without it nothing bounds what is given.
            false => Some(self.amount_of(corrects).await?.ok_or(Refusal::Internal)?.1.minor()),
        };
        let command = DecideAdjustment { id, merchant, verdict, by, corrects, limit_minor };
        let app = self.clone();
        self.detached(async move {
            let reply = app.apply(merchant, Command::DecideAdjustment(Box::new(command))).await?;
            let decided = reply.adjustment.ok_or(Refusal::Internal)?;
            if decided.status != adjustment::Status::InTransit {
                return Ok(decided);
            }
            let within = Duration::from_millis(app.0.settings.sync_wait_ms);
            let ended = tokio::time::timeout(within, app.begin_delivery(decided.clone())).await;
            Ok(ended.ok().and_then(Result::ok).flatten().unwrap_or(decided))
        })
        .await
    }

    /// Goes on by itself, however long whoever waits for it waits.
    fn begin_delivery(&self, adjustment: Adjustment) -> oneshot::Receiver<Option<Adjustment>> {
        let (done, wait) = oneshot::channel();
        let app = self.clone();
        self.spawn(async move {
            // Nobody may wait any more.
            let _ = done.send(app.deliver_or_later(&adjustment).await);
        });
        wait
    }

    /// Books the second half; what can't be done now stays due.
    pub(crate) async fn deliver_or_later(&self, adjustment: &Adjustment) -> Option<Adjustment> {
        self.deliver(adjustment)
            .await
            .inspect_err(|refusal| {
                tracing::warn!(?refusal, adjustment = %adjustment.id, "its second half is booked later");
            })
            .ok()
    }

    /// Books the second half and notes it with the first. What is done already is done no second time.
    async fn deliver(&self, adjustment: &Adjustment) -> Result<Adjustment, Refusal> {
        let Adjustment { id, merchant, receiver, amount, corrects, .. } = *adjustment;
        let receive = adjustment::Receive { adjustment: id, merchant: receiver, amount, corrects };
        self.submit_own(receiver, Command::ReceiveAdjustment(receive)).await?;
        let settle = SettleAdjustment { id, merchant };
        let reply = self.submit_own(merchant, Command::SettleAdjustment(settle)).await?;
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
