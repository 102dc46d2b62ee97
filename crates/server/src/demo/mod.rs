//! `feiqian demo`: the whole of it within a minute, on fresh data, with nothing to type: a payment, its webhook, a refund, the
//! books; a payment to try by hand; and one cent changed behind the program's back, which `verify` finds.

mod place;
mod receiver;
mod tamper;
mod walk;

use crate::assemble::Installation;
use crate::client::Client;
use crate::commands::{block_on, init, key, merchant};
use crate::output::line;
use crate::service::{Service, StopSignals};
use crate::telemetry;
use anyhow::{Context, Result, bail};
use app::{NewMerchant, NewPrice};
use crypto::secret::BearerToken;
use domain::World;
use domain::id::MerchantId;
use domain::price::RefundFee;
use money::{Currency, FeeRule, Rate};
use place::Place;
use receiver::Receiver;
use std::path::PathBuf;
use std::process::ExitCode;

/// What the demo's merchant pays, percent.
const RATE: &str = "0.60";

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where to put the data; new or empty, and kept. Without it: a scratch directory that is removed at the end.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Show everything, check that the books hold, and end.
    #[arg(long)]
    once: bool,
    /// Let a phone in the same network reach the payer's page.
    #[arg(long)]
    lan: bool,
}

pub(crate) fn run(options: Options) -> Result<ExitCode> {
    block_on(2, async {
        let place = Place::make(options.data_dir.as_deref())?;
        let done = demo(&options, &place).await;
        place.clean_up();
        done.map(|()| ExitCode::SUCCESS)
    })
}

async fn demo(options: &Options, place: &Place) -> Result<()> {
    let (config, listeners) = place.settings(options.lan).await?;
    telemetry::start(&config.log);
    init::create(&config, 1, false).await?;
    let installation = Installation::find(&config)?;
    let service = Service::start(&config, &installation, listeners).await?;
    let shop = open_shop(&service).await?;
    let client = Client::local(service.serving.listen.port(), &shop.token)?;
    line("Feiqian 飞钱 · demo · sandbox only, no money moves 仅沙箱,无真实资金");
    line(&format!(
        "  API {}   docs {0}/docs   metrics http://{}/metrics",
        service.serving.public_url, service.serving.internal_listen
    ));
    line(&format!(
        "  merchant 商户 {}   price {RATE} %   key  Bearer {}",
        shop.merchant,
        shop.token.expose()
    ));
    let receiver = Receiver::start().await?;
    walk::register(&client, &receiver).await?;
    walk::main_job(&client, &receiver).await?;
    walk::to_try(&client, &service.serving.public_url, options.lan).await?;
    receiver.print(true);
    tamper::show(&installation, place.directory(), &service).await?;
    let clean = tamper::prove_ours(&installation).await?;
    closing(place, &client, &shop);
    if options.once {
        service.stop(&config).await?;
        return if clean { Ok(()) } else { bail!("the books of the demo do not hold") };
    }
    receiver.print(false);
    line("\nServing until Ctrl-C; webhooks are printed as they come. 按 Ctrl-C 结束");
    StopSignals::listen()?.wait().await;
    service.stop(&config).await
}

/// A merchant with a price and a key.
struct Shop {
    merchant: MerchantId,
    token: BearerToken,
}

async fn open_shop(service: &Service) -> Result<Shop> {
    let store = service.running.store.as_ref();
    let new = NewMerchant {
        world: World::Sandbox,
        name: "Tea House 茶馆".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        maturity_days: 1,
        debt_limit_minor: 0,
        partner: None,
    };
    let (merchant, _) = merchant::make(store, &new).await?;
    let price = NewPrice {
        merchant: merchant.id,
        method: "sandbox".to_owned(),
        currency: Currency::CNY,
        rule: FeeRule { rate: Rate::parse(RATE)?, ..FeeRule::FREE },
        refund_fee: RefundFee::Returned,
    };
    let set = app::set_price(store, &price, crate::assemble::real_now_us()).await;
    set.map_err(merchant::refused)?;
    let (_, token) = key::make_bearer(store, merchant.id, "demo").await?;
    let token = token.as_deref().and_then(BearerToken::parse).context("a bearer key has a token")?;
    service.running.app.reload_config().await.map_err(merchant::refused)?;
    Ok(Shop { merchant: merchant.id, token })
}

/// Lines to paste, and where to go on.
fn closing(place: &Place, client: &Client, shop: &Shop) {
    let (base, bearer) = (client.base(), format!("-H 'Authorization: Bearer {}'", shop.token.expose()));
    line("\nPaste one 可直接粘贴:");
    line(&format!(
        "curl -s {base}/v1/payments {bearer} -H 'Content-Type: application/json' -d '{{\"merchant_order_no\":\"'tea-$(date +%s)'\",\"amount\":{{\"value\":1250,\"currency\":\"CNY\"}},\"method\":\"sandbox\",\"scene\":\"bar_code\",\"auth_code\":\"134567890123456789\",\"subject\":\"tea\"}}'"
    ));
    line(&format!(
        "curl -s {base}/v1/refunds {bearer} -H 'Content-Type: application/json' -d '{{\"merchant_refund_no\":\"'back-$(date +%s)'\",\"merchant_order_no\":\"{}\",\"amount\":{{\"value\":100,\"currency\":\"CNY\"}}}}'",
        walk::ORDER_NO
    ));
    line(&format!("curl -s '{base}/v1/balance_transactions?limit=5' {bearer}"));
    let settings = place.settings_file();
    line(&format!(
        "\nNext 接下来: feiqian verify --full --config {0}   ·   feiqian sandbox bill --date {1} --config {0}",
        settings.display(),
        place::today()
    ));
    line("\nYour own program on this machine 您自己的程序:");
    line(&format!("export FEIQIAN_SERVER={base} FEIQIAN_KEY={}", shop.token.expose()));
    line("feiqian listen --forward-to http://localhost:3000/hook   ·   feiqian trigger payment.succeeded");
    line(
        "      sandbox_outcome on a payment plays what real channels do: decline, timeout, callback_twice, other_amount …",
    );
}
