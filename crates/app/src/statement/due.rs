//! Whose day is over: looks for merchants by index, opens their present day where nothing was booked on it yet, forms the days
//! before it, writes them in batches. Several nodes may do so: the store lets one day in once.

use super::form::{NextDay, Outcome};
use crate::config::MerchantConfig;
use crate::lane::Command;
use crate::seal::{SealPolicy, seal_due};
use crate::{App, Refusal};
use domain::clock::OpenDay;
use domain::decide::business_day;
use domain::id::{IdMaker, MerchantId, Shard, World};
use domain::merchant::Head;
use domain::statement::{Kind, Span};
use futures::StreamExt;
use futures::stream;
use ledger::Day;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use store::StoreError;
use store::statements::FormedDay;

/// Merchants in one look.
const DUE_MAX: u32 = 200;
/// Looks in a row while each finds work.
const LOOKS_MAX: u32 = 50;
/// Merchants whose lines are read at once.
const AT_ONCE: usize = 4;
/// Days of one merchant that are formed before others get their turn: what a sandbox clock leaps over comes in parts.
const DAYS_AT_ONCE: usize = 31;
/// Days in one commit.
const DAYS_A_COMMIT: usize = 64;
/// A day that is not sealed yet is looked at again after this.
const UNSEALED_AGAIN_US: i64 = 5_000_000;
/// A day that could not be formed is looked at again after this, so that it holds up nobody else's.
const FAILED_AGAIN_US: i64 = 60_000_000;

/// What a look at one merchant came to.
struct Looked {
    merchant: MerchantId,
    days: Vec<FormedDay>,
    /// When it is looked at again, business time; `None` where its days say so.
    again_at_us: Option<i64>,
}

/// Merchants whose days a task of this node forms; given free with it, however it ends.
struct Taken<'a> {
    forming: &'a Mutex<HashSet<MerchantId>>,
    merchants: Vec<MerchantId>,
}

impl<'a> Taken<'a> {
    /// Those that no other task forms already.
    fn of(forming: &'a Mutex<HashSet<MerchantId>>, mut merchants: Vec<MerchantId>) -> Taken<'a> {
        let mut others = forming.lock().unwrap_or_else(PoisonError::into_inner);
        merchants.retain(|merchant| others.insert(*merchant));
        Taken { forming, merchants }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut forming = self.forming.lock().unwrap_or_else(PoisonError::into_inner);
        for merchant in &self.merchants {
            forming.remove(merchant);
        }
    }
}

/// A merchant as it is looked at.
struct About {
    config: Arc<MerchantConfig>,
    head: Head,
    now_us: i64,
    real_now_us: i64,
}

impl App {
    /// Forms what is due in a shard.
    pub(crate) async fn form_statements(&self, shard: Shard) {
        if self.0.gate.is_held() {
            // A restored installation learns first what was done since; a day that is told stays as it was told.
            return;
        }
        for _ in 0..LOOKS_MAX {
            if !self.0.duty.is_ours(shard) {
                return;
            }
            match self.form_due(shard).await {
                Ok(found) if found == DUE_MAX as usize => {}
                Ok(_) => return,
                Err(refusal) => {
                    tracing::warn!(?refusal, shard = shard.0, "forming statements came to nothing");
                    return;
                }
            }
        }
    }

    async fn form_due(&self, shard: Shard) -> Result<usize, Refusal> {
        let due = self.store().statements_due(shard, self.0.clock.real_now_us(), DUE_MAX).await?;
        let found = due.len();
        self.form_for(shard, due).await?;
        Ok(found)
    }

    /// Forms what is due for one merchant. Another task that is at it already is left to it.
    pub(crate) async fn form_statements_of(&self, merchant: MerchantId) -> Result<(), Refusal> {
        self.form_for(merchant.0.shard(), vec![merchant]).await
    }

    /// How many of a merchant's days are over and not formed.
    pub(crate) async fn days_to_form(&self, merchant: MerchantId) -> Result<u32, Refusal> {
        let Some(about) = self.about(merchant).await? else { return Ok(0) };
        let last = self.store().last_statement(merchant, Kind::FundFlow).await?;
        let next = last.map_or_else(|| super::form::first_day(&about.config), |last| last.day.plus(1));
        let over = business_day(about.now_us, &about.config.zone).max(about.head.business_day);
        Ok(u32::try_from(over.0.saturating_sub(next.0)).unwrap_or(0))
    }

    async fn form_for(&self, shard: Shard, merchants: Vec<MerchantId>) -> Result<(), Refusal> {
        let taken = Taken::of(&self.0.forming, merchants);
        let looked: Vec<Looked> = stream::iter(taken.merchants.iter().copied())
            .map(|merchant| self.look(merchant))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        self.write_down(shard, looked).await
    }

