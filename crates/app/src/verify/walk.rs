//! The walk over one shard's journal by number, a page in each short read.

use super::block::BlockCheck;
use super::books;
use super::chain::{Chains, Link, links, natural_minor};
use super::difference::{Broken, Difference, Stop};
use super::journal::Journal;
use super::totals::Totals;
use super::{Progress, Report};
use crate::seal::chain_start;
use crypto::merkle::Hash;
use domain::id::Shard;
use domain::rows::Balance;
use ledger::Floor;
use std::collections::HashSet;
use store::StoreError;
use store::reads::StoredTransaction;

/// Transactions in one read.
const PAGE: u32 = 512;
/// Where an account's line before the range is looked for: this many of its merchant's lines, in pages.
const PAST_PAGES: usize = 8;
const PAST_PAGE: u32 = 256;

/// What a run over one shard knows.
pub(super) struct Walk<'a> {
    pub(super) journal: &'a dyn Journal,
    pub(super) shard: Shard,
    pub(super) chains: Chains,
    /// Only with `--full`, which begins at the first line.
    pub(super) totals: Option<Totals>,
    pub(super) counted: Report,
    salt_key: &'a [u8; 32],
    next_seq: i64,
    page: u32,
    /// The last block that was proven or taken as proven: (number, last seq, chained root).
    pub(super) proven: (i64, i64, Hash),
    /// Blocks up to this number are proven; later ones were sealed since this run began.
    newest_block: i64,
    current: Option<BlockCheck>,
    /// Something found within the current block: said once the block's own hashes were asked.
    wrong: Option<Difference>,
}

