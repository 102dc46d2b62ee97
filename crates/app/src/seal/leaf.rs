//! One journal line in canonical bytes, and its leaf in the Merkle tree of its block.
//!
//! The format is public: a merchant that is shown its lines with their salts and an inclusion proof checks them without
//! this program. A leaf is `SHA-256(0x00 ‖ salt ‖ bytes)` (RFC 9162 section 2.1.1), the salt 16 secret bytes of the line.
//!
//! Bytes of format 1, integers big-endian and in two's complement:
//!
//! | bytes | field |
//! | --- | --- |
//! | 1 | format, `0x01` |
//! | 2 + 8 + 2 | shard, seq of the transaction, place of the line in it from 0 |
//! | 1 + n | length and ASCII name of the transaction's template, such as `payment_succeeded` |
//! | 16 + 16 | ids of the source and of the merchant under whose root it was decided, without prefix |
//! | 8 + 4 | posted at, microseconds since 1970 of business time; booked on, days since 1970-01-01 |
//! | 1 or 17 | what it corrects: `0x00`, or `0x01` and an id |
//! | 2 + 16 + 4 + 3 | account: code, dimension, day, currency in capital letters (ISO 4217) |
//! | 8 | amount in minor units, debit above zero |
//! | 1 + n | length and ASCII name of the category |
//! | 1 or 17 | merchant that sees the line: `0x00`, or `0x01` and an id |
//! | 1 or 9 | number of the account's line: `0x00`, or `0x01` and the number |
//! | 1 or 9 | balance after the line in the account's natural sign: `0x00`, or `0x01` and minor units |
//!
//! Every field has a fixed width or says its own length, so no two lines have the same bytes.

use crypto::merkle::{self, Hash};
use crypto::seal::line_salt;
use domain::Uid;
use domain::id::{Id, Shard};
use domain::rows::{Entry, Transaction};
use store::reads::StoredTransaction;

/// The format that blocks are sealed with.
pub const FORMAT: u8 = 1;

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Shard of the journal.
    pub shard: Shard,
    /// Number of the transaction.
    pub seq: i64,
    /// Its place in the transaction, from 0.
    pub line: u16,
}

/// The canonical bytes of a line.
#[must_use]
pub fn canonical_bytes(place: Place, transaction: &Transaction, entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&place.shard.0.to_be_bytes());
    bytes.extend_from_slice(&place.seq.to_be_bytes());
    bytes.extend_from_slice(&place.line.to_be_bytes());
    put_name(&mut bytes, transaction.kind.as_str());
    bytes.extend_from_slice(&transaction.source.0);
    bytes.extend_from_slice(&transaction.merchant.uid().0);
    bytes.extend_from_slice(&transaction.posted_at_us.to_be_bytes());
    bytes.extend_from_slice(&transaction.booked_on.0.to_be_bytes());
    put_id(&mut bytes, transaction.corrects);
    bytes.extend_from_slice(&entry.account.code.to_be_bytes());
    bytes.extend_from_slice(&entry.account.dim);
    bytes.extend_from_slice(&entry.account.day.to_be_bytes());
    bytes.extend_from_slice(entry.account.currency.code().as_bytes());
    bytes.extend_from_slice(&entry.amount_minor.to_be_bytes());
    put_name(&mut bytes, entry.category.as_str());
    put_id(&mut bytes, entry.merchant.map(Id::uid));
    put_number(&mut bytes, entry.account_seq);
    put_number(&mut bytes, entry.balance_after_minor);
    bytes
}

/// The leaf of a line under its salt.
#[must_use]
pub fn leaf(salt: &[u8; 16], canonical: &[u8]) -> Hash {
    let mut salted = Vec::with_capacity(salt.len() + canonical.len());
    salted.extend_from_slice(salt);
    salted.extend_from_slice(canonical);
    merkle::leaf_hash(&salted)
}

/// The leaves of a transaction's lines, in order.
pub fn leaves<'a>(
    salt_key: &'a [u8; 32],
    shard: Shard,
    stored: &'a StoredTransaction,
) -> impl Iterator<Item = Hash> + 'a {
    (0_u16..).zip(&stored.transaction.entries).map(move |(line, entry)| {
        let place = Place { shard, seq: stored.seq, line };
        let salt = line_salt(salt_key, shard.0, stored.seq.cast_unsigned(), line);
        leaf(&salt, &canonical_bytes(place, &stored.transaction, entry))
    })
}

/// Names are the closed sets of the ledger, all far shorter than 256 bytes.
fn put_name(bytes: &mut Vec<u8>, name: &str) {
    bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(name.as_bytes());
}

fn put_id(bytes: &mut Vec<u8>, id: Option<Uid>) {
    match id {
        None => bytes.push(0),
        Some(id) => {
            bytes.push(1);
            bytes.extend_from_slice(&id.0);
        }
    }
}

