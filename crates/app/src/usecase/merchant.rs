//! Merchants and their prices, as the operator's command line makes them. They write control rows only, beside a serving node or
//! without one.

use crate::Refusal;
use domain::decide::business_day;
use domain::id::{IdMaker, MerchantId, PartnerId, PriceId, Shard, World};
use domain::merchant::{Head, Merchant};
use domain::price::{Price, RefundFee};
use jiff::tz::TimeZone;
use money::{Currency, FeeRule};
use store::Store;

/// A merchant to be made.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the options of `feiqian merchant create`
pub struct NewMerchant {
    pub world: World,
    pub name: String,
    pub zone: String,
    pub maturity_days: u16,
    pub debt_limit_minor: i64,
    /// The partner that serves it.
    pub partner: Option<PartnerId>,
}

/// A price version to be made.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the options of `feiqian price set`
pub struct NewPrice {
    pub merchant: MerchantId,
    pub method: String,
    pub currency: Currency,
    pub rule: FeeRule,
    pub refund_fee: RefundFee,
}

/// A price takes effect no sooner than this after its commit, so that every node has read it.
const PRICE_LEAD_US: i64 = 5_000_000;

/// Makes a merchant with its head and default webhook secret.
///
/// # Errors
/// [`Refusal::FieldInvalid`] for an unknown zone or an impossible number, [`Refusal::NotFound`] for the partner.
pub async fn create_merchant(
    store: &dyn Store,
    new: &NewMerchant,
    real_now_us: i64,
) -> Result<Merchant, Refusal> {
    let zone = TimeZone::get(&new.zone)
        .map_err(|_| invalid("/zone", "not an IANA time zone such as Asia/Shanghai"))?;
    if new.name.trim().is_empty() || new.name.chars().count() > 127 {
        return Err(invalid("/name", "1 to 127 characters"));
    }
    if new.maturity_days > 365 || !(0..=money::MAX_WIRE).contains(&new.debt_limit_minor) {
        return Err(invalid("/maturity_days", "0 to 365 days, and a debt limit of zero or more"));
    }
    let snapshot = store.snapshot().await?;
    if let Some(partner) = new.partner
        && !snapshot.partners.iter().any(|known| known.id == partner)
    {
        return Err(Refusal::NotFound("partner"));
    }
    let shard = emptiest(&store.shards(), new.world, &snapshot.merchants).ok_or(Refusal::Internal)?;
    let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
    let merchant = Merchant {
        id: IdMaker::new(real_now_us, shard, seed).next(),
        world: new.world,
        shard,
        name: new.name.clone(),
        zone: new.zone.clone(),
        maturity_days: new.maturity_days,
        partner: new.partner,
        created_at_us: real_now_us,
    };
    let head = Head {
        merchant: merchant.id,
        clock_offset_us: 0,
        business_day: business_day(real_now_us, &zone),
        debt_limit_minor: new.debt_limit_minor,
        credit_line_minor: 0,
        key_epoch: 1,
        sequence: 1,
    };
    let default_secret = crypto::secret::random_bytes::<32>();
    store.create_merchant(&merchant, &head, &default_secret).await?;
    Ok(merchant)
}

/// The shard of a world with the fewest merchants, the first of several.
fn emptiest(shards: &[Shard], world: World, merchants: &[Merchant]) -> Option<Shard> {
    let count = |shard: Shard| merchants.iter().filter(|merchant| merchant.shard == shard).count();
    shards.iter().copied().filter(|shard| shard.world() == world).min_by_key(|shard| (count(*shard), *shard))
}

/// Makes the next version of a price. The first of its kind is in force at once; a later one after five seconds.
///
/// # Errors
/// [`Refusal::NotFound`] for the merchant, [`Refusal::FieldInvalid`] for impossible numbers.
pub async fn set_price(store: &dyn Store, new: &NewPrice, real_now_us: i64) -> Result<Price, Refusal> {
    let snapshot = store.snapshot().await?;
    if !snapshot.merchants.iter().any(|m| m.id == new.merchant) {
        return Err(Refusal::NotFound("merchant"));
    }
    new.rule.fee(1).map_err(|error| Refusal::FieldInvalid { pointer: "/rate", detail: error.to_string() })?;
    let same =
        |p: &&Price| p.merchant == new.merchant && p.method == new.method && p.currency == new.currency;
    let newest = snapshot.prices.iter().filter(same).map(|p| p.version).max().unwrap_or(0);
    let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
    let id: PriceId = IdMaker::new(real_now_us, new.merchant.0.shard(), seed).next();
    let lead_us = if newest == 0 { 0 } else { PRICE_LEAD_US };
    let price = Price {
        id,
        merchant: new.merchant,
        method: new.method.clone(),
        currency: new.currency,
        version: newest + 1,
        rule: new.rule,
        refund_fee: new.refund_fee,
        effective_at_us: real_now_us.saturating_add(lead_us),
    };
    store.create_price(&price).await?;
    Ok(price)
}

fn invalid(pointer: &'static str, detail: &str) -> Refusal {
    Refusal::FieldInvalid { pointer, detail: detail.to_owned() }
}
