//! A journal line read back from its canonical bytes: what a proof is about, without a database.

use super::leaf::{FORMAT, Place};
use domain::Uid;
use domain::id::{Id, MerchantId, Shard};
use domain::rows::{Entry, Transaction};
use ledger::{AccountKey, Category, Day, PostingKind};
use money::Currency;

/// A line with its place and the head of its transaction, whose only entry it is here.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedLine {
    /// Where it stands.
    pub place: Place,
    /// The transaction, with this line alone.
    pub transaction: Transaction,
}

/// Reads [`super::leaf::canonical_bytes`]; `None` for anything else, bytes left over included.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<SealedLine> {
    let mut rest = Rest(bytes);
    if rest.array::<1>()? != [FORMAT] {
        return None;
    }
    let shard = Shard(u16::from_be_bytes(rest.array()?));
    let place = Place { shard, seq: rest.int()?, line: u16::from_be_bytes(rest.array()?) };
    let kind = PostingKind::parse(rest.name()?)?;
    let (source, merchant) = (Uid(rest.array()?), MerchantId::from_uid(Uid(rest.array()?)));
    let (posted_at_us, booked_on) = (rest.int()?, Day(i32::from_be_bytes(rest.array()?)));
    let corrects = rest.optional(|rest| rest.array().map(Uid))?;
    let (code, dim, day) =
        (u16::from_be_bytes(rest.array()?), rest.array()?, i32::from_be_bytes(rest.array()?));
    let currency = Currency::parse(std::str::from_utf8(&rest.array::<3>()?).ok()?).ok()?;
    let amount_minor = rest.int()?;
    let category = Category::parse(rest.name()?)?;
    let owner = rest.optional(|rest| rest.array().map(|id| MerchantId::from_uid(Uid(id))))?;
    let (account_seq, balance_after_minor) = (rest.optional(Rest::int)?, rest.optional(Rest::int)?);
    let account = AccountKey { code, dim, day, currency };
    let entry = Entry { account, amount_minor, category, merchant: owner, account_seq, balance_after_minor };
    let transaction =
        Transaction { kind, source, merchant, posted_at_us, booked_on, corrects, entries: vec![entry] };
    rest.0.is_empty().then_some(SealedLine { place, transaction })
}

/// Bytes not read yet.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn int(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn name(&mut self) -> Option<&'b str> {
        let [length] = self.array::<1>()?;
        let (name, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        std::str::from_utf8(name).ok()
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.array::<1>()? {
            [0] => Some(None),
            [1] => read(self).map(Some),
            [_] => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::leaf::canonical_bytes;
    use ledger::Account;

    fn line(corrects: Option<Uid>, merchant: Option<MerchantId>, seq: Option<i64>) -> SealedLine {
        let account =
            Account::MerchantPending { merchant: [5; 16], available_on: Day(20_785) }.key(Currency::JPY);
        let entry = Entry {
            account,
            amount_minor: -77,
            category: Category::FeeRefund,
            merchant,
            account_seq: seq,
            balance_after_minor: seq.map(|seq| -seq),
        };
        let transaction = Transaction {
            kind: PostingKind::RefundAccepted,
            source: Uid([1; 16]),
            merchant: MerchantId(Uid([2; 16])),
            posted_at_us: -5,
            booked_on: Day(20_781),
            corrects,
            entries: vec![entry],
        };
        SealedLine { place: Place { shard: Shard(3), seq: 42, line: 7 }, transaction }
    }

    #[test]
    fn what_was_sealed_is_read_back_and_nothing_else() {
        let some = MerchantId(Uid([5; 16]));
        for line in [line(None, None, None), line(Some(Uid([9; 16])), Some(some), Some(3))] {
            let bytes = canonical_bytes(line.place, &line.transaction, &line.transaction.entries[0]);
            assert_eq!(read(&bytes).as_ref(), Some(&line));
            for length in 0..bytes.len() {
                assert_eq!(read(&bytes[..length]), None, "cut off at {length}");
            }
            assert_eq!(read(&[bytes.as_slice(), &[0]].concat()), None, "bytes left over");
            let mut other = bytes.clone();
            other[0] = 2;
            assert_eq!(read(&other), None, "another format");
        }
    }
}
