//! Sealed columns: values encrypted before they reach the store.
//!
//! A sealed value is `format (1) ‖ key version (4, big-endian) ‖ salt (12) ‖ nonce (12) ‖ AES-256-GCM ciphertext and
//! tag`. The master key is never used on data: HKDF-SHA256 derives a table key from it, and from that and the salt
//! the key of the one value. So AES-GCM's bound on values under one key is out of reach, whatever a table's size.
//! What is authenticated beside the value is header, table, column and row: a value moved elsewhere does not open.

mod command;
mod master_key;
mod place;
pub mod rotation;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad as AeadAad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use aws_lc_rs::hmac;
use thiserror::Error;
use zeroize::Zeroizing;

pub use command::{CommandKeyProvider, KeyCommand};
pub use master_key::{FileKeyProvider, HeldKey, MasterKey, MasterKeyFault, MasterKeyFile};
pub use place::KeyPlace;
pub use token::{TokenKeyProvider, TokenPlace};

use crate::hash::hex;
use crate::secret::{constant_time_eq, random_bytes};

const FORMAT: u8 = 1;
const SALT_BYTES: usize = 12;
const HEADER_BYTES: usize = 1 + 4 + SALT_BYTES + NONCE_LEN;
const HKDF_SALT: &[u8] = b"feiqian seal v1";

/// Where a sealed value lives; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Aad<'a> {
    /// The table's name. Names come from the program's text, which bounds the keys kept in memory.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// The row's primary key.
    pub row_id: &'a [u8],
}

/// Why a value was not sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealFault {
    /// The key provider does not have this version.
    #[error("master key version {version} is not available: restore it to the key file")]
    KeyUnavailable {
        /// The version wanted.
        version: u32,
    },
    /// Not a sealed value, or one of a later format.
    #[error("not a sealed value of a known format")]
    Malformed,
    /// Wrong key, changed bytes, or a value moved from another row or column.
    #[error("the sealed value does not open: wrong key, changed bytes, or not of this row")]
    Unauthentic,
    /// The check value stored at `init` was made with another master key.
    #[error("this is not the master key the database was made with: put the right key file back")]
    WrongMasterKey,
    /// The token that holds the key did not answer.
    #[error("{why}")]
    Token {
        /// Its fault.
        why: String,
    },
    /// AWS-LC refused; not expected for any input.
    #[error("encryption failed")]
    Failed,
}

/// Gives the master keys: a file, a program, a token.
pub trait KeyProvider: Send + Sync {
    /// The newest version.
    fn current_version(&self) -> u32;

    /// The key of a version.
    ///
    /// # Errors
    /// [`SealFault::KeyUnavailable`].
    fn key(&self, version: u32) -> Result<MasterKey, SealFault>;

    /// Looks again where the keys are kept: a version may have come or gone, none may have changed.
    ///
    /// # Errors
    /// [`MasterKeyFault`]; the keys stay as they were.
    fn reload(&self) -> Result<(), MasterKeyFault> {
        Ok(())
    }
}

/// Seals and opens values.
pub struct Sealer {
    provider: Arc<dyn KeyProvider>,
    /// The version that new values are sealed with.
    version: AtomicU32,
    table_keys: RwLock<HashMap<(u32, &'static str), Arc<Prk>>>,
}

impl Sealer {
    /// A sealer over the keys of `provider`; it seals with the newest until it is told otherwise.
    #[must_use]
    pub fn new(provider: Arc<dyn KeyProvider>) -> Self {
        let version = AtomicU32::new(provider.current_version());
        Self { provider, version, table_keys: RwLock::new(HashMap::new()) }
    }

    /// The version that new values are sealed with.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }

    /// Seals new values with this version from now on.
    ///
    /// # Errors
    /// [`SealFault::KeyUnavailable`]; then nothing changes.
    pub fn seal_with(&self, version: u32) -> Result<(), SealFault> {
        self.provider.key(version)?;
        self.version.store(version, Ordering::Release);
        Ok(())
    }

    /// Looks again where the keys are kept.
    ///
    /// # Errors
    /// [`MasterKeyFault`]; the keys stay as they were.
    pub fn reload(&self) -> Result<(), MasterKeyFault> {
        self.provider.reload()
    }

