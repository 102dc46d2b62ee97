//! Adjustments and their halves (`--full`): each row against its lines on 1920, and each half against the other, which may be
//! another shard's. So what 1920 holds over all shards is, by name, what is in transit.

use super::Progress;
use super::difference::{Broken, Difference, Stop};
use super::totals::Half;
use super::walk::Walk;
use domain::adjustment::{Adjustment, Arrival, Status};
use domain::id::{AdjustmentId, Shard};
use ledger::{Account, AccountKey};
use money::Amount;
use std::collections::BTreeSet;

/// Rows in one read.
const PAGE: u32 = 500;
/// How often what disagrees is read again after following the journal: halves are booked while it is looked.
const SECOND_LOOKS: u32 = 3;

/// Compares every adjustment that has a row or a line in the shard.
pub(super) async fn check(walk: &mut Walk<'_>, progress: &mut dyn Progress) -> Result<(), Stop> {
    let mut ids = rows_of(walk).await?;
    walk.counted.objects += ids.len() as u64;
    if let Some(totals) = &walk.totals {
        ids.extend(totals.between.keys().map(|source| AdjustmentId(*source)));
    }
    for id in ids {
        let mut fault = fault_of(walk, id).await?;
        for _ in 0..SECOND_LOOKS {
            if fault.is_none() {
                break;
            }
            walk.follow(progress).await?;
            fault = fault_of(walk, id).await?;
        }
        if let Some(sentence) = fault {
            return Err(Difference { broken: Broken::Object, shard: walk.shard, sentence }.into());
        }
    }
    Ok(())
}

/// Every adjustment that the shard's merchants gave or received.
async fn rows_of(walk: &mut Walk<'_>) -> Result<BTreeSet<AdjustmentId>, Stop> {
    let (mut ids, mut after) = (BTreeSet::new(), None);
    loop {
        let rows = walk.journal.adjustments_after(walk.shard, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.id);
        let in_transit = rows.iter().filter(|row| row.status == Status::InTransit).count();
        walk.counted.adjustments_in_transit += in_transit as u64;
        ids.extend(rows.iter().map(|row| row.id));
    }
    after = None;
    loop {
        let rows = walk.journal.arrivals_after(walk.shard, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(ids) };
        after = Some(last.adjustment);
        ids.extend(rows.iter().map(|row| row.adjustment));
    }
}

async fn fault_of(walk: &Walk<'_>, id: AdjustmentId) -> Result<Option<String>, Stop> {
    let Some(totals) = &walk.totals else { return Ok(None) };
    let (journal, giver) = (walk.journal, id.0.shard());
    if !journal.shards().contains(&giver) {
        return Ok(Some(format!("adjustment {id} is of shard {}, which is not there", giver.0)));
    }
    // In this order: what had arrived was given before, and whose end is noted has arrived before.
    let here = journal.arrival(walk.shard, id).await?;
    let Some(row) = journal.adjustment(id).await? else {
        return Ok(Some(format!(
            "adjustment {id} has lines or an arrival in shard {} and no row",
            walk.shard.0
        )));
    };
    let receiver = row.receiver.0.shard();
    let arrived = if receiver == walk.shard { here } else { journal.arrival(receiver, id).await? };
    if let Some(sentence) = halves_fault(&row, arrived.as_ref()) {
        return Ok(Some(sentence));
    }
    if here.is_some() && receiver != walk.shard {
        return Ok(Some(format!(
            "adjustment {id} arrived in shard {}, its receiver is of {}",
            walk.shard.0, receiver.0
        )));
    }
    let mut expected = Vec::new();
    if giver == walk.shard && row.status.is_given() {
        expected.push((between(receiver, row.amount), row.amount.minor().saturating_neg(), row.merchant));
    }
    if let Some(arrival) = here {
        expected.push((between(giver, arrival.amount), arrival.amount.minor(), arrival.merchant));
    }
    expected.sort_unstable();
    let lines = totals.between.get(&id.0).cloned().unwrap_or_default();
    Ok((lines != expected).then(|| {
        format!(
            "adjustment {id} ({}) has {} in shard {}, its rows say {}",
            row.status,
            told(&lines),
            walk.shard.0,
            told(&expected)
        )
    }))
}

/// The two halves of one adjustment agree.
fn halves_fault(row: &Adjustment, arrived: Option<&Arrival>) -> Option<String> {
    let id = row.id;
    match (row.status, arrived) {
        (Status::Succeeded, None) => Some(format!("adjustment {id} has succeeded and nothing has arrived")),
        (Status::Proposed | Status::Rejected, Some(_)) => {
            Some(format!("adjustment {id} is {} and has arrived", row.status))
        }
        (Status::InTransit | Status::Succeeded, Some(arrival)) => {
            let is_same = (arrival.merchant, arrival.amount) == (row.receiver, row.amount);
            (!is_same).then(|| format!("adjustment {id} has arrived as something else than was given"))
        }
        (Status::Proposed | Status::Rejected | Status::InTransit, None) => None,
    }
}

fn between(other: Shard, amount: Amount) -> AccountKey {
    Account::BetweenShards { other_shard: other.0 }.key(amount.currency())
}

fn told(lines: &[Half]) -> String {
    if lines.is_empty() {
        return "no line on 1920".to_owned();
    }
    let told: Vec<String> = lines
        .iter()
        .map(|(key, minor, merchant)| {
            let (currency, other) = (key.currency.code(), u128::from_be_bytes(key.dim));
            format!("{minor:+} {currency} on 1920 {{{other}}} of {merchant}")
        })
        .collect();
    told.join(" and ")
}
