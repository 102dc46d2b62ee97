//! What must hold for one transaction by itself.

use super::difference::{Broken, Difference, name_of};
use domain::Uid;
use domain::id::{Id, Shard};
use domain::rows::Entry;
use ledger::{Account, Keeping, Owner, PostingKind};
use money::{Currency, MAX_WIRE};
use std::collections::BTreeMap;
use std::fmt::Write;
use store::reads::StoredTransaction;

/// Lines quoted in a sentence about a whole transaction.
const QUOTED_LINES_MAX: usize = 8;

/// Checks one transaction: lines that fit their accounts, all of one shard, general ledger and memo apart, sum zero.
pub(super) fn check(shard: Shard, stored: &StoredTransaction) -> Result<(), Difference> {
    let transaction = &stored.transaction;
    let at = format!("journal transaction {} of shard {}", stored.seq, shard.0);
    let broken = |sentence: String| Err(Difference { broken: Broken::Books, shard, sentence });
    let Some(first) = transaction.entries.first() else {
        return broken(format!("{at} has no lines"));
    };
    let source_shard = match transaction.kind {
        PostingKind::Adjusted => given_in(&transaction.entries).unwrap_or(shard),
        _ => shard,
    };
    let of = [("merchant", transaction.merchant.uid(), shard), ("source", transaction.source, source_shard)];
    for (what, id, expected) in of {
        if id.shard() != expected {
            return broken(format!("{at} has a {what} of shard {}: {}", id.shard().0, id.to_text()));
        }
    }
    for (line, entry) in transaction.entries.iter().enumerate() {
        if let Some(fault) = line_fault(shard, entry) {
            return broken(format!("journal line {}/{line} of shard {}: {fault}", stored.seq, shard.0));
        }
        if is_memo(entry) != is_memo(first) {
            return broken(format!("{at} mixes the general ledger with memos (9xxx) in its line {line}"));
        }
    }
    match sums(&transaction.entries).into_iter().find(|(_, sum)| *sum != 0) {
        None => Ok(()),
        Some((currency, sum)) => broken(format!(
            "{at} does not sum to zero ({} {sum:+}):{}",
            currency.code(),
            quoted(&transaction.entries)
        )),
    }
}

fn is_memo(entry: &Entry) -> bool {
    entry.account.code >= 9000
}

fn sums(entries: &[Entry]) -> BTreeMap<Currency, i128> {
    let mut sums = BTreeMap::new();
    for entry in entries {
        *sums.entry(entry.account.currency).or_default() += i128::from(entry.amount_minor);
    }
    sums
}

fn quoted(entries: &[Entry]) -> String {
    let mut text = String::new();
    for (line, entry) in entries.iter().enumerate().take(QUOTED_LINES_MAX) {
        let separator = if line == 0 { "" } else { "," };
        // Writing to a string can't fail.
        let _ = write!(text, "{separator} line {line}: {} {:+}", name_of(&entry.account), entry.amount_minor);
    }
    if entries.len() > QUOTED_LINES_MAX {
        let _ = write!(text, ", and {} more", entries.len() - QUOTED_LINES_MAX);
    }
    text
}

/// The shard of whoever gave what arrives with these lines: its half has the object that caused both.
fn given_in(entries: &[Entry]) -> Option<Shard> {
    entries.iter().filter(|entry| entry.amount_minor > 0).find_map(|entry| {
        match Account::from_key(&entry.account) {
            Some(Account::BetweenShards { other_shard }) => Some(Shard(other_shard)),
            _ => None,
        }
    })
}

/// What is wrong with a line by itself.
fn line_fault(shard: Shard, entry: &Entry) -> Option<String> {
    let name = name_of(&entry.account);
    let Some(account) = Account::from_key(&entry.account) else {
        return Some(format!("no account of the chart is {} with such dimensions", entry.account.code));
    };
    if entry.amount_minor == 0 || entry.amount_minor.unsigned_abs() > MAX_WIRE.unsigned_abs() {
        return Some(format!("{} is no amount of a line", entry.amount_minor));
    }
    let numbered = entry.account_seq.is_some() && entry.balance_after_minor.is_some();
    let unnumbered = entry.account_seq.is_none() && entry.balance_after_minor.is_none();
    match account.keeping() {
        Keeping::Chained if !numbered => {
            return Some(format!("{name} needs an account line number and a balance after it"));
        }
        Keeping::Delta | Keeping::Object if !unnumbered => {
            return Some(format!("{name} keeps no account line numbers"));
        }
        Keeping::Chained | Keeping::Delta | Keeping::Object => {}
    }
    match (account.owner(), entry.merchant) {
        (Owner::Merchant, None) => return Some(format!("{name} is a merchant's, the line names none")),
        (Owner::Platform, Some(merchant)) => {
            return Some(format!("{name} is the platform's, the line names {merchant}"));
        }
        (Owner::Merchant, Some(merchant)) => {
            if account.merchant().is_some_and(|dimension| dimension != merchant.uid().0) {
                return Some(format!("the line names {merchant}, its account is {name}"));
            }
        }
        (Owner::Platform, None) => {}
    }
    if let Account::BetweenShards { other_shard } = account
        && Shard(other_shard).world() != shard.world()
    {
        return Some(format!("{name} is of the other world"));
    }
    let foreign = [entry.merchant.map(Id::uid), owned_object(&account)]
        .into_iter()
        .flatten()
        .find(|id| id.shard() != shard)?;
    Some(format!("{} on {name} is of shard {}", foreign.to_text(), foreign.shard().0))
}

/// The object in an account's identity where it lives in the shard of its lines; ids of control rows, such as a channel
/// account's, serve several shards.
fn owned_object(account: &Account) -> Option<Uid> {
    match *account {
        Account::MerchantReceivable { merchant: object }
        | Account::MerchantPending { merchant: object, .. }
        | Account::MerchantAvailable { merchant: object }
        | Account::Unclaimed { merchant: object }
        | Account::Escrow { payment: object }
        | Account::SplitHold { payment: object }
        | Account::RefundInTransit { refund: object }
        | Account::MemoAuthorized { payment: object }
        | Account::MemoAuthorizedContra { payment: object } => Some(Uid(object)),
        Account::Bank { .. }
        | Account::OwnFunds { .. }
        | Account::ChannelReceivable { .. }
        | Account::SettlementClearing { .. }
        | Account::DisputeReceivable { .. }
        | Account::FxPosition { .. }
        | Account::SuspenseShort { .. }
        | Account::BetweenShards { .. }
        | Account::MerchantReserve { .. }
        | Account::MerchantBlocked { .. }
        | Account::PayoutInTransit { .. }
        | Account::ChannelFeeAccrued { .. }
        | Account::DisputeHeld { .. }
        | Account::TaxPayable { .. }
        | Account::SuspenseLong { .. }
        | Account::OwnCapital
        | Account::FeeIncome { .. }
        | Account::OtherFees { .. }
        | Account::FxSpread
        | Account::ChannelCost { .. }
        | Account::Loss { .. }
        | Account::FxResult => None,
    }
}
