//! Statements as merchants ask for them.

use crate::statement::file::{Chunks, Format, chunks};
use crate::{App, Caller, Refusal};
use domain::id::StatementId;
use domain::statement::{Span, Statement};
use ledger::Day;
use std::time::Duration;
use store::reads::Page;
use store::statements::StatementFilter;

/// How long a request for an Excel file waits for its turn.
const EXCEL_WAITS: Duration = Duration::from_secs(10);
/// A day that is over is formed within this once its lines are sealed.
const SOON_S: u64 = 5;

impl App {
    /// A page of statements, newest first. Asked for one day, there must be one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a day before the merchant's first, [`Refusal::StatementNotReady`] for one that is not formed yet.
    pub async fn statements(
        &self,
        caller: &Caller,
        filter: StatementFilter,
        page: Page,
    ) -> Result<Vec<Statement>, Refusal> {
        let rows = self.store().statements(caller.merchant, filter, page).await?;
        match filter.day {
            Some(day) if rows.is_empty() && page.after.is_none() => {
                Err(self.missing_day(caller, day).await?)
            }
            Some(_) | None => Ok(rows),
        }
    }

    /// Why there is no statement of a day.
    async fn missing_day(&self, caller: &Caller, day: Day) -> Result<Refusal, Refusal> {
        let config = self.config();
        let merchant = config.merchant(caller.merchant).ok_or(Refusal::NotFound("merchant"))?;
        if day < crate::statement::first_day(merchant) {
            return Ok(Refusal::NotFound("statement"));
        }
        let closes_at_us = Span::of(day, &merchant.zone).ends_at_us;
        let wait_us = closes_at_us.saturating_sub(self.business_now_us(caller.merchant).await?);
        let wait_s = u64::try_from(wait_us / 1_000_000).unwrap_or(0);
        Ok(Refusal::StatementNotReady { day, closes_at_us, retry_after_s: wait_s.saturating_add(SOON_S) })
    }

    /// One statement.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn statement(&self, caller: &Caller, id: StatementId) -> Result<Statement, Refusal> {
        if id.0.shard() != caller.merchant.0.shard() {
            return Err(Refusal::NotFound("statement"));
        }
        let found = self.store().statement(id).await?;
        found.filter(|found| found.merchant == caller.merchant).ok_or(Refusal::NotFound("statement"))
    }

    /// A statement's file, in pieces.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::LinesArchived`]; [`Refusal::Overloaded`] when too many Excel files are being made.
    pub async fn statement_file(
        &self,
        caller: &Caller,
        id: StatementId,
        format: Format,
    ) -> Result<(Statement, Chunks), Refusal> {
        let statement = self.statement(caller, id).await?;
        let turn = match format {
            Format::Excel(_) => {
                let wait = tokio::time::timeout(EXCEL_WAITS, self.0.excel_turns.acquire()).await;
                Some(wait.map_err(|_| Refusal::Overloaded)?.map_err(|_| Refusal::Internal)?)
            }
            Format::Csv(_) | Format::JsonLines => None,
        };
        let store = std::sync::Arc::clone(&self.0.store);
        let pieces = chunks(store, statement.clone(), format, &self.0.settings.scratch_dir).await?;
        drop(turn);
        Ok((statement, pieces))
    }
}