    /// Encrypts `plaintext` for the place `aad`; 45 bytes longer than it.
    ///
    /// # Errors
    /// [`SealFault::KeyUnavailable`].
    pub fn seal(&self, aad: Aad<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealFault> {
        self.seal_at(self.version(), aad, plaintext)
    }

    /// As [`Sealer::seal`], with a version that the caller holds: the one in use may change beside it.
    ///
    /// # Errors
    /// [`SealFault::KeyUnavailable`].
    pub fn seal_at(&self, version: u32, aad: Aad<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealFault> {
        let (salt, nonce) = (random_bytes::<SALT_BYTES>(), random_bytes::<NONCE_LEN>());
        let header = [&[FORMAT][..], &version.to_be_bytes(), &salt, &nonce].concat();
        let key = self.value_key(version, aad.table, &salt)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + plaintext.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(plaintext);
        let place = AeadAad::from(place(&header, aad));
        let body = sealed.get_mut(HEADER_BYTES..).ok_or(SealFault::Failed)?;
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), place, body)
            .map_err(|_| SealFault::Failed)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts what [`Sealer::seal`] made for the same place.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn open(&self, aad: Aad<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let (header, body) = sealed.split_at_checked(HEADER_BYTES).ok_or(SealFault::Malformed)?;
        let (version, salt, nonce) = read_header(header).ok_or(SealFault::Malformed)?;
        let key = self.value_key(version, aad.table, &salt)?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let place = AeadAad::from(place(header, aad));
        let plain_bytes = key
            .open_in_place(Nonce::assume_unique_for_key(nonce), place, &mut buffer)
            .map_err(|_| SealFault::Unauthentic)?
            .len();
        buffer.truncate(plain_bytes);
        Ok(buffer)
    }

    /// The version a sealed value was made with, to find those that a rotation left behind; `None` for what is no
    /// sealed value.
    #[must_use]
    pub fn version_of(sealed: &[u8]) -> Option<u32> {
        sealed.get(..HEADER_BYTES).and_then(read_header).map(|(version, _, _)| version)
    }

    /// What `init` stores so that `serve` can tell a wrong master key; it reveals nothing of the key. Of the version that
    /// new values are sealed with.
    ///
    /// # Errors
    /// [`SealFault::KeyUnavailable`].
    pub fn check_value(&self) -> Result<String, SealFault> {
        self.check_value_at(self.version())
    }

    /// The version that a check value is of.
    #[must_use]
    pub fn version_of_check(stored: &str) -> Option<u32> {
        stored.split_once(':').and_then(|(version, _)| version.parse().ok())
    }

    /// Compares a stored [`Sealer::check_value`] with the keys at hand; later versions beside it do not matter.
    ///
    /// # Errors
    /// [`SealFault::WrongMasterKey`], [`SealFault::KeyUnavailable`], [`SealFault::Malformed`].
    pub fn verify_check_value(&self, stored: &str) -> Result<(), SealFault> {
        let version = Self::version_of_check(stored).ok_or(SealFault::Malformed)?;
        let expected = self.check_value_at(version)?;
        let same = constant_time_eq(expected.as_bytes(), stored.as_bytes());
        if same { Ok(()) } else { Err(SealFault::WrongMasterKey) }
    }

    /// A key for another use than columns, such as the salts of journal lines. It hangs on `label` and on version 1 of the
    /// master key: what must outlive that version is kept sealed once it was derived.
    ///
    /// # Errors
    /// [`SealFault::KeyUnavailable`] when version 1 is gone.
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; 32]>, SealFault> {
        self.derive_at(1, "label", label)
    }

    /// The check value of a version.
    ///
    /// # Errors
    /// [`SealFault::KeyUnavailable`].
    pub fn check_value_at(&self, version: u32) -> Result<String, SealFault> {
        let value = self.derive_at(version, "check value", "")?;
        let (shown, _) = value.split_at(16);
        Ok(format!("{version}:{}", hex(shown)))
    }

    fn derive_at(&self, version: u32, purpose: &str, label: &str) -> Result<Zeroizing<[u8; 32]>, SealFault> {
        self.provider.key(version)?.derive(&length_prefixed(&[purpose.as_bytes(), label.as_bytes()]))
    }

    fn value_key(
        &self,
        version: u32,
        table: &'static str,
        salt: &[u8; SALT_BYTES],
    ) -> Result<LessSafeKey, SealFault> {
        let key = expand(self.table_key(version, table)?.as_ref(), &length_prefixed(&[salt]))?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| SealFault::Failed)?;
        Ok(LessSafeKey::new(key))
    }

    fn table_key(&self, version: u32, table: &'static str) -> Result<Arc<Prk>, SealFault> {
        // A poisoned lock is harmless: entries are put in whole.
        let known =
            self.table_keys.read().unwrap_or_else(PoisonError::into_inner).get(&(version, table)).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let derived = self.derive_at(version, "table", table)?;
        let key = Arc::new(Prk::new_less_safe(HKDF_SHA256, derived.as_slice()));
        let mut table_keys = self.table_keys.write().unwrap_or_else(PoisonError::into_inner);
        table_keys.insert((version, table), Arc::clone(&key));
        Ok(key)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer(version {})", self.version())
    }
}

/// HKDF-Expand to 32 bytes.
fn expand(prk: &Prk, info: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealFault> {
    let (mut out, info) = (Zeroizing::new([0; 32]), [info]);
    prk.expand(&info, HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .map_err(|_| SealFault::Failed)?;
    Ok(out)
}

fn place(header: &[u8], aad: Aad<'_>) -> Vec<u8> {
    length_prefixed(&[header, aad.table.as_bytes(), aad.column.as_bytes(), aad.row_id])
}

/// Parts with their lengths before them, so that no two lists of parts make the same bytes.
fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn read_header(header: &[u8]) -> Option<(u32, [u8; SALT_BYTES], [u8; NONCE_LEN])> {
    let (format, rest) = header.split_first()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
    let nonce = rest.first_chunk::<NONCE_LEN>()?;
    (*format == FORMAT).then_some((u32::from_be_bytes(*version), *salt, *nonce))
}

/// The secret salt of one journal line in the tree over its block (DESIGN section 4): HMAC-SHA256 under `key` over shard,
/// sequence and line, cut to 16 bytes. `key` comes from [`Sealer::derive`].
#[must_use]
pub fn line_salt(key: &[u8; 32], shard: u16, seq: u64, line: u16) -> [u8; 16] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(b"line salt");
    context.update(&shard.to_be_bytes());
    context.update(&seq.to_be_bytes());
    context.update(&line.to_be_bytes());
    let tag = context.sign();
    tag.as_ref().first_chunk::<16>().copied().unwrap_or_default()
}
