//! Days and clocks: what is formed stays, whatever the machine's clock does.

use crate::world::World;
use app::clock::RealTime;
use app::{Clock, ReEntry};
use domain::clock::ClockMove;
use domain::decide::business_day;
use domain::statement::{Kind, Statement, Totals};
use jiff::tz::TimeZone;
use ledger::Day;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::Statements;
use store::reads::{LineFilter, Page, SeqPage};
use store::statements::StatementFilter;

const DAY_US: i64 = 86_400_000_000;

/// The system's clock, set forward or back by somebody.
struct SetClock(AtomicI64);

impl RealTime for SetClock {
    fn now_us(&self) -> i64 {
        Clock::system().real_now_us() + self.0.load(Ordering::Relaxed)
    }
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

async fn formed(world: &World, day: Day) -> Vec<Statement> {
    for _ in 0..400 {
        let filter = StatementFilter { day: Some(day), kind: None };
        let page = Page { limit: 2, after: None };
        let rows = world.store.statements(world.caller.merchant, filter, page).await.unwrap();
        if rows.len() == 2 {
            return rows;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no statements of {day}");
}

async fn newest_line_at_us(world: &World) -> i64 {
    let page = SeqPage { limit: 1, before: None };
    world.app.lines(&world.caller, &LineFilter::default(), page).await.unwrap()[0].posted_at_us
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_dates_nothing_into_a_day_that_is_over() {
    // Some days ahead, so that going back does not lead before the merchant's price.
    let clock = Arc::new(SetClock(AtomicI64::new(10 * DAY_US)));
    let world = World::at(Clock::of(clock.clone())).await;
    world.paid(10_000).await;
    let today = business_day(newest_line_at_us(&world).await, &zone());
    clock.0.store(11 * DAY_US, Ordering::Relaxed);
    let first = formed(&world, today).await;

    // Set back by two days: what happens now is dated on the day that is open, and in order.
    clock.0.store(9 * DAY_US, Ordering::Relaxed);
    world.paid(20_000).await;
    let late_us = newest_line_at_us(&world).await;
    assert_eq!(
        late_us,
        domain::decide::start_of_day_us(today.plus(1), &zone()),
        "the first instant of the open day"
    );
    assert_eq!(formed(&world, today).await, first);

    clock.0.store(12 * DAY_US, Ordering::Relaxed);
    let second = formed(&world, today.plus(1)).await;
    let gross = |rows: &[Statement]| match &rows.iter().find(|s| s.kind == Kind::Trade).unwrap().totals {
        Totals::Trade(rows) => rows.iter().map(|row| row.gross_minor).sum::<i64>(),
        Totals::FundFlow(_) => panic!("trade"),
    };
    assert_eq!((gross(&first), gross(&second)), (10_000, 20_000));
    world.verify().await;
}

/// Two tasks that form the same merchant's days do each once.
#[tokio::test(flavor = "multi_thread")]
async fn days_are_formed_once_whoever_asks() {
    let world = World::new().await;
    world.paid(1_000).await;
    let moves = (0..4).map(|_| {
        let ten_days = ClockMove::AdvanceUs(10 * DAY_US);
        world.app.set_sandbox_clock(&world.caller, ten_days, ReEntry::default())
    });
    for moved in futures::future::join_all(moves).await {
        moved.unwrap();
    }
    let first = business_day(Clock::system().real_now_us(), &zone());
    formed(&world, first.plus(39)).await;
    let page = Page { limit: 200, after: None };
    let rows = world.store.statements(world.caller.merchant, StatementFilter::default(), page).await.unwrap();
    assert_eq!(rows.len(), 80);
    world.verify().await;
}
