//! `feiqian explain`: why a payment or refund is as it is and who asked for it, read from the books, beside a serving process or
//! on a copy. Keys and endpoints are told in `explain_control.rs`.

use super::explain_control;
use crate::assemble::Installation;
use crate::cli::ConfigFile;
use crate::output;
use anyhow::{Context, Result, bail};
use app::archive;
use clap::Args;
use domain::Uid;
use domain::api_key::{ApiKey, Owner};
use domain::attempt::Attempt;
use domain::event::Type;
use domain::id::{AttemptId, CaptureId, Id, KeyId, PaymentId, RefundId};
use domain::payment::Payment;
use domain::price::Price;
use domain::refund::Refund;
use money::Amount;
use serde_json::{Value, json};
use std::fmt;
use std::process::ExitCode;
use store::Store;
use store::control::Snapshot;
use store::reads::StoredLine;

/// What `explain` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// A payment, attempt, capture or refund: `pay_…`, `att_…`, `cap_…`, `rfd_…`; or who made a key or webhook endpoint: `key_…`, `whe_…`.
    id: String,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let store = Installation::find(&config)?.open_read_only().await?;
        let told = tell(store.as_ref(), &options.id).await?;
        output::answer(options.json, &told.to_json()?, &told.to_text()?)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// One thing that happened, when and in which words.
pub(super) struct Happened {
    pub(super) at_us: i64,
    pub(super) what: String,
    /// Whose request it was.
    pub(super) acting: Option<Acting>,
}

/// The key of a request, and whose it is.
#[derive(Clone, Copy)]
pub(super) struct Acting {
    key: KeyId,
    owner: Option<Owner>,
}

/// Every key of the installation: the operator may know who asked.
pub(super) struct Keys(Vec<ApiKey>);

impl Keys {
    pub(super) fn of(snapshot: &Snapshot) -> Keys {
        Keys(snapshot.keys.clone())
    }

