//! Where the demo lives: its directory, settings and ports.

use crate::config::{Config, Log, LogFormat, LogLevel, Sandbox};
use crate::files;
use crate::output::note;
use crate::service::Listeners;
use anyhow::{Context, Result, bail};
use domain::decide::business_day;
use jiff::tz::TimeZone;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// A directory, removed at the end unless somebody named it.
pub(super) struct Place {
    directory: PathBuf,
    is_scratch: bool,
}

impl Place {
    pub(super) fn make(named: Option<&Path>) -> Result<Place> {
        let is_scratch = named.is_none();
        let directory = match named {
            Some(path) => std::path::absolute(path)?,
            None => {
                let random = crypto::hex(&crypto::secret::random_bytes::<6>());
                std::env::temp_dir().join(format!("feiqian-demo-{random}"))
            }
        };
        if directory.exists()
            && std::fs::read_dir(&directory)
                .with_context(|| directory.display().to_string())?
                .next()
                .is_some()
        {
            bail!("{}: the demo wants a new or an empty directory", directory.display());
        }
        files::private_directory(&directory)?;
        Ok(Place { directory, is_scratch })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn settings_file(&self) -> PathBuf {
        self.directory.join("feiqian.toml")
    }

    /// The settings, also written to a file so that other commands find this installation; and the bound listeners.
    pub(super) async fn settings(&self, lan: bool) -> Result<(Config, Listeners)> {
        let host = if lan { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let public = bind(SocketAddr::from((host, 8080))).await?;
        let internal = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 8081))).await?;
        let listen = public.local_addr()?;
        let public_url = format!(
            "http://{}:{}",
            if lan { lan_address() } else { IpAddr::V4(Ipv4Addr::LOCALHOST) },
            listen.port()
        );
        let config = Config {
            listen,
            internal_listen: internal.local_addr()?,
            public_url: Some(public_url),
            data_dir: self.directory.join("data"),
            master_key_file: self.directory.join("master.key"),
            sandbox: Sandbox { allow_private_webhooks: true, ..Sandbox::default() },
            log: Log { format: LogFormat::Pretty, level: LogLevel::Warn },
            ..Config::default()
        };
        self.write(&config)?;
        Ok((config, Listeners { public, internal }))
    }

    fn write(&self, config: &Config) -> Result<()> {
        let quoted = |text: &str| format!("{text:?}");
        let text = format!(
            "# Of `feiqian demo`.\nlisten = \"{}\"\ninternal_listen = \"{}\"\npublic_url = {}\ndata_dir = {}\nmaster_key_file = {}\n\n[sandbox]\nallow_private_webhooks = true\n",
            config.listen,
            config.internal_listen,
            quoted(config.public_url.as_deref().unwrap_or_default()),
            quoted(&config.data_dir.to_string_lossy()),
            quoted(&config.master_key_file.to_string_lossy()),
        );
        files::write_private(&self.settings_file(), text.as_bytes())
    }

    pub(super) fn clean_up(&self) {
        if self.is_scratch
            && let Err(error) = std::fs::remove_dir_all(&self.directory)
        {
            note(&format!("{} stays: {error}", self.directory.display()));
        }
    }
}

/// The address wished for, or any free port when it is taken.
async fn bind(wished: SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(wished).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind(SocketAddr::new(wished.ip(), 0)).await?),
    }
}

/// The address under which others in the network see this machine. Nothing is sent: connecting a datagram socket only asks the
/// routing table.
fn lan_address() -> IpAddr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    let routed = socket.and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| socket.local_addr())
    });
    routed.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

/// Today, where the demo's channel keeps its bills.
pub(super) fn today() -> ledger::Day {
    business_day(crate::assemble::real_now_us(), &TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC))
}
