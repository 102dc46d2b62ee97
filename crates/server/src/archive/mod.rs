//! Where the oldest part of the journal rests once it has left the database: files in `archive_dir`.

mod make;
mod shelf;

pub(crate) use make::{Made, archive_shard};
pub(crate) use shelf::Shelf;

use anyhow::{Context, Result, ensure};
use archive::{Reader, digest};
use std::path::{Path, PathBuf};
use store::archive::ArchiveFile;

/// Where a file of an archive lies.
fn place(directory: &Path, name: &str) -> Result<PathBuf> {
    let path = directory.join(name);
    let is_plain = Path::new(name).file_name().is_some_and(|only| only == name);
    ensure!(is_plain, "{name:?} is no name of a file");
    Ok(path)
}

/// Opens a file that is what was noted of it.
async fn open(directory: &Path, file: &ArchiveFile) -> Result<Reader> {
    open_at(place(directory, &file.name)?, file).await
}

async fn open_at(path: PathBuf, file: &ArchiveFile) -> Result<Reader> {
    let file = file.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let (size_bytes, sha256) = digest(&path).context(
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
