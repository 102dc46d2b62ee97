//! One shard's oldest part goes into files: written, read back and proven against the sealed blocks, and only then noted, from when on
//! the serving processes delete it. Whatever interrupts it, a transaction is in the database, or in a proven file, or in both.

use super::{Shelf, UNFINISHED, of_shard, open, place};
use crate::assemble::real_now_us;
use crate::files;
use anyhow::{Context, Result, bail, ensure};
use app::archive::{Bounds, Part, next_part, stated_to};
use app::verify::prove_archived;
use archive::{LINES_A_FILE, Writer};
use domain::id::Shard;
use std::fs;
use std::path::{Path, PathBuf};
use store::Store;
use store::archive::ArchiveFile;

/// Transactions in one read.
const PAGE: u32 = 512;

/// Archives what of a shard was sealed before `sealed_before_us`, real time. `made` hears of each file that was noted.
pub(crate) async fn archive_shard(
    store: &dyn Store,
    salt_key: &[u8; 32],
    directory: &Path,
    shard: Shard,
    sealed_before_us: i64,
    mut made: impl FnMut(ArchiveFile),
) -> Result<()> {
    let stated_seq = stated_to(store, shard).await?;
    let bounds = Bounds { sealed_before_us, stated_seq, lines_max: LINES_A_FILE };
    while let Some(part) = next_part(store, shard, bounds).await? {
        let (unfinished, file) = write(store, directory, &part).await?;
        prove(store, salt_key, unfinished.clone(), &file).await?;
        take_name(directory, &unfinished, &file)?;
        store.keep_archive_file(&file).await?;
        made(file);
    }
    Ok(())
}

/// Under another name until it is proven. The directory is this process's alone.
async fn write(store: &dyn Store, directory: &Path, part: &Part) -> Result<(PathBuf, ArchiveFile)> {
    let Part { shard, first_seq, last_seq, .. } = *part;
    let name = format!("{}{first_seq:016}-{last_seq:016}.parquet", of_shard(shard));
    let unfinished = place(directory, &format!("{name}{UNFINISHED}"))?;
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
    ensure!(
        (written.first_seq, written.last_seq) == (first_seq, last_seq),
        "transactions {first_seq} to {last_seq} of shard {} are not all there",
        shard.0,
    );
    let (size_bytes, sha256) = files::read_through(&unfinished, |_| Ok(()))?;
    let file = ArchiveFile {
        shard,
        first_seq,
        last_seq,
        first_block: part.first_block,
        last_block: part.last_block,
        name,
        lines: i64::try_from(written.lines)?,
        size_bytes: i64::try_from(size_bytes)?,
        sha256,
        archived_at_us: real_now_us(),
    };
    Ok((unfinished, file))
}

/// The lines that are read back must be those of the blocks, by their roots.
async fn prove(store: &dyn Store, salt_key: &[u8; 32], path: PathBuf, file: &ArchiveFile) -> Result<()> {
    drop(open(path.clone(), file).await?);
    let shelf = Shelf::of_one(path, file.clone());
    let blocks = file.first_block..=file.last_block;
    match prove_archived(store, &shelf, salt_key, file.shard, blocks).await? {
        None => Ok(()),
        Some(difference) => {
            bail!("nothing of this part was archived, because it is not what was sealed: {difference}")
        }
    }
}

/// Gives a proven file its name, on the disk too before anything is deleted.
fn take_name(directory: &Path, unfinished: &Path, file: &ArchiveFile) -> Result<()> {
    let path = place(directory, &file.name)?;
    // One that is there may hold what these books lost when they were restored.
    if path.exists() && files::read_through(&path, |_| Ok(()))?.1 != file.sha256 {
        bail!("{} is there already with other bytes: move it to another place", path.display());
    }
    fs::rename(unfinished, &path).with_context(|| path.display().to_string())?;
    files::sync(directory)
}
