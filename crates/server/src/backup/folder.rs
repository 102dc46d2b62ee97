//! A directory that is filled under another name and takes its own when it is whole.

use crate::files;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A directory on its way. Dropped before [`Folder::finish`], it is removed.
pub(super) struct Folder {
    path: PathBuf,
    becomes: PathBuf,
    lock: Option<File>,
}

impl Folder {
    /// Begins beside `becomes`, which must not be there or be empty. What a process that was killed left is removed first.
    pub(super) fn begin(becomes: &Path, ending: &str) -> Result<Folder> {
        let becomes = std::path::absolute(becomes)?;
        refuse_used(&becomes)?;
        let path = beside(&becomes, ending)?;
        if path.exists() {
            drop(files::lock(&path)?);
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
        files::private_directory(&path)?;
        let lock = Some(files::lock(&path)?);
        Ok(Folder { path, becomes, lock })
    }

    /// Where it is filled.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, with all that is in it on disk.
    pub(super) fn finish(mut self) -> Result<()> {
        fs::remove_file(self.path.join(files::LOCK))?;
        files::sync(&self.path)?;
        refuse_used(&self.becomes)?;
        fs::rename(&self.path, &self.becomes).with_context(|| {
            format!("{} can't be renamed to {}", self.path.display(), self.becomes.display())
        })?;
        self.lock = None;
        files::sync(self.becomes.parent().unwrap_or(Path::new("/")))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.lock.is_some()
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "an unfinished directory stays");
        }
    }
}

/// Refuses a path where something is, but for an empty directory.
pub(super) fn refuse_used(path: &Path) -> Result<()> {
    match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("{} is not empty: nothing is written over, name a new directory", path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn beside(path: &Path, ending: &str) -> Result<PathBuf> {
    let name = path.file_name().with_context(|| format!("{} names no directory", path.display()))?;
    let mut name = OsString::from(name);
    name.push(ending);
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_whole_or_not_at_all() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("backup");
        let folder = Folder::begin(&target, ".partial").unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        assert!(!target.exists());
        // A second one waits for nobody.
        let fault = Folder::begin(&target, ".partial").err().unwrap().to_string();
        assert!(fault.contains("another process"), "{fault}");
        folder.finish().unwrap();
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
        let fault = Folder::begin(&target, ".partial").err().unwrap().to_string();
        assert!(fault.contains("not empty"), "{fault}");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_was_left_is_cleared_and_what_is_given_up_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("backup");
        fs::create_dir(&target).unwrap();
        let left = scratch.path().join("backup.partial");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("half"), "1").unwrap();
        fs::write(left.join(files::LOCK), "").unwrap();
        let folder = Folder::begin(&target, ".partial").unwrap();
        assert!(!left.join("half").exists());
        drop(folder);
        assert!(!left.exists());
        assert!(Folder::begin(Path::new("/"), ".partial").is_err());
    }
}
