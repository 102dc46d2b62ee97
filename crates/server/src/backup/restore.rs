//! Makes a new installation from a backup. It starts held.

use super::DATABASE;
use super::folder::{Folder, refuse_used};
use super::manifest::{FileEntry, Manifest};
use crate::assemble::{Installation, real_now_us};
use crate::config::Config;
use crate::engine::{self, Engine, explain_open};
use crate::files;
use crate::secrets::Secret;
use anyhow::{Context, Result, bail, ensure};
use channels::sandbox::{book_continues, copy_book};
use crypto::seal::{KeyPlace, SealFault, Sealer, rotation};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::safekeeping::Restored;
use store::sqlite::settle;

/// The name of a data directory while it is restored.
const UNFINISHED: &str = ".restoring";

/// What is wanted.
pub(crate) struct Restoring<'a> {
    /// The backup.
    pub from: &'a Path,
    /// The data directory of the installation that was lost, as far as it is still there: its sandbox channel's books go on where
    /// the backup's end, as a real channel would.
    pub channel_books: Option<&'a Path>,
}

/// Restores into `data_dir`, which must not be there or be empty.
pub(crate) async fn restore(config: &Config, restoring: Restoring<'_>) -> Result<Manifest> {
    refuse_used(&config.data_dir).context("data_dir")?;
    let manifest = Manifest::read(restoring.from)?;
    let sealer = crate::assemble::sealer(config)?;
    check_key(config, &sealer, &manifest)?;
    let folder = Folder::begin(&config.data_dir, UNFINISHED)?;
    let (from, to) = (restoring.from.to_owned(), folder.path().to_owned());
    let newer = restoring.channel_books.map(Path::to_owned);
    let entries = manifest.files.clone();
    let database = config.store.url.file_in(folder.path());
    let copied = database.clone();
    let copy = move || -> Result<()> {
        for entry in &entries {
            copy_checked(&from.join(&entry.name), &to.join(&entry.name), entry)?;
        }
        std::fs::rename(to.join(DATABASE), &copied)?;
        newer.map_or(Ok(()), |newer| take_newer_books(&newer, &to, &entries))
    };
    tokio::task::spawn_blocking(copy).await??;
    hold(config, sealer, database.clone(), &manifest).await?;
    tokio::task::spawn_blocking(move || finish(folder, &database)).await??;
    Ok(manifest)
}

/// Every version that the backup's values are sealed with must be in the key file.
fn check_key(config: &Config, sealer: &Sealer, manifest: &Manifest) -> Result<()> {
    let file = config.key_place()?;
    ensure!(!manifest.master_key.is_empty(), "manifest.json does not say which master key the backup needs");
    for check in &manifest.master_key {
        match sealer.verify_check_value(check) {
            Ok(()) => {}
            Err(SealFault::WrongMasterKey) => bail!(
                "{file} is not the master key that the backup was made under: put the right one there. Nothing was restored"
            ),
            Err(SealFault::KeyUnavailable { version }) => bail!(
                "the backup needs version {version} of the master key, which is not in {file}. {} Nothing was restored",
                match &file {
                    KeyPlace::File(path) => {
                        let aside = rotation::retired_file(path);
                        format!(
                            "If it was retired here, its line stands in {}: put it back.",
                            aside.display()
                        )
                    }
                    KeyPlace::Command(_) | KeyPlace::Token(_) => "Put it back there.".to_owned(),
                }
            ),
            Err(fault) => return Err(fault).context("manifest.json: master_key"),
        }
    }
    Ok(())
}

/// Copies a file of the backup and refuses one that is not as the manifest says.
fn copy_checked(from: &Path, to: &Path, entry: &FileEntry) -> Result<()> {
    let name = &entry.name;
    let mut copy = File::options().write(true).create_new(true).open(to).with_context(|| name.clone())?;
    let (size_bytes, sha256) = files::read_through(from, |piece| copy.write_all(piece))?;
    let wanted = entry.size_bytes;
    ensure!(size_bytes == wanted, "{name} is truncated or altered: {size_bytes} bytes instead of {wanted}");
    ensure!(
        crypto::hex(&sha256) == entry.sha256,
        "{name} is altered: its SHA-256 is {} instead of {}",
        crypto::hex(&sha256),
        entry.sha256
    );
    copy.sync_all().with_context(|| name.clone())?;
    files::close_file(to)
}

/// Takes the books of the channel as it is now instead of those in the backup.
fn take_newer_books(newer: &Path, to: &Path, entries: &[FileEntry]) -> Result<()> {
    for entry in entries.iter().filter(|entry| entry.name != DATABASE) {
        let (book, ours) = (newer.join(&entry.name), to.join(&entry.name));
        let goes_on = book_continues(&book, &ours).with_context(|| book.display().to_string())?;
        ensure!(
            goes_on,
            "{} does not go on from the book in the backup: it is another channel's, or older",
            book.display()
        );
        std::fs::remove_file(&ours)?;
        copy_book(&book, &ours, u64::MAX).with_context(|| book.display().to_string())?;
        files::close_file(&ours)?;
    }
    Ok(())
}

/// Opens what was copied, which brings its schema to this program's, and marks it as held.
async fn hold(config: &Config, sealer: Arc<Sealer>, database: PathBuf, manifest: &Manifest) -> Result<()> {
    let engine = Engine::Sqlite(engine::sqlite(config, database, Arc::clone(&sealer)));
    let store = engine.open().await?;
    let archive_dir = config.archive_place();
    let installation = Installation { sealer, engine, archive_dir };
    let key = installation.secret(store.as_ref(), Secret::BackupManifest).await?;
    ensure!(
        manifest.is_genuine(&key)?,
        "manifest.json is altered: it is not as the installation wrote it. Nothing was restored"
    );
    let at_us = real_now_us();
    store.hold(at_us, Some(Restored { at_us, books_of_us: manifest.books_of_us })).await?;
    Ok(())
}

fn finish(folder: Folder, database: &Path) -> Result<()> {
    settle(database).map_err(explain_open)?;
    let mut lock = database.to_owned().into_os_string();
    lock.push(".lock");
    std::fs::remove_file(lock)?;
    files::sync(database)?;
    folder.finish()
}
