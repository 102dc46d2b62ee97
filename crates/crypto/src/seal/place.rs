//! Where an installation's master keys are kept, and what can be done with them there.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{KeyCommand, KeyProvider, MasterKeyFault, MasterKeyFile, TokenPlace, rotation};

/// The place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// A file that this program makes and writes.
    File(PathBuf),
    /// A program that hands them out; who keeps them is not known here.
    Command(KeyCommand),
    /// A token that never gives them away.
    Token(TokenPlace),
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPlace::File(path) => write!(f, "{}", path.display()),
            KeyPlace::Command(command) => write!(f, "{command}"),
            KeyPlace::Token(token) => write!(f, "{token}"),
        }
    }
}

impl KeyPlace {
    /// The keys as they are there.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn open(&self) -> Result<Arc<dyn KeyProvider>, MasterKeyFault> {
        Ok(match self {
            KeyPlace::File(path) => Arc::new(MasterKeyFile::load(path)?),
            KeyPlace::Command(command) => Arc::new(command.load()?),
            KeyPlace::Token(token) => Arc::new(token.load()?),
        })
    }

    /// The keys of a new installation: version 1 is made where this program can make it, and no key is ever replaced.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn create(&self) -> Result<Arc<dyn KeyProvider>, MasterKeyFault> {
        match self {
            KeyPlace::File(path) => Ok(Arc::new(MasterKeyFile::create(path)?)),
            KeyPlace::Command(command) => Ok(Arc::new(command.load()?)),
            KeyPlace::Token(token) => {
                // A token may hold the key of an installation that was: it is taken as it is.
                if token.versions()?.is_empty() {
                    token.make(1)?;
                }
                Ok(Arc::new(token.load()?))
            }
        }
    }

    /// The versions there, ascending.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn versions(&self) -> Result<Vec<u32>, MasterKeyFault> {
        match self {
            KeyPlace::File(path) => Ok(MasterKeyFile::load(path)?.versions()),
            KeyPlace::Command(command) => Ok(command.load()?.versions()),
            KeyPlace::Token(token) => Ok(token.load()?.versions()),
        }
    }

    /// Adds a version; answers it.
    ///
    /// # Errors
    /// [`MasterKeyFault`]; for a program, what its keeper is to do.
    pub fn add_version(&self) -> Result<u32, MasterKeyFault> {
        match self {
            KeyPlace::File(path) => rotation::add_version(path),
            KeyPlace::Command(command) => {
                let next = next_of(&command.load()?.versions());
                let why = format!(
                    "it hands out no version {next}: add 32 random bytes as version {next} where it takes its keys from, then start again"
                );
                Err(MasterKeyFault::Command { program: command.program.clone(), why })
            }
            KeyPlace::Token(token) => {
                let next = next_of(&token.load()?.versions());
                token.make(next)?;
                Ok(next)
            }
        }
    }

    /// Whether versions that are no longer needed leave by [`KeyPlace::retire_below`]; else their keeper takes them away.
    #[must_use]
    pub fn retires(&self) -> bool {
        match self {
            KeyPlace::File(_) | KeyPlace::Token(_) => true,
            KeyPlace::Command(_) => false,
        }
    }

    /// Takes versions below `first` out of use; answers them. They are kept aside.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn retire_below(&self, first: u32) -> Result<Vec<u32>, MasterKeyFault> {
        match self {
            KeyPlace::File(path) => rotation::retire_below(path, first),
            KeyPlace::Command(_) => Ok(Vec::new()),
            KeyPlace::Token(token) => token.retire_below(first),
        }
    }
}

fn next_of(versions: &[u32]) -> u32 {
    versions.last().map_or(1, |newest| newest.saturating_add(1))
}
