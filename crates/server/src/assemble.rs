//! Puts the crates together: key file, database, channels, the running platform.

use crate::config::{Config, StoreUrl};
use crate::engine::{Engine, is_in_use};
use crate::inside::Inside;
use crate::secrets::Secret;
use crate::{files, operator};
use anyhow::{Context, Result, bail};
use app::{App, Channels, Clock, NoticeDoor, Outside, Start};
use channels::Channel;
use channels::sandbox::{BookUse, SandboxChannel, SandboxConfig};
use crypto::seal::Sealer;
use domain::World;
use domain::id::{ChannelAccountId, Id};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use store::control::StoredChannelAccount;

/// A process on this machine that serves answers within this time that it lives.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The kind of the sandbox channel's accounts.
pub(crate) const SANDBOX_KIND: &str = "sandbox";

/// Real time for parts that take a plain function.
pub(crate) fn real_now_us() -> i64 {
    Clock::system().real_now_us()
}

/// The sealer over the installation's master key.
pub(crate) fn sealer(config: &Config) -> Result<Arc<Sealer>> {
    let provider = config.key_place()?.open().context("master key")?;
    Ok(Arc::new(Sealer::new(provider)))
}

/// An installation, as far as every command needs it.
pub(crate) struct Installation {
    pub sealer: Arc<Sealer>,
    pub engine: Engine,
    /// Where the oldest part of the journal rests once it was archived.
    pub archive_dir: PathBuf,
}

impl Installation {
    /// Looks at files and permissions, reads the master key. The key's check value is compared when the database is opened.
    pub(crate) fn find(config: &Config) -> Result<Installation> {
        Engine::refuse_missing(config)?;
        files::refuse_wide_directory(&config.data_dir)?;
        Installation::find_to_read(config)
    }

    /// As [`Installation::find`], for reading only: a copy may lie in a directory that others can enter.
    pub(crate) fn find_to_read(config: &Config) -> Result<Installation> {
        Engine::refuse_missing(config)?;
        let sealer = sealer(config)?;
        let engine = Engine::of(config, Arc::clone(&sealer))?;
        Ok(Installation { engine, sealer, archive_dir: config.archive_place() })
    }

    /// For a process that moves money.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        self.engine.open().await
    }

    /// For control rows, beside serving processes too.
    pub(crate) async fn open_control(&self) -> Result<Arc<dyn Store>> {
        self.engine.open_control().await
    }

    /// For reading, beside serving processes too.
    pub(crate) async fn open_read_only(&self) -> Result<Arc<dyn Store>> {
        self.engine.open_read_only().await
    }

    /// The node that serves from this directory, where several may serve the database; `None` when none answers.
    async fn serving_beside(&self, config: &Config, timeout: Duration) -> Result<Option<operator::Client>> {
        let Ok(inside) = Inside::of(config, ANSWERS_WITHIN) else { return Ok(None) };
        if !config.serving_note().is_file() || inside.get("/healthz").send().await.is_err() {
            return Ok(None);
        }
        let token = self.operator_token(self.open_read_only().await?.as_ref()).await?;
        Ok(Some(operator::Client::of(config, token, timeout)?))
    }

    /// Through the process that serves this data, or here when none does.
    pub(crate) async fn reach(&self, config: &Config, timeout: Duration) -> Result<Reached> {
        if self.engine.is_shared()
            && let Some(server) = self.serving_beside(config, timeout).await?
        {
            return Ok(Reached::Server(server));
        }
        match self.open().await {
            Ok(store) => Ok(Reached::Here(store)),
            Err(error) if is_in_use(&error) => {
                let token = self.operator_token(self.open_read_only().await?.as_ref()).await?;
                Ok(Reached::Server(operator::Client::of(config, token, timeout)?))
            }
            Err(error) => Err(error),
        }
    }
}

/// Who does what a command asks for.
pub(crate) enum Reached {
    /// This process: it has the database to itself.
    Here(Arc<dyn Store>),
    /// The one that serves.
    Server(operator::Client),
}

/// The sandbox channel's book of an account.
pub(crate) fn book_path(config: &Config, account: ChannelAccountId) -> PathBuf {
    let directory = config.sandbox.book_dir.as_ref().unwrap_or(&config.data_dir);
    directory.join(format!("sandbox-{}.book", account.bare()))
}

