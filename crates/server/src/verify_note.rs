//! How the last `feiqian verify` on this installation ended, beside the data, so that the serving process can show it as a metric:
//! the command is another process, run by a timer.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Its name in the data directory.
const FILE: &str = "verify.json";

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VerifyNote {
    /// Real time, microseconds.
    pub ended_at_us: i64,
    /// Whether the books hold.
    pub clean: bool,
    /// Whether everything was derived again.
    pub full: bool,
}

impl VerifyNote {
    /// The last run; `None` when there was none.
    pub(crate) fn read(data_dir: &Path) -> Option<VerifyNote> {
        serde_json::from_slice(&std::fs::read(data_dir.join(FILE)).ok()?).ok()
    }

    /// Replaces the note at once, so that no reader sees half of it.
    pub(crate) fn write(&self, data_dir: &Path) -> Result<()> {
        let (path, new) = (data_dir.join(FILE), data_dir.join(format!("{FILE}.{}", std::process::id())));
        std::fs::write(&new, serde_json::to_vec(self)?).with_context(|| new.display().to_string())?;
        std::fs::rename(&new, &path).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_and_damage_is_none() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(VerifyNote::read(scratch.path()), None);
        let note = VerifyNote { ended_at_us: 7, clean: false, full: true };
        note.write(scratch.path()).unwrap();
        assert_eq!(VerifyNote::read(scratch.path()), Some(note));
        std::fs::write(scratch.path().join(FILE), "{").unwrap();
        assert_eq!(VerifyNote::read(scratch.path()), None);
    }
}
