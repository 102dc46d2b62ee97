//! The sandbox's book on disk: every change is appended before it is answered, and read again at open.
//!
//! Several callers share one write: each appends to a buffer under the lock of the state, then whoever holds the file
//! writes what has gathered. The kernel has the bytes before anyone is answered, so that a killed process loses
//! nothing; the disk has them a second later, so that a power cut can lose the last second.

mod shared;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Read};
use std::mem;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use money::FeeRule;
use thiserror::Error;

use super::desk::{Desk, Rules};
use super::record::{FrameFault, FrameReader};
use super::trade::BillZone;

/// `FQSBX`, the version of the format, and the bills' offset from UTC in seconds.
pub(crate) const HEADER_BYTES: usize = 12;
const MAGIC: [u8; 8] = *b"FQSBX\x00\x00\x01";
/// More than this unwritten, and nothing new is taken.
const UNWRITTEN_MAX_BYTES: usize = 4 << 20;

/// Why a book cannot be opened or read.
#[derive(Debug, Error)]
pub enum BookError {
    /// The file system said no.
    #[error("the sandbox channel's book: {0}")]
    Io(#[from] std::io::Error),
    /// Another process, or another channel of this one, has it open.
    #[error("the sandbox channel's book is in use by another process")]
    InUse,
    /// The file is not a book of this version.
    #[error("the file is not a book of the sandbox channel, or one of a newer version")]
    NotABook,
    /// Bills would change their dates.
    #[error("the book's bills are {found} seconds east of UTC, not {configured}")]
    ZoneDiffers {
        /// The book's.
        found: i32,
        /// The configuration's.
        configured: i32,
    },
    /// A record with a right checksum makes no sense.
    #[error("the book is damaged at byte {offset}")]
    Damaged {
        /// Where.
        offset: u64,
    },
    /// The cost rule does not compute, such as one with a negative part.
    #[error("the cost rule cannot be computed: {0}")]
    Cost(money::MoneyError),
}

/// The change is in memory only: nobody may be told of it yet. The next one writes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unwritten;

/// Who may write a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookUse {
    /// This process, as long as it is open.
    Alone,
    /// Every process that has it open so, in turns: each reads first what the others wrote.
    Shared,
}

/// An open book.
#[derive(Debug)]
pub(crate) struct Book {
    /// For the turns of a shared one.
    rules: Rules,
    usage: BookUse,
    desk: Mutex<Desk>,
    file: Mutex<BookFile>,
    /// How much of the file is there, in bytes.
    written: AtomicU64,
    synced: AtomicU64,
}

#[derive(Debug)]
struct BookFile {
    /// `None` once shut.
    file: Option<Arc<File>>,
    spare: Vec<u8>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    /// Opens the book, or makes it, and reads it. Blocks for about half a second per million records.
    pub(crate) fn open(path: &Path, rules: Rules, usage: BookUse) -> Result<Book, BookError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match usage {
            BookUse::Alone => match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(BookError::InUse),
                Err(TryLockError::Error(error)) => return Err(BookError::Io(error)),
            },
            BookUse::Shared => shared::take_turn(&file)?,
        }
        begin(&file, rules.zone)?;
        let mut desk = Desk::new(rules.clone());
        let end = replay(&file, &mut desk)?;
        desk.appended = end;
        let length = file.metadata()?.len();
        if length > end {
            tracing::warn!(cut_bytes = length - end, "the sandbox channel's book ended in a torn record");
            file.set_len(end)?;
        }
        if usage == BookUse::Shared {
            file.unlock()?;
        }
        let file = BookFile { file: Some(Arc::new(file)), spare: Vec::new() };
        Ok(Book {
            rules,
            usage,
            desk: Mutex::new(desk),
            file: Mutex::new(file),
            written: AtomicU64::new(end),
            synced: AtomicU64::new(0),
        })
    }

    /// Does something with the state. What it tells may be told: everything it can have seen is in the file.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> Result<T, Unwritten> {
        if self.usage == BookUse::Shared {
            return self.in_turn(act);
        }
        let (done, end) = {
            let mut desk = lock(&self.desk);
            if desk.pending.len() > UNWRITTEN_MAX_BYTES {
                let end = desk.appended;
                drop(desk);
                self.write_up_to(end)?;
                desk = lock(&self.desk);
            }
            (act(&mut desk), desk.appended)
        };
        if self.written.load(Ordering::Acquire) < end {
            self.write_up_to(end)?;
        }
        Ok(done)
    }

    fn write_up_to(&self, end: u64) -> Result<(), Unwritten> {
        let mut file = lock(&self.file);
        let from = self.written.load(Ordering::Acquire);
        if from >= end {
            return Ok(());
        }
        let BookFile { file: Some(handle), spare } = &mut *file else { return Err(Unwritten) };
        let mut bytes = mem::replace(&mut lock(&self.desk).pending, mem::take(spare));
        if let Err(error) = handle.write_all_at(&bytes, from) {
            tracing::error!(%error, "the sandbox channel's book cannot be written");
            let mut desk = lock(&self.desk);
            bytes.append(&mut desk.pending);
            desk.pending = bytes;
            return Err(Unwritten);
        }
        let wrote = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.written.store(from.saturating_add(wrote), Ordering::Release);
        bytes.clear();
        *spare = bytes;
        Ok(())
    }

    /// Whether the kernel has more than the disk.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.written.load(Ordering::Acquire) != self.synced.load(Ordering::Acquire)
    }

    /// Makes the disk have what the kernel has. Blocks; callers keep it away from the runtime.
    pub(crate) fn sync(&self) -> Result<(), std::io::Error> {
        let written = self.written.load(Ordering::Acquire);
        let handle = lock(&self.file).file.clone();
        if let Some(handle) = handle {
            handle.sync_data()?;
            self.synced.store(written, Ordering::Release);
        }
        Ok(())
    }

    /// Lets another process have it; whoever still asks is told that nothing is known.
    pub(crate) fn shut(&self) {
        if let Some(handle) = lock(&self.file).file.take()
            && self.usage == BookUse::Alone
            && let Err(error) = handle.unlock()
        {
            tracing::warn!(%error, "the sandbox channel's book stays locked");
        }
    }
}

