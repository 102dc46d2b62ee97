//! Backup, restore, hold and resume, rotation of the master key, upgrade.

mod altered;
mod archived;
mod backups;
mod held;
mod keepers;
mod killed;
mod power_loss;
mod restored;
mod rotation;
mod upgrade;

use crate::harness::Server;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A name in the scratch directory.
fn place(server: &Server, noun: &str) -> PathBuf {
    server.dir().join(server.next_no(noun))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

/// A backup that must come about; answers its directory.
fn backed_up(server: &Server) -> PathBuf {
    let directory = place(server, "backup");
    let made = server.cli(&["backup", text(&directory)]);
    assert_eq!(made["manifest"]["proven"], "full", "{made}");
    directory
}

/// What a failed command said.
#[track_caller]
fn refused(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it was done: {}", String::from_utf8_lossy(&output.stdout));
    assert!(error.starts_with("feiqian: ") && !error.contains("panicked"), "{error}");
    error
}

/// A file of mode 0600.
fn write_private(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).expect("a new file").write_all(text.as_bytes()).expect("it is written");
}
