//! The master key is rotated while the platform serves, step by step; any step may fail or be the last before a death.

use super::World;
use crate::house::Life;
use crypto::seal::{KeyProvider, Sealer};
use store::{Safekeeping, StoreError};

/// Steps at one time.
const STEPS: u32 = 6;

/// Where the operator's command is; what is done is told by the database.
#[derive(Default)]
pub(super) struct Rotation {
    from: Option<String>,
    /// Values that this walk sealed again.
    sealed: u64,
}

impl World {
    pub(super) async fn rotate_master_key(&mut self, life: &Life) {
        self.master_key_step(life, true).await;
    }

    /// Ends a rotation that was begun; true when none is under way.
    pub(super) async fn finish_rotation(&mut self, life: &Life) -> bool {
        self.master_key_step(life, false).await
    }

    async fn master_key_step(&mut self, life: &Life, begins: bool) -> bool {
        let Ok(sealing) = life.operator.sealing().await else { return false };
        let Some(next) = &sealing.next_check else {
            let in_use = Sealer::version_of_check(&sealing.check).unwrap_or(1);
            // The last one may have been cut off before the old versions were gone.
            self.house.keys.retire_below(in_use);
            if begins {
                let version = self.house.keys.current_version().max(in_use + 1);
                self.house.keys.add(version);
                self.rotation = Rotation::default();
                let begun = life.operator.begin_rotation(version).await;
                self.house.faults.count("master key rotations begun");
                self.say(|| format!("rotation to version {version} of the master key: {begun:?}"));
            }
            return true;
        };
        let version = Sealer::version_of_check(next).unwrap_or(1);
        match self.walk(life).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                self.say(|| format!("sealing again: {error}"));
                return false;
            }
        }
        if life.operator.end_rotation().await.is_ok() {
            self.house.keys.retire_below(version);
            self.house.faults.count("master key rotations ended");
            self.say(|| format!("versions before {version} of the master key are gone"));
            return true;
        }
        false
    }

    /// Some steps further; true when a whole walk has found nothing to do.
    async fn walk(&mut self, life: &Life) -> Result<bool, StoreError> {
        for _ in 0..STEPS {
            let step = life.operator.seal_again(self.rotation.from.as_deref()).await?;
            self.rotation.sealed += step.sealed;
            self.rotation.from = step.next;
            if self.rotation.from.is_none() {
                let sealed = std::mem::take(&mut self.rotation.sealed);
                self.say(|| format!("sealed again: {sealed}"));
                if sealed == 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
