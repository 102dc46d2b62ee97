//! A merchant in one world: its settings (control data, cached by nodes) and its head (money data, the root of every row
//! under it, read with every command).

use crate::id::{MerchantId, PartnerId, Shard, World};
use ledger::Day;

/// A merchant's settings. Small, unsharded; changed apart from money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its id, which names its shard.
    pub id: MerchantId,
    /// Its world.
    pub world: World,
    /// Its shard.
    pub shard: Shard,
    /// Its name.
    pub name: String,
    /// IANA zone of its business day.
    pub zone: String,
    /// Natural days from capture to maturity.
    pub maturity_days: u16,
    /// The partner that serves it, if one does.
    pub partner: Option<PartnerId>,
    /// Business time of creation, microseconds.
    pub created_at_us: i64,
}

/// A merchant's head row: what must hold at the commit itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The merchant.
    pub merchant: MerchantId,
    /// Sandbox: added to the real clock; forward only. Live: zero.
    pub clock_offset_us: i64,
    /// The merchant's open business day; never goes back.
    pub business_day: Day,
    /// How far its own refunds may raise what it owes, in minor units of any currency.
    pub debt_limit_minor: i64,
    /// How far 2020 may go below zero for refunds and fees.
    pub credit_line_minor: i64,
    /// Rises when a key that may act for the merchant is revoked, its own or a partner's, and when its partner changes; a request
    /// that was authenticated under an older epoch is asked again.
    pub key_epoch: i64,
    /// Rises with every change.
    pub sequence: i64,
}
