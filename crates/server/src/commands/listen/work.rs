//! The loop of a listener: events in, tries out, and the place kept.

use super::forward::Forwarder;
use super::place::Memory;
use super::queue::{Job, Next, Queue};
use super::show::Show;
use crate::client::Fault;
use crate::client::events::Wanted;
use crate::client::follow::{Follower, Seen};
use crate::service::StopSignals;
use anyhow::Result;
use app::webhook::Answer;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How often the place is written while much happens.
const KEEP_EVERY: Duration = Duration::from_millis(200);
/// How long tries under way may go on when the listener is asked to end.
const END_MAX: Duration = Duration::from_secs(3);

/// A listener at work.
pub(super) struct Work {
    pub forwarder: Forwarder,
    pub queue: Queue,
    pub memory: Memory,
    pub wanted: Wanted,
    pub show: Show,
    pub tally: Tally,
}

/// What it did.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    delivered: u64,
    given_up: u64,
}

type Tried = (Job, i64, Answer);

impl Work {
    /// Works until it is asked to stop, or until the server refuses for good.
    pub(super) async fn run(mut self, follower: Follower) -> Result<()> {
        let (tell, mut told) = mpsc::channel(1);
        let reading = tokio::spawn(read(follower, tell));
        let mut tries: JoinSet<Tried> = JoinSet::new();
        let began = Instant::now();
        let mut kept_at = Instant::now();
        let mut stop = std::pin::pin!(StopSignals::listen()?.wait());
        let ended = loop {
            while let Some(job) = self.queue.next(ms(began)) {
                let forwarder = self.forwarder.clone();
                tries.spawn(async move {
                    let (at_us, answer) = forwarder.post(&job.event).await;
                    (job, at_us, answer)
                });
            }
            if self.queue.open() == 0 || kept_at.elapsed() >= KEEP_EVERY {
                self.keep()?;
                kept_at = Instant::now();
            }
            let due_ms = self.queue.next_due_ms().map(|due_ms| due_ms.saturating_sub(ms(began)));
            let pause = KEEP_EVERY.min(Duration::from_millis(due_ms.unwrap_or(u64::MAX)));
            tokio::select! {
                () = &mut stop => break Ok(()),
                seen = told.recv(), if self.queue.has_room() => match seen {
                    Some(Ok(seen)) => self.seen(seen),
                    Some(Err(fault)) => break Err(fault.into()),
                    None => break Err(anyhow::anyhow!("the reader of events ended")),
                },
                Some(tried) = tries.join_next() => self.tried(tried?, ms(began)),
                () = sleep(pause), if self.queue.open() > 0 => {}
            }
        };
        reading.abort();
        let rest = async {
            while let Some(tried) = tries.join_next().await {
                if let Ok(tried) = tried {
                    self.tried(tried, ms(began));
                }
            }
        };
        let _ = timeout(END_MAX, rest).await;
        self.keep()?;
        self.show.ended(self.tally.delivered, self.tally.given_up, self.queue.open());
        ended
    }

    fn seen(&mut self, seen: Seen) {
        match seen {
            Seen::Events(events) => {
                for event in events {
                    let wanted = self.wanted.has(&event.kind);
                    self.queue.push(event, wanted);
                }
            }
            Seen::Lost { why } => self.show.lost(&why),
            Seen::Back { after } => self.show.back(after),
            Seen::Rewound { missing, to } => {
                self.show.rewound(&missing, to.as_ref());
                self.queue.move_mark(to);
            }
        }
    }

    fn tried(&mut self, (job, at_us, answer): Tried, now_ms: u64) {
        let was_absent = self.queue.is_absent();
        let next = self.queue.ended(job.number, &answer, now_ms);
        match next {
            Next::Done => self.tally.delivered += 1,
            Next::GivenUp => self.tally.given_up += 1,
            Next::Again { .. } | Next::Absent { .. } => {}
        }
        self.show.tried(&job, at_us, &answer, next, was_absent);
    }

    fn keep(&mut self) -> Result<()> {
        self.memory.keep(self.queue.mark(), self.queue.done())
    }
}

/// Reads ahead by one page; the channel holds it back while the queue is full.
async fn read(mut follower: Follower, tell: mpsc::Sender<Result<Seen, Fault>>) {
    loop {
        let seen = follower.next().await;
        let is_over = seen.is_err();
        if tell.send(seen).await.is_err() || is_over {
            return;
        }
    }
}

fn ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
