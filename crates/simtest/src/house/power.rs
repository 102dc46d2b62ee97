//! What a death leaves of the database's files. A killed process leaves them as the kernel has them. When the power goes with it, what
//! was not on the disk yet is lost in part or whole: behind the last commit that came back, the log may hold anything.

use crate::random::Dice;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Layout of SQLite's log: a header, then frames of a header and a page.
const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// Pages of a simulated database.
pub(super) const PAGE_BYTES: usize = 4_096;

/// The files at a death.
pub struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
    /// Up to where the log is on the disk for sure.
    durable_bytes: usize,
}

/// Watches the files of a database.
pub struct Power {
    path: PathBuf,
    /// Where the log ended before a commit of which nobody has heard.
    unheard: Mutex<Option<usize>>,
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Power {
    pub(super) fn new(path: PathBuf) -> Power {
        Power { path, unheard: Mutex::new(None) }
    }

    /// Where the last commit in the log ends, as the index beside it says; 0 when there is none.
    fn log_end(&self) -> usize {
        let index = fs::read(beside(&self.path, "-shm")).unwrap_or_default();
        let frames = index.get(16..20).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes);
        let frames = usize::try_from(frames).unwrap_or(0);
        if frames == 0 { 0 } else { LOG_HEADER_BYTES + frames * (FRAME_HEADER_BYTES + PAGE_BYTES) }
    }

    /// A commit is about to be done of which nobody will hear.
    pub fn nobody_hears(&self) {
        *self.unheard.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.log_end());
    }

    /// Takes the files as the kernel has them, at the moment of death, while the database is open.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn image(&self) -> io::Result<Image> {
        let unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner).take();
        let end = self.log_end();
        // The log first: what is moved into the database meanwhile is then in both.
        let log = fs::read(beside(&self.path, "-wal")).unwrap_or_default();
        let database = fs::read(&self.path)?;
        // A log that has begun anew since is all behind what was heard of.
        let durable_bytes = unheard.filter(|before| *before <= end).unwrap_or(end).min(log.len());
        Ok(Image { database, log, durable_bytes })
    }

    /// Puts the files back as they were at a death; `dice`: the power went too. Answers what that did.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn put_back(&self, image: Image, dice: Option<&mut Dice>) -> io::Result<Option<&'static str>> {
        let Image { database, mut log, durable_bytes } = image;
        let done = dice.map(|dice| damage(&mut log, durable_bytes, dice));
        fs::write(&self.path, database)?;
        fs::write(beside(&self.path, "-wal"), log)?;
        let _ = fs::remove_file(beside(&self.path, "-shm"));
        Ok(done)
    }

    /// Takes a whole database file instead of what is there.
    ///
    /// # Errors
    /// When it can't be copied.
    pub fn replace_by(&self, database: &Path) -> io::Result<()> {
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(&self.path, ending));
        }
        fs::copy(database, &self.path).map(|_| ())
    }
}

/// Whatever may be behind what is on the disk.
fn damage(log: &mut Vec<u8>, durable_bytes: usize, dice: &mut Dice) -> &'static str {
    let behind = u64::try_from(log.len().saturating_sub(durable_bytes)).unwrap_or(0);
    let at = durable_bytes + usize::try_from(dice.below(behind + 1)).unwrap_or(0);
    match dice.below(4) {
        0 => {
            log.truncate(durable_bytes);
            "power cut: the log's tail lost"
        }
        1 => {
            log.truncate(at);
            "power cut: the log cut anywhere behind the last commit"
        }
        2 => {
            log.iter_mut().skip(at).for_each(|byte| *byte = 0);
            "power cut: zeros in the log's tail"
        }
        _ => {
            // Also where the log ended: pages that were being written.
            log.extend(std::iter::repeat_n(0_u8, PAGE_BYTES));
            log.iter_mut().skip(at).for_each(|byte| *byte = dice.draw().to_be_bytes()[0]);
            "power cut: noise in the log's tail"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_spares_what_is_on_the_disk() {
        for seed in 0..200 {
            let mut log: Vec<u8> = (1..=100).collect();
            damage(&mut log, 40, &mut Dice::of(seed, "damage"));
            assert_eq!(log.get(..40), Some((1..=40).collect::<Vec<u8>>().as_slice()), "seed {seed}");
        }
    }
}
