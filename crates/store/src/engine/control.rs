//! [`Control`] for every engine: each write is one transaction.

use super::{Answer, Engine};
use crate::StoreError;
use crate::control::{Asked, Control, DeliveryOutcome, Endpoint, Made, Snapshot, StoredChannelAccount};
use crate::db::Db;
use crate::reads::Block;
use crate::{
    api_key, asked, block, delivery, endpoint, event, head, installation, lost, merchant, notice, partner,
    pricing, statement,
};
use async_trait::async_trait;
use domain::World;
use domain::api_key::ApiKey;
use domain::event::Event;
use domain::id::{
    ChannelAccountId, DeliveryId, EndpointId, EventId, Id, KeyId, MerchantId, PartnerId, Shard,
};
use domain::merchant::{Head, Merchant};
use domain::partner::Partner;
use domain::price::Price;

/// As [`Engine::write`], for rows that nodes cache. The version is raised first: its row is the lock under which these writes
/// come one after another, whatever node they come from.
pub(super) async fn write_cached<E, T, W>(engine: &E, world: World, work: W) -> Result<T, StoreError>
where
    E: Engine,
    T: Send + 'static,
    W: for<'d> FnOnce(&'d Db) -> Answer<'d, T> + Send + 'static,
{
    let raised = engine.write(world, move |db| {
        Box::pin(async move {
            merchant::raise_version(db).await?;
            installation::key_version(db).await?;
            work(db).await
        })
    });
    raised.await
}

/// As [`write_cached`], in the world of `object`, once per request.
async fn write_asked<E, I, W>(
    engine: &E,
    asked: Option<&Asked>,
    object: I,
    work: W,
) -> Result<Made<I>, StoreError>
where
    E: Engine,
    I: Id,
    W: for<'d> FnOnce(&'d Db) -> Answer<'d, Made<I>> + Send + 'static,
{
    let asked = asked.copied();
    write_cached(engine, world_of(object), move |db| Box::pin(once(db, asked, object, work))).await
}

/// Does what a request asks for, unless it is refused or its idempotency key did it before.
async fn once<I, W>(db: &Db, asked: Option<Asked>, object: I, work: W) -> Result<Made<I>, StoreError>
where
    I: Id,
    W: for<'d> FnOnce(&'d Db) -> Answer<'d, Made<I>> + Send,
{
    let Some(asked) = asked else { return work(db).await };
    if let Some(before) = asked::admit(db, &asked).await? {
        return Ok(before.map(I::from_uid));
    }
    let made = work(db).await?;
    if made == Made::Now {
        asked::note(db, &asked, object).await?;
    }
    Ok(made)
}

fn world_of(id: impl Id) -> World {
    id.uid().shard().world()
}

