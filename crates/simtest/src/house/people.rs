//! Who is there: the operator's channel accounts, partners, merchants with their keys and prices.

use super::{Agent, COST_PERCENT, Credential, House, METHOD, Shop};
use crate::random::Dice;
use anyhow::Result;
use app::clock::RealTime;
use crypto::key::PrivateKey;
use crypto::secret::BearerToken;
use domain::api_key::{ApiKey, Owner};
use domain::channel::ChannelAccount;
use domain::id::{KeyId, MerchantId, PartnerId, World};
use domain::merchant::{Head, Merchant};
use domain::partner::Partner;
use domain::price::{Price, RefundFee};
use money::{Currency, FeeRule, Rate as MoneyRate};
use std::sync::Arc;
use store::Control;
use store::control::StoredChannelAccount;
use store::sqlite::SqliteStore;

impl House {
    pub(super) async fn furnish(&mut self, store: &SqliteStore, dice: &mut Dice) -> Result<()> {
        for world in [World::Live, World::Sandbox] {
            let account =
                ChannelAccount { id: self.id(world), method: METHOD.into(), cost: cost()?, enabled: true };
            self.accounts.push(account.id);
            let kind = METHOD.to_owned();
            let stored = StoredChannelAccount { account, world, kind, callback_secret: vec![7; 32] };
            store.create_channel_account(&stored).await?;
        }
        for parent in [None, Some(0), None] {
            self.add_agent(store, parent).await?;
        }
        let count = dice.range(2, 4);
        for at in 0..count {
            self.add_shop(store, dice, at).await?;
        }
        Ok(())
    }

    async fn add_agent(&mut self, store: &SqliteStore, parent: Option<usize>) -> Result<()> {
        let id: PartnerId = self.id(World::Live);
        let above = parent.and_then(|at| self.agents.get(at)).map(|agent| agent.id);
        let created_at_us = self.clock.now_us();
        let name = format!("Agent {}", self.agents.len());
        store.create_partner(&Partner { id, parent: above, name, created_at_us }).await?;
        let live = self.credential(store, Owner::Partner(id), World::Live).await?;
        let sandbox = self.credential(store, Owner::Partner(id), World::Sandbox).await?;
        self.agents.push(Agent { id, parent, live, sandbox });
        Ok(())
    }

    /// Whether a partner serves a shop: its own, or one of a partner below it.
    pub fn serves(&self, agent: usize, shop: &Shop) -> bool {
        let mut at = shop.partner;
        while let Some(found) = at {
            if found == agent {
                return true;
            }
            at = self.agents.get(found).and_then(|agent| agent.parent);
        }
        false
    }

