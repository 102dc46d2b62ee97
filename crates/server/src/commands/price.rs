//! `feiqian price set`

use super::merchant::refused;
use crate::assemble::{Installation, real_now_us};
use crate::cli::ConfigFile;
use crate::output;
use anyhow::{Context, Result, bail};
use app::NewPrice;
use clap::{Args, Subcommand};
use domain::id::{Id, MerchantId};
use domain::price::{Price, RefundFee};
use money::{Currency, FeeRule, MAX_WIRE, Rate};
use serde_json::json;
use std::process::ExitCode;

/// What can be done with prices.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the next version of what a merchant pays for a method and currency.
    Set(Set),
}

/// What `price set` takes. Amounts are minor units.
#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    file: ConfigFile,
    /// Whose price, `mch_…`.
    #[arg(long)]
    merchant: String,
    /// For which method.
    #[arg(long)]
    method: String,
    /// In which currency, such as CNY.
    #[arg(long)]
    currency: String,
    /// Percent of the captured amount, such as 0.60.
    #[arg(long)]
    rate: String,
    /// Added once per payment, minor units.
    #[arg(long, default_value_t = 0)]
    fixed: i64,
    /// At least this per payment, minor units.
    #[arg(long, default_value_t = 0)]
    minimum: i64,
    /// At most this per payment, minor units.
    #[arg(long)]
    cap: Option<i64>,
    /// What happens to the fee with refunds: returned, kept, or minor units that each refund costs.
    #[arg(long, default_value = "returned")]
    refund_fee: String,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let Command::Set(set) = command;
    super::short(&set.file, async |config| {
        let new = parse(&set)?;
        let store = Installation::find(&config)?.open_control().await?;
        let price = app::set_price(store.as_ref(), &new, real_now_us()).await.map_err(refused)?;
        output::answer(set.json, &as_json(&price)?, &text(&price)?)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn parse(set: &Set) -> Result<NewPrice> {
    let merchant = MerchantId::parse(&set.merchant).context("--merchant: not a merchant's id (mch_…)")?;
    let is_name =
        |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if set.method.is_empty() || set.method.len() > 32 || !is_name(&set.method) {
        bail!("--method: 1 to 32 of a-z 0-9 _, such as sandbox");
    }
    for (name, minor) in [("fixed", Some(set.fixed)), ("minimum", Some(set.minimum)), ("cap", set.cap)] {
        if minor.is_some_and(|minor| !(0..=MAX_WIRE).contains(&minor)) {
            bail!("--{name}: minor units, zero or more");
        }
    }
    let rate = Rate::parse(&set.rate)
        .with_context(|| format!("--rate: {} is no percentage such as 0.60", set.rate))?;
    let currency = Currency::parse(&set.currency)
        .with_context(|| format!("--currency: {} is no currency such as CNY", set.currency))?;
    let refund_fee = RefundFee::parse(&set.refund_fee)
        .context("--refund-fee: returned, kept, or minor units above zero")?;
    let rule = FeeRule { rate, fixed_minor: set.fixed, minimum_minor: set.minimum, cap_minor: set.cap };
    Ok(NewPrice { merchant, method: set.method.clone(), currency, rule, refund_fee })
}

fn as_json(price: &Price) -> Result<serde_json::Value> {
    Ok(json!({
        "object": "price",
        "id": price.id.to_string(),
        "merchant": price.merchant.to_string(),
        "method": price.method,
        "currency": price.currency.code(),
        "version": price.version,
        "rate": price.rule.rate.to_string(),
        "fixed": price.rule.fixed_minor,
        "minimum": price.rule.minimum_minor,
        "cap": price.rule.cap_minor,
        "refund_fee": price.refund_fee.to_text(),
        "effective_at": output::instant(price.effective_at_us)?,
    }))
}

fn text(price: &Price) -> Result<String> {
    Ok(format!(
        "Price {} version {}: {} % of {} payments in {}, in force from {}",
        price.id,
        price.version,
        price.rule.rate,
        price.method,
        price.currency.code(),
        output::instant(price.effective_at_us)?,
    ))
}
