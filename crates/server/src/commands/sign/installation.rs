//! What the installation at hand knows of a key, where there is one: whoever develops beside a sandbox of their own need not
//! name the key's file.

use crate::assemble::Installation;
use crate::config::Config;
use crate::engine::Engine;
use anyhow::Result;
use crypto::key::PublicKey;
use domain::id::KeyId;

/// A key as an installation holds it.
pub(super) enum Held {
    /// There is no installation here.
    NoInstallation,
    /// It has no such key.
    Unknown,
    /// It is a bearer key, which can't sign.
    Bearer,
    /// Its public half.
    Key(Box<PublicKey>),
}

/// Looks a key up. An installation that is there but can't be read is an error: the answer would be another one.
pub(super) async fn held(config: &Config, key: KeyId) -> Result<Held> {
    if Engine::refuse_missing(config).is_err() {
        return Ok(Held::NoInstallation);
    }
    let store = Installation::find_to_read(config)?.open_read_only().await?;
    let keys = store.snapshot().await?.keys;
    let Some(known) = keys.into_iter().find(|known| known.id == key) else { return Ok(Held::Unknown) };
    match known.public_key_pem {
        None => Ok(Held::Bearer),
        Some(pem) => Ok(Held::Key(Box::new(PublicKey::from_pem(&pem)?))),
    }
}
