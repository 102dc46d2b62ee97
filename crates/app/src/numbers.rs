//! The numbers that channels are sent. Each is made from what the merchant calls the thing: its order number, its refund number,
//! its idempotency key. A channel does nothing twice under one number, so a request that comes again after the books were
//! restored from a backup finds what was done the first time, although these books never heard of it.
//!
//! A refund's number and that of a later try at an order have their payment's time and are found from it and from names that are
//! known. The numbers of first tries and of captures carry the time when they were made; there the list of what channels know and
//! the books do not ([`crate::resume`]) tells the whole number for its last bits.
//!
//! Books that have forgotten an order may be asked for it under any key, and it may be its third try that took money. So all tries
//! of an order are found from its number: the first by [`tail`], later ones by how far the payment had come ([`Uid::nth`]).

use crate::lane::{Command, ReEntry};
use crate::{App, Config};
use domain::channel::{EffectKind, EffectState};
use domain::decide::Number;
use domain::id::{AttemptId, ChannelAccountId, MerchantId, Shard, Uid, nth_tail};
use domain::payment::retry::Tries;
use store::safekeeping::LostEffect;

/// A payment that has come further than this was tried some hundred times. What a channel did for later tries is listed for a person.
const SEQUENCES_MAX: i64 = 500;

impl App {
    /// The number of what a command makes.
    pub(crate) fn number(&self, merchant: MerchantId, command: &Command, re: &ReEntry) -> Number {
        let config = self.config();
        match command {
            Command::CreatePayment(create) => {
                let account = create.account.as_ref().map(|account| account.id);
                order_number(&config, merchant, &create.merchant_order_no, account)
            }
            Command::AddAttempt(add) => Number::Try { order: add.tries.order },
            Command::RequestCapture(capture) => {
                let Some(key) = re.key else { return Number::Fresh };
                let tail = tail(b"capture", &[&capture.payment.0.0, &key.hash]);
                match config.lost(EffectKind::Capture, merchant.0.shard(), tail) {
                    Some(lost) => Number::Known(lost.effect.number),
                    None => Number::Named { tail },
                }
            }
            Command::RequestRefund(refund) => {
                let payment = refund.payment.0;
                let tail = tail(b"refund", &[&merchant.0.0, refund.merchant_refund_no.as_bytes()]);
                Number::Known(Uid::new(payment.at_ms(), payment.shard(), tail))
            }
            Command::ApplyAttempt(..)
            | Command::EndPayment(..)
            | Command::ResolveMismatch(_)
            | Command::ApplyCapture(..)
            | Command::PreviewRefund(_)
            | Command::ApplyRefund(..)
            | Command::ProposeAdjustment(_)
            | Command::DecideAdjustment(_)
            | Command::ReceiveAdjustment(_)
            | Command::SettleAdjustment(_)
            | Command::Mature(_)
            | Command::MoveClock(_)
            | Command::RaiseKeyEpoch(_)
            | Command::CloseDay(_)
            | Command::OpenDay(_) => Number::Fresh,
        }
    }
}

/// The name that later tries at an order are found from.
fn order_name(merchant: MerchantId, merchant_order_no: &str) -> u64 {
    tail(b"attempt", &[&merchant.0.0, merchant_order_no.as_bytes()])
}

/// What is known of the tries at an order besides the books, for one more at this account.
pub(crate) fn tries_at(
    config: &Config,
    merchant: MerchantId,
    merchant_order_no: &str,
    account: Option<ChannelAccountId>,
) -> Tries {
    let order = order_name(merchant, merchant_order_no);
    let (mut forgotten, mut last) = (Vec::new(), 0);
    for (sequence, lost) in lost_tries(config, merchant.0.shard(), order) {
        last = last.max(sequence);
        if Some(lost.account) == account {
            forgotten.push(AttemptId(lost.effect.number));
        }
    }
    Tries { order, forgotten, last }
}

/// Later tries at an order that a channel knows and the books did not when they were restored, the last one first, with how far the
/// payment had come.
fn lost_tries(config: &Config, shard: Shard, order: u64) -> impl Iterator<Item = (i64, &LostEffect)> {
    let sequences = if config.has_lost() { SEQUENCES_MAX } else { 0 };
    (1..=sequences)
        .rev()
        .filter_map(move |n| Some((n, config.lost(EffectKind::Payment, shard, nth_tail(order, n))?)))
}

/// The number of an order's first try; of one that a channel knows, when the books have forgotten it.
fn order_number(
    config: &Config,
    merchant: MerchantId,
    merchant_order_no: &str,
    account: Option<ChannelAccountId>,
) -> Number {
    let tail = tail(b"payment", &[&merchant.0.0, merchant_order_no.as_bytes()]);
    let shard = merchant.0.shard();
    // Another account's channel does not know the number: it would do the thing once more, and hide what was done.
    let is_here = |lost: &&LostEffect| Some(lost.account) == account;
    let first = config.lost(EffectKind::Payment, shard, tail).filter(is_here);
    let tries = lost_tries(config, shard, order_name(merchant, merchant_order_no));
    let later = tries.map(|(_, lost)| lost).find(is_here);
    // While one of them may take money no other is made, so what took money is the one that counts.
    let took_money = |lost: &&LostEffect| lost.effect.state != EffectState::Open;
    match (first, later) {
        (Some(first), later) if took_money(&first) || later.is_none() => Number::Known(first.effect.number),
        (_, Some(later)) => {
            let number = later.effect.number;
            Number::Later { first: Uid::new(number.at_ms(), shard, tail), number }
        }
        (_, None) => Number::Named { tail },
    }
}

/// The last bits of an id as [`Uid::tail`] reads them.
fn tail(noun: &[u8], parts: &[&[u8]]) -> u64 {
    let mut hash = crypto::Sha256::new();
    for part in [b"feiqian channel number v1", noun].iter().chain(parts) {
        // Lengths keep the parts apart.
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let bits = hash.finish().first_chunk::<8>().copied().unwrap_or_default();
    Uid::new(0, Shard(0), u64::from_be_bytes(bits)).tail()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers are found again years later: what they are made of may not change.
    #[test]
    fn tails_are_fixed_and_keep_their_parts_apart() {
        assert_eq!(tail(b"payment", &[b"merchant", b"ORDER-1"]), PAYMENT_TAIL);
        let others = [
            tail(b"refund", &[b"merchant", b"ORDER-1"]),
            tail(b"payment", &[b"merchantO", b"RDER-1"]),
            tail(b"payment", &[b"merchant", b"ORDER-2"]),
        ];
        assert!(others.iter().all(|other| *other != PAYMENT_TAIL));
    }

    /// Computed by an independent program.
    const PAYMENT_TAIL: u64 = 4262403915358162688;
}
