//! `feiqian sandbox bill`: what the sandbox channel says it took and gave back on one day.

use crate::assemble::{Installation, SANDBOX_KIND, book_path};
use crate::cli::ConfigFile;
use crate::output;
use anyhow::{Context, Result, bail};
use channels::sandbox::{Bill, BillKind, BillRow, read_bill};
use clap::{Args, Subcommand};
use domain::id::ChannelAccountId;
use ledger::Day;
use money::{Amount, Currency};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What can be asked of the sandbox channel.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One day's bill, from the channel's own book.
    Bill(Options),
}

/// What `sandbox bill` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// The day in the channel's zone, YYYY-MM-DD.
    #[arg(long)]
    date: String,
    /// One line of JSON on standard output.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// A file for people and spreadsheets.
    #[arg(long)]
    csv: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let Command::Bill(options) = command;
    super::short(&options.file, async |config| {
        let date = Day::parse(&options.date)
            .with_context(|| format!("--date: {} is no day (YYYY-MM-DD)", options.date))?;
        let store = Installation::find(&config)?.open_read_only().await?;
        let accounts = store.snapshot().await?.channel_accounts;
        let Some(account) =
            accounts.iter().find(|stored| stored.kind == SANDBOX_KIND).map(|stored| stored.account.id)
        else {
            bail!("this installation has no sandbox channel");
        };
        let path = book_path(&config, account);
        // No book yet: nobody ever served, so nothing was paid.
        let bill = match path.exists() {
            true => tokio::task::spawn_blocking(move || read_bill(&path, date)).await??,
            false => Bill { date, rows: Vec::new(), totals: Vec::new() },
        };
        match options.csv {
            true => output::line(bill.to_csv().trim_end()),
            false => output::answer(options.json, &as_json(account, &bill)?, &text(account, &bill))?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn kind(row: &BillRow) -> &'static str {
    match row.kind {
        BillKind::Payment => "payment",
        BillKind::Refund => "refund",
    }
}

fn money(minor: i64, currency: Currency) -> Value {
    json!({"value": minor, "currency": currency.code()})
}

fn as_json(account: ChannelAccountId, bill: &Bill) -> Result<Value> {
    let mut rows = Vec::with_capacity(bill.rows.len());
    for row in &bill.rows {
        rows.push(json!({
            "kind": kind(row),
            "request_no": row.request_no(),
            "part_no": row.part_no(),
            "trade_no": row.trade_no(),
            "amount": money(row.amount_minor, row.currency),
            "fee": money(row.fee_minor, row.currency),
            "at": output::instant(row.at_us)?,
        }));
    }
    let totals = bill.totals.iter().map(|total| {
        json!({
            "currency": total.currency.code(),
            "payments": total.payments,
            "refunds": total.refunds,
            "gross": money(total.gross_minor, total.currency),
            "refunded": money(total.refunded_minor, total.currency),
            "fee": money(total.fee_minor, total.currency),
            "net": money(total.net_minor(), total.currency),
        })
    });
    let totals: Vec<Value> = totals.collect();
    Ok(json!({
        "object": "channel_bill",
        "channel_account": account.to_string(),
        "date": bill.date.to_string(),
        "rows": rows,
        "totals": totals,
    }))
}

fn text(account: ChannelAccountId, bill: &Bill) -> String {
    let mut text = format!("Bill of {account} for {}: {} rows 渠道账单", bill.date, bill.rows.len());
    for total in &bill.totals {
        let of = |minor| Amount::new(minor, total.currency);
        text += &format!(
            "\n  {} payments {}, {} refunds {}, fee {}, net {}",
            total.payments,
            of(total.gross_minor),
            total.refunds,
            of(total.refunded_minor),
            of(total.fee_minor),
            of(total.net_minor()),
        );
    }
    text
}