/// Opens every channel that the accounts name. A sandbox channel on a live account is refused.
async fn channels(
    config: &Config,
    store: &dyn Store,
    public_url: &str,
    door: &Arc<NoticeDoor>,
) -> Result<Channels> {
    let mut channels = Channels::default();
    for stored in store.snapshot().await?.channel_accounts {
        let id = stored.account.id;
        refuse_sandbox_in_live(&stored)?;
        if stored.kind != SANDBOX_KIND {
            bail!("channel account {id} is of kind {}, which this program does not speak", stored.kind);
        }
        let sandbox_config = sandbox_config(config, &stored, public_url)?;
        let door = Arc::clone(door);
        let runtime = tokio::runtime::Handle::current();
        let opened = tokio::task::spawn_blocking(move || {
            let _inside = runtime.enter();
            SandboxChannel::open(sandbox_config, door)
        });
        let sandbox = opened.await?.with_context(|| format!("the book of sandbox channel {id}"))?;
        channels.by_account.insert(id, Arc::clone(&sandbox) as Arc<dyn Channel>);
        channels.sandbox.insert(id, sandbox);
    }
    Ok(channels)
}

fn sandbox_config(config: &Config, stored: &StoredChannelAccount, public_url: &str) -> Result<SandboxConfig> {
    let id = stored.account.id;
    let secret: [u8; 32] =
        stored.callback_secret.as_slice().try_into().context("the sandbox channel's secret is damaged")?;
    let book = book_path(config, id);
    let pay_base_url = format!("{public_url}/pay");
    Ok(SandboxConfig {
        call_timeout_ms: config.sandbox.call_timeout_ms,
        late_answer_ms: config.sandbox.late_answer_ms,
        book_use: match &config.store.url {
            StoreUrl::Sqlite { .. } => BookUse::Alone,
            StoreUrl::Postgres { .. } => BookUse::Shared,
        },
        ..SandboxConfig::new(id, secret, stored.account.cost, book, pay_base_url, real_now_us)
    })
}

/// The pretend wallet may never take a live payment: neither by the account's world nor by the world in its id.
pub(crate) fn refuse_sandbox_in_live(stored: &StoredChannelAccount) -> Result<()> {
    let worlds = [stored.world, stored.account.id.uid().shard().world()];
    if stored.kind == SANDBOX_KIND && worlds.contains(&World::Live) {
        bail!(
            "channel account {} is a sandbox channel attached to the live world: refused",
            stored.account.id
        );
    }
    Ok(())
}

/// A running platform with what its faces need beside it.
pub(crate) struct Running {
    pub app: App,
    pub store: Arc<dyn Store>,
}

impl Running {
    /// Starts lanes, background work and channels on an opened database. `takes_duty`: it serves, and does its share of the work of
    /// a database that several serve.
    pub(crate) async fn start(
        config: &Config,
        installation: &Installation,
        store: Arc<dyn Store>,
        public_url: &str,
        takes_duty: bool,
    ) -> Result<Running> {
        installation.keep_secrets(store.as_ref()).await?;
        let door = Arc::new(NoticeDoor::default());
        let channels = channels(config, store.as_ref(), public_url, &door).await?;
        let start = Start {
            outside: Outside::default(),
            store: Arc::clone(&store),
            clock: Clock::system(),
            settings: app::Settings { takes_duty, ..config.app_settings() },
            channels,
            salt_key: *installation.secret(store.as_ref(), Secret::JournalSalt).await?,
        };
        let app = App::start(start, Some(&door)).await?;
        Ok(Running { app, store })
    }

    /// Finishes what was accepted, within the time that the settings allow.
    pub(crate) async fn stop(self, config: &Config) {
        self.app.stop(Duration::from_millis(config.stop_max_ms)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::channel::ChannelAccount;
    use domain::id::{IdMaker, Shard};
    use money::FeeRule;

    #[test]
    fn no_sandbox_channel_is_attached_to_live() {
        let account = |world, shard| StoredChannelAccount {
            account: ChannelAccount {
                id: IdMaker::new(1_000_000, shard, 1).next(),
                method: "sandbox".to_owned(),
                cost: FeeRule::FREE,
                enabled: true,
            },
            world,
            kind: SANDBOX_KIND.to_owned(),
            callback_secret: vec![0; 32],
        };
        assert!(refuse_sandbox_in_live(&account(World::Sandbox, Shard(1))).is_ok());
        assert!(refuse_sandbox_in_live(&account(World::Live, Shard(1))).is_err());
        assert!(refuse_sandbox_in_live(&account(World::Sandbox, Shard(0))).is_err());
        let other = StoredChannelAccount { kind: "wechat_pay".to_owned(), ..account(World::Live, Shard(0)) };
        assert!(refuse_sandbox_in_live(&other).is_ok());
    }
}
