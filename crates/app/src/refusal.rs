//! What a use case answers when it does not answer an object.

use domain::rejection::Rejection;

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// Decided at the commit; `replayed` when it was decided earlier under the same key.
    Rejected {
        /// The reason.
        rejection: Rejection,
        /// It is the stored answer of an earlier request.
        replayed: bool,
    },
    /// The idempotency key belongs to another request.
    KeyReused,
    /// The nonce was used.
    NonceReused,
    /// The first request with this key is not committed yet.
    InProgress,
    /// The merchant's keys changed since the request was authenticated: authenticate again.
    Stale,
    /// A queue is full; nothing was done.
    Overloaded,
    /// The installation is held: no call may leave it; nothing was done.
    Held,
    /// The database can't be used; nothing was done.
    StoreUnavailable,
    /// A URL that may not be called.
    UrlNotAllowed {
        /// Why, for people.
        detail: String,
    },
    /// The merchant has an endpoint with that URL.
    EndpointExists,
    /// No such object for this merchant; the noun as in the code `<noun>_not_found`.
    NotFound(&'static str),
    /// The statement of a business day is not formed yet.
    StatementNotReady {
        /// The day.
        day: ledger::Day,
        /// When it is over, business time in microseconds.
        closes_at_us: i64,
        /// Seconds after which it is worth asking again.
        retry_after_s: u64,
    },
    /// The line is in no sealed block yet.
    ProofNotReady,
    /// The lines rest in the operator's archive.
    LinesArchived,
    /// An input that only the use case can judge.
    FieldInvalid {
        /// JSON pointer.
        pointer: &'static str,
        /// Why.
        detail: String,
    },
    /// Only the sandbox offers it.
    SandboxOnly,
    /// A defect.
    Internal,
}

impl Refusal {
    /// What [`Refusal::Held`] means to an operator.
    pub fn held_sentence() -> &'static str {
        "held: nothing leaves this installation until `feiqian resume`"
    }

    /// A refusal decided now.
    pub fn rejected(rejection: Rejection) -> Refusal {
        Refusal::Rejected { rejection, replayed: false }
    }
}

impl From<store::StoreError> for Refusal {
    fn from(error: store::StoreError) -> Refusal {
        match error {
            store::StoreError::Unavailable(_) | store::StoreError::CommitUnknown(_) => {
                Refusal::StoreUnavailable
            }
            store::StoreError::Stale => Refusal::Stale,
            store::StoreError::NonceUsed => Refusal::NonceReused,
            store::StoreError::Conflict(what) | store::StoreError::Corrupt(what) => {
                tracing::error!(what, "the store answered something unexpected");
                Refusal::Internal
            }
        }
    }
}
