//! [`Statements`] for every engine.

use super::Engine;
use crate::StoreError;
use crate::reads::{Block, Page};
use crate::statements::{DayPage, FormedDay, StatementFilter, StatementPlace, Statements};
use crate::{block, statement};
use async_trait::async_trait;
use domain::id::{Id, MerchantId, Shard, StatementId};
use domain::statement::{Kind, Statement};

#[async_trait]
impl<E: Engine> Statements for E {
    async fn statement(&self, id: StatementId) -> Result<Option<Statement>, StoreError> {
        self.read(move |db| Box::pin(statement::by_id(db, id))).await
    }

    async fn statements(
        &self,
        merchant: MerchantId,
        filter: StatementFilter,
        page: Page,
    ) -> Result<Vec<Statement>, StoreError> {
        self.read(move |db| Box::pin(statement::list(db, merchant, filter, page))).await
    }

    async fn last_statement(
        &self,
        merchant: MerchantId,
        kind: Kind,
    ) -> Result<Option<Statement>, StoreError> {
        self.read(move |db| Box::pin(statement::last(db, merchant, kind))).await
    }

    async fn last_statement_from(
        &self,
        merchant: MerchantId,
        kind: Kind,
        block: i64,
    ) -> Result<Option<Statement>, StoreError> {
        self.read(move |db| Box::pin(statement::last_from(db, merchant, kind, block))).await
    }

    async fn statements_after(
        &self,
        shard: Shard,
        after: Option<StatementPlace>,
        limit: u32,
    ) -> Result<Vec<Statement>, StoreError> {
        self.read(move |db| Box::pin(statement::after(db, shard, after, limit))).await
    }

    async fn statements_due(
        &self,
        shard: Shard,
        real_now_us: i64,
        limit: u32,
    ) -> Result<Vec<MerchantId>, StoreError> {
        self.read(move |db| Box::pin(statement::due(db, shard, real_now_us, limit))).await
    }

    async fn merchant_journal(
        &self,
        merchant: MerchantId,
        after_seq: i64,
        last_seq: i64,
        limit: u32,
    ) -> Result<DayPage, StoreError> {
        self.view(move |db| Box::pin(statement::merchant_journal(db, merchant, after_seq, last_seq, limit)))
            .await
    }

    async fn block_of(&self, shard: Shard, seq: i64) -> Result<Option<Block>, StoreError> {
        self.read(move |db| Box::pin(block::of_seq(db, shard, seq))).await
    }

    async fn chained_roots(
        &self,
        shard: Shard,
        first: i64,
        last: i64,
        limit: u32,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        self.read(move |db| Box::pin(block::chained_roots(db, shard, first, last, limit))).await
    }

    async fn append_statements(&self, shard: Shard, days: &[FormedDay]) -> Result<(), StoreError> {
        let days = days.to_vec();
        self.write(shard.world(), move |db| {
            Box::pin(async move { statement::append_all(db, shard, &days).await })
        })
        .await
    }

    async fn set_statements_due(&self, due: &[(MerchantId, i64)]) -> Result<(), StoreError> {
        let Some((first, _)) = due.first() else { return Ok(()) };
        let (world, mut due) = (first.uid().shard().world(), due.to_vec());
        // Everybody touches rows in the order of their keys.
        due.sort_unstable();
        self.write(world, move |db| {
            Box::pin(async move {
                for (merchant, due_at_us) in &due {
                    statement::set_due(db, *merchant, *due_at_us).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
