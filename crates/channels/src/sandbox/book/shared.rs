//! A book that several processes have open: whoever uses it holds the file's lock meanwhile, reads first what the others wrote, and
//! writes before the lock is given free. A process that is killed in between leaves a torn record at the end, which the next one cuts.

use super::{Book, BookError, BookFile, HEADER_BYTES, Unwritten, lock};
use crate::sandbox::desk::Desk;
use crate::sandbox::record::{FrameFault, FrameReader};
use std::fs::{File, TryLockError};
use std::io::{BufReader, Read};
use std::mem;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// How often the lock is asked for, and the pause between: another process holds it for some microseconds, unless it is stopped.
const TRIES: u32 = 250;
const PAUSE: Duration = Duration::from_millis(1);

/// Holds the file's lock, or says that another process does not give it free.
pub(super) fn take_turn(file: &File) -> Result<(), BookError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(BookError::Io(error)),
        }
    }
    Err(BookError::InUse)
}

/// Gives the lock free, however the turn ends.
struct Turn(Arc<File>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::error!(%error, "the sandbox channel's book stays locked");
        }
    }
}

impl Book {
    /// As [`Book::with`], in turns with other processes. A turn may be waited for: a runtime's thread says so, and others take over
    /// what it has to do.
    pub(super) fn in_turn<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> Result<T, Unwritten> {
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| self.take_and_act(act)),
            // Nobody else is there to take over.
            Ok(_) | Err(_) => self.take_and_act(act),
        }
    }

    fn take_and_act<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> Result<T, Unwritten> {
        let mut file = lock(&self.file);
        let BookFile { file: Some(handle), spare } = &mut *file else { return Err(Unwritten) };
        if let Err(error) = take_turn(handle) {
            tracing::warn!(%error, "the sandbox channel's book can't be used now");
            return Err(Unwritten);
        }
        let turn = Turn(Arc::clone(handle));
        let mut desk = lock(&self.desk);
        let done = self.turn(&turn.0, &mut desk, spare, act);
        if let Err(error) = &done {
            tracing::error!(%error, "the sandbox channel's book can't be used");
            // What is in memory is not what is in the file: all of it is read again.
            *desk = Desk::new(self.rules.clone());
        }
        done.map_err(|_| Unwritten)
    }

    fn turn<T>(
        &self,
        file: &File,
        desk: &mut Desk,
        spare: &mut Vec<u8>,
        act: impl FnOnce(&mut Desk) -> T,
    ) -> Result<T, BookError> {
        catch_up(file, desk)?;
        let from = desk.appended;
        let done = act(desk);
        let mut bytes = mem::replace(&mut desk.pending, mem::take(spare));
        if !bytes.is_empty() {
            file.write_all_at(&bytes, from)?;
        }
        self.written.store(desk.appended, Ordering::Release);
        bytes.clear();
        *spare = bytes;
        Ok(done)
    }
}

/// Reads what others wrote since; cuts what one of them wrote half.
fn catch_up(file: &File, desk: &mut Desk) -> Result<(), BookError> {
    let start = desk.appended.max(u64::try_from(HEADER_BYTES).unwrap_or(0));
    desk.appended = start;
    let length = file.metadata()?.len();
    if length == start {
        return Ok(());
    }
    let mut frames = FrameReader::new(BufReader::new(From { file, at: start }));
    loop {
        let offset = start + frames.good_bytes;
        match frames.next() {
            Ok(Some(record)) => {
                if !desk.apply(record) {
                    return Err(BookError::Damaged { offset });
                }
            }
            Err(FrameFault::Foreign) => return Err(BookError::Damaged { offset }),
            Err(FrameFault::Io(error)) => return Err(BookError::Io(error)),
            Ok(None) | Err(FrameFault::Torn) => {
                desk.appended = offset;
                if length > offset {
                    tracing::warn!(
                        cut_bytes = length - offset,
                        "a process ended while it wrote the sandbox channel's book"
                    );
                    file.set_len(offset)?;
                }
                return Ok(());
            }
        }
    }
}

/// Reads a file from a place on, whatever its cursor does.
struct From<'f> {
    file: &'f File,
    at: u64,
}

impl Read for From<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(into, self.at)?;
        self.at += u64::try_from(read).unwrap_or(0);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BookUse, Rules};
    use super::*;
    use crate::sandbox::trade::BillZone;
    use domain::Uid;
    use domain::channel::AttemptFact;
    use money::FeeRule;
    use std::fs::OpenOptions;
    use std::path::Path;

    fn open(path: &Path) -> Book {
        let rules =
            Rules { zone: BillZone { offset_s: 0 }, cost: FeeRule::FREE, pay_base_url: String::new() };
        Book::open(path, rules, BookUse::Shared).unwrap()
    }

    fn close(book: &Book, number: u8) -> Result<AttemptFact, Unwritten> {
        book.with(|desk| desk.close(Uid([number; 16]), 5).0)
    }

    fn slots<const N: usize>(book: &Book, numbers: [u8; N]) -> [Option<u32>; N] {
        numbers.map(|number| book.with(|desk| desk.trades.find(Uid([number; 16]))).unwrap())
    }

    #[test]
    fn each_sees_what_the_other_wrote_and_a_half_written_end_is_cut() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("shared.book");
        let (one, other) = (open(&path), open(&path));
        assert_eq!(close(&one, 1), Ok(AttemptFact::Closed));
        assert_eq!(close(&other, 2), Ok(AttemptFact::Closed));
        assert_eq!(close(&one, 3), Ok(AttemptFact::Closed));
        let all = [Some(0), Some(1), Some(2)];
        assert_eq!(slots(&one, [1, 2, 3]), all);
        assert_eq!(slots(&other, [1, 2, 3]), all);

        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let whole = file.metadata().unwrap().len();
        file.write_all_at(&[9, 0, 0, 0, 7], whole).unwrap();
        assert_eq!(slots(&other, [1, 2, 3]), all);
        assert_eq!(file.metadata().unwrap().len(), whole);
        assert_eq!(close(&other, 4), Ok(AttemptFact::Closed));
        assert_eq!(slots(&one, [4]), [Some(3)]);
    }

    #[test]
    fn a_process_that_keeps_the_lock_makes_the_channel_unavailable_for_a_moment_only() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("shared.book");
        let book = open(&path);
        let holder = File::open(&path).unwrap();
        holder.lock().unwrap();
        assert_eq!(close(&book, 1), Err(Unwritten));
        holder.unlock().unwrap();
        assert_eq!(close(&book, 1), Ok(AttemptFact::Closed));
    }
}
