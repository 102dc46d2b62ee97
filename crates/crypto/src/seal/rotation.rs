//! The key file while the master key is rotated: a version comes in beside the old one, and when no value needs the old one
//! any more it goes out into a file of its own, which backups made before still need.
//!
//! The file is replaced whole, by a rename: a process killed at any moment leaves the old file or the new one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::master_key::{Keys, MasterKey, MasterKeyFault, read_keys, to_text, write_new};

/// What is added to the key file's name for the versions that were retired.
const RETIRED: &str = ".retired";
/// What is added while a file is written.
const UNFINISHED: &str = ".new";

/// Adds a new random key as the next version; answers it. The old versions stay.
///
/// # Errors
/// [`MasterKeyFault`]; then the file is as it was.
pub fn add_version(path: &Path) -> Result<u32, MasterKeyFault> {
    let path = real(path)?;
    let mut keys = read_keys(&path)?;
    let next = keys.keys().next_back().map_or(1, |newest| newest.saturating_add(1));
    keys.insert(next, MasterKey::generate());
    replace(&path, &keys, &path)?;
    Ok(next)
}

/// Moves every version below `first` out of the key file into [`retired_file`]; answers them. None: nothing is written.
///
/// # Errors
/// [`MasterKeyFault`]; a version is in at least one of the two files at every moment.
pub fn retire_below(path: &Path, first: u32) -> Result<Vec<u32>, MasterKeyFault> {
    let path = real(path)?;
    let mut keys = read_keys(&path)?;
    let kept = keys.split_off(&first);
    if keys.is_empty() || kept.is_empty() {
        return Ok(Vec::new());
    }
    let aside = retired_file(&path);
    let versions: Vec<u32> = keys.keys().copied().collect();
    let mut retired = match read_keys(&aside) {
        Ok(retired) => retired,
        Err(MasterKeyFault::Missing { .. }) => Keys::new(),
        Err(fault) => return Err(fault),
    };
    retired.extend(keys);
    replace(&aside, &retired, &path)?;
    replace(&path, &kept, &path)?;
    Ok(versions)
}

/// Where retired versions are kept: beside the key file.
#[must_use]
pub fn retired_file(path: &Path) -> PathBuf {
    with_ending(path, RETIRED)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A link is followed: what it points to is replaced, not the link.
fn real(path: &Path) -> Result<PathBuf, MasterKeyFault> {
    fs::canonicalize(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => MasterKeyFault::Missing { path: path.to_owned() },
        _ => MasterKeyFault::Io { path: path.to_owned(), source },
    })
}

/// Writes `keys` beside `path`, owned as `like` is, and renames the file into its place.
fn replace(path: &Path, keys: &Keys, like: &Path) -> Result<(), MasterKeyFault> {
    let unfinished = with_ending(path, UNFINISHED);
    let written = || -> io::Result<()> {
        match fs::remove_file(&unfinished) {
            // Left over by a process that was killed.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let owner = fs::metadata(like)?;
        write_new(&unfinished, to_text(keys).as_bytes())?;
        own_as(&unfinished, &owner)?;
        fs::rename(&unfinished, path)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|source| MasterKeyFault::Io { path: path.to_owned(), source })
}

/// The superuser may rotate the key of a service that runs as somebody else: the file stays that user's.
#[cfg(unix)]
fn own_as(path: &Path, owner: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let found = fs::metadata(path)?;
    if (found.uid(), found.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(not(unix))]
fn own_as(_path: &Path, _owner: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
