//! Control rows of merchants with their default webhook secrets, and the version of everything that nodes cache.

use crate::StoreError;
use crate::db::{Db, Place, corrupt, params, statements};
use domain::World;
use domain::id::{MerchantId, PartnerId, Shard};
use domain::merchant::Merchant;

const DEFAULT_SECRET: Place = Place { table: "merchant", column: "default_secret" };

statements! {
    INSERT = "INSERT INTO merchant (id, world, shard, name, zone, maturity_days, created_at_us, default_secret, \
        partner) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    SNAPSHOT = "SELECT id, world, shard, name, zone, maturity_days, created_at_us, partner, \
        default_secret FROM merchant";
    SET_PARTNER = "UPDATE merchant SET partner = ?2 WHERE id = ?1";
    KEY_CHECK_INSERT = "INSERT INTO installation (name, value) VALUES ('master_key_check', ?1)";
    KEY_CHECK_READ = "SELECT value FROM installation WHERE name = 'master_key_check'";
    VERSION = "SELECT version FROM control_version WHERE id = 1";
    VERSION_RAISE = "UPDATE control_version SET version = version + 1 WHERE id = 1";
}

pub(crate) async fn insert(db: &Db, merchant: &Merchant, default_secret: &[u8]) -> Result<(), StoreError> {
    if merchant.shard != merchant.id.0.shard() || merchant.world != merchant.shard.world() {
        return Err(corrupt("a merchant's id names another shard or world"));
    }
    let secret = db.seal(DEFAULT_SECRET, &merchant.id.0.0, default_secret)?;
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
        Ok((merchant, db.open(DEFAULT_SECRET, &id.0.0, c.blob()?)?))
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

/// Notes which master key the installation was made with.
pub(crate) async fn note_master_key(db: &Db, check: &str) -> Result<(), StoreError> {
    db.execute(KEY_CHECK_INSERT, &params![check]).await?;
    Ok(())
}

pub(crate) async fn master_key_check(db: &Db) -> Result<String, StoreError> {
    db.one(KEY_CHECK_READ, &[], |c| c.string())
        .await?
        .ok_or_else(|| corrupt("the check value of the master key is missing"))
}
