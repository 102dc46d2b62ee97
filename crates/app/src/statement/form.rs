//! One merchant's day: read its lines, sum and hash them, name the root of the blocks that hold them.

use super::pages::{Pages, corrupt};
use super::root;
use super::told;
use crate::config::MerchantConfig;
use domain::decide::business_day;
use domain::id::IdMaker;
use domain::statement::{Kind, SCHEMA, Span, Statement};
use ledger::Day;
use statement::{Formed, Former, Scope};
use store::statements::FormedDay;
use store::{Store, StoreError};

/// The day after a merchant's last statement, or its first one.
pub(super) struct NextDay<'a> {
    pub config: &'a MerchantConfig,
    /// The fund flow before, if any.
    pub last: Option<Statement>,
    /// Business time, microseconds.
    pub now_us: i64,
    /// Real time, microseconds.
    pub real_now_us: i64,
}

/// What became of a day.
pub(super) enum Outcome {
    /// It is ready to be written; with its fund flow, from which the next day goes on.
    Formed(FormedDay, Box<Statement>),
    /// Its last lines are in no block yet.
    NotSealed,
}

/// The day on which a merchant's statements begin.
pub(crate) fn first_day(config: &MerchantConfig) -> Day {
    business_day(config.merchant.created_at_us, &config.zone)
}

/// A day's lines, of both kinds, and where they stand.
struct Walked {
    formed: Vec<(Kind, Formed)>,
    after_seq: i64,
    /// The day's first and last transaction.
    range: Option<(i64, i64)>,
}

impl NextDay<'_> {
    pub fn day(&self) -> Day {
        self.last.as_ref().map_or_else(|| first_day(self.config), |last| last.day.plus(1))
    }

    /// Forms it. The caller has seen that the merchant's head has a later day open.
    pub async fn form(&self, store: &dyn Store, ids: &mut IdMaker) -> Result<Outcome, StoreError> {
        let (day, merchant) = (self.day(), &self.config.merchant);
        let span = Span::of(day, &self.config.zone);
        let walked = self.walk(store, &span).await?;
        let root = match walked.range {
            None => None,
            Some((first_seq, last_seq)) => {
                match root::of_range(store, merchant.shard, first_seq, last_seq).await? {
                    Some(root) => Some(root),
                    None => return Ok(Outcome::NotSealed),
                }
            }
        };
        let statement = |(kind, formed): (Kind, Formed), ids: &mut IdMaker| Statement {
            id: ids.next(),
            merchant: merchant.id,
            kind,
            day,
            zone: merchant.zone.clone(),
            span,
            schema: SCHEMA,
            after_seq: walked.after_seq,
            last_seq: walked.range.map_or(walked.after_seq, |(_, last_seq)| last_seq),
            line_count: formed.line_count,
            totals: formed.totals,
            sha256: formed.sha256,
            root,
            created_at_us: self.now_us,
        };
        let statements: Vec<Statement> =
            walked.formed.into_iter().map(|formed| statement(formed, ids)).collect();
        let events =
            statements.iter().map(|made| told::event(made, self.config, ids, self.real_now_us)).collect();
        let flow = statements.iter().find(|made| made.kind == Kind::FundFlow).cloned();
        let flow = flow.ok_or_else(|| StoreError::Corrupt("a day without a fund flow".to_owned()))?;
        let next_due_at_us = Span::of(day.plus(1), &self.config.zone).ends_at_us;
        Ok(Outcome::Formed(FormedDay { statements, events, next_due_at_us }, Box::new(flow)))
    }

    /// Takes the merchant's transactions until the first one of a later day.
    async fn walk(&self, store: &dyn Store, span: &Span) -> Result<Walked, StoreError> {
        let merchant = self.config.merchant.id;
        let after_seq = self.last.as_ref().map_or(0, |last| last.last_seq);
        let opening = self.last.as_ref().map(|last| last.totals.closings()).unwrap_or_default();
        let former = |kind| Former::new(Scope { merchant, kind, schema: SCHEMA }, &opening);
        let mut formers = [Kind::Trade, Kind::FundFlow].map(|kind| (kind, former(kind)));
        let mut range: Option<(i64, i64)> = None;
        let mut pages = Pages::new(merchant, after_seq, i64::MAX);
        'pages: while let Some(page) = pages.next(store).await? {
            for stored in &page.transactions {
                if stored.transaction.posted_at_us >= span.ends_at_us {
                    break 'pages;
                }
                for (_, former) in &mut formers {
                    former.take(stored.seq, &stored.transaction, &page.orders).map_err(corrupt)?;
                }
                range = Some((range.map_or(stored.seq, |(first_seq, _)| first_seq), stored.seq));
            }
        }
        let formed = formers.into_iter().map(|(kind, former)| (kind, former.finish().1)).collect();
        Ok(Walked { formed, after_seq, range })
    }
}
