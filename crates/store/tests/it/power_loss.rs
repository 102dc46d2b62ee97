//! The power goes at any moment: what SQLite had brought to the disk by then is there, whatever became of the rest.
//!
//! A batch is acknowledged when its commit has come back; by then the log up to that place is on the disk. After each commit the test
//! takes the files as the kernel has them. A power cut between two commits then leaves: the log of the first whole, what the second wrote
//! behind it in any state, and, where the second one moved the log into the database, pages of the database in any state too.

use crate::fixtures::*;
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use store::sqlite::{SqliteConfig, SqliteStore, damage};

/// Commits of the load.
const COMMITS: usize = 60;
/// Power cuts of a run of the suite; `FEIQIAN_POWER_CUTS` asks for more.
const CUTS: u64 = 120;
const SEED: u64 = 20_261_126;
/// The log is moved into the database every few commits.
const CHECKPOINT_PAGES: u32 = 60;

const WAL_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const PAGE_BYTES: usize = 8_192;
/// Disks write a sector of this size wholly or not at all, or leave anything in it.
const TORN_BYTES: usize = 4_096;

/// The files after a commit.
struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
    /// How much of the log is on the disk: up to the end of this commit.
    durable_bytes: usize,
    /// Tells one filling of the log from the next.
    salt: [u8; 8],
    /// The payments acknowledged so far.
    acknowledged: usize,
}

/// Splitmix64: the same cuts on every machine.
struct Chance(Cell<u64>);

impl Chance {
    fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut mixed = self.0.get();
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn noise(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next().to_le_bytes()[3]);
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

/// Where the last commit in the log ends, from the shared index: frames, and the salt of this filling.
fn log_end(path: &Path) -> (usize, [u8; 8]) {
    let index = fs::read(beside(path, "-shm")).unwrap();
    let frames = u32::from_ne_bytes(index[16..20].try_into().unwrap());
    let bytes = WAL_HEADER_BYTES + usize::try_from(frames).unwrap() * (FRAME_HEADER_BYTES + PAGE_BYTES);
    (bytes, index[32..40].try_into().unwrap())
}

fn image(path: &Path, acknowledged: usize) -> Image {
    let (durable_bytes, salt) = log_end(path);
    let (database, log) = (fs::read(path).unwrap(), fs::read(beside(path, "-wal")).unwrap());
    Image { database, log, durable_bytes, salt, acknowledged }
}

/// Runs the load; an image after each commit, the first before any.
fn load(here: &Installation) -> Vec<Image> {
    let path = here.place.scratch().config().path;
    let (mut ids, mut images) = (maker(SANDBOX, 70), vec![image(&path, 0)]);
    for commit in 0..COMMITS {
        let mut set = writes(1 + u128::try_from(commit).unwrap());
        let order_no = format!("order-{commit}");
        set.new_payments = vec![full_payment(&mut ids, here.sandbox, &order_no)];
        here.commit(SANDBOX, &set).unwrap();
        images.push(image(&path, commit + 1));
    }
    images
}

/// The files after a power cut between two images, and how many payments must be there.
fn cut(chance: &Chance, before: &Image, after: &Image) -> (Vec<u8>, Vec<u8>, usize) {
    let same_filling = before.salt == after.salt;
    // A log that begins anew does so when all of the last one is in the database, on the disk.
    let floor = if same_filling { before.durable_bytes } else { 0 };
    let mut log = after.log.clone();
    let at = floor + chance.below(log.len().saturating_sub(floor) + 1);
    match chance.below(5) {
        0 => log.truncate(floor),
        1 => log.truncate(at),
        2 => chance.noise(&mut log[at..]),
        3 => log[at..].fill(0),
        _ => {
            // One sector that was being written, anything before and behind it.
            let start = (at / TORN_BYTES * TORN_BYTES).max(floor);
            let end = (start + TORN_BYTES).min(log.len());
            chance.noise(&mut log[start..end]);
        }
    }
    let moved = before.database != after.database;
    if !moved || chance.below(2) == 0 {
        return (before.database.clone(), log, before.acknowledged);
    }
    // The second commit was on the disk, and then the log on its way into the database.
    let whole = after.log.clone();
    (half_moved(chance, before, after, &whole), whole, after.acknowledged)
}

/// Pages of the database of which the log holds a newer copy, each as before, as after, or torn.
fn half_moved(chance: &Chance, before: &Image, after: &Image, log: &[u8]) -> Vec<u8> {
    let mut database = after.database.clone();
    for frame in log[WAL_HEADER_BYTES..after.durable_bytes].chunks_exact(FRAME_HEADER_BYTES + PAGE_BYTES) {
        let page = usize::try_from(u32::from_be_bytes(frame[..4].try_into().unwrap())).unwrap();
        let start = (page - 1) * PAGE_BYTES;
        let Some(now) = database.get_mut(start..start + PAGE_BYTES) else { continue };
        let Some(then) = before.database.get(start..start + PAGE_BYTES) else { continue };
        match chance.below(3) {
            0 => now.copy_from_slice(then),
            // The first page's first sector says that there is a log: SQLite rests on a sector not being torn inside.
            1 if page > 1 => {
                let half = chance.below(2) * TORN_BYTES;
                chance.noise(&mut now[half..half + TORN_BYTES]);
            }
            _ => {}
        }
    }
    database
}

fn payments(config: &SqliteConfig) -> i64 {
    let file = rusqlite::Connection::open(&config.path).unwrap();
    file.query_row("SELECT COUNT(*) FROM payment", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_acknowledged_before_a_power_cut_is_there() {
    let place = Place::sqlite_under(&std::env::temp_dir());
    let original = place.scratch().config();
    let config = SqliteConfig { wal_autocheckpoint_pages: CHECKPOINT_PAGES, ..original.clone() };
    let store = std::sync::Arc::new(SqliteStore::open(&config).unwrap());
    let here = Installation::with_store(store, place);
    let images = load(&here);
    let fillings = images.windows(2).filter(|pair| pair[0].salt != pair[1].salt).count();
    let moves = images.windows(2).filter(|pair| pair[0].database != pair[1].database).count();
    assert!(fillings >= 3 && moves >= 3, "{fillings} fillings of the log, {moves} moves");

    let cuts = std::env::var("FEIQIAN_POWER_CUTS").map_or(CUTS, |text| text.parse().unwrap());
    let after = SqliteConfig { path: original.path.with_file_name("after.db"), ..original };
    for number in 0..cuts {
        let chance = Chance(Cell::new(SEED.wrapping_add(number)));
        let at = chance.below(images.len() - 1);
        let (database, log, acknowledged) = cut(&chance, &images[at], &images[at + 1]);
        let _ = fs::remove_file(beside(&after.path, "-shm"));
        fs::write(&after.path, database).unwrap();
        fs::write(beside(&after.path, "-wal"), log).unwrap();
        let told = format!("cut {number}, between commits {at} and {}", at + 1);
        drop(SqliteStore::open(&after).unwrap_or_else(|fault| panic!("{told}: {fault}")));
        assert_eq!(damage(&after).unwrap(), Vec::<String>::new(), "{told}");
        let (found, acknowledged) = (payments(&after), i64::try_from(acknowledged).unwrap());
        // The commit that was under way may have come through or not, and nothing of it in part.
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "{told}: {found} of {acknowledged} payments"
        );
    }
}
