//! Sealing values again under a newer version of the master key, some rows at a time. Pages are read on the read pool; only a
//! page that holds an older value takes a turn at the write connection. The older value is part of the update's condition, so
//! that a row which somebody changed meanwhile is left to the next walk.

use crate::db::{Columns, Db, Sql, Value, corrupt, statements};
use crate::place::Place;
use crate::safekeeping::SealedAgain;
use crate::{StoreError, head, installation};
use crypto::seal::Sealer;
use domain::World;
use zeroize::Zeroizing;

/// Rows of one step.
const ROWS_MAX: u32 = 256;

statements! {
    PAYMENT = "SELECT shard, id, personal FROM payment WHERE (shard, id) > (CAST(?1 AS BIGINT), ?2) ORDER BY shard, id LIMIT ?3";
    PAYMENT_SEAL = "UPDATE payment SET personal = ?1 WHERE personal = ?2 AND shard = ?3 AND id = ?4";
    EVENT = "SELECT shard, seq, id, body FROM event WHERE (shard, seq) > (CAST(?1 AS BIGINT), ?2) ORDER BY shard, seq LIMIT ?3";
    EVENT_SEAL = "UPDATE event SET body = ?1 WHERE body = ?2 AND shard = ?3 AND seq = ?4";
    MERCHANT = "SELECT id, default_secret FROM merchant WHERE id > ?1 ORDER BY id LIMIT ?2";
    MERCHANT_SEAL = "UPDATE merchant SET default_secret = ?1 WHERE default_secret = ?2 AND id = ?3";
    CHANNEL = "SELECT id, callback_secret FROM channel_account WHERE id > ?1 ORDER BY id LIMIT ?2";
    CHANNEL_SEAL = "UPDATE channel_account SET callback_secret = ?1 WHERE callback_secret = ?2 AND id = ?3";
    ENDPOINT = "SELECT id, secret FROM endpoint WHERE id > ?1 ORDER BY id LIMIT ?2";
    ENDPOINT_SEAL = "UPDATE endpoint SET secret = ?1 WHERE secret = ?2 AND id = ?3";
    ENDPOINT_OLD = "SELECT id, old_secret FROM endpoint WHERE id > ?1 ORDER BY id LIMIT ?2";
    ENDPOINT_OLD_SEAL = "UPDATE endpoint SET old_secret = ?1 WHERE old_secret = ?2 AND id = ?3";
    NOTICE_HEADERS = "SELECT account, reference, digest, headers FROM channel_notice \
        WHERE (account, reference, digest) > (?1, ?2, ?3) ORDER BY account, reference, digest LIMIT ?4";
    NOTICE_HEADERS_SEAL = "UPDATE channel_notice SET headers = ?1 \
        WHERE headers = ?2 AND account = ?3 AND reference = ?4 AND digest = ?5";
    NOTICE_BODY = "SELECT account, reference, digest, body FROM channel_notice \
        WHERE (account, reference, digest) > (?1, ?2, ?3) ORDER BY account, reference, digest LIMIT ?4";
    NOTICE_BODY_SEAL = "UPDATE channel_notice SET body = ?1 \
        WHERE body = ?2 AND account = ?3 AND reference = ?4 AND digest = ?5";
    SECRET = "SELECT name, value FROM installation_secret WHERE name > ?1 ORDER BY name LIMIT ?2";
    SECRET_SEAL = "UPDATE installation_secret SET value = ?1 WHERE value = ?2 AND name = ?3";
}

/// How a place is walked: by its primary key, whose columns come first; then an id where the key holds none; the sealed value
/// last.
struct Way {
    page: Sql,
    seal: Sql,
    /// Below every key.
    first: &'static [First],
    /// Whether a column stands between the key and the value, and names the row for the seal.
    named_apart: bool,
    /// Columns of the key that name it otherwise.
    named_by: &'static [usize],
}

#[derive(Clone, Copy)]
enum First {
    Int,
    Uid,
    Digest,
    Text,
}

