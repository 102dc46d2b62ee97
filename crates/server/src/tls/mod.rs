//! Own TLS: a certificate and a key for each listener that has some, read again when the files change or SIGHUP comes. A new
//! pair that clients would refuse is not taken: the one in use stays, the log and a metric say why.

mod pair;
mod pinned;

pub(crate) use pair::PairFiles;
pub(crate) use pinned::pinned_client;

use crate::assemble::real_now_us;
use crate::config::{Config, Tls};
use crate::output;
use anyhow::{Context, Result, bail};
use api::ListenerTls;
use pair::{Doubt, Face, Pair, PairBytes};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

/// One listener's certificate, as long as the process serves.
struct Door {
    listener: &'static str,
    files: PairFiles,
    /// The name by which clients call, where it is known.
    host: Option<String>,
    tls: Arc<ListenerTls>,
    face: Face,
    /// Tells whether the files hold something else than what is in use.
    in_use: [u8; 32],
    /// What was last said against the files, so that it is said once.
    complaint: Option<String>,
}

/// TLS of both listeners.
pub(crate) struct Doors {
    public: Option<Door>,
    internal: Option<Door>,
    look_every: Duration,
}

impl Doors {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// A sentence about the file that can't be used.
    pub(crate) fn open(config: &Config, public_url: &str) -> Result<Doors> {
        let host = url::Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let look_every_ms = config.tls.reload_ms.min(config.internal_tls.reload_ms);
        Ok(Doors {
            public: Door::open("public", &config.tls, host).context("tls")?,
            internal: Door::open("internal", &config.internal_tls, None).context("internal_tls")?,
            look_every: Duration::from_millis(look_every_ms),
        })
    }

    pub(crate) fn public(&self) -> Option<Arc<ListenerTls>> {
        self.public.as_ref().map(|door| Arc::clone(&door.tls))
    }

    pub(crate) fn internal(&self) -> Option<Arc<ListenerTls>> {
        self.internal.as_ref().map(|door| Arc::clone(&door.tls))
    }

    /// Looks at the files again and again, and at once when SIGHUP comes. Without TLS the signal is only told about: it must not
    /// end a process that moves money.
    pub(crate) async fn watch(mut self, mut hangup: Signal, stop: CancellationToken) {
        loop {
            let is_asked = tokio::select! {
                () = stop.cancelled() => return,
                Some(()) = hangup.recv() => true,
                () = tokio::time::sleep(self.look_every) => false,
            };
            if is_asked && self.public.is_none() && self.internal.is_none() {
                tracing::info!(
                    "SIGHUP: there is no certificate to read again; settings are read at start only"
                );
            }
            for door in [&mut self.public, &mut self.internal].into_iter().flatten() {
                door.look(is_asked).await;
            }
        }
    }
}

impl Door {
    fn open(listener: &'static str, settings: &Tls, host: Option<String>) -> Result<Option<Door>> {
        let Some(files) = PairFiles::of(settings) else { return Ok(None) };
        let bytes = files.read()?;
        let pair = bytes.parse(&files)?;
        let face = pair.face.clone();
        for doubt in face.doubts(now_s(), host.as_deref()) {
            tracing::error!(listener, certificate = %files.certificate.display(), "clients will refuse this certificate: {doubt}");
        }
        let tls = ListenerTls::new(
            listener,
            pair.server_config()?,
            settings.handshake_timeout_ms,
            settings.handshakes_max,
        );
        let in_use = bytes.digest();
        let door = Door { listener, files, host, tls: Arc::new(tls), face, in_use, complaint: None };
        door.told(false);
        Ok(Some(door))
    }

    /// What the metrics say of this door.
    fn told(&self, is_refused: bool) {
        let until_s = self.face.validity.not_after_s;
        #[allow(clippy::cast_precision_loss)] // seconds of this millennium are exact
        metrics::gauge!("feiqian_tls_certificate_expiry_timestamp_seconds", "listener" => self.listener)
            .set(until_s as f64);
        metrics::gauge!("feiqian_tls_files_refused", "listener" => self.listener)
            .set(f64::from(u8::from(is_refused)));
    }

    async fn look(&mut self, is_asked: bool) {
        let files = self.files.clone();
        let read = tokio::task::spawn_blocking(move || files.read()).await;
        let outcome = match read.context("reading the files").and_then(|read| read) {
            Ok(bytes) if bytes.digest() == self.in_use => Ok(None),
            Ok(bytes) => self.weigh(&bytes).map(|pair| Some((pair, bytes.digest()))),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(None) => {
                self.complaint = None;
                self.told(false);
                if is_asked {
                    tracing::info!(
                        listener = self.listener,
                        "SIGHUP: the certificate on disk is the one in use"
                    );
                }
            }
            Ok(Some((pair, digest))) => self.take(pair, digest),
            Err(error) => self.keep(&error, is_asked),
        }
    }

    /// Whether the new pair can take over: nothing may be held against it that is not held against the one in use.
    fn weigh(&self, bytes: &PairBytes) -> Result<Pair> {
        let pair = bytes.parse(&self.files)?;
        let (now_s, host) = (now_s(), self.host.as_deref());
        let known = self.face.doubts(now_s, host);
        let new: Vec<Doubt> =
            pair.face.doubts(now_s, host).into_iter().filter(|doubt| !known.contains(doubt)).collect();
        if let Some(doubt) = new.first() {
            bail!("{}: clients would refuse it: {doubt}", self.files.certificate.display());
        }
        Ok(pair)
    }

    fn take(&mut self, pair: Pair, digest: [u8; 32]) {
        let face = pair.face.clone();
        match pair.server_config() {
            Ok(config) => {
                self.tls.exchange(config);
                (self.face, self.in_use, self.complaint) = (face, digest, None);
                self.counted("taken");
                self.told(false);
                let valid_until = output::instant(self.face.validity.not_after_s.saturating_mul(1_000_000));
                tracing::info!(
                    listener = self.listener,
                    valid_until = valid_until.unwrap_or_default(),
                    sha256 = self.face.fingerprint(),
                    "the new certificate is in use"
                );
            }
            Err(error) => self.keep(&error, false),
        }
    }

    fn keep(&mut self, error: &anyhow::Error, is_asked: bool) {
        let sentence = format!("{error:#}");
        if is_asked || self.complaint.as_ref() != Some(&sentence) {
            self.counted("refused");
            tracing::error!(
                listener = self.listener,
                error = sentence,
                "the certificate or key on disk can't be used; the one before stays in use"
            );
        }
        self.complaint = Some(sentence);
        self.told(true);
    }

    fn counted(&self, outcome: &'static str) {
        metrics::counter!("feiqian_tls_reloads_total", "listener" => self.listener, "outcome" => outcome)
            .increment(1);
    }
}

fn now_s() -> i64 {
    real_now_us().div_euclid(1_000_000)
}
