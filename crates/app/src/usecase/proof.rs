//! Inclusion proofs of a merchant's own lines.

use crate::statement::root;
use crate::{App, Caller, Refusal};
use crypto::merkle::{self, Hash};
use crypto::seal::line_salt;
use domain::decide::business_day;
use domain::id::{BalanceTransactionId, Shard};
use domain::statement::{Kind, Statement};
use store::reads::{Block, Page, StoredTransaction};
use store::statements::StatementFilter;
use wire::{
    BalanceTransactionObject, IdText, LineFacts, LinePosition, ProofBlock, ProofLeaf, ProofObject,
    ProofStatement,
};

impl App {
    /// The proof that a line stands in the sealed journal.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a line that is not the merchant's; [`Refusal::ProofNotReady`] while it is not sealed,
    /// [`Refusal::LinesArchived`] once it rests elsewhere.
    pub async fn proof(&self, caller: &Caller, id: BalanceTransactionId) -> Result<ProofObject, Refusal> {
        let position = wire::line_position(id);
        let (stored, shown) = self.own_line(caller, id, position).await?;
        let shard = position.shard;
        let block = self.store().block_of(shard, stored.seq).await?.ok_or(Refusal::ProofNotReady)?;
        let leaf = match self.leaf(position, &stored, &block).await {
            Ok(leaf) => leaf,
            Err(refusal) => {
                // A part of its block may have left meanwhile.
                self.must_not_be_archived(position).await?;
                return Err(refusal);
            }
        };
        let previous = match block.number {
            1 => crate::seal::chain_start(),
            number => {
                let before = self.store().block(shard, number - 1).await?;
                before.ok_or_else(|| defect("the block before is gone"))?.chained
            }
        };
        let statement = self.day_of(caller, &stored, &block).await?;
        let block = ProofBlock {
            number: block.number,
            root: crypto::hex(&block.root),
            previous: crypto::hex(&previous),
            chained: crypto::hex(&block.chained),
        };
        Ok(ProofObject { object: "proof", balance_transaction: shown, leaf, block, statement })
    }

    /// The lines of a block leave one after the other: one that is still here can't be proven.
    async fn must_not_be_archived(&self, position: LinePosition) -> Result<(), Refusal> {
        let end = self.store().archive_end(position.shard).await?;
        if (1..=end.seq).contains(&position.seq) { Err(Refusal::LinesArchived) } else { Ok(()) }
    }

    /// A line by its id, if the merchant may see it. Whatever else an id could mean looks like one that does not exist.
    async fn own_line(
        &self,
        caller: &Caller,
        id: BalanceTransactionId,
        position: LinePosition,
    ) -> Result<(StoredTransaction, BalanceTransactionObject), Refusal> {
        let not_found = Refusal::NotFound("balance_transaction");
        if position.shard != caller.merchant.0.shard() {
            return Err(not_found);
        }
        self.must_not_be_archived(position).await?;
        let found = self.store().journal(position.shard, position.seq, 1).await?.pop();
        let Some(stored) = found.filter(|stored| stored.seq == position.seq) else { return Err(not_found) };
        let line = usize::try_from(position.line).ok();
        let shown = line.and_then(|line| stored.transaction.entries.get(line)).and_then(|entry| {
            let facts = LineFacts {
                position,
                kind: stored.transaction.kind,
                source: stored.transaction.source,
                posted_at_us: stored.transaction.posted_at_us,
                entry,
            };
            let is_own = entry.merchant == Some(caller.merchant) && facts.id() == id;
            is_own.then(|| BalanceTransactionObject::of(&facts, caller.merchant, caller.world)).flatten()
        });
        shown.map(|shown| (stored, shown)).ok_or(not_found)
    }

    async fn leaf(
        &self,
        position: LinePosition,
        stored: &StoredTransaction,
        block: &Block,
    ) -> Result<ProofLeaf, Refusal> {
        let salt_key = &self.0.salt_key;
        let turn = self.0.proof_turns.acquire().await.map_err(|_| Refusal::Internal)?;
        let leaves = self.0.leaves.of(self.store(), salt_key, position.shard, block).await?;
        drop(turn);
        let path = leaves.path(position.seq, position.line);
        let (index, size, siblings) = path.ok_or_else(|| defect("a sealed line has no leaf"))?;
        let line = u16::try_from(position.line).map_err(|_| Refusal::Internal)?;
        let place = crate::seal::leaf::Place { shard: position.shard, seq: position.seq, line };
        let entry = stored.transaction.entries.get(usize::from(line)).ok_or(Refusal::Internal)?;
        let bytes = crate::seal::leaf::canonical_bytes(place, &stored.transaction, entry);
        let salt = line_salt(salt_key, place.shard.0, place.seq.cast_unsigned(), line);
        Ok(ProofLeaf {
            bytes: crypto::hex(&bytes),
            salt: crypto::hex(&salt),
            index,
            size,
            siblings: texts(&siblings),
        })
    }

    /// The block in the tree of the line's day, if the day's statements are formed.
    async fn day_of(
        &self,
        caller: &Caller,
        stored: &StoredTransaction,
        block: &Block,
    ) -> Result<Option<ProofStatement>, Refusal> {
        let statements = self.statements_over(caller, stored).await?;
        let Some(Some(of_day)) = statements.first().map(|first| first.root) else { return Ok(None) };
        let shard: Shard = caller.merchant.0.shard();
        let leaves = root::leaves(self.store(), shard, of_day.first_block, of_day.last_block).await?;
        let index = usize::try_from(block.number - of_day.first_block).map_err(|_| Refusal::Internal)?;
        let siblings =
            merkle::inclusion_proof(&leaves, index).ok_or_else(|| defect("a block is not of its day"))?;
        if merkle::root(leaves.iter().copied()) != of_day.root {
            return Err(defect("the root of a statement is not that of its blocks"));
        }
        let id_of = |kind| statements.iter().find(|made| made.kind == kind).map(|made| IdText::of(made.id));
        Ok(Some(ProofStatement {
            date: statements.first().map(|made| made.day.to_string()).unwrap_or_default(),
            trade: id_of(Kind::Trade),
            fund_flow: id_of(Kind::FundFlow),
            index: u64::try_from(index).unwrap_or(u64::MAX),
            size: u64::try_from(leaves.len()).unwrap_or(u64::MAX),
            siblings: texts(&siblings),
            root: crypto::hex(&of_day.root),
        }))
    }

    /// The statements in whose range a transaction stands.
    async fn statements_over(
        &self,
        caller: &Caller,
        stored: &StoredTransaction,
    ) -> Result<Vec<Statement>, Refusal> {
        let config = self.config();
        let merchant = config.merchant(caller.merchant).ok_or(Refusal::NotFound("merchant"))?;
        let day = business_day(stored.transaction.posted_at_us, &merchant.zone);
        let filter = StatementFilter { day: Some(day), kind: None };
        let page = Page { limit: Kind::ALL.len() as u32, after: None };
        let mut found = self.store().statements(caller.merchant, filter, page).await?;
        found.retain(|made| (made.after_seq + 1..=made.last_seq).contains(&stored.seq));
        Ok(found)
    }
}

fn texts(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| crypto::hex(hash)).collect()
}

fn defect(what: &str) -> Refusal {
    tracing::error!(what, "a proof can't be made: run verify --full");
    Refusal::Internal
}
