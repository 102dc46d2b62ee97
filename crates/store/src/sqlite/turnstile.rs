//! Whose turn it is at the one write connection. Within a world the order is that of arrival; between the worlds the
//! live one goes first, but a waiting sandbox gets one turn in four, so that it neither starves nor disturbs (DESIGN
//! section 4, worlds).

use domain::World;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Turns of the live world after which a waiting sandbox gets one.
const LIVE_TURNS_PER_SANDBOX_TURN: u32 = 3;

/// Guards one thing that is handed from turn to turn.
pub(super) struct Turnstile<T> {
    state: Mutex<State<T>>,
    moved: Condvar,
}

struct State<T> {
    /// Absent while somebody has the turn.
    thing: Option<T>,
    /// The ticket that may take the thing.
    called: Option<u64>,
    next_ticket: u64,
    live: VecDeque<u64>,
    sandbox: VecDeque<u64>,
    /// Live turns since the last sandbox turn, or since the sandbox began to wait.
    live_turns: u32,
    turns: u64,
}

impl<T> State<T> {
    fn take(&mut self) -> Option<T> {
        let thing = self.thing.take()?;
        self.turns += 1;
        Some(thing)
    }

    /// Calls the next one, if the thing is here and nobody is called yet.
    fn call_next(&mut self) {
        if self.thing.is_none() || self.called.is_some() {
            return;
        }
        let sandbox_first = self.live.is_empty() || self.live_turns >= LIVE_TURNS_PER_SANDBOX_TURN;
        let sandbox = if sandbox_first { self.sandbox.pop_front() } else { None };
        self.called = match sandbox {
            Some(ticket) => {
                self.live_turns = 0;
                Some(ticket)
            }
            None => {
                let live = self.live.pop_front();
                if live.is_some() {
                    self.live_turns = self.live_turns.saturating_add(1);
                }
                live
            }
        };
    }
}

impl<T> Turnstile<T> {
    pub(super) fn new(thing: T) -> Arc<Turnstile<T>> {
        let state = State {
            thing: Some(thing),
            called: None,
            next_ticket: 0,
            live: VecDeque::new(),
            sandbox: VecDeque::new(),
            live_turns: 0,
            turns: 0,
        };
        Arc::new(Turnstile { state: Mutex::new(state), moved: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing in this file panics with the lock held, so the state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. The turn ends when what it returns is dropped.
    pub(super) fn enter(self: &Arc<Self>, world: World) -> Turn<T> {
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        match world {
            World::Live => state.live.push_back(ticket),
            World::Sandbox => {
                if state.sandbox.is_empty() {
                    state.live_turns = 0;
                }
                state.sandbox.push_back(ticket);
            }
        }
        state.call_next();
        loop {
            if state.called == Some(ticket)
                && let Some(thing) = state.take()
            {
                state.called = None;
                return Turn { thing: Some(thing), turnstile: Arc::clone(self) };
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A turn, if nobody has or wants one.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Turn<T>> {
        let mut state = self.lock();
        if state.called.is_some() {
            return None;
        }
        let thing = state.take()?;
        Some(Turn { thing: Some(thing), turnstile: Arc::clone(self) })
    }

    /// How many turns were taken so far.
    pub(super) fn turns(&self) -> u64 {
        self.lock().turns
    }

    /// How many wait, for tests that arrange a queue.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        let state = self.lock();
        state.live.len() + state.sandbox.len()
    }
}

/// The turn of whoever holds it.
pub(super) struct Turn<T> {
    thing: Option<T>,
    turnstile: Arc<Turnstile<T>>,
}

impl<T> Deref for Turn<T> {
    type Target = T;
    fn deref(&self) -> &T {
        match &self.thing {
            Some(thing) => thing,
            None => unreachable!("a turn holds its thing until it is dropped"),
        }
    }
}

impl<T> DerefMut for Turn<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.thing {
            Some(thing) => thing,
            None => unreachable!("a turn holds its thing until it is dropped"),
        }
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        let mut state = self.turnstile.lock();
        state.thing = self.thing.take();
        state.call_next();
        drop(state);
        self.turnstile.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Queues entrants one by one while the turn is held, then lets them through; answers the order.
    fn order_of(arrivals: &[World]) -> Vec<World> {
        let turnstile = Turnstile::new(Vec::new());
        let held = turnstile.enter(World::Live);
        thread::scope(|scope| {
            for (position, world) in arrivals.iter().copied().enumerate() {
                let turnstile = &turnstile;
                scope.spawn(move || turnstile.enter(world).push(world));
                while turnstile.waiting() != position + 1 {
                    thread::yield_now();
                }
            }
            drop(held);
        });
        let end = turnstile.enter(World::Live);
        end.clone()
    }

    #[test]
    fn the_sandbox_gets_one_turn_in_four_while_live_waits() {
        use World::{Live, Sandbox};
        let mut arrivals = vec![Sandbox; 4];
        arrivals.extend([Live; 9]);
        let order = order_of(&arrivals);
        assert_eq!(
            order,
            [Live, Live, Live, Sandbox, Live, Live, Live, Sandbox, Live, Live, Live, Sandbox, Sandbox]
        );
    }

    #[test]
    fn each_world_alone_is_served_in_full() {
        assert_eq!(order_of(&[World::Sandbox; 5]), [World::Sandbox; 5]);
        assert_eq!(order_of(&[World::Live; 5]), [World::Live; 5]);
    }

    #[test]
    fn a_late_sandbox_waits_for_three_live_turns_at_most() {
        use World::{Live, Sandbox};
        let order = order_of(&[Live, Live, Live, Live, Live, Sandbox]);
        assert_eq!(order, [Live, Live, Live, Sandbox, Live, Live]);
    }

    #[test]
    fn only_one_has_the_turn() {
        let turnstile = Turnstile::new(0u64);
        thread::scope(|scope| {
            for world in [World::Live, World::Sandbox, World::Live, World::Sandbox] {
                let turnstile = &turnstile;
                scope.spawn(move || {
                    for _ in 0..500 {
                        let mut turn = turnstile.enter(world);
                        let seen = *turn;
                        thread::yield_now();
                        *turn = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*turnstile.enter(World::Live), 2_000);
        let held = turnstile.enter(World::Sandbox);
        assert!(turnstile.try_enter().is_none());
        drop(held);
        assert!(turnstile.try_enter().is_some());
    }
}