impl<'a> Walk<'a> {
    /// Begins after the last block proven, or with `full` at the first line.
    pub(super) async fn begin(
        journal: &'a dyn Journal,
        salt_key: &'a [u8; 32],
        shard: Shard,
        full: bool,
    ) -> Result<Walk<'a>, Stop> {
        // In this order: blocks are only added, so what another run notes meanwhile is never ahead of the newest.
        let verified = journal.verified_block(shard).await?;
        let newest_block = journal.newest_block(shard).await?.map_or(0, |block| block.number);
        let lost = |number: i64| {
            let sentence = format!("block {number} of shard {} was proven before and is gone", shard.0);
            Stop::Found(Difference { broken: Broken::Seal, shard, sentence })
        };
        if verified > newest_block {
            return Err(lost(verified));
        }
        let proven = if full || verified <= 0 {
            (0, 0, chain_start())
        } else {
            let block = journal.block(shard, verified).await?.ok_or_else(|| lost(verified))?;
            (block.number, block.last_seq, block.chained)
        };
        Ok(Walk {
            journal,
            shard,
            chains: Chains::default(),
            totals: full.then(Totals::default),
            counted: Report::default(),
            salt_key,
            next_seq: proven.1 + 1,
            page: PAGE,
            proven,
            newest_block,
            current: None,
            wrong: None,
        })
    }

    /// Transactions that the walk has before it.
    pub(super) async fn remaining(&self) -> Result<u64, Stop> {
        let last_seq = self.journal.last_seq(self.shard).await?;
        Ok(u64::try_from(last_seq - self.next_seq + 1).unwrap_or(0))
    }

    /// Walks to the end of the journal as it is by then. May be called again, to follow what was committed meanwhile.
    pub(super) async fn follow(&mut self, progress: &mut dyn Progress) -> Result<(), Stop> {
        let handed_out = self.journal.last_seq(self.shard).await?;
        loop {
            let page = self.read_page().await?;
            if page.is_empty() {
                break;
            }
            for stored in &page {
                self.take(stored).await?;
            }
            progress.step(page.len() as u64);
        }
        self.ends_as_said(handed_out).await
    }

    /// A row that can't be read is named by reading one at a time.
    async fn read_page(&mut self) -> Result<Vec<StoredTransaction>, Stop> {
        match self.journal.page(self.shard, self.next_seq, self.page).await {
            Err(StoreError::Corrupt(_)) if self.page > 1 => self.page = 1,
            Err(StoreError::Corrupt(what)) => {
                let sentence = format!(
                    "journal transaction {} of shard {} can't be read: {what}",
                    self.next_seq, self.shard.0
                );
                return Err(self.first(Broken::Unreadable, sentence));
            }
            answer => return Ok(answer?),
        }
        // Only one level deep: the page is now one transaction.
        Box::pin(self.read_page()).await
    }

    /// What was found earlier in the block goes first.
    fn first(&mut self, broken: Broken, sentence: String) -> Stop {
        Stop::Found(self.wrong.take().unwrap_or(Difference { broken, shard: self.shard, sentence }))
    }

    async fn ends_as_said(&mut self, handed_out: i64) -> Result<(), Stop> {
        let (last_seq, shard) = (self.next_seq - 1, self.shard);
        if let Some(check) = &self.current {
            let sentence = format!(
                "block {} of shard {} is over transactions {} to {}, the journal ends at {last_seq}",
                check.block.number, shard.0, check.block.first_seq, check.block.last_seq,
            );
            return Err(self.first(Broken::Gap, sentence));
        }
        if last_seq < handed_out {
            let sentence = format!(
                "shard {} has handed out journal numbers up to {handed_out}, the journal ends at {last_seq}",
                shard.0
            );
            return Err(self.first(Broken::Gap, sentence));
        }
        if self.proven.0 < self.newest_block {
            let sentence = format!(
                "block {} of shard {} begins after the journal's end, {last_seq}",
                self.proven.0 + 1,
                shard.0
            );
            return Err(self.first(Broken::Gap, sentence));
        }
        let handed_out = self.journal.last_seq(shard).await?;
        if last_seq > handed_out {
            let sentence = format!(
                "the journal of shard {} goes to {last_seq}, its numbers were handed out up to {handed_out}",
                shard.0
            );
            return Err(self.first(Broken::Gap, sentence));
        }
        Ok(())
    }

    async fn take(&mut self, stored: &StoredTransaction) -> Result<(), Stop> {
        if stored.seq != self.next_seq {
            let sentence = gap(self.shard, self.next_seq, stored.seq);
            return Err(self.first(Broken::Gap, sentence));
        }
        self.enter_block().await?;
        if let Some(check) = &mut self.current {
            check.take(self.salt_key, stored);
        }
        if self.wrong.is_none() {
            match self.check(stored).await {
                Ok(()) => {}
                Err(Stop::Found(found)) if self.current.is_some() => self.wrong = Some(found),
                Err(stop) => return Err(stop),
            }
        }
        self.counted.transactions += 1;
        self.counted.lines += stored.transaction.entries.len() as u64;
        self.next_seq += 1;
        self.leave_block(stored.seq)
    }

    async fn enter_block(&mut self) -> Result<(), Stop> {
        if self.current.is_some() || self.proven.0 >= self.newest_block {
            return Ok(());
        }
        let number = self.proven.0 + 1;
        let Some(block) = self.journal.block(self.shard, number).await? else {
            let sentence = format!(
                "block {number} of shard {} is missing, the newest is {}",
                self.shard.0, self.newest_block
            );
            return Err(Difference { broken: Broken::Seal, shard: self.shard, sentence }.into());
        };
        self.current = Some(BlockCheck::begin(self.shard, block, self.proven)?);
        Ok(())
    }

    fn leave_block(&mut self, seq: i64) -> Result<(), Stop> {
        let Some(check) = self.current.take_if(|check| check.ends_at(seq)) else {
            return Ok(());
        };
        self.proven = check.finish(self.wrong.as_ref())?;
        self.counted.blocks += 1;
        self.wrong.take().map_or(Ok(()), |wrong| Err(wrong.into()))
    }

    async fn check(&mut self, stored: &StoredTransaction) -> Result<(), Stop> {
        books::check(self.shard, stored)?;
        let mut first_of = HashSet::new();
        for link in links(stored) {
            self.read_credit_line(&link).await?;
            // Later lines of the account follow from this one.
            if first_of.insert(link.entry.account) {
                self.link_to_past(stored.seq, &link).await?;
            }
        }
        self.chains.take(self.shard, stored)?;
        if let Some(totals) = &mut self.totals {
            totals.take(stored);
        }
        Ok(())
    }

    async fn read_credit_line(&mut self, link: &Link<'_>) -> Result<(), Stop> {
        let Some(merchant) = link.entry.merchant.filter(|_| link.account.floor() == Floor::CreditLine) else {
            return Ok(());
        };
        if !self.chains.credit_lines.contains_key(&merchant) {
            let line_minor = self.journal.credit_line_minor(merchant).await?;
            self.chains.credit_lines.insert(merchant, line_minor);
        }
        Ok(())
    }

    /// The first line of an account in the range must follow from its last line before the range.
    async fn link_to_past(&mut self, seq: i64, link: &Link<'_>) -> Result<(), Stop> {
        let key = link.entry.account;
        if self.totals.is_some() || link.after.account_seq == 1 || self.chains.last.contains_key(&key) {
            return Ok(());
        }
        let before = match self.line_before(seq, link).await? {
            Some(before) => before,
            None => {
                // Its merchant had too many lines since: believed here, proven by `--full`.
                self.counted.unlinked += 1;
                let natural_minor = natural_minor(&link.account, link.entry.amount_minor);
                let amount_minor = link.after.amount_minor.saturating_sub(natural_minor);
                Balance { amount_minor, account_seq: link.after.account_seq.saturating_sub(1) }
            }
        };
        self.chains.last.insert(key, before);
        Ok(())
    }

    async fn line_before(&self, seq: i64, link: &Link<'_>) -> Result<Option<Balance>, Stop> {
        let Some(merchant) = link.entry.merchant else {
            return Ok(None);
        };
        let mut before = (seq, i64::try_from(link.line).unwrap_or(0));
        for _ in 0..PAST_PAGES {
            let lines = self.journal.lines_before(merchant, before, PAST_PAGE).await?;
            if let Some(found) = lines.iter().find(|line| line.entry.account == link.entry.account) {
                let numbers = found.entry.account_seq.zip(found.entry.balance_after_minor);
                return Ok(numbers.map(|(account_seq, amount_minor)| Balance { amount_minor, account_seq }));
            }
            match lines.last() {
                Some(last) if lines.len() == PAST_PAGE as usize => before = (last.seq, last.line),
                Some(_) | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Transactions after the last block proven.
    pub(super) fn unsealed(&self) -> u64 {
        u64::try_from(self.next_seq - 1 - self.proven.1).unwrap_or(0)
    }
}

fn gap(shard: Shard, expected: i64, found: i64) -> String {
    let shard = shard.0;
    match (expected, found - expected) {
        (1, _) => format!("the journal of shard {shard} begins with transaction {found}, not with 1"),
        (_, 1) => {
            format!(
                "the journal of shard {shard} has transactions {} and {found} but not {expected} (gap)",
                expected - 1
            )
        }
        _ => format!(
            "the journal of shard {shard} has transactions {} and {found} but not {expected} to {} (gap)",
            expected - 1,
            found - 1,
        ),
    }
}
