//! Where the oldest part of the journal rests once it has left the database: files in `archive_dir`.

mod make;
mod shelf;

pub(crate) use make::archive_shard;
pub(crate) use shelf::Shelf;

use crate::files;
use anyhow::{Context, Result, ensure};
use archive::Reader;
use domain::id::Shard;
use std::fs;
use std::path::{Path, PathBuf};
use store::Store;
use store::archive::ArchiveFile;

/// Rows about files in one read.
const PAGE: u32 = 500;

/// How the name of a file ends that is not whole.
const UNFINISHED: &str = ".part";

/// Where a file of an archive lies.
fn place(directory: &Path, name: &str) -> Result<PathBuf> {
    let path = directory.join(name);
    let is_plain = Path::new(name).file_name().is_some_and(|only| only == name);
    ensure!(is_plain, "{name:?} is no name of a file");
    Ok(path)
}

/// What is noted of a shard's files, in order.
async fn noted(store: &dyn Store, shard: Shard) -> Result<Vec<ArchiveFile>> {
    let mut all: Vec<ArchiveFile> = Vec::new();
    loop {
        let after_seq = all.last().map_or(0, |last| last.first_seq);
        let files = store.archive_files(shard, after_seq, PAGE).await?;
        if files.is_empty() {
            return Ok(all);
        }
        all.extend(files);
    }
}

/// Looks whether all files of a shard are where the next one will be, by name and length, and removes what was begun and never ended.
/// Answers files that no row knows: of a run that was killed before it noted them, or of another history.
pub(crate) async fn tidy_up(store: &dyn Store, directory: &Path, shard: Shard) -> Result<Vec<PathBuf>> {
    let files = noted(store, shard).await?;
    for file in &files {
        let path = place(directory, &file.name)?;
        let size_bytes = fs::metadata(&path).ok().and_then(|found| i64::try_from(found.len()).ok());
        ensure!(
            size_bytes == Some(file.size_bytes),
            "{} is not there, or not as long as what was archived: name the directory of the archive with archive_dir",
            path.display(),
        );
    }
    let mut unknown = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with(&of_shard(shard)) {
            continue;
        }
        if name.ends_with(UNFINISHED) {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        } else if !files.iter().any(|file| file.name == name) {
            unknown.push(path);
        }
    }
    Ok(unknown)
}

/// How the names of a shard's files begin.
fn of_shard(shard: Shard) -> String {
    format!("journal-{:05}-", shard.0)
}

/// Opens a file that is what was noted of it.
async fn open(path: PathBuf, file: &ArchiveFile) -> Result<Reader> {
    let file = file.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let (size_bytes, sha256) = files::read_through(&path, |_| Ok(())).context(
            "a part of the journal rests in an archive that is not there: name its directory with archive_dir",
        )?;
        ensure!(
            (i64::try_from(size_bytes).ok(), sha256) == (Some(file.size_bytes), file.sha256),
            "{} is not the file that was archived ({} bytes, SHA-256 {}): bring it back from a copy",
            path.display(),
            file.size_bytes,
            crypto::hex(&file.sha256),
        );
        let reader = Reader::open(&path).with_context(|| path.display().to_string())?;
        let (first_seq, last_seq) = reader.range();
        ensure!(
            (reader.shard(), first_seq, last_seq) == (file.shard, file.first_seq, file.last_seq),
            "{} holds another part of the journal than was archived in it",
            path.display(),
        );
        Ok(reader)
    });
    opened.await?
}
