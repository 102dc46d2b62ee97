//! The journal's oldest part in Parquet files (Apache Parquet format 2.x, LZ4_RAW): one row a line, in the order of (seq, line), whole
//! transactions in each row group. What a file holds is enough to hash its lines again, so that the blocks that stay in the database
//! prove it. Files are written once; who reads one has compared its digest before, as a reader of this format trusts its input.

mod columns;
mod read;
mod schema;
mod write;

pub use read::Reader;
pub use write::{LINES_A_FILE, Writer, Written};

use std::path::PathBuf;

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file system.
    #[error("{path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Not Parquet, or not whole.
    #[error("the Parquet file can't be written or read: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Parquet, but not such a file.
    #[error("the archive does not hold what it must: {0}")]
    Wrong(String),
}

fn wrong(what: impl Into<String>) -> Fault {
    Fault::Wrong(what.into())
}
