//! The node's view of the control tables: read whole, indexed once, swapped as one. Decisions get what they need of it as
//! facts; what must hold at the commit itself lives in merchants' heads.

use crypto::key::PublicKey;
use domain::api_key::{ApiKey, Owner};
use domain::channel::{ChannelAccount, EffectKind};
use domain::id::{ChannelAccountId, EndpointId, KeyId, MerchantId, PartnerId, PriceId, Shard, World};
use domain::merchant::Merchant;
use domain::partner::{self, Partner};
use domain::price::Price;
use jiff::tz::TimeZone;
use money::Currency;
use std::collections::HashMap;
use std::sync::Arc;
use store::control::{Endpoint, Snapshot, StoredChannelAccount};
use store::safekeeping::{LostEffect, Restored};

/// Everything cached, indexed.
pub struct Config {
    /// The snapshot's version.
    pub version: i64,
    /// Merchants with what hangs under them.
    pub merchants: HashMap<MerchantId, Arc<MerchantConfig>>,
    partners: HashMap<PartnerId, Partner>,
    key_epochs: HashMap<MerchantId, i64>,
    keys: HashMap<KeyId, KeyConfig>,
    by_bearer: HashMap<[u8; 32], KeyId>,
    /// Since when nothing may leave the installation, real time in microseconds.
    pub held_since_us: Option<i64>,
    /// Set once the books were restored from a backup.
    pub restored: Option<Restored>,
    /// What channels know and the books do not.
    lost: HashMap<(EffectKind, u64), LostEffect>,
    prices: HashMap<PriceId, Price>,
    accounts: HashMap<ChannelAccountId, StoredChannelAccount>,
}

/// A merchant with its endpoints, prices and default secret.
pub struct MerchantConfig {
    /// Its settings.
    pub merchant: Merchant,
    /// Its zone, parsed.
    pub zone: TimeZone,
    /// Its endpoints, deleted ones not among them.
    pub endpoints: Vec<Endpoint>,
    /// Signs deliveries to a payment's `notify_url`.
    pub default_secret: Vec<u8>,
    /// Its price versions, newest first.
    prices: Vec<Price>,
}

/// A key with its parsed public half.
pub struct KeyConfig {
    /// The key's row.
    pub key: ApiKey,
    /// Parsed once, for signature checks.
    pub public_key: Option<PublicKey>,
}

impl Config {
    /// Indexes a snapshot.
    pub fn new(snapshot: Snapshot) -> Config {
        let mut merchants: HashMap<MerchantId, MerchantConfig> = HashMap::new();
        for merchant in snapshot.merchants {
            let zone = TimeZone::get(&merchant.zone).unwrap_or(TimeZone::UTC);
            let id = merchant.id;
            let config =
                MerchantConfig { merchant, zone, endpoints: vec![], default_secret: vec![], prices: vec![] };
            merchants.insert(id, config);
        }
        for endpoint in snapshot.endpoints {
            if let Some(merchant) = merchants.get_mut(&endpoint.merchant) {
                merchant.endpoints.push(endpoint);
            }
        }
        for (id, secret) in snapshot.default_secrets {
            if let Some(merchant) = merchants.get_mut(&id) {
                merchant.default_secret = secret;
            }
        }
        let mut prices = HashMap::new();
        for price in snapshot.prices {
            if let Some(merchant) = merchants.get_mut(&price.merchant) {
                merchant.prices.push(price.clone());
            }
            prices.insert(price.id, price);
        }
        for merchant in merchants.values_mut() {
            merchant.prices.sort_by_key(|price| std::cmp::Reverse(price.version));
            merchant.endpoints.sort_by_key(|endpoint| endpoint.id);
        }
        let mut keys = HashMap::new();
        let mut by_bearer = HashMap::new();
        for key in snapshot.keys {
            if let Some(hash) = key.bearer_hash {
                by_bearer.insert(hash, key.id);
            }
            let public_key = key.public_key_pem.as_deref().and_then(|pem| PublicKey::from_pem(pem).ok());
            keys.insert(key.id, KeyConfig { key, public_key });
        }
        let lost =
            snapshot.lost.into_iter().map(|lost| ((lost.effect.kind, lost.effect.number.tail()), lost));
        Config {
            held_since_us: snapshot.held_since_us,
            restored: snapshot.restored,
            lost: lost.collect(),
            version: snapshot.version,
            merchants: merchants.into_iter().map(|(id, config)| (id, Arc::new(config))).collect(),
            partners: snapshot.partners.into_iter().map(|partner| (partner.id, partner)).collect(),
            key_epochs: snapshot.key_epochs.into_iter().collect(),
            keys,
            by_bearer,
            prices,
            accounts: snapshot.channel_accounts.into_iter().map(|a| (a.account.id, a)).collect(),
        }
    }

