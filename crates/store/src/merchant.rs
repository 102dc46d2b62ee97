//! Control rows of merchants with their default webhook secrets, and the version of everything that nodes cache.

use crate::db::{Db, corrupt, params, statements};
use crate::place::Place;
use crate::{StoreError, installation};
use domain::World;
use domain::id::{MerchantId, PartnerId, Shard};
use domain::merchant::Merchant;

statements! {
    INSERT = "INSERT INTO merchant (id, world, shard, name, zone, maturity_days, created_at_us, default_secret, \
        partner) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    SNAPSHOT = "SELECT id, world, shard, name, zone, maturity_days, created_at_us, partner, \
        default_secret FROM merchant";
    SET_PARTNER = "UPDATE merchant SET partner = ?2 WHERE id = ?1";
    VERSION = "SELECT version FROM control_version WHERE id = 1";
    VERSION_RAISE = "UPDATE control_version SET version = version + 1 WHERE id = 1";
}

pub(crate) async fn insert(db: &Db, merchant: &Merchant, default_secret: &[u8]) -> Result<(), StoreError> {
    if merchant.shard != merchant.id.0.shard() || merchant.world != merchant.shard.world() {
        return Err(corrupt("a merchant's id names another shard or world"));
    }
    let secret = db.seal(
        installation::key_version(db).await?,
        Place::DefaultSecret,
        &merchant.id.0.0,
        default_secret,
    )?;
    db.execute(
        INSERT,
        &params![
            merchant.id.0.0,
            merchant.world.as_str(),
            merchant.shard.0,
            &merchant.name,
            &merchant.zone,
            merchant.maturity_days,
            merchant.created_at_us,
            secret,
            merchant.partner.map(|id| id.0.0),
        ],
    )
    .await?;
    Ok(())
}

/// All merchants, each with its opened default secret.
pub(crate) async fn all(db: &Db) -> Result<Vec<(Merchant, Vec<u8>)>, StoreError> {
    db.all(SNAPSHOT, &[], |c| {
        let id: MerchantId = c.id()?;
        let merchant = Merchant {
            id,
            world: c.word(World::parse)?,
            shard: Shard(c.small()?),
            name: c.string()?,
            zone: c.string()?,
            maturity_days: c.small()?,
            created_at_us: c.int()?,
            partner: c.opt_id()?,
        };
        Ok((merchant, db.open(Place::DefaultSecret, &id.0.0, c.blob()?)?))
    })
    .await
}

/// Whose merchant it is from now on.
pub(crate) async fn set_partner(
    db: &Db,
    merchant: MerchantId,
    partner: Option<PartnerId>,
) -> Result<(), StoreError> {
    let values = params![merchant.0.0, partner.map(|id| id.0.0)];
    db.execute_one(SET_PARTNER, &values, "merchant").await
}

pub(crate) async fn version(db: &Db) -> Result<i64, StoreError> {
    db.one(VERSION, &[], |c| c.int()).await?.ok_or_else(|| corrupt("the version of control rows is missing"))
}

pub(crate) async fn raise_version(db: &Db) -> Result<(), StoreError> {
    db.execute_one(VERSION_RAISE, &[], "version of control rows").await
}
