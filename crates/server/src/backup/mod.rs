//! Backups of an installation and what is restored from them.
//!
//! A backup is a directory: the database as one file, the sandbox channel's books, and a manifest that names each file with its
//! length and SHA-256. The master key is not in it. It is written under another name and renamed when all of it is on disk and
//! proven, so that a directory of that name is a whole backup or none.

mod create;
mod folder;
pub(crate) mod manifest;
mod restore;

pub(crate) use create::{Making, Proof, create};
pub(crate) use manifest::Manifest;
pub(crate) use restore::{Restoring, restore};

/// The database's name in a backup.
const DATABASE: &str = "feiqian.db";
