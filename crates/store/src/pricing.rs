//! Control rows with fee rules: price versions and channel accounts.

use crate::control::StoredChannelAccount;
use crate::db::{Columns, Db, corrupt, params, statements};
use crate::place::Place;
use crate::{StoreError, installation};
use domain::World;
use domain::channel::ChannelAccount;
use domain::id::ChannelAccountId;
use domain::price::{Price, RefundFee};
use money::{FeeRule, Rate};

/// The kind of the pretend wallet, which may never take a live payment.
const SANDBOX_KIND: &str = "sandbox";

statements! {
    PRICE_INSERT = "INSERT INTO price (id, merchant, method, currency, version, rate, fixed_minor, minimum_minor, \
        cap_minor, refund_fee, effective_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    PRICE_SNAPSHOT = "SELECT id, merchant, method, currency, version, rate, fixed_minor, minimum_minor, cap_minor, \
        refund_fee, effective_at_us FROM price";
    CHANNEL_INSERT = "INSERT INTO channel_account (id, world, kind, method, rate, fixed_minor, minimum_minor, \
        cap_minor, enabled, callback_secret) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    CHANNEL_SNAPSHOT = "SELECT id, world, kind, method, rate, fixed_minor, minimum_minor, cap_minor, enabled, \
        callback_secret FROM channel_account";
}

fn read_rule(c: &mut Columns<'_>) -> Result<FeeRule, StoreError> {
    Ok(FeeRule {
        rate: c.word(|text| Rate::parse(text).ok())?,
        fixed_minor: c.int()?,
        minimum_minor: c.int()?,
        cap_minor: c.opt_int()?,
    })
}

pub(crate) async fn insert_price(db: &Db, price: &Price) -> Result<(), StoreError> {
    db.execute(
        PRICE_INSERT,
        &params![
            price.id.0.0,
            price.merchant.0.0,
            &price.method,
            price.currency.numeric(),
            price.version,
            price.rule.rate.to_string(),
            price.rule.fixed_minor,
            price.rule.minimum_minor,
            price.rule.cap_minor,
            price.refund_fee.to_text(),
            price.effective_at_us,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn all_prices(db: &Db) -> Result<Vec<Price>, StoreError> {
    db.all(PRICE_SNAPSHOT, &[], |c| {
        Ok(Price {
            id: c.id()?,
            merchant: c.id()?,
            method: c.string()?,
            currency: c.currency()?,
            version: c.int()?,
            rule: read_rule(c)?,
            refund_fee: c.word(RefundFee::parse)?,
            effective_at_us: c.int()?,
        })
    })
    .await
}

pub(crate) async fn insert_channel_account(db: &Db, stored: &StoredChannelAccount) -> Result<(), StoreError> {
    let account = &stored.account;
    let worlds = [stored.world, account.id.0.shard().world()];
    if stored.kind == SANDBOX_KIND && worlds.contains(&World::Live) {
        return Err(StoreError::Conflict("the sandbox channel is no channel of the live world".to_owned()));
    }
    let secret = db.seal(
        installation::key_version(db).await?,
        Place::CallbackSecret,
        &account.id.0.0,
        &stored.callback_secret,
    )?;
    db.execute(
        CHANNEL_INSERT,
        &params![
            account.id.0.0,
            stored.world.as_str(),
            &stored.kind,
            &account.method,
            account.cost.rate.to_string(),
            account.cost.fixed_minor,
            account.cost.minimum_minor,
            account.cost.cap_minor,
            account.enabled,
            secret,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn all_channel_accounts(db: &Db) -> Result<Vec<StoredChannelAccount>, StoreError> {
    db.all(CHANNEL_SNAPSHOT, &[], |c| {
        let id: ChannelAccountId = c.id()?;
        let world = c.word(World::parse)?;
        let kind = c.string()?;
        let account = ChannelAccount { id, method: c.string()?, cost: read_rule(c)?, enabled: c.flag()? };
        let secret = c.opt_blob()?.ok_or_else(|| corrupt("a channel account has no secret"))?;
        let callback_secret = db.open(Place::CallbackSecret, &id.0.0, secret)?;
        Ok(StoredChannelAccount { account, world, kind, callback_secret })
    })
    .await
}
