//! The queue in front of a lane: bounded, two classes. Results, notices and deadlines have a reserved part that is drained
//! first; new work is admitted only while the reserved part has room for the second commit that it will need.

use super::command::{Asked, Command, ReEntry, Reply};
use crate::refusal::Refusal;
use domain::decide::Number;
use domain::id::MerchantId;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Notify, oneshot};

/// One command in the queue.
pub struct Work {
    /// The merchant under whose root it is decided.
    pub merchant: MerchantId,
    /// The command.
    pub command: Command,
    /// Who asks; `None` for the platform's own work.
    pub asked: Option<Asked>,
    /// Re-entry.
    pub re: ReEntry,
    /// The number that a channel will be sent.
    pub number: Number,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Reply, Refusal>>,
}

/// Which part of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// New work from outside.
    New,
    /// Results, notices, deadlines.
    Reserved,
}

#[derive(Default)]
struct Waiting {
    new: VecDeque<Work>,
    reserved: VecDeque<Work>,
}

/// A lane's queue.
pub struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    closed: AtomicBool,
    new_max: usize,
    reserved_max: usize,
}

impl Queue {
    /// A queue that holds `new_max` new commands and four times as many reserved ones.
    pub fn new(new_max: usize) -> Queue {
        Queue {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            closed: AtomicBool::new(false),
            new_max,
            reserved_max: new_max.saturating_mul(4),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // A panic while the lock is held can't leave the two deques in a bad state.
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes the work in, or gives it back when the queue is full or closed.
    pub fn push(&self, work: Work, class: Class) -> Result<(), Box<Work>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Box::new(work));
        }
        let mut waiting = self.lock();
        match class {
            Class::New => {
                if waiting.new.len() >= self.new_max || waiting.reserved.len() >= self.reserved_max / 2 {
                    return Err(Box::new(work));
                }
                waiting.new.push_back(work);
            }
            Class::Reserved => {
                if waiting.reserved.len() >= self.reserved_max {
                    return Err(Box::new(work));
                }
                waiting.reserved.push_back(work);
            }
        }
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// What is waiting, reserved first, at most `max`; waits for the first. `None` once closed and empty.
    pub async fn take(&self, max: usize) -> Option<Vec<Work>> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                let reserved = waiting.reserved.len().min(max);
                let mut batch: Vec<Work> = waiting.reserved.drain(..reserved).collect();
                let new = waiting.new.len().min(max.saturating_sub(batch.len()));
                batch.extend(waiting.new.drain(..new));
                if !batch.is_empty() {
                    return Some(batch);
                }
                if self.closed.load(Ordering::Acquire) {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Takes no more work; what is in is still done.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.arrived.notify_one();
    }

    /// Closed, and nothing waits in it.
    pub fn is_over(&self) -> bool {
        self.closed.load(Ordering::Acquire) && self.len() == (0, 0)
    }

    /// How full it is, from 0 to 1: the fuller of the two classes.
    pub fn fill(&self) -> f64 {
        let (new, reserved) = self.len();
        let part = |waiting: usize, max: usize| count(waiting) / count(max.max(1));
        part(new, self.new_max).max(part(reserved, self.reserved_max))
    }

    /// How much waits: (new, reserved).
    pub fn len(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.new.len(), waiting.reserved.len())
    }
}

fn count(waiting: usize) -> f64 {
    f64::from(u32::try_from(waiting).unwrap_or(u32::MAX))
}
