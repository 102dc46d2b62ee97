//! A serving process: two listeners over one running platform.

use crate::assemble::{Installation, Running};
use crate::config::Config;
use crate::tls::Doors;
use crate::{clock_watch, host_watch, live, metrics_table, operator};
use anyhow::{Context, Result};
use app::App;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often the metrics' recorder is swept.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Where a process serves; kept in the data directory while it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Serving {
    pub listen: SocketAddr,
    pub internal_listen: SocketAddr,
    pub public_url: String,
    pub pid: u32,
}

impl Serving {
    /// What the process that serves this data noted.
    pub(crate) fn read(config: &Config) -> Result<Serving> {
        let path = config.serving_note();
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    fn note(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_vec(self)?).with_context(|| path.display().to_string())
    }
}

/// The bound listeners. They are bound before anything else starts, so that a taken port is told at once.
pub(crate) struct Listeners {
    pub public: TcpListener,
    pub internal: TcpListener,
}

impl Listeners {
    pub(crate) async fn bind(config: &Config) -> Result<Listeners> {
        let bind = async |key: &str, at: SocketAddr| {
            let advice = || {
                format!(
                    "{key}: {at} can't be listened on: choose another address, or stop what listens there"
                )
            };
            TcpListener::bind(at).await.with_context(advice)
        };
        let public = bind("listen", config.listen).await?;
        let internal = bind("internal_listen", config.internal_listen).await?;
        Ok(Listeners { public, internal })
    }
}

/// A platform that serves.
pub(crate) struct Service {
    pub running: Running,
    pub serving: Serving,
    stop_public: CancellationToken,
    stop_internal: CancellationToken,
    public: JoinHandle<std::io::Result<()>>,
    internal: JoinHandle<std::io::Result<()>>,
}

impl Service {
    /// Opens the database and serves.
    pub(crate) async fn start(
        config: &Config,
        installation: &Installation,
        listeners: Listeners,
    ) -> Result<Service> {
        // Before anybody can connect: without a handler this signal would end the process.
        let hangup = signal(SignalKind::hangup())?;
        let listen = listeners.public.local_addr()?;
        let internal_listen = listeners.internal.local_addr()?;
        let public_url = config.public_url_at(listen);
        let metrics = metrics_table::install()?;
        let tls = Doors::open(config, &public_url)?;
        let store = installation.open().await?;
        live::refuse_loopback(&public_url, &store.snapshot().await?)?;
        let running = Running::start(config, installation, store, &public_url, true).await?;
        let app = running.app.clone();
        if app.held_since_us().is_some() {
            tracing::warn!("{}", app::Refusal::held_sentence());
        }
        let stop_public = CancellationToken::new();
        let stop_internal = CancellationToken::new();
        let limits = config.limits.to_serve(config.stop_max_ms);
        let public_router = api::public_router(app.clone(), config.api_config(&public_url));
        let internal_router = internal_router(&running, installation, &metrics).await?;
        let public = api::serve(
            listeners.public,
            tls.public(),
            public_router,
            stop_public.clone().cancelled_owned(),
            limits,
        );
        let internal = api::serve(
            listeners.internal,
            tls.internal(),
            internal_router,
            stop_internal.clone().cancelled_owned(),
            limits,
        );
        let (public, internal) = (tokio::spawn(public), tokio::spawn(internal));
        tokio::spawn(tls.watch(hangup, stop_internal.clone()));
        start_watchers(config, &app, metrics, &stop_internal);
        let serving = Serving { listen, internal_listen, public_url, pid: std::process::id() };
        serving.note(&config.serving_note())?;
        tracing::info!(%listen, %internal_listen, public_url = %serving.public_url, version = env!("CARGO_PKG_VERSION"), "serving");
        Ok(Service { running, serving, stop_public, stop_internal, public, internal })
    }

    /// Takes no new connection, answers what was asked, finishes what was accepted.
    pub(crate) async fn stop(self, config: &Config) -> Result<()> {
        tracing::info!("stopping");
        self.stop_public.cancel();
        self.public.await.context("the public listener")??;
        self.running.stop(config).await;
        self.stop_internal.cancel();
        self.internal.await.context("the internal listener")??;
        let _ = std::fs::remove_file(config.serving_note());
        tracing::info!("stopped");
        Ok(())
    }
}

async fn internal_router(
    running: &Running,
    installation: &Installation,
    metrics: &PrometheusHandle,
) -> Result<axum::Router> {
    let token = installation.operator_token(running.store.as_ref()).await?;
    let render = metrics.clone();
    let faces = api::internal_router(running.app.clone(), move || render.render());
    Ok(faces.merge(operator::router(running, Arc::clone(&installation.sealer), token)))
}

/// What is looked at as long as the internal listener answers.
fn start_watchers(config: &Config, app: &App, metrics: PrometheusHandle, stop: &CancellationToken) {
    tokio::spawn(sweep(app.clone(), metrics, stop.clone()));
    tokio::spawn(clock_watch::watch(stop.clone()));
    // The settings were checked when they were read.
    if let Ok(key) = config.key_place() {
        tokio::spawn(host_watch::watch(config.data_dir.clone(), key, stop.clone()));
    }
}

async fn sweep(app: App, metrics: PrometheusHandle, stop: CancellationToken) {
    let began = Instant::now();
    while !stop.is_cancelled() {
        metrics.run_upkeep();
        let is_ready = app.ready().await.is_ok();
        metrics::gauge!("feiqian_ready").set(f64::from(u8::from(is_ready)));
        metrics::gauge!("feiqian_up_seconds").set(began.elapsed().as_secs_f64());
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Requests to end: SIGTERM or Ctrl-C. Listened for before anything starts, so that none ends a process that answers already.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(crate) fn listen() -> Result<StopSignals> {
        Ok(StopSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for the first. The next one ends the process at once, which loses nothing that was acknowledged.
    pub(crate) async fn wait(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(130);
        });
    }
}