    pub(super) fn acting(&self, key: Option<KeyId>) -> Option<Acting> {
        let key = key?;
        let owner = self.0.iter().find(|known| known.id == key).map(|known| known.owner);
        Some(Acting { key, owner })
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&ApiKey> {
        self.0.iter().find(|known| known.id == id)
    }
}

/// Everything there is to say about an object.
pub(super) struct Told {
    pub(super) id: String,
    pub(super) summary: String,
    pub(super) history: Vec<Happened>,
    pub(super) price: Option<Value>,
    pub(super) lines: Vec<StoredLine>,
}

async fn tell(store: &dyn Store, id: &str) -> Result<Told> {
    let snapshot = store.snapshot().await?;
    if let Some(told) = explain_control::tell(&snapshot, id)? {
        return Ok(told);
    }
    let keys = Keys::of(&snapshot);
    if let Some(id) = RefundId::parse(id) {
        let refund = store.refund(id).await?.with_context(|| format!("there is no refund {id}"))?;
        return tell_refund(store, &keys, &refund).await;
    }
    let id = payment_of(store, id).await?;
    let payment = store.payment(id).await?.with_context(|| format!("there is no payment {id}"))?;
    tell_payment(store, &keys, &payment).await
}

/// The payment that an id is about.
async fn payment_of(store: &dyn Store, id: &str) -> Result<PaymentId> {
    if let Some(attempt) = AttemptId::parse(id) {
        let found = store.attempt(attempt).await?;
        return Ok(found.with_context(|| format!("there is no attempt {attempt}"))?.payment);
    }
    if let Some(capture) = CaptureId::parse(id) {
        let found = store.capture(capture).await?;
        return Ok(found.with_context(|| format!("there is no capture {capture}"))?.payment);
    }
    let Some(payment) = PaymentId::parse(id) else {
        bail!(
            "{id}: expected the id of a payment (pay_…), attempt (att_…), capture (cap_…), refund (rfd_…), key (key_…) or \
             webhook endpoint (whe_…)"
        )
    };
    Ok(payment)
}

async fn tell_payment(store: &dyn Store, keys: &Keys, payment: &Payment) -> Result<Told> {
    let created = format!("recorded: {} by {} for {}", payment.amount, payment.method, payment.merchant);
    let acting = keys.acting(payment.details.created_by);
    let mut history = vec![Happened { at_us: payment.created_at_us, what: created, acting }];
    let attempts = store.attempts_of(payment.id).await?;
    history.extend(attempts.iter().map(|attempt| tell_attempt(attempt, keys)));
    let mut lines = lines_of(store, payment.id.uid()).await?;
    for attempt in &attempts {
        lines.extend(lines_of(store, attempt.id.uid()).await?);
    }
    for capture in store.captures_of(payment.id).await? {
        history.push(Happened {
            at_us: capture.updated_at_us,
            what: format!("{} of {}: {}", capture.id, capture.amount, capture.status),
            acting: keys.acting(capture.acting_key),
        });
        lines.extend(lines_of(store, capture.id.uid()).await?);
    }
    let mut events = events_of(store, payment.id.uid()).await?;
    for closed in events.iter_mut().filter(|event| event.what.starts_with(Type::PaymentClosed.as_str())) {
        closed.acting = keys.acting(payment.ended_by);
    }
    history.extend(events);
    let reason = payment.status_reason.map_or(String::new(), |reason| format!(" ({})", reason.as_str()));
    let archived = archived(store, payment.id.uid(), archive::is_whole_payment(payment, &lines)).await?;
    let summary = format!("order {} is {}{reason}{archived}", payment.merchant_order_no, payment.status);
    finish(payment.id.to_string(), summary, history, price_of(store, payment).await?, lines)
}

async fn tell_refund(store: &dyn Store, keys: &Keys, refund: &Refund) -> Result<Told> {
    let asked = format!("accepted: {} of {}, through {}", refund.amount, refund.payment, refund.attempt);
    let acting = keys.acting(refund.acting_key);
    let mut history = vec![Happened { at_us: refund.created_at_us, what: asked, acting }];
    history.extend(events_of(store, refund.id.uid()).await?);
    let payment = store.payment(refund.payment).await?.context("the refund's payment is missing")?;
    let number = refund.merchant_refund_no.as_deref().unwrap_or("made by the platform");
    let lines = lines_of(store, refund.id.uid()).await?;
    let archived = archived(store, refund.id.uid(), archive::is_whole_refund(refund, &lines)).await?;
    let summary = format!("refund {number} is {}{archived}", refund.status);
    finish(refund.id.to_string(), summary, history, price_of(store, &payment).await?, lines)
}

pub(super) fn finish(
    id: String,
    summary: String,
    mut history: Vec<Happened>,
    price: Option<Value>,
    mut lines: Vec<StoredLine>,
) -> Result<Told> {
    history.sort_by_key(|item| item.at_us);
    lines.sort_by_key(|line| (line.seq, line.line));
    lines.dedup_by_key(|line| (line.seq, line.line));
    Ok(Told { id, summary, history, price, lines })
}

fn tell_attempt(attempt: &Attempt, keys: &Keys) -> Happened {
    let failure = attempt
        .failure
        .as_ref()
        .map_or(String::new(), |failure| format!(": {} ({})", failure.code, failure.message));
    let contradiction = attempt
        .contradiction
        .as_ref()
        .map_or(String::new(), |what| format!("; the channel contradicted itself: {what}"));
    let what = format!(
        "{} at {} is {}{failure}{contradiction}",
        attempt.id, attempt.channel_account, attempt.status
    );
    Happened { at_us: attempt.updated_at_us, what, acting: keys.acting(attempt.acting_key) }
}

async fn events_of(store: &dyn Store, object: Uid) -> Result<Vec<Happened>> {
    let events = store.events_of_object(object.shard(), object).await?;
    let told = events.into_iter().map(|event| Happened {
        at_us: event.created_at_us,
        what: format!("{} told ({})", event.kind.as_str(), event.id),
        acting: None,
    });
    Ok(told.collect())
}

/// Says that some of an object's lines are to be looked for elsewhere.
async fn archived(store: &dyn Store, source: Uid, are_whole: bool) -> Result<&'static str> {
    let are_gone = !are_whole && store.archive_end(source.shard()).await?.seq > 0;
    Ok(if are_gone { "; postings of it rest in the archive" } else { "" })
}

async fn lines_of(store: &dyn Store, source: Uid) -> Result<Vec<StoredLine>> {
    Ok(store.lines_of_source(source.shard(), source).await?)
}

