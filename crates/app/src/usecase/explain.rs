//! Why an object is as it is: its history, the price and its arithmetic, the route.

use crate::{App, Caller, Refusal};
use domain::api_key::Owner;
use domain::event::Type;
use domain::id::{KeyId, PartnerId, PaymentId, PriceId, RefundId};
use domain::payment::Payment;

/// An object explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What happened, oldest first.
    pub history: Vec<HistoryItem>,
    /// How the fee was computed; `None` while nothing is captured.
    pub price: Option<PriceExplained>,
    /// Which channel account was chosen, per attempt, and why.
    pub route: Vec<String>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct HistoryItem {
    /// Business time, microseconds.
    pub at_us: i64,
    /// A type of event, or what an attempt came to.
    pub what: String,
    /// The status before, if a status changed.
    pub detail: Option<String>,
    /// Who asked for it.
    pub acting: Acting,
}

/// Who asked for something, as far as the reader may know. Both empty for what the platform did itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acting {
    /// The key: one of the merchant's, or of the partner that reads.
    pub key: Option<KeyId>,
    /// The partner whose key it was.
    pub partner: Option<PartnerId>,
}

/// A fee derived again from the stored price version. Equal to what was booked.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the fields of WIRE
pub struct PriceExplained {
    pub version: PriceId,
    pub version_number: i64,
    pub rate: String,
    pub fixed_minor: i64,
    pub minimum_minor: i64,
    pub cap_minor: Option<i64>,
    pub exact: String,
    pub rounded_minor: i64,
    pub difference: String,
    pub booked_minor: i64,
}

impl App {
    /// Explains a payment.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn explain_payment(&self, caller: &Caller, id: PaymentId) -> Result<Explanation, Refusal> {
        let payment = self.own_payment(caller, id).await?;
        let mut history = vec![HistoryItem {
            at_us: payment.created_at_us,
            what: "payment recorded".to_owned(),
            detail: None,
            acting: self.acting(caller, payment.details.created_by),
        }];
        let mut route = Vec::new();
        for attempt in self.store().attempts_of(id).await? {
            history.push(HistoryItem {
                at_us: attempt.updated_at_us,
                what: format!("attempt {} {}", attempt.id, attempt.status),
                detail: attempt
                    .contradiction
                    .clone()
                    .or_else(|| attempt.failure.as_ref().map(|f| f.code.clone())),
                acting: self.acting(caller, attempt.acting_key),
            });
            route.push(format!(
                "{}: channel account {}, the one enabled for method {}",
                attempt.id, attempt.channel_account, attempt.method
            ));
        }
        for capture in self.store().captures_of(id).await? {
            history.push(HistoryItem {
                at_us: capture.updated_at_us,
                what: format!("capture {} {}", capture.id, capture.status),
                detail: capture.failure.as_ref().map(|f| f.code.clone()),
                acting: self.acting(caller, capture.acting_key),
            });
        }
        let mut told = self.told(id.0).await?;
        for closed in told.iter_mut().filter(|item| item.what == Type::PaymentClosed.as_str()) {
            closed.acting = self.acting(caller, payment.ended_by);
        }
        history.extend(told);
        history.sort_by_key(|item| item.at_us);
        Ok(Explanation { history, price: self.explain_price(&payment), route })
    }

    /// A merchant knows its own keys, and of its partner's only that it was the partner; a partner knows its own keys too.
    fn acting(&self, caller: &Caller, key: Option<KeyId>) -> Acting {
        let config = self.config();
        let owner_of = |key: KeyId| config.key(key).map(|it| it.key.owner);
        let Some((id, owner)) = key.and_then(|id| owner_of(id).map(|owner| (id, owner))) else {
            return Acting::default();
        };
        let reader = caller.key.and_then(owner_of);
        match owner {
            Owner::Merchant(merchant) => {
                Acting { key: (merchant == caller.merchant).then_some(id), partner: None }
            }
            Owner::Partner(partner) => {
                Acting { key: (reader == Some(owner)).then_some(id), partner: Some(partner) }
            }
        }
    }

    /// Explains a refund.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn explain_refund(&self, caller: &Caller, id: RefundId) -> Result<Explanation, Refusal> {
        let refund = self.refund(caller, id).await?;
        let payment = self.own_payment(caller, refund.payment).await?;
        let mut history = vec![HistoryItem {
            at_us: refund.created_at_us,
            what: "refund accepted".to_owned(),
            detail: refund.reason.clone(),
            acting: self.acting(caller, refund.acting_key),
        }];
        history.extend(self.told(id.0).await?);
        let route = vec![format!(
            "back through {}, which took the payment, by channel account {}",
            refund.attempt, refund.channel_account
        )];
        Ok(Explanation { history, price: self.explain_price(&payment), route })
    }

    async fn told(&self, object: domain::Uid) -> Result<Vec<HistoryItem>, Refusal> {
        let events = self.store().events_of_object(object.shard(), object).await?;
        Ok(events
            .into_iter()
            .map(|event| HistoryItem {
                at_us: event.created_at_us,
                what: event.kind.as_str().to_owned(),
                detail: Some(event.id.to_string()),
                acting: Acting::default(),
            })
            .collect())
    }

    fn explain_price(&self, payment: &Payment) -> Option<PriceExplained> {
        let booked_minor = payment.fee_minor?;
        let config = self.config();
        let price = config.price(payment.price)?;
        let fee = price.rule.fee(payment.captured_minor).ok()?;
        Some(PriceExplained {
            version: price.id,
            version_number: price.version,
            rate: price.rule.rate.to_string(),
            fixed_minor: price.rule.fixed_minor,
            minimum_minor: price.rule.minimum_minor,
            cap_minor: price.rule.cap_minor,
            exact: fee.exact_string(),
            rounded_minor: fee.rounded_minor,
            difference: fee.difference_string(),
            booked_minor,
        })
    }
}
