//! `feiqian waiting`: what waits for a channel's or a person's word, the oldest first; adjustments among them. For whoever is sent here by an alert; why each
//! is as it is, `feiqian explain` tells.

use crate::assemble::Installation;
use crate::cli::ConfigFile;
use crate::output;
use anyhow::Result;
use clap::Args;
use domain::World;
use domain::adjustment::Status;
use serde_json::json;
use std::process::ExitCode;

/// Rows of each kind and shard that are shown.
const SHOWN_MAX: u32 = 100;

/// What `waiting` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// One thing that waits.
struct Row {
    world: World,
    what: &'static str,
    id: String,
    since_us: i64,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    super::short(&options.file, async |config| {
        let store = Installation::find(&config)?.open_read_only().await?;
        let mut rows = Vec::new();
        for shard in store.shards() {
            let list = store.waiting_list(shard, SHOWN_MAX).await?;
            let attempts =
                list.attempts_unknown.iter().map(|(id, at)| ("attempt_unknown", id.to_string(), *at));
            let payments = list.payments_held.iter().map(|(id, at)| ("payment_held", id.to_string(), *at));
            let refunds =
                list.refunds_attention.iter().map(|(id, at)| ("refund_attention", id.to_string(), *at));
            let all = attempts.chain(payments).chain(refunds);
            let adjustments = store.adjustments_open(shard, None, SHOWN_MAX).await?;
            let adjustments = adjustments.iter().map(|found| {
                let what = match found.status {
                    Status::InTransit => "adjustment_in_transit",
                    Status::Proposed | Status::Succeeded | Status::Rejected => "adjustment_proposed",
                };
                (what, found.id.to_string(), found.updated_at_us)
            });
            let all = all.chain(adjustments);
            rows.extend(all.map(|(what, id, since_us)| Row { world: shard.world(), what, id, since_us }));
        }
        rows.sort_by_key(|row| (row.world != World::Live, row.since_us));
        let mut data = Vec::with_capacity(rows.len());
        let mut text = format!("{} wait for a channel's or a person's word 待处理", rows.len());
        for row in &rows {
            let (world, since) = (row.world.as_str(), output::instant(row.since_us)?);
            data.push(json!({"world": world, "what": row.what, "id": row.id, "since": since}));
            text += &format!("\n  {world:<8} {:<21} {} since {since}", row.what, row.id);
        }
        output::answer(options.json, &json!({"object": "waiting", "data": data}), &text)?;
        Ok(ExitCode::SUCCESS)
    })
}