fn way(place: Place) -> Way {
    use First::{Digest, Int, Text, Uid};
    let of_id = |page, seal| Way { page, seal, first: &[Uid], named_apart: false, named_by: &[0] };
    let of_notice = |page, seal| {
        let first = &[Uid, Text, Digest];
        Way { page, seal, first, named_apart: false, named_by: &[0, 1, 2] }
    };
    match place {
        Place::PaymentPersonal => {
            let (page, seal) = (PAYMENT, PAYMENT_SEAL);
            Way { page, seal, first: &[Int, Uid], named_apart: false, named_by: &[1] }
        }
        Place::EventBody => {
            let (page, seal) = (EVENT, EVENT_SEAL);
            Way { page, seal, first: &[Int, Int], named_apart: true, named_by: &[] }
        }
        Place::DefaultSecret => of_id(MERCHANT, MERCHANT_SEAL),
        Place::CallbackSecret => of_id(CHANNEL, CHANNEL_SEAL),
        Place::EndpointSecret => of_id(ENDPOINT, ENDPOINT_SEAL),
        Place::EndpointOldSecret => of_id(ENDPOINT_OLD, ENDPOINT_OLD_SEAL),
        Place::NoticeHeaders => of_notice(NOTICE_HEADERS, NOTICE_HEADERS_SEAL),
        Place::NoticeBody => of_notice(NOTICE_BODY, NOTICE_BODY_SEAL),
        Place::InstallationSecret => {
            let (page, seal) = (SECRET, SECRET_SEAL);
            Way { page, seal, first: &[Text], named_apart: false, named_by: &[0] }
        }
    }
}

/// A value of a primary key.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Int(i64),
    Uid([u8; 16]),
    Digest([u8; 32]),
    Text(String),
}

impl Key {
    fn value(&self) -> Value<'_> {
        match self {
            Key::Int(number) => Value::from(*number),
            Key::Uid(bytes) => Value::from(*bytes),
            Key::Digest(bytes) => Value::from(bytes),
            Key::Text(text) => Value::from(text),
        }
    }

    /// As part of the row's name.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Key::Int(number) => number.to_be_bytes().to_vec(),
            Key::Uid(bytes) => bytes.to_vec(),
            Key::Digest(bytes) => bytes.to_vec(),
            Key::Text(text) => text.as_bytes().to_vec(),
        }
    }
}

impl First {
    fn key(self) -> Key {
        match self {
            First::Int => Key::Int(i64::MIN),
            First::Uid => Key::Uid([0; 16]),
            First::Digest => Key::Digest([0; 32]),
            First::Text => Key::Text(String::new()),
        }
    }

    fn read(self, c: &mut Columns<'_>) -> Result<Key, StoreError> {
        Ok(match self {
            First::Int => Key::Int(c.int()?),
            First::Uid => Key::Uid(c.bytes()?),
            First::Digest => Key::Digest(c.bytes()?),
            First::Text => Key::Text(c.string()?),
        })
    }

    /// What [`Cursor::to_text`] wrote.
    fn parse(self, text: &str) -> Option<Key> {
        match self {
            First::Int => text.parse().ok().map(Key::Int),
            First::Uid => crypto::unhex(text)?.try_into().ok().map(Key::Uid),
            First::Digest => crypto::unhex(text)?.try_into().ok().map(Key::Digest),
            First::Text => String::from_utf8(crypto::unhex(text)?).ok().map(Key::Text),
        }
    }
}

/// Where a walk is: a place of the list, and the key after which it goes on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cursor {
    index: usize,
    key: Vec<Key>,
}

/// One row with a value that an older version sealed.
pub(crate) struct Older {
    key: Vec<Key>,
    named: Vec<u8>,
    sealed: Vec<u8>,
}

/// One page read.
pub(crate) struct Page {
    pub(crate) place: Place,
    pub(crate) looked: u64,
    pub(crate) older: Vec<Older>,
    pub(crate) next: Option<Cursor>,
}

impl Cursor {
    fn start_of(index: usize) -> Option<Cursor> {
        let place = Place::ALL.get(index)?;
        Some(Cursor { index, key: way(*place).first.iter().map(|first| first.key()).collect() })
    }

