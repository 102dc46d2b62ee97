//! The end: nothing fails any more, time goes on until all that was begun is done.

use super::{Phase, World};
use crate::house::Life;
use crate::store::now;
use anyhow::Result;
use domain::id::{MerchantId, PaymentId};
use domain::payment::resolve::Resolution;
use std::time::Duration;
use store::reads::{Page, PaymentFilter, Reads};

/// Rounds of half a day: longer than any hold, retry or maturity.
const ROUNDS: u64 = 20;
/// What is sent back by then is done in time.
const LAST_RESOLUTION: u64 = 4;
/// Rows in one read.
const PAGE: u32 = 100;
const ROUND_US: i64 = 12 * 3_600_000_000;

impl World {
    pub(super) fn begin_drain(&mut self) {
        self.house.faults.calm_down();
        self.note_trouble();
        self.phase = Phase::Draining(ROUNDS);
        self.say(|| "nothing fails any more".to_owned());
    }

    pub(super) async fn drain(&mut self, life: &Life) -> Result<()> {
        if self.held {
            self.hold_or_resume(life).await;
        }
        for _ in 0..4 {
            self.repeat_unsettled_now(life).await;
            self.say_again(life).await;
        }
        self.resolve_mismatches(life).await?;
        self.finish_rotation(life).await;
        self.house.clock.jump(ROUND_US);
        tokio::time::sleep(Duration::from_secs(9)).await;
        Ok(())
    }

    async fn repeat_unsettled_now(&mut self, life: &Life) {
        let again = std::mem::take(&mut self.unsettled);
        for ask in again {
            self.send_all(life, vec![ask]).await;
        }
    }

    /// A person looks at what was taken in another sum or currency than asked: in the books, for a merchant may never have heard.
    async fn resolve_mismatches(&mut self, life: &Life) -> Result<()> {
        let Phase::Draining(round) = self.phase else { return Ok(()) };
        if round < LAST_RESOLUTION || !round.is_multiple_of(2) {
            return Ok(());
        }
        for (merchant, id) in self.all_payments(life)? {
            let wish = if self.dice.chance(400) { Resolution::Keep } else { Resolution::SendBack };
            let mut done = life.app.resolve_mismatch(merchant, id, wish).await;
            if done.is_err() && wish == Resolution::Keep {
                done = life.app.resolve_mismatch(merchant, id, Resolution::SendBack).await;
            }
            if done.is_ok() {
                self.house.faults.count("mismatches resolved");
                self.say(|| format!("{id} resolved: {wish:?}"));
            }
        }
        Ok(())
    }

    fn all_payments(&self, life: &Life) -> Result<Vec<(MerchantId, PaymentId)>> {
        let mut all = Vec::new();
        for shop in &self.house.shops {
            let mut after = None;
            loop {
                let page = Page { limit: PAGE, after };
                let rows = now(life.store.payments(shop.id, &PaymentFilter::default(), page))?;
                let Some(last) = rows.last() else { break };
                after = Some((last.created_at_us, last.id.0));
                all.extend(rows.iter().map(|payment| (shop.id, payment.id)));
            }
        }
        Ok(all)
    }
}
