//! The master key in a file outside the data directory.
//!
//! One line for each version: `feiqian-master-key-v1:` and 32 bytes in base64. While values are sealed again under a new
//! version ([`super::rotation`]) the file holds both; which one new values are sealed with is noted in the database.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{HKDF_SALT, KeyProvider, SealFault, expand};
use crate::secret::{constant_time_eq, random_bytes};

const PREFIX: &str = "feiqian-master-key-v";
/// Room for some hundred versions.
pub(super) const FILE_BYTES_MAX: u64 = 16 * 1024;

/// The key from which all other keys are derived: 32 random bytes in memory, or a key that is used elsewhere and never seen here.
#[derive(Clone)]
pub struct MasterKey(Inner);

#[derive(Clone)]
enum Inner {
    Bytes(Zeroizing<[u8; 32]>),
    Held(Arc<dyn HeldKey>),
}

/// A key that can be used and not read, such as one inside a token.
pub trait HeldKey: Send + Sync {
    /// HMAC-SHA256 of a message under it.
    ///
    /// # Errors
    /// [`SealFault::Token`], [`SealFault::KeyUnavailable`].
    fn hmac_sha256(&self, message: &[u8]) -> Result<[u8; 32], SealFault>;
}

impl MasterKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_bytes(random_bytes())
    }

    /// A key that was kept elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Inner::Bytes(Zeroizing::new(bytes)))
    }

    /// A key that is used where it is.
    #[must_use]
    pub fn held(key: Arc<dyn HeldKey>) -> Self {
        Self(Inner::Held(key))
    }

    /// HKDF-SHA256 with this key, 32 bytes. A held key is the first half's result; the second half, for one block, is one HMAC.
    pub(super) fn derive(&self, info: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealFault> {
        match &self.0 {
            Inner::Bytes(bytes) => expand(&Salt::new(HKDF_SHA256, HKDF_SALT).extract(bytes.as_slice()), info),
            Inner::Held(key) => key.hmac_sha256(&[info, &[1]].concat()).map(Zeroizing::new),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Inner::Bytes(bytes) => Some(bytes.as_slice()),
            Inner::Held(_) => None,
        }
    }

    fn is(&self, other: &MasterKey) -> bool {
        match (self.bytes(), other.bytes()) {
            (Some(one), Some(other)) => constant_time_eq(one, other),
            _ => false,
        }
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
    /// A version that was read before has other bytes now.
    #[error("{path}: version {version} is not the key that was read before: put the right file back", path = .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The version.
        version: u32,
    },
    /// The program that hands out the keys did not.
    #[error("master_key.command: {program}: {why}", program = .program.display())]
    Command {
        /// The program.
        program: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// The token does not give its service.
    #[error("the token {label:?}: {why}")]
    Token {
        /// Its label.
        label: String,
        /// Why, and what to do.
        why: String,
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
        let keys = Keys::from([(1, MasterKey::generate())]);
        write_new(path, to_text(&keys).as_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => MasterKeyFault::Exists { path: path.to_owned() },
            _ => MasterKeyFault::Io { path: path.to_owned(), source },
        })?;
        Ok(FileKeyProvider { path: Some(path.to_owned()), known: Known::of(keys) })
    }

    /// The versions that the text of a key file holds.
    ///
    /// # Errors
    /// The line, from 1, that is no key or whose version stands twice.
    pub fn versions_in(text: &str) -> Result<Vec<u32>, usize> {
        parse_keys(text).map(|keys| keys.into_keys().collect())
    }

    /// Reads all versions in a key file that only its owner can reach.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn load(path: &Path) -> Result<FileKeyProvider, MasterKeyFault> {
        let keys = read_keys(path)?;
        Ok(FileKeyProvider { path: Some(path.to_owned()), known: Known::of(keys) })
    }
}

/// Versions and their keys.
pub(super) type Keys = BTreeMap<u32, MasterKey>;

/// The text of a key file.
pub(super) fn to_text(keys: &Keys) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for (version, key) in keys {
        // Keys that can't be read are in no file.
        let Some(bytes) = key.bytes() else { continue };
        let encoded = Zeroizing::new(STANDARD.encode(bytes));
        text.push_str(&format!("{PREFIX}{version}:"));
        text.push_str(&encoded);
        text.push('\n');
    }
    text
}

/// Reads a key file; one without any version is malformed.
pub(super) fn read_keys(path: &Path) -> Result<Keys, MasterKeyFault> {
    parse_keys(&read_private(path)?).map_err(|line| MasterKeyFault::Malformed { path: path.to_owned(), line })
}

/// Reads the text of a key file; answers the line that is no key, or whose version stands twice.
pub(super) fn parse_keys(text: &str) -> Result<Keys, usize> {
    let mut keys = Keys::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (version, key) = parse_line(line.trim()).ok_or(index + 1)?;
        if keys.insert(version, key).is_some() {
            return Err(index + 1);
        }
    }
    if keys.is_empty() { Err(1) } else { Ok(keys) }
}

/// Writes a new file of mode 0600 and brings it and its entry to disk.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
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

/// Reads a file that only its owner can reach.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<String>, MasterKeyFault> {
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

/// Keys in memory, which may be read again while they are in use.
#[derive(Debug)]
pub(super) struct Known(RwLock<Keys>);

impl Known {
    pub(super) fn of(keys: Keys) -> Known {
        Known(RwLock::new(keys))
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        // A poisoned lock is harmless: the map is replaced whole.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn versions(&self) -> Vec<u32> {
        self.read().keys().copied().collect()
    }

    pub(super) fn newest(&self) -> u32 {
        self.read().keys().next_back().copied().unwrap_or(0)
    }

    pub(super) fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        self.read().get(&version).cloned().ok_or(SealFault::KeyUnavailable { version })
    }

    /// Takes keys as they are now; answers a version that is another key than before, and then changes nothing.
    pub(super) fn replace(&self, keys: Keys) -> Result<(), u32> {
        let known = self.read().clone();
        if let Some((version, _)) =
            keys.iter().find(|(version, key)| known.get(version).is_some_and(|before| !before.is(key)))
        {
            return Err(*version);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

/// Master keys read from a file.
#[derive(Debug)]
pub struct FileKeyProvider {
    /// Absent for keys that were never in a file.
    path: Option<PathBuf>,
    known: Known,
}

impl FileKeyProvider {
    /// One key, version 1, without a file: for tests and simulations.
    #[must_use]
    pub fn in_memory(key: MasterKey) -> Self {
        Self { path: None, known: Known::of(Keys::from([(1, key)])) }
    }

    /// The versions at hand, ascending.
    #[must_use]
    pub fn versions(&self) -> Vec<u32> {
        self.known.versions()
    }
}

impl KeyProvider for FileKeyProvider {
    fn current_version(&self) -> u32 {
        self.known.newest()
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        self.known.key(version)
    }

    fn reload(&self) -> Result<(), MasterKeyFault> {
        let Some(path) = &self.path else { return Ok(()) };
        let keys = read_keys(path)?;
        self.known.replace(keys).map_err(|version| MasterKeyFault::Changed { path: path.clone(), version })
    }
}
