//! Leads a rotation of the master key: the key file, the process that owns the database, the key file again. Every step can be
//! the last before a kill: what is done is told by the key file, two rows of the database and the values themselves.

use crate::assemble::{Installation, Reached};
use crate::config::Config;
use crate::operator::{Begin, Client, Reloaded, SealAgain, SealedAgainAnswer};
use anyhow::{Context, Result, bail, ensure};
use crypto::seal::Sealer;
use std::time::Duration;
use store::safekeeping::{SealedAgain, Sealing};

/// One step takes no longer.
const STEP_MAX: Duration = Duration::from_secs(60);
/// Walks over all places. The second finds what was written beside the first one; more would mean that somebody seals with an
/// old version, which the database refuses.
const WALKS_MAX: u32 = 5;

/// Told the place, rows looked at so far, values sealed again so far.
pub(crate) type Watch<'a> = &'a mut (dyn FnMut(&str, u64, u64) + Send);

/// What a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotated {
    pub version: u32,
    pub looked: u64,
    pub sealed: u64,
    /// Versions taken out of use.
    pub retired: Vec<u32>,
}

/// Adds a version to the key file; answers it. One that was prepared before stays the only one.
pub(crate) async fn prepare(config: &Config) -> Result<u32> {
    let installation = Installation::find(config)?;
    let sealing = installation.open_read_only().await?.sealing().await?;
    let in_use = newest(&sealing)?;
    let place = config.key_place()?;
    match place.versions()?.last() {
        Some(newest) if *newest > in_use => Ok(*newest),
        Some(_) | None => Ok(place.add_version()?),
    }
}

/// Goes from wherever the last rotation stands to the end of one.
pub(crate) async fn rotate(config: &Config, watch: Watch<'_>) -> Result<Rotated> {
    let installation = Installation::find(config)?;
    let sealing = installation.open_read_only().await?.sealing().await?;
    let in_use = newest(&sealing)?;
    let place = config.key_place()?;
    let versions = place.versions()?;
    let left_over =
        place.retires() && sealing.next_check.is_none() && versions.iter().any(|version| *version < in_use);
    if left_over {
        // The last one was cut off before the old versions left the key file.
        let reached = installation.reach(config, STEP_MAX).await?;
        let retired = retire(config, in_use, &reached).await?;
        return Ok(Rotated { version: in_use, looked: 0, sealed: 0, retired });
    }
    let version = match sealing.next_check {
        Some(_) => in_use,
        None => prepare(config).await?,
    };
    // Read after the version came into the file: whoever works here must have it.
    let installation = Installation::find(config)?;
    let reached = installation.reach(config, STEP_MAX).await?;
    reached.begin(&installation, version).await?;
    let (looked, sealed) = walk_all(&reached, watch).await?;
    reached.end().await?;
    let retired = retire(config, version, &reached).await?;
    Ok(Rotated { version, looked, sealed, retired })
}

/// The version that new values are sealed with.
fn newest(sealing: &Sealing) -> Result<u32> {
    let check = sealing.next_check.as_deref().unwrap_or(&sealing.check);
    Sealer::version_of_check(check).context("the database's note of the master key is damaged")
}

async fn walk_all(reached: &Reached, watch: Watch<'_>) -> Result<(u64, u64)> {
    let (mut looked, mut sealed) = (0, 0);
    for _ in 0..WALKS_MAX {
        let (mut from, mut sealed_now) = (None, 0);
        loop {
            let step = reached.seal_again(from.as_deref()).await?;
            looked += step.looked;
            sealed_now += step.sealed;
            watch(&step.place, looked, sealed + sealed_now);
            match step.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        sealed += sealed_now;
        if sealed_now == 0 {
            return Ok((looked, sealed));
        }
    }
    bail!("values are still being sealed with an old version: stop every other command and start again")
}

/// Takes versions older than `version` out of the key file and out of the server's memory.
async fn retire(config: &Config, version: u32, reached: &Reached) -> Result<Vec<u32>> {
    let retired = config.key_place()?.retire_below(version)?;
    if let Reached::Server(server) = reached {
        let Reloaded { .. } = server.post("/ops/v1/master-key/reload", &()).await?;
    }
    Ok(retired)
}

impl Reached {
    async fn begin(&self, installation: &Installation, version: u32) -> Result<()> {
        match self {
            Reached::Here(store) => {
                installation.keep_secrets(store.as_ref()).await?;
                Ok(store.begin_rotation(version).await?)
            }
            Reached::Server(server) => begin_there(server, version).await,
        }
    }

    async fn seal_again(&self, from: Option<&str>) -> Result<SealedAgain> {
        match self {
            Reached::Here(store) => Ok(store.seal_again(from).await?),
            Reached::Server(server) => {
                let step = SealAgain { from: from.map(str::to_owned) };
                let step: SealedAgainAnswer = server.post("/ops/v1/master-key/seal-again", &step).await?;
                Ok(step.into())
            }
        }
    }

    async fn end(&self) -> Result<()> {
        match self {
            Reached::Here(store) => Ok(store.end_rotation().await?),
            Reached::Server(server) => {
                let Reloaded { .. } = server.post("/ops/v1/master-key/end", &()).await?;
                Ok(())
            }
        }
    }
}

async fn begin_there(server: &Client, version: u32) -> Result<()> {
    let told: Reloaded = server.post("/ops/v1/master-key/begin", &Begin { version }).await?;
    ensure!(
        told.version == version,
        "the server seals with version {} of the master key, not {version}: it reads another master key",
        told.version
    );
    Ok(())
}
