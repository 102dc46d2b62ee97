//! What `verify` found, in one sentence that names the row.

use domain::Uid;
use domain::id::{AttemptId, ChannelAccountId, Id, MerchantId, PaymentId, RefundId, Shard};
use ledger::{Account, AccountKey, Label};
use std::fmt;
use store::StoreError;

/// What kind of statement does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Broken {
    /// Numbers of the journal or of blocks are not gapless.
    Gap,
    /// A transaction breaks a rule of the books.
    Books,
    /// An account's lines do not follow from each other.
    Chain,
    /// An account fell below its floor.
    Floor,
    /// A sealed block, or a line changed after it was sealed.
    Seal,
    /// A balance row and the lines of its account disagree.
    Balance,
    /// A payment, attempt or refund and its lines disagree.
    Object,
    /// A statement and the lines of its day disagree.
    Statement,
    /// A row can't be read at all.
    Unreadable,
}

/// The first difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What does not hold.
    pub broken: Broken,
    /// In which shard.
    pub shard: Shard,
    /// One sentence that names the row; amounts are minor units.
    pub sentence: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Why a walk ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Found(Difference),
    Store(StoreError),
}

impl From<Difference> for Stop {
    fn from(found: Difference) -> Stop {
        Stop::Found(found)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}

impl Stop {
    /// A row of another shape than expected is a finding, not a failure.
    pub(super) fn settle(self, shard: Shard) -> Result<Difference, StoreError> {
        match self {
            Stop::Found(found) => Ok(found),
            Stop::Store(StoreError::Corrupt(what)) => {
                let sentence = format!("a row of shard {} can't be read: {what}", shard.0);
                Ok(Difference { broken: Broken::Unreadable, shard, sentence })
            }
            Stop::Store(error) => Err(error),
        }
    }
}

/// An account as differences name it: `2010 {mch_…, 2026-11-25} CNY`.
pub(super) fn name_of(key: &AccountKey) -> String {
    let currency = key.currency.code();
    match Account::from_key(key) {
        None => format!("{} {{unknown}} {currency}", key.code),
        Some(account) => match (dimension(key), account.day()) {
            (None, _) => format!("{} {currency}", key.code),
            (Some(object), None) => format!("{} {{{object}}} {currency}", key.code),
            (Some(object), Some(day)) => format!("{} {{{object}, {day}}} {currency}", key.code),
        },
    }
}

fn dimension(key: &AccountKey) -> Option<String> {
    let object = Uid(key.dim);
    match key.code {
        1210 | 2010 | 2020 | 2990 => Some(MerchantId(object).to_string()),
        2040 | 2070 | 9010 | 9020 => Some(PaymentId(object).to_string()),
        1110 | 2120 => Some(ChannelAccountId(object).to_string()),
        2130 => Some(RefundId(object).to_string()),
        // The only cases of this version: money held for a person.
        2910 => Some(AttemptId::from_uid(object).to_string()),
        1920 => Some(u128::from_be_bytes(key.dim).to_string()),
        2210 | 4010 | 4020 | 5010 | 5020 => Label::from_bytes(key.dim).map(|label| label.to_string()),
        3010 | 4030 | 5030 => None,
        _ => Some(object.to_text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Day;
    use money::Currency;

    #[test]
    fn accounts_are_named_as_people_know_them() {
        let id = Uid([1; 16]);
        let text = id.to_text();
        let day = Day::parse("2026-11-25").unwrap();
        for (account, name) in [
            (
                Account::MerchantPending { merchant: id.0, available_on: day },
                format!("2010 {{mch_{text}, 2026-11-25}} CNY"),
            ),
            (Account::MerchantAvailable { merchant: id.0 }, format!("2020 {{mch_{text}}} CNY")),
            (Account::RefundInTransit { refund: id.0 }, format!("2130 {{rfd_{text}}} CNY")),
            (
                Account::ChannelCost { kind: Label::TRANSACTION },
                format!("5010 {{{}}} CNY", Label::TRANSACTION),
            ),
            (Account::BetweenShards { other_shard: 7 }, "1920 {7} CNY".to_owned()),
            (Account::OwnCapital, "3010 CNY".to_owned()),
        ] {
            assert_eq!(name_of(&account.key(Currency::CNY)), name);
        }
    }
}
