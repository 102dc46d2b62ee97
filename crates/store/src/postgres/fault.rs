//! What an error of PostgreSQL means to a caller.

use crate::StoreError;
use tokio_postgres::error::{DbError, SqlState};

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> StoreError {
        match error.as_db_error() {
            Some(said) => of_server(said),
            None if is_of_the_way(&error) => StoreError::Unavailable(told(&error)),
            // A value that does not fit its parameter, a row of another shape than expected.
            None => StoreError::Corrupt(told(&error)),
        }
    }
}

/// With its cause: the driver's own words are short.
fn told(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The connection ended or could not be made.
fn is_of_the_way(error: &tokio_postgres::Error) -> bool {
    let is_io = |cause: &(dyn std::error::Error + 'static)| cause.is::<std::io::Error>();
    error.is_closed() || std::error::Error::source(error).is_some_and(is_io)
        // Neither a value nor a row: the hand-shake, the address.
        || [
            "error connecting to server",
            "error performing TLS handshake",
            "timeout waiting for server",
            "authentication error",
            "invalid configuration",
        ]
            .iter()
            .any(|words| error.to_string().starts_with(words))
}

/// What the server said. Its detail is left out: it repeats values.
fn of_server(said: &DbError) -> StoreError {
    let text = match said.constraint() {
        Some(constraint) => format!("{} ({constraint})", said.message()),
        None => format!("{} ({})", said.message(), said.code().code()),
    };
    let code = said.code();
    // Guards, keys and CHECKs; whoever lost a race, a deadlock or the patience for a lock decides again.
    let refused = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::CHECK_VIOLATION,
        SqlState::DIVISION_BY_ZERO,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    if refused.contains(code) {
        return StoreError::Conflict(text);
    }
    // Connection, resources, intervention of an operator, the system's own errors; a standby; a login that is refused.
    let away = ["08", "28", "3D", "53", "57", "58"].iter().any(|class| code.code().starts_with(class))
        || [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT]
            .contains(code);
    if away { StoreError::Unavailable(text) } else { StoreError::Corrupt(text) }
}