    /// Something that a channel did and the books did not know when they were restored, by the last bits of its number.
    pub(crate) fn lost(&self, kind: EffectKind, shard: Shard, tail: u64) -> Option<&LostEffect> {
        self.lost.get(&(kind, tail)).filter(|lost| lost.effect.number.shard() == shard)
    }

    /// Whether there is anything of the kind.
    pub(crate) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// A merchant.
    pub fn merchant(&self, id: MerchantId) -> Option<&Arc<MerchantConfig>> {
        self.merchants.get(&id)
    }

    /// The key epoch in the merchant's head when this was read: a request that was authenticated under an older one is refused at
    /// the commit.
    pub fn key_epoch(&self, merchant: MerchantId) -> i64 {
        self.key_epochs.get(&merchant).copied().unwrap_or(0)
    }

    /// A partner.
    pub fn partner(&self, id: PartnerId) -> Option<&Partner> {
        self.partners.get(&id)
    }

    /// Whether a partner may act for a merchant: it serves the merchant itself, or is above the partner that does.
    pub fn serves(&self, partner: PartnerId, merchant: MerchantId) -> bool {
        let serving = self.merchant(merchant).and_then(|it| it.merchant.partner);
        partner::serves(&self.partners, partner, serving)
    }

    /// The merchants of a world for which a key of `owner` may act.
    pub fn acted_for(&self, owner: Owner, world: World) -> Vec<MerchantId> {
        match owner {
            Owner::Merchant(merchant) => vec![merchant],
            Owner::Partner(partner) => {
                let of_world = self.merchants.keys().filter(|id| id.0.shard().world() == world);
                let mut served: Vec<_> = of_world.copied().filter(|id| self.serves(partner, *id)).collect();
                served.sort_unstable();
                served
            }
        }
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.values().map(|it| &it.key)
    }

    /// A key by its id.
    pub fn key(&self, id: KeyId) -> Option<&KeyConfig> {
        self.keys.get(&id)
    }

    /// A key by the SHA-256 of its bearer token.
    pub fn key_by_bearer(&self, hash: &[u8; 32]) -> Option<&KeyConfig> {
        self.by_bearer.get(hash).and_then(|id| self.keys.get(id))
    }

    /// A merchant's keys, newest first.
    pub fn keys_of(&self, merchant: MerchantId) -> Vec<&ApiKey> {
        let mut keys: Vec<&ApiKey> =
            self.keys().filter(|key| key.owner == Owner::Merchant(merchant)).collect();
        keys.sort_by_key(|key| std::cmp::Reverse((key.created_at_us, key.id)));
        keys
    }

    /// A price version.
    pub fn price(&self, id: PriceId) -> Option<&Price> {
        self.prices.get(&id)
    }

    /// A channel account.
    pub fn account(&self, id: ChannelAccountId) -> Option<&StoredChannelAccount> {
        self.accounts.get(&id)
    }

    /// Every channel account.
    pub fn accounts(&self) -> impl Iterator<Item = &StoredChannelAccount> {
        self.accounts.values()
    }

    /// The account that serves a method in a world: the enabled one with the smallest id.
    pub fn account_for(&self, world: World, method: &str) -> Option<&ChannelAccount> {
        let candidates = self
            .accounts
            .values()
            .filter(|a| a.world == world && a.account.enabled && a.account.method == method);
        candidates.map(|a| &a.account).min_by_key(|a| a.id)
    }
}

impl MerchantConfig {
    /// The price in force at a real time.
    pub fn price_at(&self, method: &str, currency: Currency, real_now_us: i64) -> Option<&Price> {
        self.prices
            .iter()
            .find(|p| p.method == method && p.currency == currency && p.effective_at_us <= real_now_us)
    }

    /// One of its endpoints.
    pub fn endpoint(&self, id: EndpointId) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// The newest version number of a price.
    pub fn newest_version(&self, method: &str, currency: Currency) -> i64 {
        self.prices
            .iter()
            .filter(|p| p.method == method && p.currency == currency)
            .map(|p| p.version)
            .max()
            .unwrap_or(0)
    }
}
