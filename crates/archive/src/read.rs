//! A file read back, a row group at a time.

use crate::columns::Lines;
use crate::schema::{schema, shard_of};
use crate::write::at;
use crate::{Fault, wrong};
use domain::id::Shard;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use store::reads::StoredTransaction;

/// The column of the numbers, by which a row group is found.
const SEQ: usize = 1;

/// A row group's transactions, kept for the next page.
type Group = Arc<Vec<StoredTransaction>>;

/// An open file.
pub struct Reader {
    file: SerializedFileReader<File>,
    shard: Shard,
    /// Of each row group: the first and last number.
    ranges: Vec<(i64, i64)>,
    last: Mutex<Option<(usize, Group)>>,
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Fault`]: it is no such file.
    pub fn open(path: &Path) -> Result<Reader, Fault> {
        let opened = File::open(path).map_err(|source| at(path, source))?;
        let file = SerializedFileReader::new(opened)?;
        let about = file.metadata().file_metadata();
        let shard = Shard(shard_of(about.key_value_metadata())?);
        if about.schema_descr().root_schema() != schema()?.as_ref() {
            return Err(wrong("its columns are others than this version's"));
        }
        let ranges: Vec<(i64, i64)> =
            file.metadata().row_groups().iter().map(range_of).collect::<Result<_, Fault>>()?;
        if ranges.is_empty() || ranges.windows(2).any(|pair| matches!(pair, [(_, a), (b, _)] if a + 1 != *b))
        {
            return Err(wrong("its row groups do not follow on each other"));
        }
        Ok(Reader { file, shard, ranges, last: Mutex::new(None) })
    }

    /// Whose journal it is of.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The numbers of its first and last transaction.
    pub fn range(&self) -> (i64, i64) {
        let of = |found: Option<&(i64, i64)>| found.copied().unwrap_or_default();
        (of(self.ranges.first()).0, of(self.ranges.last()).1)
    }

    /// Transactions from a number on, in order, at most `limit`; fewer at the end of a row group, none behind the last.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn page(&self, from_seq: i64, limit: usize) -> Result<Vec<StoredTransaction>, Fault> {
        let Some(index) = self.ranges.iter().position(|(_, last_seq)| from_seq <= *last_seq) else {
            return Ok(Vec::new());
        };
        let group = self.group(index)?;
        let start = group.partition_point(|stored| stored.seq < from_seq);
        Ok(group.iter().skip(start).take(limit).cloned().collect())
    }

    fn group(&self, index: usize) -> Result<Group, Fault> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_ref() {
            Some((of, group)) if *of == index => return Ok(Arc::clone(group)),
            Some(_) | None => {}
        }
        let lines = Lines::read(self.file.get_row_group(index)?.as_ref())?;
        let group = Arc::new(lines.into_transactions(self.shard)?);
        let ends = group.first().map(|first| first.seq).zip(group.last().map(|last| last.seq));
        if ends != self.ranges.get(index).copied() {
            return Err(wrong("a row group holds other numbers than it says"));
        }
        *last = Some((index, Arc::clone(&group)));
        Ok(group)
    }
}

fn range_of(group: &RowGroupMetaData) -> Result<(i64, i64), Fault> {
    match group.columns().get(SEQ).and_then(|column| column.statistics()) {
        Some(Statistics::Int64(seq)) => seq.min_opt().copied().zip(seq.max_opt().copied()),
        Some(_) | None => None,
    }
    .ok_or_else(|| wrong("a row group does not say which numbers it holds"))
}