/// Writes the header of a new book, or reads it.
fn begin(file: &File, zone: BillZone) -> Result<(), BookError> {
    let header = [MAGIC.as_slice(), &zone.offset_s.to_le_bytes()].concat();
    let length = file.metadata()?.len();
    if length < u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX) {
        let mut found = Vec::new();
        let mut reader = file;
        reader.read_to_end(&mut found)?;
        if !header.starts_with(&found) {
            return Err(BookError::NotABook);
        }
        file.write_all_at(&header, 0)?;
        return Ok(());
    }
    let mut found = [0; HEADER_BYTES];
    file.read_exact_at(&mut found, 0)?;
    let found = read_header(found)?;
    if found != zone {
        return Err(BookError::ZoneDiffers { found: found.offset_s, configured: zone.offset_s });
    }
    Ok(())
}

/// The zone of the bills of a book.
pub(crate) fn read_header(header: [u8; HEADER_BYTES]) -> Result<BillZone, BookError> {
    let [magic @ .., o0, o1, o2, o3] = header;
    if magic != MAGIC {
        return Err(BookError::NotABook);
    }
    let offset_s = i32::from_le_bytes([o0, o1, o2, o3]);
    // No zone is further from UTC; what a file claims beyond that is no zone.
    if offset_s.unsigned_abs() > 86_400 {
        return Err(BookError::NotABook);
    }
    Ok(BillZone { offset_s })
}

/// How many of a book's bytes are read when it is opened: all but a torn end.
///
/// # Errors
/// [`BookError`], also for fewer bytes than a header has.
pub fn readable_bytes(book: &[u8]) -> Result<u64, BookError> {
    let header = book.first_chunk().ok_or(BookError::NotABook)?;
    let (zone, cost) = (read_header(*header)?, FeeRule::FREE);
    replay_from(book, &mut Desk::new(Rules { zone, cost, pay_base_url: String::new() }))
}

/// Reads all records into the state; answers where the good ones end.
fn replay(file: &File, desk: &mut Desk) -> Result<u64, BookError> {
    let mut input = BufReader::with_capacity(1 << 16, file);
    // `begin` may have moved the cursor of a short file; positions of a fresh one start here.
    std::io::Seek::rewind(&mut input)?;
    replay_from(input, desk)
}

fn replay_from(mut input: impl Read, desk: &mut Desk) -> Result<u64, BookError> {
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header)?;
    let start = u64::try_from(HEADER_BYTES).unwrap_or(0);
    let mut frames = FrameReader::new(input);
    loop {
        let offset = start + frames.good_bytes;
        match frames.next() {
            Ok(Some(record)) => {
                if !desk.apply(record) {
                    return Err(BookError::Damaged { offset });
                }
            }
            Err(FrameFault::Foreign) => return Err(BookError::Damaged { offset }),
            Ok(None) | Err(FrameFault::Torn) => return Ok(offset),
            Err(FrameFault::Io(error)) => return Err(BookError::Io(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Uid;
    use domain::channel::AttemptFact;

    use super::*;

    fn rules() -> Rules {
        Rules { zone: BillZone { offset_s: 0 }, cost: FeeRule::FREE, pay_base_url: String::new() }
    }

    fn close(book: &Book, number: u8) -> Result<AttemptFact, Unwritten> {
        book.with(|desk| desk.close(Uid([number; 16]), 5).0)
    }

    #[test]
    fn what_could_not_be_written_is_not_told_and_written_with_the_next() {
        let path = std::env::temp_dir().join(format!("feiqian-sandbox-{}.book", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let book = Book::open(&path, rules(), BookUse::Alone).unwrap();
        assert_eq!(close(&book, 1), Ok(AttemptFact::Closed));
        // A handle that cannot write stands for a full disk.
        let read_only = Some(Arc::new(File::open(&path).unwrap()));
        let good = mem::replace(&mut lock(&book.file).file, read_only);
        assert_eq!(close(&book, 2), Err(Unwritten));
        assert_eq!(book.with(|desk| desk.trades.find(Uid([1; 16]))), Err(Unwritten), "nor is anything else");
        lock(&book.file).file = good;
        assert_eq!(close(&book, 3), Ok(AttemptFact::Closed));
        book.shut();
        assert_eq!(close(&book, 4), Err(Unwritten));
        drop(book);
        let book = Book::open(&path, rules(), BookUse::Alone).unwrap();
        let found = [1, 2, 3, 4].map(|number| book.with(|desk| desk.trades.find(Uid([number; 16]))).unwrap());
        assert_eq!(found, [Some(0), Some(1), Some(2), None]);
        drop(book);
        std::fs::remove_file(&path).unwrap();
    }
}
