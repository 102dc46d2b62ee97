//! Statements against the journal (`--full`): each is made again and must come to the same lines, sums and hash, follow the one
//! before without a gap, and name the root of the blocks that hold its lines.

use super::difference::{Broken, Difference, Stop};
use crate::statement::{Pages, again, root};
use crypto::merkle;
use domain::id::{MerchantId, Shard};
use domain::statement::{Kind, Root, Statement};
use store::Store;

/// Statements in one read.
const PAGE: u32 = 500;

/// Checks every statement of a shard; answers how many.
pub(super) async fn check(store: &dyn Store, shard: Shard) -> Result<u64, Stop> {
    let archive_end = store.archive_end(shard).await?;
    let (mut checked, mut after) = (0, None);
    // The newest of each kind of the present merchant: rows come by (merchant, day, kind).
    let mut before: [Option<Statement>; 2] = [None, None];
    loop {
        let rows = store.statements_after(shard, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(checked) };
        after = Some((last.merchant, last.day, last.kind));
        for row in rows {
            let [trade, flow] = &mut before;
            let before = match row.kind {
                Kind::Trade => trade,
                Kind::FundFlow => flow,
            };
            let earlier = before.take().filter(|earlier| earlier.merchant == row.merchant);
            follows(shard, &row, earlier.as_ref())?;
            if row.is_archived(archive_end.block) {
                names_its_blocks(store, shard, &row).await?;
            } else {
                made_again(store, shard, &row).await?;
                checked += 1;
            }
            *before = Some(row);
        }
    }
}

fn broken(shard: Shard, row: &Statement, what: &str) -> Stop {
    let sentence = format!("statement {} ({} of {} for {}) {what}", row.id, row.kind, row.merchant, row.day);
    Stop::Found(Difference { broken: Broken::Statement, shard, sentence })
}

/// Whether it goes on where the one before ended.
fn follows(shard: Shard, row: &Statement, earlier: Option<&Statement>) -> Result<(), Stop> {
    if let Some(earlier) = earlier
        && (row.day, row.after_seq) != (earlier.day.plus(1), earlier.last_seq)
    {
        let (day, last_seq) = (earlier.day, earlier.last_seq);
        let what = format!("does not follow on that of {day}, which ends at transaction {last_seq}");
        return Err(broken(shard, row, &what));
    }
    if row.totals.openings() != earlier.map_or_else(Vec::new, |earlier| earlier.totals.closings()) {
        return Err(broken(shard, row, "does not open with what the day before closed with"));
    }
    Ok(())
}

/// Of a statement whose lines rest elsewhere the root can still be told.
async fn names_its_blocks(store: &dyn Store, shard: Shard, row: &Statement) -> Result<(), Stop> {
    let Some(Root { root, first_block, last_block }) = row.root else { return Ok(()) };
    let leaves = root::leaves(store, shard, first_block, last_block).await?;
    if merkle::root(leaves) == root {
        return Ok(());
    }
    Err(broken(shard, row, "names another root than that of the blocks of its lines"))
}

async fn made_again(store: &dyn Store, shard: Shard, row: &Statement) -> Result<(), Stop> {
    let formed = again(row).to_end(store).await?;
    if !formed.as_ref().is_some_and(|formed| formed.is(row)) {
        let lines = formed.map_or(0, |formed| formed.line_count);
        let what = format!(
            "says {} lines with the hash {}; made again it has {lines} lines and another hash or other totals",
            row.line_count,
            crypto::hex(&row.sha256),
        );
        return Err(broken(shard, row, &what));
    }
    let blocks = match first_seq(store, row.merchant, row).await? {
        Some(first_seq) => root::of_range(store, shard, first_seq, row.last_seq).await?,
        None => None,
    };
    if row.root != blocks {
        return Err(broken(shard, row, "names another root than that of the blocks of its lines"));
    }
    Ok(())
}

async fn first_seq(store: &dyn Store, merchant: MerchantId, row: &Statement) -> Result<Option<i64>, Stop> {
    let page = Pages::new(merchant, row.after_seq, row.last_seq).next(store).await?;
    Ok(page.and_then(|page| page.transactions.first().map(|stored| stored.seq)))
}