/// The fee derived again from the stored price version; `None` while nothing is captured.
async fn price_of(store: &dyn Store, payment: &Payment) -> Result<Option<Value>> {
    if payment.captured_minor == 0 {
        return Ok(None);
    }
    let prices = store.snapshot().await?.prices;
    let price: &Price = prices
        .iter()
        .find(|price| price.id == payment.price)
        .context("the payment's price version is missing")?;
    let fee = price.rule.fee(payment.captured_minor)?;
    Ok(Some(json!({
        "version": price.id.to_string(),
        "rate": price.rule.rate.to_string(),
        "fixed": price.rule.fixed_minor,
        "minimum": price.rule.minimum_minor,
        "cap": price.rule.cap_minor,
        "captured": payment.captured_minor,
        "exact": fee.exact_string(),
        "rounded": fee.rounded_minor,
        "difference": fee.difference_string(),
        "booked": payment.fee_minor,
    })))
}

impl fmt::Display for Acting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            Some(Owner::Merchant(merchant)) => write!(f, "asked with {} of {merchant}", self.key),
            Some(Owner::Partner(partner)) => write!(f, "asked with {} of partner {partner}", self.key),
            None => write!(f, "asked with {}", self.key),
        }
    }
}

impl Told {
    fn to_json(&self) -> Result<Value> {
        let mut history = Vec::new();
        for item in &self.history {
            let acting_key = item.acting.map(|acting| acting.key.to_string());
            let acting_partner =
                item.acting.and_then(|acting| acting.owner?.partner()).map(|id| id.to_string());
            history.push(json!({
                "at": output::instant(item.at_us)?,
                "what": item.what,
                "acting_key": acting_key,
                "acting_partner": acting_partner,
            }));
        }
        let mut ledger = Vec::new();
        for line in &self.lines {
            let minor = line.entry.amount_minor;
            ledger.push(json!({
                "transaction": line.seq,
                "line": line.line,
                "account": account(line),
                "side": side(minor),
                "amount": {"value": minor.saturating_abs(), "currency": line.entry.account.currency.code()},
                "category": line.entry.category.as_str(),
                "posted_at": output::instant(line.posted_at_us)?,
                "reason": line.kind.as_str(),
            }));
        }
        let (id, summary, price) = (&self.id, &self.summary, &self.price);
        Ok(
            json!({"object": "explanation", "id": id, "summary": summary, "history": history, "price": price, "ledger": ledger}),
        )
    }

    fn to_text(&self) -> Result<String> {
        let mut text = format!("{}: {}\n\nHistory 经过", self.id, self.summary);
        for item in &self.history {
            text += &format!("\n  {}  {}", output::instant(item.at_us)?, item.what);
            if let Some(acting) = item.acting {
                text += &format!(" · {acting}");
            }
        }
        if let Some(price) = &self.price {
            let of = |name: &str| {
                price.get(name).map_or(String::new(), |value| value.to_string().trim_matches('"').to_owned())
            };
            text += &format!(
                "\n\nFee 手续费\n  {} % of {} + {} = {}, rounded {} (booked {}), price {}",
                of("rate"),
                of("captured"),
                of("fixed"),
                of("exact"),
                of("rounded"),
                of("booked"),
                of("version"),
            );
        }
        if self.lines.is_empty() {
            return Ok(text);
        }
        text += "\n\nLedger 分录";
        let mut seq = None;
        for line in &self.lines {
            if seq != Some(line.seq) {
                text += &format!("\n  #{} {}", line.seq, line.kind.as_str());
                seq = Some(line.seq);
            }
            let minor = line.entry.amount_minor;
            let amount = Amount::new(minor.saturating_abs(), line.entry.account.currency);
            text += &format!("\n    {:<6} {:>16}  {}", side(minor), amount.to_string(), account(line));
        }
        Ok(text)
    }
}

fn side(minor: i64) -> &'static str {
    if minor >= 0 { "debit" } else { "credit" }
}

/// The account's number, name and, where it has one, its day. Whose it is follows from the object that is explained.
fn account(line: &StoredLine) -> String {
    let key = &line.entry.account;
    match ledger::Account::from_key(key) {
        None => key.code.to_string(),
        Some(account) => {
            let day = account.day().map_or(String::new(), |day| format!(" {day}"));
            format!("{} {}{day}", key.code, account.facts().name)
        }
    }
}
