//! The master key in a file outside the data directory.
//!
//! One line for each version: `feiqian-master-key-v1:` and 32 bytes in base64. To rotate, add a line with the next
//! version; keep the old ones, which older values need.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{KeyProvider, SealFault};
use crate::secret::random_bytes;

const PREFIX: &str = "feiqian-master-key-v";
/// Room for some hundred versions.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// 32 random bytes from which all other keys are derived.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_bytes(random_bytes())
    }

    /// A key that was kept elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// What is wrong with a key file; each sentence says what to do.
#[derive(Debug, Error)]
pub enum MasterKeyFault {
    /// `create` found a file in place.
    #[error("{path} exists: move it away, or keep it; a master key is never overwritten", path = .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("{path} is missing: restore it from your backup, or run init for a new installation", path = .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner may read or write the file.
    #[error("{path} has mode {mode:04o}: run chmod 600 on it, only its owner may reach it", path = .path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line is no key, or a version stands twice.
    #[error("{path}, line {line}: expected {PREFIX}N: and 32 bytes in base64, each N once", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The operating system refused.
    #[error("{path} can't be used: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}

/// Makes and reads key files.
#[derive(Debug, Clone, Copy)]
pub struct MasterKeyFile;

impl MasterKeyFile {
    /// Writes a new key, version 1, to a new file of mode 0600, and brings it to disk.
    ///
    /// # Errors
    /// [`MasterKeyFault::Exists`], [`MasterKeyFault::Io`].
    pub fn create(path: &Path) -> Result<FileKeyProvider, MasterKeyFault> {
        let key = MasterKey::generate();
        let line = Zeroizing::new(format!("{PREFIX}1:{}\n", STANDARD.encode(key.bytes())));
        write_new(path, line.as_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => MasterKeyFault::Exists { path: path.to_owned() },
            _ => MasterKeyFault::Io { path: path.to_owned(), source },
        })?;
        Ok(FileKeyProvider { current_version: 1, keys: BTreeMap::from([(1, key)]) })
    }

    /// Reads all versions in a key file that only its owner can reach.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn load(path: &Path) -> Result<FileKeyProvider, MasterKeyFault> {
        let text = read(path)?;
        let malformed = |line| MasterKeyFault::Malformed { path: path.to_owned(), line };
        let mut keys = BTreeMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (version, key) = parse_line(line.trim()).ok_or_else(|| malformed(index + 1))?;
            if keys.insert(version, key).is_some() {
                return Err(malformed(index + 1));
            }
        }
        let current_version = *keys.keys().next_back().ok_or_else(|| malformed(1))?;
        Ok(FileKeyProvider { current_version, keys })
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // The directory entry too must survive a crash: values sealed next would be lost with it.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn read(path: &Path) -> Result<Zeroizing<String>, MasterKeyFault> {
    let io_fault = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => MasterKeyFault::Missing { path: path.to_owned() },
        _ => MasterKeyFault::Io { path: path.to_owned(), source },
    };
    let file = File::open(path).map_err(io_fault)?;
    check_mode(path, &file.metadata().map_err(io_fault)?)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io_fault)?;
    let fits = bytes.len() as u64 <= FILE_BYTES_MAX;
    let text = std::str::from_utf8(&bytes).ok().filter(|_| fits);
    let text = text.ok_or_else(|| MasterKeyFault::Malformed { path: path.to_owned(), line: 1 })?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &std::fs::Metadata) -> Result<(), MasterKeyFault> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    let private = mode & 0o077 == 0;
    if private { Ok(()) } else { Err(MasterKeyFault::Permissions { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _metadata: &std::fs::Metadata) -> Result<(), MasterKeyFault> {
    Ok(())
}

fn parse_line(line: &str) -> Option<(u32, MasterKey)> {
    let (version, encoded) = line.strip_prefix(PREFIX)?.split_once(':')?;
    let version = version.parse().ok().filter(|version| *version > 0)?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    Some((version, MasterKey::from_bytes(bytes.as_slice().try_into().ok()?)))
}

/// Master keys read from a file. The highest version is the current one.
#[derive(Debug, Clone)]
pub struct FileKeyProvider {
    current_version: u32,
    keys: BTreeMap<u32, MasterKey>,
}

impl FileKeyProvider {
    /// One key, version 1, without a file: for tests and simulations.
    #[must_use]
    pub fn in_memory(key: MasterKey) -> Self {
        Self { current_version: 1, keys: BTreeMap::from([(1, key)]) }
    }
}

impl KeyProvider for FileKeyProvider {
    fn current_version(&self) -> u32 {
        self.current_version
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        self.keys.get(&version).cloned().ok_or(SealFault::KeyUnavailable { version })
    }
}
