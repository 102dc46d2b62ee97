//! Makes a backup beside a serving process, or without one.

use super::DATABASE;
use super::folder::{Folder, refuse_used};
use super::manifest::{FileEntry, Manifest, ShardEnd};
use crate::assemble::{Installation, SANDBOX_KIND, book_path, real_now_us};
use crate::commands::verify::prove;
use crate::config::{Config, is_inside};
use crate::engine::{Engine, explain_open};
use crate::files;
use crate::secrets::Secret;
use anyhow::{Context, Result, bail, ensure};
use app::verify::{self, Progress, Report};
use std::path::{Path, PathBuf};
use store::sqlite::{Copying, SqliteConfig, copy, damage, settle};

/// The name of a backup while it is made.
const UNFINISHED: &str = ".partial";

/// How far the copy is proven before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Every page of the file, and every balance and sum derived again.
    Full,
    /// Every page, and what no earlier `verify` has proven.
    Quick,
    /// Nothing.
    No,
}

impl Proof {
    fn as_str(self) -> &'static str {
        match self {
            Proof::Full => "full",
            Proof::Quick => "quick",
            Proof::No => "no",
        }
    }
}

/// What is wanted, and who watches.
pub(crate) struct Making<'a> {
    pub proof: Proof,
    /// The database's log may grow to this length, bytes.
    pub log_max_bytes: u64,
    /// Told pages copied and all pages; on another thread.
    pub copied: Box<dyn FnMut(u64, u64) + Send>,
    pub proven: &'a mut dyn Progress,
}

/// A channel's book and the name of its copy.
struct Book {
    from: PathBuf,
    name: String,
}

/// Makes a backup in `directory`, which must not be there or be empty.
pub(crate) async fn create(config: &Config, directory: &Path, making: Making<'_>) -> Result<Manifest> {
    let inside = is_inside(directory, &config.data_dir) || is_inside(&config.data_dir, directory);
    ensure!(!inside, "{} and data_dir lie in one another: name another place", directory.display());
    refuse_used(directory)?;
    let installation = Installation::find(config)?;
    installation.engine.file()?;
    let books = books(config, &installation).await?;
    let folder = Folder::begin(directory, UNFINISHED)?;
    let Making { proof, log_max_bytes, copied, proven } = making;
    let (source, path) = (installation.engine.file()?.clone(), folder.path().to_owned());
    let work = move || copy_files(&source, &path, &books, log_max_bytes, copied);
    let (books_of_us, names) = tokio::task::spawn_blocking(work).await??;
    let copy = SqliteConfig { path: folder.path().join(DATABASE), ..installation.engine.file()?.clone() };
    let manifest = describe(&installation, &copy, books_of_us, proof, proven).await?;
    let path = folder.path().to_owned();
    let mac_key = {
        let store = Engine::Sqlite(copy).open_read_only().await?;
        installation.secret(store.as_ref(), Secret::BackupManifest).await?
    };
    let finish = move || -> Result<Manifest> {
        settle(&path.join(DATABASE))?;
        let mut manifest = manifest;
        for name in names {
            files::close_file(&path.join(&name))?;
            let (size_bytes, sha256) = files::read_through(&path.join(&name), |_| Ok(()))?;
            manifest.files.push(FileEntry { name, size_bytes, sha256: crypto::hex(&sha256) });
        }
        manifest.write(&path, &mac_key)?;
        folder.finish()?;
        Ok(manifest)
    };
    tokio::task::spawn_blocking(finish).await?
}

/// The sandbox channels' books.
async fn books(config: &Config, installation: &Installation) -> Result<Vec<Book>> {
    let accounts = installation.open_read_only().await?.snapshot().await?.channel_accounts;
    let sandbox = accounts.iter().filter(|stored| stored.kind == SANDBOX_KIND);
    let books = sandbox.map(|stored| {
        let from = book_path(config, stored.account.id);
        let name = from.file_name().context("a book has a name")?.to_string_lossy().into_owned();
        Ok(Book { from, name })
    });
    books.collect()
}

/// Copies the database first, as of one moment, and then of each channel's book what was there at that moment. A channel may
/// know more than the books do, never less: what it did and the books do not show is found by asking it, but a payment in the
/// books that its channel never heard of could neither be refunded nor be billed. Everything that is in the database at a moment
/// was in the channel's book before.
fn copy_files(
    source: &SqliteConfig,
    to: &Path,
    books: &[Book],
    log_max_bytes: u64,
    copied: Box<dyn FnMut(u64, u64) + Send>,
) -> Result<(i64, Vec<String>)> {
    let mut lengths = Vec::new();
    let mut books_of_us = 0;
    let fixed = || {
        books_of_us = real_now_us();
        for book in books {
            // No book yet: nobody ever served, so nothing was paid.
            match std::fs::metadata(&book.from) {
                Ok(found) => lengths.push(Some(found.len())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => lengths.push(None),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    let copying = Copying { log_max_bytes, fixed: Box::new(fixed), progress: copied };
    copy(source, &to.join(DATABASE), copying).map_err(explain_open)?;
    let mut names = vec![DATABASE.to_owned()];
    for (book, length) in books.iter().zip(lengths) {
        let Some(length) = length else { continue };
        channels::sandbox::copy_book(&book.from, &to.join(&book.name), length)
            .with_context(|| book.from.display().to_string())?;
        names.push(book.name.clone());
    }
    files::sync(to)?;
    Ok((books_of_us, names))
}

/// Proves the copy and says what is in it.
async fn describe(
    installation: &Installation,
    copy: &SqliteConfig,
    books_of_us: i64,
    proof: Proof,
    proven: &mut dyn Progress,
) -> Result<Manifest> {
    if proof != Proof::No {
        let whole = copy.clone();
        let faults = tokio::task::spawn_blocking(move || damage(&whole)).await?.map_err(explain_open)?;
        ensure!(
            faults.is_empty(),
            "the copy is damaged, and so is probably the database: {}",
            faults.join("; ")
        );
    }
    let store = Engine::Sqlite(copy.clone()).open_read_only().await?;
    let report = match proof {
        Proof::No => Report::default(),
        Proof::Full | Proof::Quick => {
            let seed = u64::from_be_bytes(crypto::secret::random_bytes());
            let full = proof == Proof::Full;
            let options = verify::Options { full, remember: false, ..verify::Options::incremental(seed) };
            prove(installation, store.as_ref(), options, proven).await?
        }
    };
    if let Some(difference) = &report.difference {
        bail!(
            "no backup was made, because the books do not hold: {difference}\nIf you want a copy all the same: --no-verify"
        );
    }
    let sealing = store.sealing().await?;
    let mut manifest = Manifest::begin(books_of_us)?;
    manifest.proven = proof.as_str().to_owned();
    manifest.master_key = [Some(sealing.check), sealing.next_check].into_iter().flatten().collect();
    for shard in store.shards() {
        let block = store.last_block(shard).await?;
        manifest.shards.push(ShardEnd {
            shard: shard.0,
            world: shard.world().as_str().to_owned(),
            journal_seq: store.last_journal_seq(shard).await?,
            block: block.as_ref().map(|block| block.number),
            root: block.as_ref().map(|block| crypto::hex(&block.chained)),
        });
    }
    Ok(manifest)
}
