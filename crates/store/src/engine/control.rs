//! [`Control`] for every engine: each write is one transaction.

use super::{Answer, Engine};
use crate::StoreError;
use crate::control::{Control, DeliveryOutcome, Endpoint, Made, Snapshot, StoredChannelAccount};
use crate::db::Db;
use crate::reads::Block;
use crate::{api_key, block, delivery, endpoint, event, head, merchant, notice, pricing};
use async_trait::async_trait;
use domain::World;
use domain::event::Event;
use domain::id::{ChannelAccountId, DeliveryId, EndpointId, Id, KeyId, MerchantId, Shard};
use domain::merchant::{ApiKey, Head, Merchant};
use domain::price::Price;

/// As [`Engine::write`], for rows that nodes cache. The version is raised first: its row is the lock under which these writes
/// come one after another, whatever node they come from.
async fn write_cached<E, T, W>(engine: &E, world: World, work: W) -> Result<T, StoreError>
where
    E: Engine,
    T: Send + 'static,
    W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
{
    let raised = engine.write(world, move |db| {
        Box::pin(async move {
            merchant::raise_version(db).await?;
            work(db).await
        })
    });
    raised.await
}

fn world_of(id: impl Id) -> World {
    id.uid().shard().world()
}

async fn snapshot(db: &Db) -> Result<Snapshot, StoreError> {
    let (merchants, default_secrets) = merchant::all(db)
        .await?
        .into_iter()
        .map(|(merchant, secret)| (merchant.clone(), (merchant.id, secret)))
        .unzip();
    Ok(Snapshot {
        version: merchant::version(db).await?,
        merchants,
        keys: api_key::all(db).await?,
        prices: pricing::all_prices(db).await?,
        channel_accounts: pricing::all_channel_accounts(db).await?,
        endpoints: endpoint::all(db).await?,
        default_secrets,
    })
}

