//! A file is written once, from its first transaction to its last.

use crate::columns::Lines;
use crate::schema::{properties, schema};
use crate::{Fault, wrong};
use domain::id::Shard;
use parquet::file::writer::SerializedFileWriter;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::reads::StoredTransaction;

/// Lines that a file should hold at most: some 30 MB.
pub const LINES_A_FILE: u64 = 4_000_000;
/// Lines in one row group, or a transaction more: what is held in memory, and the least that is read back at once.
const LINES_A_GROUP: usize = 65_536;

/// A file that was written, and is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The number of its first transaction.
    pub first_seq: i64,
    /// That of its last one.
    pub last_seq: i64,
    /// How many lines it holds.
    pub lines: u64,
}

/// A file under way.
pub struct Writer {
    path: PathBuf,
    shard: Shard,
    file: SerializedFileWriter<BufWriter<File>>,
    group: Lines,
    lines: u64,
    range: Option<(i64, i64)>,
}

impl Writer {
    /// Begins a file; one that is there is written anew.
    ///
    /// # Errors
    /// [`Fault::File`]
    pub fn create(path: &Path, shard: Shard) -> Result<Writer, Fault> {
        let made = File::create(path).map_err(|source| at(path, source))?;
        let file = SerializedFileWriter::new(BufWriter::new(made), schema()?, Arc::new(properties(shard.0)))?;
        Ok(Writer { path: path.to_owned(), shard, file, group: Lines::default(), lines: 0, range: None })
    }

    /// Takes the next transactions, in order and without a gap.
    ///
    /// # Errors
    /// [`Fault`]: the file is then worth nothing.
    pub fn push(&mut self, page: &[StoredTransaction]) -> Result<(), Fault> {
        for stored in page {
            let follows = self.range.is_none_or(|(_, last_seq)| last_seq + 1 == stored.seq);
            if !follows || stored.transaction.entries.is_empty() {
                return Err(wrong(format!("transaction {} has a gap before it, or no lines", stored.seq)));
            }
            self.range = Some((self.range.map_or(stored.seq, |(first_seq, _)| first_seq), stored.seq));
            self.lines += stored.transaction.entries.len() as u64;
            self.group.push(self.shard, stored);
            if self.group.len() >= LINES_A_GROUP {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let mut group = self.file.next_row_group()?;
        self.group.write(&mut group)?;
        group.close()?;
        self.group = Lines::default();
        Ok(())
    }

    /// Ends the file and waits until the disk has it.
    ///
    /// # Errors
    /// [`Fault`]: the file is then worth nothing.
    pub fn finish(mut self) -> Result<Written, Fault> {
        if self.group.len() > 0 {
            self.flush()?;
        }
        let (first_seq, last_seq) = self.range.ok_or_else(|| wrong("no transaction was written"))?;
        let buffered = self.file.into_inner()?;
        let file = buffered.into_inner().map_err(|error| at(&self.path, error.into_error()))?;
        file.sync_all().map_err(|source| at(&self.path, source))?;
        Ok(Written { first_seq, last_seq, lines: self.lines })
    }
}

pub(crate) fn at(path: &Path, source: std::io::Error) -> Fault {
    Fault::File { path: path.to_owned(), source }
}
