//! Control rows of merchants with their default webhook secrets, and the version of everything that nodes cache.

use super::db::{Db, Place};
use super::fault::corrupt;
use super::statements::statements;
use crate::StoreError;
use domain::World;
use domain::id::{MerchantId, Shard};
use domain::merchant::Merchant;
use rusqlite::params;

const DEFAULT_SECRET: Place = Place { table: "merchant", column: "default_secret" };

statements! {
    INSERT = "INSERT INTO merchant (id, world, shard, name, zone, maturity_days, created_at_us, default_secret) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    SNAPSHOT = "SELECT id, world, shard, name, zone, maturity_days, created_at_us, default_secret FROM merchant";
    KEY_CHECK_INSERT = "INSERT INTO installation (name, value) VALUES ('master_key_check', ?1)";
    KEY_CHECK_READ = "SELECT value FROM installation WHERE name = 'master_key_check'";
    VERSION = "SELECT version FROM control_version WHERE id = 1";
    VERSION_RAISE = "UPDATE control_version SET version = version + 1 WHERE id = 1";
}

pub(super) fn insert(db: &Db, merchant: &Merchant, default_secret: &[u8]) -> Result<(), StoreError> {
    if merchant.shard != merchant.id.0.shard() || merchant.world != merchant.shard.world() {
        return Err(corrupt("a merchant's id names another shard or world"));
    }
    let secret = db.seal(DEFAULT_SECRET, &merchant.id.0.0, default_secret)?;
    db.execute(
        INSERT,
        params![
            merchant.id.0.0,
            merchant.world.as_str(),
            merchant.shard.0,
            merchant.name,
            merchant.zone,
            merchant.maturity_days,
            merchant.created_at_us,
            secret,
        ],
    )?;
    Ok(())
}

/// All merchants, each with its opened default secret.
pub(super) fn all(db: &Db) -> Result<Vec<(Merchant, Vec<u8>)>, StoreError> {
    db.all(SNAPSHOT, [], |c| {
        let id: MerchantId = c.id()?;
        let merchant = Merchant {
            id,
            world: c.word(World::parse)?,
            shard: Shard(c.small()?),
            name: c.string()?,
            zone: c.string()?,
            maturity_days: c.small()?,
            created_at_us: c.int()?,
        };
        Ok((merchant, db.open(DEFAULT_SECRET, &id.0.0, c.blob()?)?))
    })
}

pub(super) fn version(db: &Db) -> Result<i64, StoreError> {
    db.one(VERSION, [], |c| c.int())?.ok_or_else(|| corrupt("the version of control rows is missing"))
}

pub(super) fn raise_version(db: &Db) -> Result<(), StoreError> {
    db.execute_one(VERSION_RAISE, [], "version of control rows")
}

/// Notes which master key the installation was made with.
pub(super) fn note_master_key(db: &Db, check: &str) -> Result<(), StoreError> {
    db.execute(KEY_CHECK_INSERT, params![check])?;
    Ok(())
}

pub(super) fn master_key_check(db: &Db) -> Result<String, StoreError> {
    db.one(KEY_CHECK_READ, [], |c| c.string())?
        .ok_or_else(|| corrupt("the check value of the master key is missing"))
}