#[async_trait]
impl<E: Engine> Control for E {
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.view(|db| Box::pin(snapshot(db))).await
    }

    async fn snapshot_version(&self) -> Result<i64, StoreError> {
        self.read(|db| Box::pin(merchant::version(db))).await
    }

    async fn create_merchant(
        &self,
        merchant: &Merchant,
        head: &Head,
        default_secret: &[u8],
    ) -> Result<(), StoreError> {
        let (merchant, head, secret) = (merchant.clone(), head.clone(), default_secret.to_vec());
        write_cached(self, merchant.world, move |db| {
            Box::pin(async move {
                merchant::insert(db, &merchant, &secret).await?;
                head::insert(db, merchant.shard, &head).await
            })
        })
        .await
    }

    async fn create_channel_account(&self, account: &StoredChannelAccount) -> Result<(), StoreError> {
        let account = account.clone();
        write_cached(self, account.world, move |db| {
            Box::pin(async move { pricing::insert_channel_account(db, &account).await })
        })
        .await
    }

    async fn create_price(&self, price: &Price) -> Result<(), StoreError> {
        let price = price.clone();
        write_cached(self, world_of(price.merchant), move |db| {
            Box::pin(async move { pricing::insert_price(db, &price).await })
        })
        .await
    }

    async fn create_key(
        &self,
        key: &ApiKey,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<KeyId>, StoreError> {
        let key = key.clone();
        write_cached(self, world_of(key.merchant), move |db| {
            Box::pin(async move {
                let made = api_key::made_before(db, key.merchant, idempotency, key.id).await?;
                if made == Made::Now {
                    api_key::insert(db, &key).await?;
                }
                Ok(made)
            })
        })
        .await
    }

    async fn update_key(&self, key: &ApiKey, expected_sequence: i64) -> Result<(), StoreError> {
        let key = key.clone();
        write_cached(self, world_of(key.merchant), move |db| {
            Box::pin(async move { api_key::update(db, &key, expected_sequence).await })
        })
        .await
    }

    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<EndpointId>, StoreError> {
        let endpoint = endpoint.clone();
        write_cached(self, world_of(endpoint.merchant), move |db| {
            Box::pin(async move {
                if endpoint::has_url(db, endpoint.merchant, &endpoint.url).await? {
                    // A repeat under the key that made it is told of it; nothing is noted for any other key.
                    let before = api_key::made_earlier(db, endpoint.merchant, idempotency).await?;
                    return Ok(before.unwrap_or(Made::UrlExists));
                }
                let made = api_key::made_before(db, endpoint.merchant, idempotency, endpoint.id).await?;
                if made == Made::Now {
                    endpoint::insert(db, &endpoint).await?;
                }
                Ok(made)
            })
        })
        .await
    }

    async fn update_endpoint(&self, endpoint: &Endpoint, expected_sequence: i64) -> Result<(), StoreError> {
        let endpoint = endpoint.clone();
        let world = world_of(endpoint.merchant);
        write_cached(self, world, move |db| {
            Box::pin(async move { endpoint::update(db, &endpoint, expected_sequence).await })
        })
        .await
    }

    async fn update_endpoint_once(
        &self,
        endpoint: &Endpoint,
        expected_sequence: i64,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<EndpointId>, StoreError> {
        let endpoint = endpoint.clone();
        write_cached(self, world_of(endpoint.merchant), move |db| {
            Box::pin(async move {
                let made = api_key::made_before(db, endpoint.merchant, idempotency, endpoint.id).await?;
                if made == Made::Now {
                    endpoint::update(db, &endpoint, expected_sequence).await?;
                }
                Ok(made)
            })
        })
        .await
    }

    async fn delete_endpoint(&self, merchant: MerchantId, id: EndpointId) -> Result<(), StoreError> {
        write_cached(self, world_of(merchant), move |db| {
            Box::pin(async move {
                endpoint::delete(db, merchant, id).await?;
                delivery::give_up(db, merchant.0.shard(), id).await
            })
        })
        .await
    }

    async fn record_deliveries(&self, shard: Shard, outcomes: &[DeliveryOutcome]) -> Result<(), StoreError> {
        let outcomes = outcomes.to_vec();
        self.write(shard.world(), move |db| {
            Box::pin(async move { delivery::record(db, shard, &outcomes).await })
        })
        .await
    }

    async fn replay_delivery(&self, id: DeliveryId, due_at_us: i64) -> Result<(), StoreError> {
        self.write(world_of(id), move |db| Box::pin(async move { delivery::replay(db, id, due_at_us).await }))
            .await
    }

    async fn insert_event(&self, shard: Shard, event: &Event) -> Result<i64, StoreError> {
        let event = event.clone();
        self.write(shard.world(), move |db| {
            Box::pin(async move {
                let seq = head::take_event(db, shard).await?;
                event::insert_one(db, shard, &event).await?;
                Ok(seq)
            })
        })
        .await
    }

    async fn append_block(&self, shard: Shard, block: &Block) -> Result<(), StoreError> {
        let block = block.clone();
        self.write(shard.world(), move |db| Box::pin(async move { block::append(db, shard, &block).await }))
            .await
    }

    async fn verified_block(&self, shard: Shard) -> Result<i64, StoreError> {
        self.read(move |db| Box::pin(async move { block::verified(db, shard).await })).await
    }

    async fn set_verified_block(&self, shard: Shard, number: i64) -> Result<(), StoreError> {
        self.write(shard.world(), move |db| {
            Box::pin(async move { block::set_verified(db, shard, number).await })
        })
        .await
    }

    async fn use_nonce(&self, key: KeyId, nonce_hash: [u8; 16], at_us: i64) -> Result<bool, StoreError> {
        self.write(world_of(key), move |db| {
            Box::pin(async move { api_key::use_nonce(db, key, nonce_hash, at_us).await })
        })
        .await
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
        self.write(world_of(account), move |db| {
            Box::pin(async move { notice::keep(db, account, &reference, &headers, &body, at_us).await })
        })
        .await
    }
}
