//! Following a merchant's events over time: through lost connections and servers that restart, without missing one. The place is
//! the last event handed out; the server lists what stands behind it, so nothing depends on clocks.

use super::events::{Event, Place, WAIT_MAX};
use super::{Client, Fault};
use api::Code;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Two questions are at least so far apart when the first brought nothing: a server with no room for waiting answers at once.
const PACE: Duration = Duration::from_millis(250);
/// Pauses while the server does not answer: doubled up to the second one.
const LOST_PAUSE_MIN: Duration = Duration::from_millis(200);
const LOST_PAUSE_MAX: Duration = Duration::from_secs(1);
/// The longest that a server's Retry-After is heeded.
const RETRY_AFTER_MAX_S: u64 = 30;

/// What a follower learnt.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Events, oldest first; the first time also none.
    Events(Vec<Event>),
    /// The server does not answer; it is asked again until it does.
    Lost { why: String },
    /// It answers again.
    Back { after: Duration },
    /// The last event is not there any more: other data, or older ones that were restored. It goes on from this place.
    Rewound { missing: Place, to: Option<Place> },
}

/// Follows events from a place on.
pub(crate) struct Follower {
    client: Client,
    place: Option<Place>,
    lost: Option<Lost>,
    /// Events that came while it had to be told first that the server is back.
    held: Vec<Event>,
    asked_at: Option<Instant>,
}

struct Lost {
    since: Instant,
    pause: Duration,
}

impl Follower {
    pub(crate) fn new(client: Client, place: Option<Place>) -> Follower {
        Follower { client, place, lost: None, held: Vec::new(), asked_at: None }
    }

    /// The next thing learnt. Comes back soon when something happens, and only then.
    ///
    /// # Errors
    /// A fault that does not pass by itself, such as a revoked key.
    pub(crate) async fn next(&mut self) -> Result<Seen, Fault> {
        if !self.held.is_empty() {
            return Ok(Seen::Events(std::mem::take(&mut self.held)));
        }
        loop {
            self.pace().await;
            self.asked_at = Some(Instant::now());
            match self.client.events_after(self.place.as_ref(), None, WAIT_MAX).await {
                Ok(events) => {
                    if let Some(last) = events.last() {
                        self.place = Some(last.place());
                    }
                    if let Some(lost) = self.lost.take() {
                        self.held = events;
                        return Ok(Seen::Back { after: lost.since.elapsed() });
                    }
                    if !events.is_empty() {
                        self.asked_at = None;
                        return Ok(Seen::Events(events));
                    }
                }
                Err(fault) if fault.is(Code::EventNotFound) && self.place.is_some() => {
                    if let Some(seen) = self.rewind().await? {
                        return Ok(seen);
                    }
                }
                Err(fault) => {
                    if let Some(seen) = self.lose(fault)? {
                        return Ok(seen);
                    }
                }
            }
        }
    }

    async fn pace(&self) {
        if let Some(lost) = &self.lost {
            sleep(lost.pause).await;
        } else if let Some(asked_at) = self.asked_at {
            sleep(PACE.saturating_sub(asked_at.elapsed())).await;
        }
    }

    /// Told once; afterwards the pauses grow.
    fn lose(&mut self, fault: Fault) -> Result<Option<Seen>, Fault> {
        if !fault.is_passing() {
            return Err(fault);
        }
        let asked = fault.retry_after_s().map(|seconds| Duration::from_secs(seconds.min(RETRY_AFTER_MAX_S)));
        match &mut self.lost {
            Some(lost) => {
                lost.pause = asked.unwrap_or((lost.pause * 2).min(LOST_PAUSE_MAX));
                Ok(None)
            }
            None => {
                let pause = asked.unwrap_or(LOST_PAUSE_MIN);
                self.lost = Some(Lost { since: Instant::now(), pause });
                Ok(Some(Seen::Lost { why: fault.brief() }))
            }
        }
    }

    async fn rewind(&mut self) -> Result<Option<Seen>, Fault> {
        let Some(missing) = self.place.clone() else { return Ok(None) };
        match self.client.place_now(Some(&missing.timestamp)).await {
            Ok(to) => {
                self.place.clone_from(&to);
                Ok(Some(Seen::Rewound { missing, to }))
            }
            Err(fault) => self.lose(fault),
        }
    }
}