async fn snapshot(db: &Db) -> Result<Snapshot, StoreError> {
    let key_epochs = head::key_epochs(db).await?;
    let (merchants, default_secrets) = merchant::all(db)
        .await?
        .into_iter()
        .map(|(merchant, secret)| (merchant.clone(), (merchant.id, secret)))
        .unzip();
    installation::follow_rotation_in_view(db).await?;
    Ok(Snapshot {
        held_since_us: installation::held_since_us(db).await?,
        restored: installation::restored(db).await?,
        lost: lost::all(db).await?,
        version: merchant::version(db).await?,
        key_epochs,
        partners: partner::all(db).await?,
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
                head::insert(db, merchant.shard, &head).await?;
                statement::set_due(db, merchant.id, merchant.created_at_us).await
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

    async fn create_partner(&self, partner: &Partner) -> Result<(), StoreError> {
        let partner = partner.clone();
        write_cached(self, World::Live, move |db| {
            Box::pin(async move { partner::insert(db, &partner).await })
        })
        .await
    }

    async fn set_merchant_partner(
        &self,
        merchant: MerchantId,
        partner: Option<PartnerId>,
    ) -> Result<(), StoreError> {
        write_cached(self, world_of(merchant), move |db| {
            Box::pin(async move { merchant::set_partner(db, merchant, partner).await })
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

    async fn create_key(&self, key: &ApiKey, asked: Option<&Asked>) -> Result<Made<KeyId>, StoreError> {
        let row = key.clone();
        write_asked(self, asked, key.id, move |db| {
            Box::pin(async move {
                api_key::insert(db, &row).await?;
                Ok(Made::Now)
            })
        })
        .await
    }

    async fn update_key(
        &self,
        key: &ApiKey,
        expected_sequence: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<KeyId>, StoreError> {
        let row = key.clone();
        write_asked(self, asked, key.id, move |db| {
            Box::pin(async move {
                api_key::update(db, &row, expected_sequence).await?;
                Ok(Made::Now)
            })
        })
        .await
    }

    async fn rotate_key(
        &self,
        new: &ApiKey,
        old: &ApiKey,
        old_sequence: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<KeyId>, StoreError> {
        let (new_row, old_row) = (new.clone(), old.clone());
        write_asked(self, asked, new.id, move |db| {
            Box::pin(async move {
                api_key::insert(db, &new_row).await?;
                api_key::update(db, &old_row, old_sequence).await?;
                Ok(Made::Now)
            })
        })
        .await
    }

    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        most: usize,
        asked: Option<&Asked>,
    ) -> Result<Made<EndpointId>, StoreError> {
        let row = endpoint.clone();
        write_asked(self, asked, endpoint.id, move |db| {
            Box::pin(async move {
                if endpoint::has_url(db, row.merchant, &row.url).await? {
                    return Ok(Made::UrlExists);
                }
                if endpoint::count(db, row.merchant).await? >= most {
                    return Ok(Made::TooMany);
                }
                endpoint::insert(db, &row).await?;
                Ok(Made::Now)
            })
        })
        .await
    }

    async fn update_endpoint(
        &self,
        endpoint: &Endpoint,
        expected_sequence: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<EndpointId>, StoreError> {
        let row = endpoint.clone();
        write_asked(self, asked, endpoint.id, move |db| {
            Box::pin(async move {
                endpoint::update(db, &row, expected_sequence).await?;
                Ok(Made::Now)
            })
        })
        .await
    }

    async fn delete_endpoint(
        &self,
        merchant: MerchantId,
        id: EndpointId,
        asked: Option<&Asked>,
    ) -> Result<(), StoreError> {
        let deleted = write_asked(self, asked, id, move |db| {
            Box::pin(async move {
                endpoint::delete(db, merchant, id).await?;
                delivery::give_up(db, merchant.0.shard(), id).await?;
                Ok(Made::Now)
            })
        });
        deleted.await.map(|_| ())
    }

    async fn record_deliveries(&self, shard: Shard, outcomes: &[DeliveryOutcome]) -> Result<(), StoreError> {
        let outcomes = outcomes.to_vec();
        self.write(shard.world(), move |db| {
            Box::pin(async move { delivery::record(db, shard, &outcomes).await })
        })
        .await
    }

    async fn replay_delivery(
        &self,
        id: DeliveryId,
        due_at_us: i64,
        asked: Option<&Asked>,
    ) -> Result<Made<DeliveryId>, StoreError> {
        let asked = asked.copied();
        self.write(world_of(id), move |db| {
            Box::pin(once(db, asked, id, move |db| {
                Box::pin(async move {
                    delivery::replay(db, id, due_at_us).await?;
                    Ok(Made::Now)
                })
            }))
        })
        .await
    }

    async fn insert_event(
        &self,
        shard: Shard,
        event: &Event,
        asked: Option<&Asked>,
    ) -> Result<Made<EventId>, StoreError> {
        let (event, asked) = (event.clone(), asked.copied());
        self.write(shard.world(), move |db| {
            Box::pin(once(db, asked, event.id, move |db| {
                Box::pin(async move {
                    event::insert_one(db, shard, &event).await?;
                    Ok(Made::Now)
                })
            }))
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

    async fn admit(&self, asked: &Asked) -> Result<(), StoreError> {
        let asked = *asked;
        self.write(world_of(asked.merchant), move |db| {
            Box::pin(async move {
                asked::admit(db, &asked).await?;
                asked::note(db, &asked, asked.merchant).await
            })
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
            Box::pin(async move {
                let version = head::hold_key(db, world_of(account).first_shard()).await?;
                notice::keep(db, version, account, &reference, &headers, &body, at_us).await
            })
        })
        .await
    }
}
