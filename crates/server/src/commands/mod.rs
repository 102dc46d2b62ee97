//! One file per subcommand.

pub mod adjustment;
pub mod archive;
pub mod backup;
pub mod channel;
pub mod clock;
pub mod config_check;
pub mod copy;
pub mod events;
pub mod explain;
mod explain_control;
pub mod health;
pub mod hold;
pub mod init;
pub mod key;
mod key_life;
pub mod listen;
pub mod master_key;
pub mod merchant;
pub mod migrate;
pub mod partner;
pub mod payment;
pub mod price;
pub mod proof;
pub mod restore;
pub mod resume;
pub mod sandbox;
pub mod serve;
pub mod sign;
pub(crate) mod since;
pub mod statement;
pub mod trigger;
pub mod verify;
pub mod waiting;

use crate::assemble::{Installation, Reached, Running};
use crate::cli::{Cli, Command, ConfigCommand};
use crate::config::Config;
use crate::{demo, output, telemetry};
use anyhow::Result;
use app::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

/// The command line waits for an answer no longer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Demo(options) => demo::run(options),
        Command::Init(options) => init::run(&options),
        Command::Migrate(options) => migrate::run(&options),
        Command::Archive(options) => archive::run(&options),
        Command::Copy(options) => copy::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Health(options) => health::run(&options),
        Command::Config { command: ConfigCommand::Check { file, json } } => config_check::run(&file, json),
        Command::Merchant { command } => merchant::run(command),
        Command::Partner { command } => partner::run(command),
        Command::Price { command } => price::run(command),
        Command::Key { command } => key::run(command),
        Command::Sign(options) => sign::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Waiting(options) => waiting::run(&options),
        Command::Adjustment { command } => adjustment::run(command),
        Command::Payment { command } => payment::run(command),
        Command::Sandbox { command } => sandbox::run(command),
        Command::Listen(options) => listen::run(&options),
        Command::Trigger(options) => trigger::run(&options),
        Command::Events { command } => events::run(&command),
        Command::Clock { command } => clock::run(&command),
        Command::Channel { command } => channel::run(command),
        Command::Backup(options) => backup::run(&options),
        Command::Restore(options) => restore::run(&options),
        Command::Hold(options) => hold::run(&options),
        Command::Resume(options) => resume::run(&options),
        Command::MasterKey { command } => master_key::run(command),
        Command::Statement { command } => statement::run(command),
        Command::Proof { command } => proof::run(command),
        Command::Bench => {
            output::line(
                "The benchmarks are programs of their own: run `make bench` in the source tree.\n基准测试:在源码目录运行 make bench",
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Runs a short command: settings from the file, warnings on standard error, a small runtime.
pub(crate) fn short<T>(
    file: &crate::cli::ConfigFile,
    work: impl AsyncFnOnce(Config) -> Result<T>,
) -> Result<T> {
    let config = Config::load(file.config.as_deref())?;
    telemetry::warnings_only();
    block_on(1, work(config))
}

/// Has something done by the platform: by the process that serves it, asked at `path`, or here for as long as it takes.
pub(crate) async fn by_platform<T: DeserializeOwned>(
    config: &Config,
    path: &str,
    body: &impl Serialize,
    here: impl AsyncFnOnce(&Running) -> Result<T, Refusal>,
) -> Result<T> {
    let installation = Installation::find(config)?;
    match installation.reach(config, ANSWER_MAX).await? {
        Reached::Here(store) => {
            let public_url = config.public_url_at(config.listen);
            let running =
                Running::start(config, &installation, store, &public_url, !installation.engine.is_shared())
                    .await?;
            let done = here(&running).await;
            running.stop(config).await;
            done.map_err(merchant::refused)
        }
        Reached::Server(server) => server.post(path, body).await,
    }
}

/// Runs a future to its end on a runtime of its own.
pub(crate) fn block_on<T>(worker_threads: usize, work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(worker_threads).enable_all().build()?;
    runtime.block_on(work)
}
