//! Work that was committed with its cause: the columns that a row carries while something must still be done for it.

/// A leased job. The fence guards the *work* (who calls next), never the *fact* that a call brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Job {
    /// Real time in microseconds from which another node may take it, or it is tried again; `None`: nothing to do.
    pub due_at_us: Option<i64>,
    /// The node that holds it.
    pub owner: i64,
    /// Rises with every claim.
    pub fence: i64,
    /// How often it was tried; sets the pause before the next try, never an outcome.
    pub tries: i64,
}

impl Job {
    /// Born leased to the node that commits it.
    pub fn leased(node: i64, until_us: i64) -> Job {
        Job { due_at_us: Some(until_us), owner: node, fence: 1, tries: 0 }
    }

    /// Nothing remains to be done.
    pub fn done(self) -> Job {
        Job { due_at_us: None, ..self }
    }

    /// Tried once more without an end: due again after a pause that grows from seconds to hours (unknown attempts of
    /// wallets: 1 s, 2 s, 5 s, 15 s, 60 s, 5 min, 30 min, then every 2 h).
    pub fn again(self, real_now_us: i64) -> Job {
        const PAUSES_S: [i64; 8] = [1, 2, 5, 15, 60, 300, 1_800, 7_200];
        let index = usize::try_from(self.tries).unwrap_or(usize::MAX).min(PAUSES_S.len() - 1);
        let pause_s = PAUSES_S.get(index).copied().unwrap_or(7_200);
        Job {
            due_at_us: Some(real_now_us.saturating_add(pause_s * 1_000_000)),
            tries: self.tries + 1,
            ..self
        }
    }

    /// Due at a set moment, counting afresh.
    pub fn at(self, due_at_us: i64) -> Job {
        Job { due_at_us: Some(due_at_us), tries: 0, ..self }
    }
}
