//! One shard's oldest part goes into files: written, read back and proven against the sealed blocks, noted, and only then deleted from
//! the database. Whatever interrupts it, a transaction is in the database, or in a proven file, or in both.

use super::{Shelf, open_at, place};
use crate::assemble::real_now_us;
use crate::files;
use anyhow::{Context, Result, bail};
use app::archive::{Part, next_part};
use app::verify::prove_archived;
use archive::{LINES_A_FILE, Reader, Writer, digest};
use domain::id::Shard;
use std::fs;
use std::path::{Path, PathBuf};
use store::Store;
use store::archive::ArchiveFile;

/// Transactions in one read.
const PAGE: u32 = 512;
/// Transactions in one deletion: short, beside a platform that works.
const DROPPED_AT_ONCE: u32 = 500;

/// What became of a shard.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// Files that were written.
    pub(crate) files: Vec<ArchiveFile>,
    /// Transactions that were deleted from the database.
    pub(crate) dropped: u64,
}

/// Archives what of a shard was sealed before `sealed_before_us`, real time.
pub(crate) async fn archive_shard(
    store: &dyn Store,
    salt_key: &[u8; 32],
    directory: &Path,
    shard: Shard,
    sealed_before_us: i64,
) -> Result<Made> {
    let mut made = Made { dropped: finish(store, salt_key, directory, shard).await?, ..Made::default() };
    while let Some(part) = next_part(store, shard, sealed_before_us, LINES_A_FILE).await? {
        let (unfinished, file) = write(store, directory, &part).await?;
        let reader = open_at(unfinished.clone(), &file).await?;
        prove(store, salt_key, reader, &part).await?;
        take_name(directory, &unfinished, &file)?;
        store.keep_archive_file(&file).await?;
        made.dropped += drop_all(store, shard).await?;
        made.files.push(file);
    }
    Ok(made)
}

/// What an earlier run noted and did not come to delete: the files must still be what they were.
async fn finish(store: &dyn Store, salt_key: &[u8; 32], directory: &Path, shard: Shard) -> Result<u64> {
    let archived_seq = store.archive_end(shard).await?.seq;
    let oldest = store.journal(shard, 1, 1).await?.first().map(|stored| stored.seq);
    let Some(oldest) = oldest.filter(|oldest| *oldest <= archived_seq) else { return Ok(0) };
    let mut shelf = Shelf::empty();
    shelf.add(store, directory, shard, oldest).await?;
    let block =
        |seq: i64| async move { anyhow::Ok(store.block_of(shard, seq).await?.map(|block| block.number)) };
    let (Some(first), Some(last)) = (block(oldest).await?, block(archived_seq).await?) else {
        bail!("the blocks over the archive of shard {} are gone", shard.0)
    };
    clean(prove_archived(store, &shelf, salt_key, shard, first..=last).await?)?;
    drop_all(store, shard).await
}

async fn drop_all(store: &dyn Store, shard: Shard) -> Result<u64> {
    let mut dropped = 0;
    loop {
        match store.drop_archived(shard, DROPPED_AT_ONCE).await? {
            0 => return Ok(dropped),
            some => dropped += some,
        }
    }
}

/// Under another name until it is proven. The directory is this process's alone.
async fn write(store: &dyn Store, directory: &Path, part: &Part) -> Result<(PathBuf, ArchiveFile)> {
    let Part { shard, first_seq, last_seq, .. } = *part;
    let name = format!("journal-{:05}-{first_seq:016}-{last_seq:016}.parquet", shard.0);
    let unfinished = place(directory, &format!("{name}.part"))?;
    let mut writer = Writer::create(&unfinished, shard)?;
    files::close_file(&unfinished)?;
    let mut next_seq = first_seq;
    while next_seq <= last_seq {
        let limit = u32::try_from(last_seq - next_seq + 1).unwrap_or(PAGE).min(PAGE);
        let page = store.journal(shard, next_seq, limit).await?;
        let Some(last) = page.last() else { bail!("transaction {next_seq} of shard {} is missing", shard.0) };
        next_seq = last.seq + 1;
        writer.push(&page)?;
    }
    let written = writer.finish()?;
    let file = ArchiveFile {
        shard,
        first_seq,
        last_seq,
        first_block: part.first_block,
        last_block: part.last_block,
        name,
        lines: i64::try_from(written.lines)?,
        size_bytes: i64::try_from(written.size_bytes)?,
        sha256: written.sha256,
        archived_at_us: real_now_us(),
    };
    Ok((unfinished, file))
}

/// The lines that are read back must be those of the blocks, by their roots.
async fn prove(store: &dyn Store, salt_key: &[u8; 32], reader: Reader, part: &Part) -> Result<()> {
    let mut shelf = Shelf::empty();
    shelf.put(reader);
    let blocks = part.first_block..=part.last_block;
    clean(prove_archived(store, &shelf, salt_key, part.shard, blocks).await?)
}

/// Gives a proven file its name, on the disk too before anything is deleted.
fn take_name(directory: &Path, unfinished: &Path, file: &ArchiveFile) -> Result<()> {
    let path = place(directory, &file.name)?;
    // One that is there may hold what these books lost when they were restored.
    if path.exists() && digest(&path)?.1 != file.sha256 {
        bail!("{} is there already with other lines: move it to another place", path.display());
    }
    fs::rename(unfinished, &path).with_context(|| path.display().to_string())?;
    files::sync(directory)
}

fn clean(found: Option<app::verify::Difference>) -> Result<()> {
    match found {
        None => Ok(()),
        Some(difference) => {
            bail!("nothing was deleted, because the archive is not what was sealed: {difference}")
        }
    }
}
