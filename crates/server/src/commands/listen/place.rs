//! What a listener remembers between two runs: how far it came. One file per server, merchant and target, locked while it runs.

use crate::client::events::Place;
use crate::files;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// A file of another form is not read.
const VERSION: u32 = 1;
/// A file is no larger: 500 ids and a few words.
const BYTES_MAX: u64 = 256 * 1_024;

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    version: u32,
    server: String,
    merchant: String,
    forward_to: String,
    /// Every event up to here is done; `None`: none is.
    pub after: Option<Place>,
    /// Events behind it that are done too.
    pub done: Vec<String>,
}

/// Whose events go where.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub server: &'a str,
    pub merchant: &'a str,
    pub forward_to: &'a str,
}

/// The file, held by this process alone.
pub(super) struct Memory {
    path: PathBuf,
    what: Remembered,
    /// Held until the process ends, however that ends.
    _lock: File,
}

impl Memory {
    /// Opens or begins the file of a listener. The second value tells whether it goes on from one; `afresh` reads none.
    pub(super) fn open(directory: &Path, about: About<'_>, afresh: bool) -> Result<(Memory, bool)> {
        let About { server, merchant, forward_to } = about;
        files::private_directory(directory)?;
        let named = crypto::hex(&crypto::sha256(format!("{server}\n{merchant}\n{forward_to}").as_bytes()));
        let name = named.get(..24).unwrap_or(&named);
        let path = directory.join(format!("listen-{name}.json"));
        let lock = lock(&directory.join(format!("listen-{name}.lock")), forward_to)?;
        let found = if afresh { None } else { read(&path)? };
        let is_known = found.is_some();
        let what = found.unwrap_or_else(|| Remembered {
            version: VERSION,
            server: server.to_owned(),
            merchant: merchant.to_owned(),
            forward_to: forward_to.to_owned(),
            after: None,
            done: Vec::new(),
        });
        Ok((Memory { path, what, _lock: lock }, is_known))
    }

    pub(super) fn what(&self) -> &Remembered {
        &self.what
    }

    /// Writes it whole or not at all, if it differs from what is there.
    pub(super) fn keep(&mut self, after: Option<&Place>, done: Vec<String>) -> Result<()> {
        if self.path.exists() && self.what.after.as_ref() == after && self.what.done == done {
            return Ok(());
        }
        self.what.after = after.cloned();
        self.what.done = done;
        let beside = self.path.with_extension("new");
        let _ = std::fs::remove_file(&beside);
        files::write_private(&beside, &serde_json::to_vec(&self.what)?)?;
        std::fs::rename(&beside, &self.path).with_context(|| self.path.display().to_string())
    }
}

fn lock(path: &Path, forward_to: &str) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(path).with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another `feiqian listen` forwards this merchant's events to {forward_to} already: stop it first"
            )
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn read(path: &Path) -> Result<Option<Remembered>> {
    let bytes = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let advice = || {
        format!(
            "{} can't be read: remove it, and say with --since from when on events are to be forwarded",
            path.display()
        )
    };
    if bytes > BYTES_MAX {
        bail!(advice());
    }
    let what: Remembered = serde_json::from_slice(&std::fs::read(path)?).with_context(advice)?;
    if what.version != VERSION {
        bail!(advice());
    }
    Ok(Some(what))
}

/// Where listeners keep their files: `FEIQIAN_STATE_DIR`, else as the XDG base directories say.
pub(super) fn directory() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(named) = set("FEIQIAN_STATE_DIR") {
        return Ok(named);
    }
    let state = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(set("HOME")?.join(".local/state")));
    match state {
        Some(state) => Ok(state.join("feiqian")),
        None => bail!(
            "there is no home directory to remember in how far events were forwarded: set FEIQIAN_STATE_DIR"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str) -> Place {
        Place { id: id.to_owned(), timestamp: "t".to_owned() }
    }

    #[test]
    fn what_was_kept_is_there_again_and_belongs_to_one_listener() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("state");
        let open = |forward_to| {
            Memory::open(&dir, About { server: "http://s", merchant: "mch_1", forward_to }, false)
        };
        let (mut memory, known) = open("http://a/").unwrap();
        assert!(!known && memory.what().after.is_none());
        memory.keep(Some(&place("evt_1")), vec!["evt_3".to_owned()]).unwrap();
        let taken = open("http://a/").err().map(|error| error.to_string());
        assert!(taken.is_some_and(|text| text.contains("stop it first")));
        assert!(!open("http://b/").unwrap().1, "another target has a memory of its own");
        drop(memory);
        let (mut memory, known) = open("http://a/").unwrap();
        assert!(known);
        assert_eq!((memory.what().after.clone(), memory.what().done.len()), (Some(place("evt_1")), 1));
        memory.keep(Some(&place("evt_4")), Vec::new()).unwrap();
        drop(memory);
        assert_eq!(open("http://a/").unwrap().0.what().after, Some(place("evt_4")));
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_a_fresh_start() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("state");
        let about = About { server: "s", merchant: "m", forward_to: "t" };
        let path = {
            let (mut memory, _) = Memory::open(&dir, about, false).unwrap();
            memory.keep(None, Vec::new()).unwrap();
            memory.path.clone()
        };
        for bad in [
            "",
            "{",
            "{\"version\":2,\"server\":\"s\",\"merchant\":\"m\",\"forward_to\":\"t\",\"after\":null,\"done\":[]}",
        ] {
            std::fs::write(&path, bad).unwrap();
            let fault = Memory::open(&dir, about, false).err().map(|error| error.to_string());
            assert!(fault.is_some_and(|text| text.contains("--since")), "{bad}");
            assert!(Memory::open(&dir, about, true).is_ok());
        }
    }
}