    /// A failure concerns its own merchant only.
    async fn look(&self, merchant: MerchantId) -> Looked {
        match self.next_days(merchant).await {
            Ok(looked) => looked,
            Err(refusal) => {
                metrics::counter!("feiqian_statement_failures_total").increment(1);
                tracing::error!(?refusal, %merchant, "a day's statements could not be formed; tried again");
                let now_us = self.business_now_us(merchant).await.unwrap_or_default();
                let again_at_us = Some(now_us.saturating_add(FAILED_AGAIN_US));
                Looked { merchant, days: Vec::new(), again_at_us }
            }
        }
    }

    async fn about(&self, merchant: MerchantId) -> Result<Option<About>, Refusal> {
        // A node that has not read of a new merchant yet leaves it to a later look.
        let Some(config) = self.config().merchant(merchant).cloned() else { return Ok(None) };
        let head = self.store().head(merchant).await?.ok_or(Refusal::NotFound("merchant"))?;
        let real_now_us = self.0.clock.real_now_us();
        let now_us = real_now_us.saturating_add(head.clock_offset_us);
        Ok(Some(About { config, head, now_us, real_now_us }))
    }

    async fn next_days(&self, merchant: MerchantId) -> Result<Looked, Refusal> {
        let Some(about) = self.about(merchant).await? else {
            return Ok(Looked { merchant, days: Vec::new(), again_at_us: None });
        };
        let open_day = self.open_day_of(&about).await?;
        let last = self.store().last_statement(merchant, Kind::FundFlow).await?;
        let About { config, now_us, real_now_us, .. } = &about;
        let mut next = NextDay { config, last, now_us: *now_us, real_now_us: *real_now_us };
        let mut ids = IdMaker::new(*real_now_us, merchant.0.shard(), self.0.random.seed());
        let mut days = Vec::new();
        let mut may_seal = merchant.0.shard().world() == World::Sandbox;
        while next.day() < open_day && days.len() < DAYS_AT_ONCE {
            match next.form(self.store(), &mut ids).await? {
                Outcome::Formed(day, flow) => {
                    days.push(day);
                    next.last = Some(*flow);
                }
                // A developer who moved the clock waits for it; live lines are sealed within the minute anyway.
                Outcome::NotSealed if may_seal => {
                    may_seal = false;
                    self.seal_now(merchant.0.shard()).await?;
                }
                Outcome::NotSealed => {
                    let again_at_us = Some(now_us.saturating_add(UNSEALED_AGAIN_US));
                    return Ok(Looked { merchant, days, again_at_us });
                }
            }
        }
        let is_up_to_date = days.is_empty();
        let again_at_us = is_up_to_date.then(|| Span::of(next.day(), &config.zone).ends_at_us);
        Ok(Looked { merchant, days, again_at_us })
    }

    /// The merchant's open day, moved to the present one where no booking has moved it yet. With that commit the days before are over.
    async fn open_day_of(&self, about: &About) -> Result<Day, Refusal> {
        let merchant = about.head.merchant;
        if business_day(about.now_us, &about.config.zone) <= about.head.business_day {
            return Ok(about.head.business_day);
        }
        self.apply(merchant, Command::OpenDay(OpenDay { merchant })).await?;
        let head = self.store().head(merchant).await?.ok_or(Refusal::NotFound("merchant"))?;
        Ok(head.business_day)
    }

    async fn seal_now(&self, shard: Shard) -> Result<(), Refusal> {
        let policy = SealPolicy { idle_us: 0, ..SealPolicy::default() };
        seal_due(self.store(), &self.0.salt_key, shard, policy, self.0.clock.real_now_us()).await?;
        Ok(())
    }

    async fn write_down(&self, shard: Shard, looked: Vec<Looked>) -> Result<(), Refusal> {
        let mut days = Vec::new();
        let mut again = Vec::new();
        for of_one in looked {
            again.extend(of_one.again_at_us.map(|at_us| (of_one.merchant, at_us)));
            days.extend(of_one.days);
        }
        for chunk in days.chunks(DAYS_A_COMMIT) {
            self.append(shard, chunk).await?;
        }
        if !days.is_empty() {
            metrics::counter!("feiqian_statements_formed_total")
                .increment(days.iter().map(|day| day.statements.len() as u64).sum());
            self.wake_deliverer();
        }
        self.store().set_statements_due(&again).await?;
        Ok(())
    }

    /// Writes days in one commit; where another node was sooner with one of them, each by itself.
    async fn append(&self, shard: Shard, days: &[FormedDay]) -> Result<(), Refusal> {
        match self.store().append_statements(shard, days).await {
            Err(StoreError::Conflict(_)) if days.len() > 1 => {
                for day in days {
                    match self.store().append_statements(shard, std::slice::from_ref(day)).await {
                        Ok(()) | Err(StoreError::Conflict(_)) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(())
            }
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
