//! The numbers that channels are sent. Each is made from what the merchant calls the thing: its order number, its refund number,
//! its idempotency key. A channel does nothing twice under one number, so a request that comes again after the books were
//! restored from a backup finds what was done the first time, although these books never heard of it.
//!
//! A refund's number is found from its payment and the merchant's number alone. That of a payment, of a later attempt and of a
//! capture carries the time when it was made; there the list of what channels know and the books do not
//! ([`crate::resume`]) tells the whole number for its last bits.

use crate::lane::{Command, ReEntry};
use crate::{App, Config};
use domain::channel::EffectKind;
use domain::decide::Number;
use domain::id::{Id, MerchantId, Uid};

impl App {
    /// The number of what a command makes.
    pub(crate) fn number(&self, merchant: MerchantId, command: &Command, re: &ReEntry) -> Number {
        let config = self.config();
        let by_key = |noun: &[u8], object: Uid| re.key.map(|key| tail(noun, &[&object.0, &key.hash]));
        match command {
            Command::CreatePayment(create) => {
                let tail = tail(b"payment", &[&merchant.0.0, create.merchant_order_no.as_bytes()]);
                known_or_named(&config, EffectKind::Payment, merchant, Some(tail))
            }
            Command::AddAttempt(add) => {
                known_or_named(&config, EffectKind::Payment, merchant, by_key(b"attempt", add.payment.uid()))
            }
            Command::RequestCapture(capture) => {
                let tail = by_key(b"capture", capture.payment.uid());
                known_or_named(&config, EffectKind::Capture, merchant, tail)
            }
            Command::RequestRefund(refund) => {
                let payment = refund.payment.uid();
                let tail = tail(b"refund", &[&merchant.0.0, refund.merchant_refund_no.as_bytes()]);
                Number::Known(Uid::new(payment.at_ms(), payment.shard(), tail))
            }
            Command::ApplyAttempt(..)
            | Command::EndPayment(..)
            | Command::ResolveMismatch(_)
            | Command::ApplyCapture(..)
            | Command::PreviewRefund(_)
            | Command::ApplyRefund(..)
            | Command::Mature(_)
            | Command::MoveClock(_)
            | Command::RaiseKeyEpoch(_)
            | Command::CloseDay(_)
            | Command::OpenDay(_) => Number::Fresh,
        }
    }
}

fn known_or_named(config: &Config, kind: EffectKind, merchant: MerchantId, tail: Option<u64>) -> Number {
    let Some(tail) = tail else { return Number::Fresh };
    match config.lost(kind, tail).filter(|number| number.shard() == merchant.0.shard()) {
        Some(number) => Number::Known(number),
        None => Number::Named { tail },
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
    Uid::new(0, domain::id::Shard(0), u64::from_be_bytes(bits)).tail()
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
