//! The installation's own secrets. Each was derived from the first version of the master key; kept sealed in the database it
//! outlives that version, so that the master key can be rotated and sealed blocks still be proven.

use crate::assemble::Installation;
use anyhow::{Context, Result};
use store::Store;
use zeroize::Zeroizing;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    /// Salts the leaves of sealed blocks.
    JournalSalt,
    /// Shows on the internal listener that the caller can open the database's sealed columns.
    OperatorToken,
    /// Makes a backup's manifest known as this installation's own.
    BackupManifest,
}

impl Secret {
    const ALL: [Secret; 3] = [Secret::JournalSalt, Secret::OperatorToken, Secret::BackupManifest];

    fn name(self) -> &'static str {
        match self {
            Secret::JournalSalt => "journal_salt",
            Secret::OperatorToken => "operator_token",
            Secret::BackupManifest => "backup_manifest",
        }
    }

    /// What it is derived from the master key by; changing one changes what it made.
    fn label(self) -> &'static str {
        match self {
            Secret::JournalSalt => "journal leaf salts v1",
            Secret::OperatorToken => "operator route v1",
            Secret::BackupManifest => "backup manifest v1",
        }
    }
}

impl Installation {
    /// A secret as it is kept, or as it will be.
    pub(crate) async fn secret(&self, store: &dyn Store, secret: Secret) -> Result<Zeroizing<[u8; 32]>> {
        let Some(kept) = store.installation_secret(secret.name()).await?.map(Zeroizing::new) else {
            return Ok(self.sealer.derive(secret.label())?);
        };
        let bytes = kept.as_slice().try_into().context("a secret of the installation has another length")?;
        Ok(Zeroizing::new(bytes))
    }

    /// Keeps what is not kept yet: data of an earlier version of the program, or new.
    pub(crate) async fn keep_secrets(&self, store: &dyn Store) -> Result<()> {
        for secret in Secret::ALL {
            if store.installation_secret(secret.name()).await?.is_none() {
                let derived = self.sealer.derive(secret.label())?;
                store.keep_installation_secret(secret.name(), derived.as_slice()).await?;
            }
        }
        Ok(())
    }

    /// The token of the operator's routes.
    pub(crate) async fn operator_token(&self, store: &dyn Store) -> Result<Zeroizing<String>> {
        let token = self.secret(store, Secret::OperatorToken).await?;
        Ok(Zeroizing::new(crypto::hex(token.as_slice())))
    }
}
