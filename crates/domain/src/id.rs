//! Identifiers: UUID version 7 (RFC 9562) with the shard in `rand_a`, written outside as a prefix and 26 characters of
//! lower-case Crockford base32. Any id names its shard and so its world without a look-up. An id is not a cursor.

use std::fmt;

/// A shard of the money tables, 12 bits. Even shards belong to the live world, odd ones to the sandbox, so that every
/// id names its world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard(pub u16);

/// The two worlds. No money row, account, lane or chain is shared between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum World {
    /// Real money.
    Live,
    /// The developers' world: its own shards, clock and channel.
    Sandbox,
}

impl World {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            World::Live => "live",
            World::Sandbox => "sandbox",
        }
    }

    /// Reads the wire name.
    pub fn parse(text: &str) -> Option<World> {
        match text {
            "live" => Some(World::Live),
            "sandbox" => Some(World::Sandbox),
            _ => None,
        }
    }

    /// The shard of this world that every installation has; the only one on an engine with one shard per world.
    pub fn first_shard(self) -> Shard {
        match self {
            World::Live => Shard(0),
            World::Sandbox => Shard(1),
        }
    }
}

impl Shard {
    /// The largest shard number.
    pub const MAX: u16 = 0x0fff;

    /// The world this shard belongs to.
    pub fn world(self) -> World {
        if self.0 & 1 == 1 { World::Sandbox } else { World::Live }
    }
}

/// The 16 bytes of an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(pub [u8; 16]);

/// The bits of an id that are not its time, version, shard or variant.
const TAIL: u64 = 0x3fff_ffff_ffff_ffff;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Uid {
    /// Builds a version 7 UUID from a real time in milliseconds, a shard and 64 random bits (62 are used).
    pub fn new(at_ms: u64, shard: Shard, random: u64) -> Uid {
        let time = at_ms.to_be_bytes();
        let rand_a = shard.0 & Shard::MAX;
        let tail = ((random & TAIL) | 0x8000_0000_0000_0000).to_be_bytes();
        let [_, _, t0, t1, t2, t3, t4, t5] = time;
        let [r0, r1, r2, r3, r4, r5, r6, r7] = tail;
        let [a0, a1] = (rand_a | 0x7000).to_be_bytes();
        Uid([t0, t1, t2, t3, t4, t5, a0, a1, r0, r1, r2, r3, r4, r5, r6, r7])
    }

    /// The shard in `rand_a`.
    pub fn shard(self) -> Shard {
        let [_, _, _, _, _, _, a0, a1, ..] = self.0;
        Shard(u16::from_be_bytes([a0, a1]) & Shard::MAX)
    }

    /// Its time: real milliseconds since 1970.
    pub fn at_ms(self) -> u64 {
        let [t0, t1, t2, t3, t4, t5, ..] = self.0;
        u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5])
    }

    /// The 62 bits after time and shard.
    pub fn tail(self) -> u64 {
        let [_, _, _, _, _, _, _, _, r0, r1, r2, r3, r4, r5, r6, r7] = self.0;
        u64::from_be_bytes([r0, r1, r2, r3, r4, r5, r6, r7]) & TAIL
    }

    /// Another id of the same time and shard, with all bits of the tail turned: made with this one and found from it.
    pub fn twin(self) -> Uid {
        Uid::new(self.at_ms(), self.shard(), !self.tail())
    }

    /// The nth of ids that are found again from one name and a time: of the same time and shard, its tail scattered from the name's
    /// by splitmix64. Two of one name meet as seldom as any two ids.
    pub fn nth(self, name: u64, n: i64) -> Uid {
        Uid::new(self.at_ms(), self.shard(), nth_tail(name, n))
    }

    /// 26 characters of lower-case Crockford base32.
    pub fn to_text(self) -> String {
        let mut value = u128::from_be_bytes(self.0);
        let mut out = [b'0'; 26];
        for slot in out.iter_mut().rev() {
            let digit = usize::try_from(value & 31).unwrap_or(0);
            *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
            value >>= 5;
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Reads 26 characters in any case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Uid> {
        let bytes = text.as_bytes();
        if bytes.len() != 26 || !bytes.first().is_some_and(|b| (b'0'..=b'7').contains(b)) {
            return None;
        }
        let mut value: u128 = 0;
        for byte in bytes {
            let lower = byte.to_ascii_lowercase();
            let digit = ALPHABET.iter().position(|c| *c == lower)?;
            value = (value << 5) | u128::try_from(digit).ok()?;
        }
        Some(Uid(value.to_be_bytes()))
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// What every kind of id offers.
pub trait Id: Copy + Eq + std::hash::Hash + Ord + fmt::Display + Send + Sync + 'static {
    /// The prefix on the wire, with its underscore.
    const PREFIX: &'static str;
    /// Wraps raw bytes, such as a row's.
    fn from_uid(uid: Uid) -> Self;
    /// The raw bytes.
    fn uid(self) -> Uid;
    /// Reads the wire form; a wrong prefix or length is `None`.
    fn parse(text: &str) -> Option<Self> {
        Uid::parse(text.strip_prefix(Self::PREFIX)?).map(Self::from_uid)
    }
    /// The 26 characters without prefix, as channels are sent.
    fn bare(self) -> String {
        self.uid().to_text()
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uid);
        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uid(uid: Uid) -> Self { $name(uid) }
            fn uid(self) -> Uid { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.to_text())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    )*};
}

