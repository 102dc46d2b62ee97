//! The operator's master key in its versions: one comes, the old ones go when nothing needs them, and come back with an old backup.

use crypto::seal::{KeyProvider, MasterKey, SealFault};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module.
pub struct MasterKeys {
    there: Mutex<BTreeSet<u32>>,
}

impl MasterKeys {
    pub(super) fn first() -> MasterKeys {
        MasterKeys { there: Mutex::new(BTreeSet::from([1])) }
    }

    fn there(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A version more lies there.
    pub fn add(&self, version: u32) {
        self.there().insert(version);
    }

    /// Older versions are gone.
    pub fn retire_below(&self, version: u32) {
        self.there().retain(|there| *there >= version);
    }

    /// All that ever were are there again.
    pub fn bring_back(&self) {
        let newest = self.current_version();
        self.there().extend(1..=newest);
    }
}

impl KeyProvider for MasterKeys {
    fn current_version(&self) -> u32 {
        self.there().last().copied().unwrap_or(1)
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        if !self.there().contains(&version) {
            return Err(SealFault::KeyUnavailable { version });
        }
        let mut bytes = [5; 32];
        for (slot, byte) in bytes.iter_mut().zip(version.to_be_bytes()) {
            *slot = byte;
        }
        Ok(MasterKey::from_bytes(bytes))
    }
}
