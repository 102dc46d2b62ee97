//! What an error of SQLite means to a caller.

use crate::StoreError;
use rusqlite::ErrorCode;
use rusqlite::ffi;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        let text = error.to_string();
        let Some(code) = error.sqlite_error() else {
            // A row of another shape than expected, a text that is no UTF-8, a wrong count of parameters.
            return StoreError::Corrupt(text);
        };
        match code.code {
            ErrorCode::ConstraintViolation => constraint(code.extended_code, text),
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::OperationInterrupted
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied => StoreError::Unavailable(text),
            _ => StoreError::Corrupt(text),
        }
    }
}

/// Keys and CHECKs are guards; other constraints (a wrong type, a missing value) are defects.
fn constraint(extended_code: i32, text: String) -> StoreError {
    match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID
        | ffi::SQLITE_CONSTRAINT_CHECK => StoreError::Conflict(text),
        _ => StoreError::Corrupt(text),
    }
}

/// What a failed COMMIT means. After an I/O error the log may hold the whole transaction or not.
pub(super) fn commit_fault(error: rusqlite::Error) -> StoreError {
    let is_io = error.sqlite_error().is_some_and(|code| code.code == ErrorCode::SystemIoFailure);
    if is_io { StoreError::CommitUnknown(error.to_string()) } else { error.into() }
}
