//! What the installation says of itself: which master key it was made with, whether it is held, its own secrets.

use crate::StoreError;
use crate::db::{Db, KeyVersion, corrupt, params, statements};
use crate::place::Place;
use crate::safekeeping::{Restored, Sealing};
use crypto::seal::{SealFault, Sealer};

/// Check value of the master key's version that values are sealed with.
const KEY_CHECK: &str = "master_key_check";
/// The same of the version that comes in, while a rotation is under way.
const NEXT_KEY_CHECK: &str = "master_key_check_next";
/// Since when the installation is held.
const HELD: &str = "held_since_us";
/// When the books were restored, and the moment that they are of.
const RESTORED: &str = "restored_at_us_and_books_of_us";

statements! {
    /// One of the notes; a lane reads them when its key is out of date.
    READ = "SELECT value FROM installation WHERE name = ?1";
    PUT = "INSERT INTO installation (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    REMOVE = "DELETE FROM installation WHERE name = ?1";
    SECRET = "SELECT value FROM installation_secret WHERE name = ?1";
    SECRET_KEEP = "INSERT INTO installation_secret (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
}

async fn read(db: &Db, name: &str) -> Result<Option<String>, StoreError> {
    db.one(READ, &params![name], |c| c.string()).await
}

async fn put(db: &Db, name: &str, value: &str) -> Result<(), StoreError> {
    db.execute(PUT, &params![name, value]).await.map(|_| ())
}

/// Notes which master key the installation was made with.
pub(crate) async fn note_master_key(db: &Db, check: &str) -> Result<(), StoreError> {
    put(db, KEY_CHECK, check).await
}

pub(crate) async fn sealing(db: &Db) -> Result<Sealing, StoreError> {
    let check = read(db, KEY_CHECK).await?;
    let check = check.ok_or_else(|| corrupt("the check value of the master key is missing"))?;
    Ok(Sealing { check, next_check: read(db, NEXT_KEY_CHECK).await? })
}

impl Sealing {
    /// The version that new values are sealed with.
    pub(crate) fn version(&self) -> Result<u32, StoreError> {
        let newest = self.next_check.as_deref().unwrap_or(&self.check);
        Sealer::version_of_check(newest).ok_or_else(|| corrupt("a check value of the master key is damaged"))
    }
}

/// The key file must hold every version that values may be sealed with; new ones are sealed with the newest of them.
pub(crate) async fn seal_as_noted(db: &Db) -> Result<Result<(), SealFault>, StoreError> {
    let sealing = sealing(db).await?;
    for check in [Some(&sealing.check), sealing.next_check.as_ref()].into_iter().flatten() {
        if let Err(fault) = db.sealer().verify_check_value(check) {
            return Ok(Err(fault));
        }
    }
    Ok(db.sealer().seal_with(sealing.version()?))
}

/// Another process began a rotation, or ended one: the key file is read again and its newest version used.
pub(crate) async fn follow_rotation(db: &Db) -> Result<(), StoreError> {
    if sealing(db).await?.version()? == db.sealer().version() {
        return Ok(());
    }
    if let Err(fault) = db.sealer().reload() {
        return Err(StoreError::Unavailable(fault.to_string()));
    }
    seal_as_noted(db).await?.map_err(|fault| StoreError::Unavailable(fault.to_string()))
}

/// As [`follow_rotation`] where the state that is read may be older than a rotation which this process began itself meanwhile: never
/// back, or values would be sealed with the version that goes out.
pub(crate) async fn follow_rotation_in_view(db: &Db) -> Result<(), StoreError> {
    if sealing(db).await?.version()? < db.sealer().version() {
        return Ok(());
    }
    follow_rotation(db).await
}

/// The version that values of a control write are sealed with, in a transaction that raised the version of what nodes cache: no
/// rotation begins before its end. A process that read the key file before one began would seal with the version that goes out.
pub(crate) async fn key_version(db: &Db) -> Result<KeyVersion, StoreError> {
    let wanted = sealing(db).await?.version()?;
    let ours = db.sealer().version();
    if ours == wanted {
        return Ok(KeyVersion(wanted));
    }
    let why =
        format!("values are sealed with version {wanted} of the master key now, not {ours}: start again");
    Err(StoreError::Unavailable(why))
}

pub(crate) async fn begin_rotation(db: &Db, version: u32) -> Result<(), StoreError> {
    let check = db
        .sealer()
        .check_value_at(version)
        .map_err(|fault| StoreError::Unavailable(format!("the key file: {fault}")))?;
    let sealing = sealing(db).await?;
    match &sealing.next_check {
        Some(next) if *next == check => Ok(()),
        Some(_) => Err(StoreError::Conflict("a rotation to another version is under way".to_owned())),
        None if version > sealing.version()? => put(db, NEXT_KEY_CHECK, &check).await,
        None => Err(StoreError::Conflict(format!("version {version} is not newer than the one in use"))),
    }
}

/// True when one was under way.
pub(crate) async fn end_rotation(db: &Db) -> Result<bool, StoreError> {
    let Some(next) = sealing(db).await?.next_check else { return Ok(false) };
    put(db, KEY_CHECK, &next).await?;
    db.execute(REMOVE, &params![NEXT_KEY_CHECK]).await?;
    Ok(true)
}

pub(crate) async fn secret(db: &Db, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let open = |sealed: &[u8]| db.open(Place::InstallationSecret, name.as_bytes(), sealed);
    db.one(SECRET, &params![name], |c| open(c.blob()?)).await
}

pub(crate) async fn keep_secret(db: &Db, name: &str, value: &[u8]) -> Result<(), StoreError> {
    let sealed = db.seal(key_version(db).await?, Place::InstallationSecret, name.as_bytes(), value)?;
    db.execute(SECRET_KEEP, &params![name, sealed]).await.map(|_| ())
}

pub(crate) async fn held_since_us(db: &Db) -> Result<Option<i64>, StoreError> {
    let Some(text) = read(db, HELD).await? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| corrupt("since when the installation is held can't be read"))
}

pub(crate) async fn restored(db: &Db) -> Result<Option<Restored>, StoreError> {
    let Some(text) = read(db, RESTORED).await? else { return Ok(None) };
    let numbers = text.split_once(' ').and_then(|(at, of)| Some((at.parse().ok()?, of.parse().ok()?)));
    let (at_us, books_of_us) =
        numbers.ok_or_else(|| corrupt("when the books were restored can't be read"))?;
    Ok(Some(Restored { at_us, books_of_us }))
}

pub(crate) async fn hold(db: &Db, since_us: i64, restored: Option<Restored>) -> Result<(), StoreError> {
    put(db, HELD, &since_us.to_string()).await?;
    match restored {
        Some(restored) => put(db, RESTORED, &format!("{} {}", restored.at_us, restored.books_of_us)).await,
        None => Ok(()),
    }
}

pub(crate) async fn release(db: &Db) -> Result<(), StoreError> {
    db.execute(REMOVE, &params![HELD]).await.map(|_| ())
}
