//! A merchant in one world: its settings (control data, cached by nodes) and its head (money data, the root of every row
//! under it, read with every command).

use crate::id::{KeyId, MerchantId, Shard, World};
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
    /// Rises when a key of the merchant is revoked; a request that was authenticated under an older epoch is asked again.
    pub key_epoch: i64,
    /// Rises with every change.
    pub sequence: i64,
}

/// A key of the API, its secret part not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, the `keyid` of signatures.
    pub id: KeyId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// A name for people.
    pub name: String,
    /// SHA-256 of a bearer token, sandbox only.
    pub bearer_hash: Option<[u8; 32]>,
    /// A public key in PEM.
    pub public_key_pem: Option<String>,
    /// What it may do; empty means all.
    pub permissions: Vec<String>,
    /// Addresses or networks it may come from; empty means any.
    pub ip_allow: Vec<String>,
    /// Real time in microseconds.
    pub expires_at_us: Option<i64>,
    /// Real time in microseconds.
    pub revoked_at_us: Option<i64>,
    /// Real time in microseconds.
    pub created_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
}
