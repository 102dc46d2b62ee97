//! Directories and files that only their owner may reach.

use anyhow::{Context, Result, bail};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

/// Makes a directory that only its owner can enter, with its parents. One that is there must be as private, or empty: then it
/// is made so.
pub(crate) fn private_directory(path: &Path) -> Result<()> {
    if path.is_dir() {
        let is_empty = fs::read_dir(path).with_context(|| path.display().to_string())?.next().is_none();
        return if is_empty { close_to_others(path) } else { refuse_wide_directory(path) };
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("{} can't be made", path.display()))
}

fn close_to_others(directory: &Path) -> Result<()> {
    set_mode(directory, 0o700)
}

/// Leaves a file to its owner alone.
pub(crate) fn close_file(file: &Path) -> Result<()> {
    set_mode(file, 0o600)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let private = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, private)
        .with_context(|| format!("{} can't be closed to others", path.display()))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> Result<()> {
    Ok(())
}

/// Refuses a directory that others may enter or read.
pub(crate) fn refuse_wide_directory(path: &Path) -> Result<()> {
    let found = fs::metadata(path).with_context(|| format!("{} can't be read", path.display()))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o7777;
        if mode & 0o077 != 0 {
            bail!("{} has mode {mode:04o}: run chmod 700 on it, only its owner may enter", path.display());
        }
    }
    if found.is_dir() { Ok(()) } else { bail!("{} is no directory", path.display()) }
}

/// Refuses a file that others may read.
pub(crate) fn refuse_wide_file(path: &Path) -> Result<()> {
    let found = fs::metadata(path).with_context(|| format!("{} can't be read", path.display()))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o7777;
        if mode & 0o077 != 0 {
            bail!("{} has mode {mode:04o}: run chmod 600 on it, only its owner may read it", path.display());
        }
    }
    if found.is_file() { Ok(()) } else { bail!("{} is no file", path.display()) }
}

/// Read at once by [`read_through`].
const BUFFER_BYTES: usize = 1 << 20;

/// The name of the file that is locked while a directory is filled.
pub(crate) const LOCK: &str = ".lock";

/// Has a directory to itself until the answer is dropped, or the process ends.
pub(crate) fn lock(directory: &Path) -> Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(directory.join(LOCK));
    let file = file.with_context(|| directory.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("{} is being written by another process", directory.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| directory.display().to_string()),
    }
}

/// Brings a file, or a directory's entries, to disk.
pub(crate) fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).with_context(|| path.display().to_string())
}

/// Length and SHA-256 of a file; `also` sees each piece of it.
pub(crate) fn read_through(
    path: &Path,
    mut also: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(u64, [u8; 32])> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let (mut buffer, mut length, mut hash) = (vec![0; BUFFER_BYTES], 0_u64, crypto::Sha256::new());
    loop {
        let read = file.read(&mut buffer).with_context(|| path.display().to_string())?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok((length, hash.finish()));
        }
        hash.update(piece);
        also(piece)?;
        length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

/// Reads a file that is no longer than `bytes_max`.
pub(crate) fn read_at_most(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let name = || path.display().to_string();
    let mut bytes = Vec::new();
    File::open(path).with_context(name)?.take(bytes_max + 1).read_to_end(&mut bytes).with_context(name)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > bytes_max {
        bail!("{} is longer than {bytes_max} bytes", path.display());
    }
    Ok(bytes)
}

/// Writes a new file of mode 0600; never over another.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("{} can't be made (files are never overwritten)", path.display()))?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn directories_end_private_or_are_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let made = scratch.path().join("a/b");
        private_directory(&made).unwrap();
        assert_eq!(mode(&made), 0o700);
        let empty = scratch.path().join("empty");
        fs::create_dir(&empty).unwrap();
        fs::set_permissions(&empty, fs::Permissions::from_mode(0o755)).unwrap();
        private_directory(&empty).unwrap();
        assert_eq!(mode(&empty), 0o700);
        fs::write(empty.join("x"), "x").unwrap();
        fs::set_permissions(&empty, fs::Permissions::from_mode(0o755)).unwrap();
        let fault = private_directory(&empty).unwrap_err().to_string();
        assert!(fault.contains("chmod 700"), "{fault}");
    }

    #[test]
    fn long_files_are_not_read() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("body");
        fs::write(&path, b"1234").unwrap();
        assert_eq!(read_at_most(&path, 4).unwrap(), b"1234");
        assert!(read_at_most(&path, 3).unwrap_err().to_string().contains("longer than 3 bytes"));
        assert!(read_at_most(scratch.path(), 3).is_err(), "a folder is no file");
    }

    #[test]
    fn private_files_are_never_overwritten() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("key");
        write_private(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(write_private(&path, b"two").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