ids! {
    /// A payment.
    PaymentId "pay_";
    /// One possible charge at a channel.
    AttemptId "att_";
    /// A capture of an authorized payment.
    CaptureId "cap_";
    /// A refund.
    RefundId "rfd_";
    /// One line of a merchant's balance.
    BalanceTransactionId "btx_";
    /// An event.
    EventId "evt_";
    /// A webhook endpoint.
    EndpointId "whe_";
    /// A webhook delivery.
    DeliveryId "whd_";
    /// An API key.
    KeyId "key_";
    /// A merchant in one world.
    MerchantId "mch_";
    /// A partner, who acts for its merchants in both worlds: the shard in its id says nothing.
    PartnerId "ptn_";
    /// A statement.
    StatementId "stm_";
    /// A price version.
    PriceId "prc_";
    /// An operator's credential at a channel.
    ChannelAccountId "cha_";
    /// An adjustment between two merchants.
    AdjustmentId "adj_";
}

/// The tail that [`Uid::nth`] gives, as [`Uid::tail`] reads it.
pub fn nth_tail(name: u64, n: i64) -> u64 {
    scatter(name.wrapping_add(n.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15))) & TAIL
}

/// The finalizer of splitmix64: each bit of the input turns about half of the bits.
fn scatter(bits: u64) -> u64 {
    let mut mixed = bits;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Makes ids from handed-in time and randomness: the same seed gives the same ids.
#[derive(Debug, Clone)]
pub struct IdMaker {
    at_ms: u64,
    shard: Shard,
    state: u128,
}

impl IdMaker {
    /// `at_us` is real time; `seed` comes from a random source, once per command.
    pub fn new(at_us: i64, shard: Shard, seed: u128) -> IdMaker {
        IdMaker { at_ms: u64::try_from(at_us / 1000).unwrap_or(0), shard, state: seed }
    }

    /// The next id of the kind asked for.
    #[allow(clippy::should_implement_trait)] // generic over the kind: it can't be an iterator
    pub fn next<I: Id>(&mut self) -> I {
        // A 128-bit Weyl sequence over the seed: distinct for 2^128 steps, and the seed carries the randomness.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let folded = u64::try_from(self.state >> 64).unwrap_or(0)
            ^ u64::try_from(self.state & u128::from(u64::MAX)).unwrap_or(0);
        I::from_uid(Uid::new(self.at_ms, self.shard, scatter(folded)))
    }

    /// An id of this time and shard whose tail was handed in.
    pub fn named<I: Id>(&self, tail: u64) -> I {
        I::from_uid(Uid::new(self.at_ms, self.shard, tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trip_in_any_case_and_shard() {
        let id: PaymentId = IdMaker::new(1_764_000_000_000_000, Shard(1), 7).next();
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(PaymentId::parse(&text), Some(id));
        let upper = format!("pay_{}", id.bare().to_uppercase());
        assert_eq!(PaymentId::parse(&upper), Some(id));
        assert_eq!(id.uid().shard(), Shard(1));
        assert_eq!(id.uid().shard().world(), World::Sandbox);
    }

    #[test]
    fn parts_and_twins() {
        let at_ms = 1_764_000_000_123;
        let uid = Uid::new(at_ms, Shard(0x0fff), u64::MAX);
        assert_eq!((uid.at_ms(), uid.shard(), uid.tail()), (at_ms, Shard(0x0fff), TAIL));
        let twin = uid.twin();
        assert_eq!((twin.at_ms(), twin.shard(), twin.tail()), (at_ms, Shard(0x0fff), 0));
        assert_eq!(twin.twin(), uid);
        let named: AttemptId = IdMaker::new(1_764_000_000_123_456, Shard(1), 7).named(42);
        assert_eq!(named.uid(), Uid::new(at_ms, Shard(1), 42));
    }

    #[test]
    fn other_prefixes_and_lengths_are_refused() {
        let id: PaymentId = IdMaker::new(1, Shard(0), 1).next();
        assert_eq!(AttemptId::parse(&id.to_string()), None);
        assert_eq!(PaymentId::parse("pay_"), None);
        assert_eq!(PaymentId::parse("pay_zzzzzzzzzzzzzzzzzzzzzzzzzz"), None);
        assert_eq!(PaymentId::parse("pay_ü"), None);
    }

    #[test]
    fn a_maker_never_repeats() {
        let mut maker = IdMaker::new(1, Shard(0), 42);
        let made: std::collections::HashSet<PaymentId> = (0..10_000).map(|_| maker.next()).collect();
        assert_eq!(made.len(), 10_000);
    }
}
