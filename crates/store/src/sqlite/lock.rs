//! One server per file: an exclusive lock on a file beside the database, held as long as the store is open. The system
//! gives it back when the process dies.

use super::OpenFault;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Holds the lock.
pub(super) struct Lock {
    _file: File,
}

/// The lock file of a database.
pub(super) fn lock_path(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(".lock");
    PathBuf::from(name)
}

/// Takes the lock or says that another has it.
pub(super) fn take(database: &Path) -> Result<Lock, OpenFault> {
    let path = lock_path(database);
    let io = |source| OpenFault::Io { path: path.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenFault::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}
