//! [`Control`] on the write connection. A thread of its own waits for turns, so that no caller's thread blocks.

use super::db::Db;
use super::turnstile::Turnstile;
use super::{SqliteStore, api_key, block, delivery, endpoint, event, head, merchant, notice, pricing};
use crate::StoreError;
use crate::control::{Control, DeliveryOutcome, Endpoint, Made, Snapshot, StoredChannelAccount};
use crate::reads::Block;
use async_trait::async_trait;
use domain::World;
use domain::event::Event;
use domain::id::{ChannelAccountId, DeliveryId, EndpointId, Id, KeyId, MerchantId, Shard};
use domain::merchant::{ApiKey, Head, Merchant};
use domain::price::Price;
use std::sync::Arc;

/// What the thread of control writes works with.
pub(super) struct ControlDb {
    pub(super) turnstile: Arc<Turnstile<Db>>,
}

impl SqliteStore {
    /// One write transaction in its world's turn.
    async fn write<T: Send + 'static>(
        &self,
        world: World,
        work: impl FnOnce(&Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let control = self.control()?;
        control.run(move |context| context.turnstile.enter(world).write(work)).await
    }

    /// As [`SqliteStore::write`], for rows that nodes cache.
    async fn write_cached<T: Send + 'static>(
        &self,
        world: World,
        work: impl FnOnce(&Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write(world, |db| {
            let value = work(db)?;
            merchant::raise_version(db)?;
            Ok(value)
        })
        .await
    }
}

fn world_of(id: impl Id) -> World {
    id.uid().shard().world()
}

fn snapshot(db: &Db) -> Result<Snapshot, StoreError> {
    let (merchants, default_secrets) = merchant::all(db)?
        .into_iter()
        .map(|(merchant, secret)| (merchant.clone(), (merchant.id, secret)))
        .unzip();
    Ok(Snapshot {
        version: merchant::version(db)?,
        merchants,
        keys: api_key::all(db)?,
        prices: pricing::all_prices(db)?,
        channel_accounts: pricing::all_channel_accounts(db)?,
        endpoints: endpoint::all(db)?,
        default_secrets,
    })
}

#[async_trait]
impl Control for SqliteStore {
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.read(snapshot).await
    }

    async fn snapshot_version(&self) -> Result<i64, StoreError> {
        self.read(merchant::version).await
    }

    async fn create_merchant(
        &self,
        merchant: &Merchant,
        head: &Head,
        default_secret: &[u8],
    ) -> Result<(), StoreError> {
        let (merchant, head, secret) = (merchant.clone(), head.clone(), default_secret.to_vec());
        self.write_cached(merchant.world, move |db| {
            merchant::insert(db, &merchant, &secret)?;
            head::insert(db, merchant.shard, &head)
        })
        .await
    }

    async fn create_channel_account(&self, account: &StoredChannelAccount) -> Result<(), StoreError> {
        let account = account.clone();
        self.write_cached(account.world, move |db| pricing::insert_channel_account(db, &account)).await
    }

    async fn create_price(&self, price: &Price) -> Result<(), StoreError> {
        let price = price.clone();
        self.write_cached(world_of(price.merchant), move |db| pricing::insert_price(db, &price)).await
    }

    async fn create_key(
        &self,
        key: &ApiKey,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<KeyId>, StoreError> {
        let key = key.clone();
        self.write_cached(world_of(key.merchant), move |db| {
            let made = api_key::made_before(db, key.merchant, idempotency, key.id)?;
            if made == Made::Now {
                api_key::insert(db, &key)?;
            }
            Ok(made)
        })
        .await
    }

    async fn update_key(&self, key: &ApiKey, expected_sequence: i64) -> Result<(), StoreError> {
        let key = key.clone();
        self.write_cached(world_of(key.merchant), move |db| api_key::update(db, &key, expected_sequence))
            .await
    }

    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<EndpointId>, StoreError> {
        let endpoint = endpoint.clone();
        self.write_cached(world_of(endpoint.merchant), move |db| {
            if endpoint::has_url(db, endpoint.merchant, &endpoint.url)? {
                // A repeat under the key that made it is told of it; nothing is noted for any other key.
                let before = api_key::made_earlier(db, endpoint.merchant, idempotency)?;
                return Ok(before.unwrap_or(Made::UrlExists));
            }
            let made = api_key::made_before(db, endpoint.merchant, idempotency, endpoint.id)?;
            if made == Made::Now {
                endpoint::insert(db, &endpoint)?;
            }
            Ok(made)
        })
        .await
    }

    async fn update_endpoint(&self, endpoint: &Endpoint, expected_sequence: i64) -> Result<(), StoreError> {
        let endpoint = endpoint.clone();
        let world = world_of(endpoint.merchant);
        self.write_cached(world, move |db| endpoint::update(db, &endpoint, expected_sequence)).await
    }

    async fn update_endpoint_once(
        &self,
        endpoint: &Endpoint,
        expected_sequence: i64,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<EndpointId>, StoreError> {
        let endpoint = endpoint.clone();
        self.write_cached(world_of(endpoint.merchant), move |db| {
            let made = api_key::made_before(db, endpoint.merchant, idempotency, endpoint.id)?;
            if made == Made::Now {
                endpoint::update(db, &endpoint, expected_sequence)?;
            }
            Ok(made)
        })
        .await
    }

    async fn delete_endpoint(&self, merchant: MerchantId, id: EndpointId) -> Result<(), StoreError> {
        self.write_cached(world_of(merchant), move |db| {
            endpoint::delete(db, merchant, id)?;
            delivery::give_up(db, merchant.0.shard(), id)
        })
        .await
    }

    async fn record_deliveries(&self, shard: Shard, outcomes: &[DeliveryOutcome]) -> Result<(), StoreError> {
        let outcomes = outcomes.to_vec();
        self.write(shard.world(), move |db| delivery::record(db, shard, &outcomes)).await
    }

    async fn replay_delivery(&self, id: DeliveryId, due_at_us: i64) -> Result<(), StoreError> {
        self.write(world_of(id), move |db| delivery::replay(db, id, due_at_us)).await
    }

    async fn insert_event(&self, shard: Shard, event: &Event) -> Result<i64, StoreError> {
        let event = event.clone();
        self.write(shard.world(), move |db| {
            let seq = head::take_event(db, shard)?;
            event::insert_all(db, shard, seq, std::slice::from_ref(&event))?;
            Ok(seq)
        })
        .await
    }

    async fn append_block(&self, shard: Shard, block: &Block) -> Result<(), StoreError> {
        let block = block.clone();
        self.write(shard.world(), move |db| block::append(db, shard, &block)).await
    }

    async fn verified_block(&self, shard: Shard) -> Result<i64, StoreError> {
        self.read(move |db| block::verified(db, shard)).await
    }

    async fn set_verified_block(&self, shard: Shard, number: i64) -> Result<(), StoreError> {
        self.write(shard.world(), move |db| block::set_verified(db, shard, number)).await
    }

    async fn use_nonce(&self, key: KeyId, nonce_hash: [u8; 16], at_us: i64) -> Result<bool, StoreError> {
        self.write(world_of(key), move |db| api_key::use_nonce(db, key, nonce_hash, at_us)).await
    }

    async fn keep_notice(
        &self,
        account: ChannelAccountId,
        reference: &str,
        headers: &str,
        body: &[u8],
        at_us: i64,
    ) -> Result<(), StoreError> {
        let (reference, headers, body) = (reference.to_owned(), headers.to_owned(), body.to_vec());
        self.write(world_of(account), move |db| notice::keep(db, account, &reference, &headers, &body, at_us))
            .await
    }
}
