//! Copies of a book, also of one that is being written: its whole records and nothing of a torn one.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::book::{BookError, HEADER_BYTES, read_header};
use super::record::{FrameFault, FrameReader};

const BUFFER_BYTES: usize = 1 << 16;

/// Copies the whole records among the first `up_to` bytes of a book into a new file and brings it to disk; answers its length.
/// Blocks.
///
/// # Errors
/// [`BookError`]; also when `to` exists.
pub fn copy_book(from: &Path, to: &Path, up_to: u64) -> Result<u64, BookError> {
    let length = whole_bytes(from, up_to)?;
    let mut copy = File::options().write(true).create_new(true).open(to)?;
    let copied = io::copy(&mut File::open(from)?.take(length), &mut copy)?;
    if copied != length {
        return Err(BookError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    copy.flush()?;
    copy.sync_all()?;
    Ok(length)
}

/// Whether a book begins with all that another holds: the same channel, as it was earlier. Blocks.
///
/// # Errors
/// [`BookError`].
pub fn book_continues(book: &Path, earlier: &Path) -> Result<bool, BookError> {
    let mut earlier = BufReader::with_capacity(BUFFER_BYTES, File::open(earlier)?);
    let mut book = BufReader::with_capacity(BUFFER_BYTES, File::open(book)?);
    let (mut wanted, mut found) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
    loop {
        let length = earlier.read(&mut wanted)?;
        let (Some(wanted), Some(found)) = (wanted.get(..length), found.get_mut(..length)) else {
            return Ok(false);
        };
        if length == 0 {
            return Ok(true);
        }
        match book.read_exact(found) {
            Ok(()) if wanted == found => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(BookError::Io(error)),
        }
    }
}

/// Where the last whole record within the first `up_to` bytes ends; 0 for a file whose header was not written whole.
fn whole_bytes(path: &Path, up_to: u64) -> Result<u64, BookError> {
    let mut file = File::open(path)?;
    let mut header = [0; HEADER_BYTES];
    let start = u64::try_from(HEADER_BYTES).unwrap_or(0);
    if file.metadata()?.len().min(up_to) < start {
        return Ok(0);
    }
    file.read_exact(&mut header)?;
    read_header(header)?;
    file.seek(SeekFrom::Start(start))?;
    let within = BufReader::with_capacity(BUFFER_BYTES, file.take(up_to - start));
    let mut frames = FrameReader::new(within);
    loop {
        let offset = start + frames.good_bytes;
        match frames.next() {
            Ok(Some(_)) => {}
            // The last record may still be on its way, or was never finished.
            Ok(None) | Err(FrameFault::Torn) => return Ok(offset),
            Err(FrameFault::Foreign) => return Err(BookError::Damaged { offset }),
            Err(FrameFault::Io(error)) => return Err(BookError::Io(error)),
        }
    }
}