fn put_number(bytes: &mut Vec<u8>, number: Option<i64>) {
    match number {
        None => bytes.push(0),
        Some(number) => {
            bytes.push(1);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::MerchantId;
    use ledger::{Account, Category, Day, PostingKind};
    use money::Currency;

    fn line() -> (Place, Transaction, Entry) {
        let merchant = MerchantId(Uid([0x22; 16]));
        let account = Account::MerchantPending { merchant: merchant.uid().0, available_on: Day(20_785) };
        let entry = Entry {
            account: account.key(Currency::CNY),
            amount_minor: -10_000,
            category: Category::Payment,
            merchant: Some(merchant),
            account_seq: Some(3),
            balance_after_minor: Some(-1),
        };
        let transaction = Transaction {
            kind: PostingKind::PaymentSucceeded,
            source: Uid([0x11; 16]),
            merchant,
            posted_at_us: 1_795_491_000_000_000,
            booked_on: Day(20_781),
            corrects: None,
            entries: vec![entry.clone()],
        };
        (Place { shard: Shard(1), seq: 42, line: 3 }, transaction, entry)
    }

    #[test]
    fn the_bytes_are_fixed() {
        let (place, transaction, entry) = line();
        let fields = [
            "01",
            "0001",
            "000000000000002a",
            "0003",
            "11",
            "7061796d656e745f737563636565646564",
            "11111111111111111111111111111111",
            "22222222222222222222222222222222",
            "000660fd53409e00",
            "0000512d",
            "00",
            "07da",
            "22222222222222222222222222222222",
            "00005131",
            "434e59",
            "ffffffffffffd8f0",
            "07",
            "7061796d656e74",
            "0122222222222222222222222222222222",
            "010000000000000003",
            "01ffffffffffffffff",
        ];
        let bytes = canonical_bytes(place, &transaction, &entry);
        assert_eq!(crypto::hex(&bytes), fields.concat());
        let hashed = crypto::sha256(&[&[0][..], &[0x5a; 16], &bytes].concat());
        assert_eq!(leaf(&[0x5a; 16], &bytes), hashed);
    }

    #[test]
    fn every_field_changes_the_bytes() {
        let (place, transaction, entry) = line();
        let other = MerchantId(Uid([0x23; 16]));
        let mut seen = std::collections::HashSet::from([canonical_bytes(place, &transaction, &entry)]);
        let mut differs = |place: Place, transaction: &Transaction, entry: &Entry| {
            assert!(seen.insert(canonical_bytes(place, transaction, entry)), "{transaction:?} {entry:?}");
        };
        for changed in
            [Place { shard: Shard(3), ..place }, Place { seq: 43, ..place }, Place { line: 4, ..place }]
        {
            differs(changed, &transaction, &entry);
        }
        for changed in [
            Transaction { kind: PostingKind::Matured, ..transaction.clone() },
            Transaction { source: other.uid(), ..transaction.clone() },
            Transaction { merchant: other, ..transaction.clone() },
            Transaction { posted_at_us: 1, ..transaction.clone() },
            Transaction { booked_on: Day(1), ..transaction.clone() },
            Transaction { corrects: Some(Uid([1; 16])), ..transaction.clone() },
        ] {
            differs(place, &changed, &entry);
        }
        for account in [
            ledger::AccountKey { code: 2020, ..entry.account },
            ledger::AccountKey { dim: [9; 16], ..entry.account },
            ledger::AccountKey { day: 0, ..entry.account },
            ledger::AccountKey { currency: Currency::USD, ..entry.account },
        ] {
            differs(place, &transaction, &Entry { account, ..entry.clone() });
        }
        for changed in [
            Entry { amount_minor: 10_000, ..entry.clone() },
            Entry { category: Category::Fee, ..entry.clone() },
            Entry { merchant: None, ..entry.clone() },
            Entry { account_seq: None, ..entry.clone() },
            Entry { account_seq: Some(4), ..entry.clone() },
            Entry { balance_after_minor: None, ..entry.clone() },
            Entry { balance_after_minor: Some(0), ..entry.clone() },
        ] {
            differs(place, &transaction, &changed);
        }
    }

    #[test]
    fn a_salt_belongs_to_its_line() {
        let (_, mut transaction, entry) = line();
        transaction.entries = vec![entry.clone(), entry];
        let stored = StoredTransaction { seq: 42, transaction };
        let made: Vec<Hash> = leaves(&[7; 32], Shard(1), &stored).collect();
        assert_eq!(made.len(), 2);
        assert_ne!(made[0], made[1]);
        assert_ne!(leaves(&[8; 32], Shard(1), &stored).next(), Some(made[0]));
    }
}