    async fn add_shop(&mut self, store: &SqliteStore, dice: &mut Dice, at: i64) -> Result<()> {
        let world = if at % 2 == 0 { World::Sandbox } else { World::Live };
        let zones = ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "UTC", "Pacific/Auckland"];
        let zone = dice.pick(&zones).copied().unwrap_or("UTC");
        let maturity_days = u16::try_from(dice.weighted(&[2, 5, 1, 2])).unwrap_or(1);
        let debt_limit_minor = if dice.chance(300) { dice.range(1, 50_000) } else { 0 };
        let id: MerchantId = self.id(world);
        let partner = [None, Some(0), Some(1), Some(2)].get(dice.weighted(&[3, 2, 3, 1])).copied().flatten();
        let now_us = self.clock.now_us();
        let merchant = Merchant {
            id,
            world,
            shard: world.first_shard(),
            name: format!("Shop {at}"),
            zone: zone.to_owned(),
            maturity_days,
            partner: partner.and_then(|at| self.agents.get(at)).map(|agent| agent.id),
            created_at_us: now_us,
        };
        let head = Head {
            merchant: id,
            clock_offset_us: 0,
            business_day: domain::decide::business_day(now_us, &jiff_zone(zone)),
            debt_limit_minor,
            credit_line_minor: 0,
            key_epoch: 1,
            sequence: 1,
        };
        store.create_merchant(&merchant, &head, &[8; 32]).await?;
        let currencies = match dice.weighted(&[6, 2, 2, 2]) {
            0 => vec![Currency::CNY],
            1 => vec![Currency::CNY, Currency::USD],
            2 => vec![Currency::JPY],
            _ => vec![Currency::parse("EUR")?],
        };
        let credential = self.credential(store, Owner::Merchant(id), world).await?;
        let urls = (0..dice.range(1, 2)).map(|n| format!("https://shop{at}.example.com/hook{n}")).collect();
        let shop =
            Shop { id, world, zone, maturity_days, debt_limit_minor, currencies, credential, partner, urls };
        self.shops.push(Arc::new(shop));
        Ok(())
    }

    async fn credential(&mut self, store: &SqliteStore, owner: Owner, world: World) -> Result<Credential> {
        let id: KeyId = self.id(world);
        let now_us = self.clock.now_us();
        let (mut key, credential) = match world {
            World::Sandbox => {
                let token = BearerToken::generate();
                let key = blank_key(id, owner, now_us);
                let text = token.expose().to_owned();
                (ApiKey { bearer_hash: Some(token.hash()), ..key }, Credential::Bearer(id, text))
            }
            World::Live => {
                let private = PrivateKey::generate_ed25519();
                let key =
                    ApiKey { public_key_pem: Some(private.public_key_pem()), ..blank_key(id, owner, now_us) };
                (key, Credential::Signer(id, Arc::new(private)))
            }
        };
        key.name = "a program".to_owned();
        store.create_key(&key, None).await?;
        Ok(credential)
    }

    /// A price version of a shop, drawn, with its percentage; in force at once.
    pub fn price(
        &mut self,
        shop: usize,
        currency: Currency,
        version: i64,
        dice: &mut Dice,
    ) -> Option<(Price, &'static str)> {
        let merchant = self.shops.get(shop)?;
        let (id, world) = (merchant.id, merchant.world);
        let rates = ["0.60", "0.38", "1.25", "2.9", "0", "0.005", "3.333333", "0.25"];
        let rate = dice.pick(&rates).copied().unwrap_or("0");
        let minimum_minor = if dice.chance(250) { dice.range(1, 30) } else { 0 };
        let rule = FeeRule {
            rate: MoneyRate::parse(rate).ok()?,
            fixed_minor: if dice.chance(250) { dice.range(1, 50) } else { 0 },
            minimum_minor,
            cap_minor: dice.chance(350).then(|| minimum_minor + dice.range(1, 400)),
        };
        let refund_fee = match dice.weighted(&[5, 2, 3]) {
            0 => RefundFee::Returned,
            1 => RefundFee::Kept,
            _ => RefundFee::Charged(dice.range(1, 60)),
        };
        let price = Price {
            id: self.id(world),
            merchant: id,
            method: METHOD.into(),
            currency,
            version,
            rule,
            refund_fee,
            effective_at_us: self.clock.now_us(),
        };
        Some((price, rate))
    }
}

fn cost() -> Result<FeeRule> {
    Ok(FeeRule { rate: MoneyRate::parse(COST_PERCENT)?, fixed_minor: 0, minimum_minor: 0, cap_minor: None })
}

fn jiff_zone(zone: &str) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC)
}

fn blank_key(id: KeyId, owner: Owner, now_us: i64) -> ApiKey {
    ApiKey {
        id,
        owner,
        name: String::new(),
        bearer_hash: None,
        public_key_pem: None,
        certificate: None,
        permissions: Vec::new(),
        ip_allow: Vec::new(),
        expires_at_us: None,
        revoked_at_us: None,
        noticed: None,
        created_by: None,
        changed_by: None,
        created_at_us: now_us,
        sequence: 1,
    }
}