    /// The place's number and the key's values, hexadecimal but for numbers.
    fn to_text(&self) -> String {
        let value = |key: &Key| match key {
            Key::Int(number) => number.to_string(),
            Key::Uid(_) | Key::Digest(_) | Key::Text(_) => crypto::hex(&key.bytes()),
        };
        let key: Vec<String> = self.key.iter().map(value).collect();
        format!("{}:{}", self.index, key.join(","))
    }

    pub(crate) fn parse(text: &str) -> Option<Cursor> {
        let (index, key) = text.split_once(':')?;
        let index = index.parse().ok()?;
        let first = way(*Place::ALL.get(index)?).first;
        let parts: Vec<&str> = key.split(',').collect();
        let key =
            first.iter().zip(&parts).map(|(first, part)| first.parse(part)).collect::<Option<Vec<_>>>()?;
        (parts.len() == first.len()).then_some(Cursor { index, key })
    }
}

/// Reads the next page of a walk.
pub(crate) async fn page(db: &Db, from: Option<Cursor>) -> Result<Page, StoreError> {
    let cursor = from.or_else(|| Cursor::start_of(0)).ok_or_else(|| corrupt("there is no sealed place"))?;
    let place = *Place::ALL.get(cursor.index).ok_or_else(|| corrupt("no such sealed place"))?;
    let way = way(place);
    // What counts as old is what the database notes, not what this process remembers: it may not have heard of the rotation.
    installation::follow_rotation(db).await?;
    let newest = installation::sealing(db).await?.version()?;
    let mut values: Vec<Value<'_>> = cursor.key.iter().map(Key::value).collect();
    values.push(ROWS_MAX.into());
    let (mut looked, mut last, mut older) = (0, None, Vec::new());
    let rows = db.all(way.page, &values, |c| {
        let key = way.first.iter().map(|first| first.read(c)).collect::<Result<Vec<Key>, _>>()?;
        let named = match way.named_apart {
            true => c.bytes::<16>()?.to_vec(),
            false => way.named_by.iter().filter_map(|at| key.get(*at)).flat_map(Key::bytes).collect(),
        };
        let sealed = c.opt_blob()?.filter(|sealed| Sealer::version_of(sealed).is_some_and(|v| v < newest));
        Ok((key, named, sealed.map(<[u8]>::to_vec)))
    });
    for (key, named, sealed) in rows.await? {
        looked += 1;
        last = Some(key.clone());
        older.extend(sealed.map(|sealed| Older { key, named, sealed }));
    }
    let is_full = looked >= u64::from(ROWS_MAX);
    let next = match last.filter(|_| is_full) {
        Some(key) => Some(Cursor { index: cursor.index, key }),
        None => Cursor::start_of(cursor.index + 1),
    };
    Ok(Page { place, looked, older, next })
}

/// Seals the values of a page again; answers how many. One that was changed meanwhile is not among them.
pub(crate) async fn seal(db: &Db, place: Place, older: &[Older]) -> Result<u64, StoreError> {
    let seal = way(place).seal;
    // No later rotation begins before these are written.
    let version = head::hold_key(db, World::Live.first_shard()).await?;
    let mut sealed_count = 0;
    for row in older {
        let plain = Zeroizing::new(db.open(place, &row.named, &row.sealed)?);
        let fresh = db.seal(version, place, &row.named, &plain)?;
        let mut values = vec![Value::from(&fresh), Value::from(&row.sealed)];
        values.extend(row.key.iter().map(Key::value));
        sealed_count += u64::try_from(db.execute(seal, &values).await?).unwrap_or(0);
    }
    Ok(sealed_count)
}

impl Page {
    /// What is told of it.
    pub(crate) fn report(&self, sealed: u64) -> SealedAgain {
        SealedAgain {
            place: format!("{}.{}", self.place.table(), self.place.column()),
            looked: self.looked,
            sealed,
            next: self.next.as_ref().map(Cursor::to_text),
        }
    }
}
