//! Payments, attempts and refunds against their lines (`--full`). Rows are read while the platform works on: a row that
//! disagrees is read again after the walk has followed, before it is called different.

use super::Progress;
use super::difference::{Broken, Difference, Stop, name_of};
use super::totals::Totals;
use super::walk::Walk;
use domain::Uid;
use domain::attempt::Attempt;
use domain::id::{AttemptId, Id, PaymentId, RefundId};
use domain::payment::Payment;
use domain::refund::{Kind, Refund, Status};
use ledger::{Account, AccountKey};
use std::collections::{HashMap, HashSet};

/// Rows in one read.
const PAGE: u32 = 500;
/// How often a row that disagrees is read again after following the journal.
const SECOND_LOOKS: u32 = 3;

/// What the refunds of one payment add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct OfRefunds {
    refunded_minor: i64,
    refunding_minor: i64,
    fee_returned_minor: i64,
}

impl OfRefunds {
    fn add(&mut self, refund: &Refund) {
        let amount_minor = refund.amount.minor();
        match (refund.kind, refund.status) {
            // The platform's own refunds are of money that the payment did not keep.
            (Kind::Automatic, _) | (Kind::Merchant, Status::Failed) => return,
            (Kind::Merchant, Status::Succeeded) => self.refunded_minor += amount_minor,
            (Kind::Merchant, Status::Pending | Status::RequiresAttention) => {
                self.refunding_minor += amount_minor
            }
        }
        self.fee_returned_minor += refund.fee_returned_minor;
    }
}

/// A row that is looked at a second time.
#[derive(Debug, Clone, Copy)]
enum Suspect {
    Payment(PaymentId),
    Refund(RefundId),
    Attempt(AttemptId),
}

/// Compares every row, then every line's object with a row.
pub(super) async fn check(walk: &mut Walk<'_>, progress: &mut dyn Progress) -> Result<(), Stop> {
    // Accounts of objects whose balance a row confirmed.
    let mut confirmed = HashSet::new();
    let of_refunds = refunds(walk, progress, &mut confirmed).await?;
    attempts(walk, progress, &mut confirmed).await?;
    payments(walk, progress, &mut confirmed, &of_refunds).await?;
    rows_of_lines(walk, progress, &confirmed).await
}

async fn refunds(
    walk: &mut Walk<'_>,
    progress: &mut dyn Progress,
    confirmed: &mut HashSet<AccountKey>,
) -> Result<HashMap<PaymentId, OfRefunds>, Stop> {
    let (mut of_payments, mut after) = (HashMap::<PaymentId, OfRefunds>::new(), None);
    loop {
        let rows = walk.journal.refunds_after(walk.shard, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(of_payments) };
        after = Some(last.id);
        let mut suspects = Vec::new();
        for refund in &rows {
            of_payments.entry(refund.payment).or_default().add(refund);
            confirmed.insert(in_transit(refund));
            let Some(totals) = &mut walk.totals else { continue };
            if let Some(sums) = totals.refunds.get_mut(&refund.id) {
                sums.met = true;
            }
            if refund_fault(refund, totals).is_some() {
                suspects.push(Suspect::Refund(refund.id));
            }
        }
        walk.counted.objects += rows.len() as u64;
        look_again(walk, progress, suspects).await?;
    }
}

async fn attempts(
    walk: &mut Walk<'_>,
    progress: &mut dyn Progress,
    confirmed: &mut HashSet<AccountKey>,
) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let rows = walk.journal.attempts_after(walk.shard, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.id);
        let mut suspects = Vec::new();
        for attempt in &rows {
            if attempt.held_minor != 0 {
                confirmed.insert(held(attempt));
            }
            if walk.totals.as_ref().and_then(|totals| attempt_fault(attempt, totals)).is_some() {
                suspects.push(Suspect::Attempt(attempt.id));
            }
        }
        walk.counted.objects += rows.len() as u64;
        look_again(walk, progress, suspects).await?;
    }
}

async fn payments(
    walk: &mut Walk<'_>,
    progress: &mut dyn Progress,
    confirmed: &mut HashSet<AccountKey>,
    of_refunds: &HashMap<PaymentId, OfRefunds>,
) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let rows = walk.journal.payments_after(walk.shard, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.id);
        let mut suspects = Vec::new();
        for payment in &rows {
            if payment.authorized_minor != 0 {
                confirmed.extend(memos(payment));
            }
            let Some(totals) = &mut walk.totals else { continue };
            if let Some(sums) = totals.payments.get_mut(&payment.id) {
                sums.met = true;
            }
            let of_refunds = of_refunds.get(&payment.id).copied().unwrap_or_default();
            if payment_fault(payment, of_refunds, totals).is_some() {
                suspects.push(Suspect::Payment(payment.id));
            }
        }
        walk.counted.objects += rows.len() as u64;
        look_again(walk, progress, suspects).await?;
    }
}

/// Every object that lines speak of must have a row that says the same.
async fn rows_of_lines(
    walk: &mut Walk<'_>,
    progress: &mut dyn Progress,
    confirmed: &HashSet<AccountKey>,
) -> Result<(), Stop> {
    let Some(totals) = &walk.totals else { return Ok(()) };
    let mut suspects: Vec<Suspect> = Vec::new();
    suspects.extend(totals.refunds.iter().filter(|(_, sums)| !sums.met).map(|(id, _)| Suspect::Refund(*id)));
    suspects
        .extend(totals.payments.iter().filter(|(_, sums)| !sums.met).map(|(id, _)| Suspect::Payment(*id)));
    for key in totals.objects.keys().filter(|key| !confirmed.contains(*key)) {
        suspects.push(owner_of(key).ok_or_else(|| no_row(walk, key))?);
    }
    look_again(walk, progress, suspects).await
}

/// The row that keeps an object account's balance; `None` for accounts that no posting of this version uses.
fn owner_of(key: &AccountKey) -> Option<Suspect> {
    let object = Uid(key.dim);
    match key.code {
        2130 => Some(Suspect::Refund(RefundId::from_uid(object))),
        2910 => Some(Suspect::Attempt(AttemptId::from_uid(object))),
        9010 | 9020 => Some(Suspect::Payment(PaymentId::from_uid(object))),
        _ => None,
    }
}

fn no_row(walk: &Walk<'_>, key: &AccountKey) -> Difference {
    let sum = walk.totals.as_ref().and_then(|totals| totals.objects.get(key)).copied().unwrap_or(0);
    let sentence =
        format!("{} sums to {sum} (debit above zero), and no row keeps that account's balance", name_of(key));
    Difference { broken: Broken::Object, shard: walk.shard, sentence }
}

/// Follows the journal and reads a row again; what still disagrees is a difference.
async fn look_again(
    walk: &mut Walk<'_>,
    progress: &mut dyn Progress,
    suspects: Vec<Suspect>,
) -> Result<(), Stop> {
    for suspect in suspects {
        let mut fault = None;
        for _ in 0..SECOND_LOOKS {
            walk.follow(progress).await?;
            fault = fault_of(walk, suspect).await?;
            if fault.is_none() {
                break;
            }
        }
        if let Some(sentence) = fault {
            return Err(Difference { broken: Broken::Object, shard: walk.shard, sentence }.into());
        }
    }
    Ok(())
}

async fn fault_of(walk: &Walk<'_>, suspect: Suspect) -> Result<Option<String>, Stop> {
    let Some(totals) = &walk.totals else { return Ok(None) };
    let journal = walk.journal;
    Ok(match suspect {
        Suspect::Refund(id) => match journal.refund(id).await? {
            Some(refund) => refund_fault(&refund, totals),
            None => Some(format!("refund {id} has journal lines and no row")),
        },
        Suspect::Attempt(id) => match journal.attempt(id).await? {
            Some(attempt) => attempt_fault(&attempt, totals),
            None => Some(format!("attempt {id} has journal lines on 2910 and no row")),
        },
        Suspect::Payment(id) => match journal.payment(id).await? {
            Some(payment) => {
                let mut of_refunds = OfRefunds::default();
                journal.refunds_of(&payment).await?.iter().for_each(|refund| of_refunds.add(refund));
                payment_fault(&payment, of_refunds, totals)
            }
            None => Some(format!("payment {id} has journal lines and no row")),
        },
    })
}

fn in_transit(refund: &Refund) -> AccountKey {
    Account::RefundInTransit { refund: refund.id.0.0 }.key(refund.amount.currency())
}

/// 2910 of an attempt, in the currency of what the channel took.
fn held(attempt: &Attempt) -> AccountKey {
    let currency = attempt.taken.unwrap_or(attempt.amount).currency();
    Account::SuspenseLong { case: attempt.id.0.0 }.key(currency)
}

fn memos(payment: &Payment) -> [AccountKey; 2] {
    let object = payment.id.0.0;
    [Account::MemoAuthorized { payment: object }, Account::MemoAuthorizedContra { payment: object }]
        .map(|account| account.key(payment.currency()))
}

/// The first pair that differs, as a sentence about the row named.
fn first_unequal(row: &str, pairs: &[(&str, i64, i64)]) -> Option<String> {
    let (what, says_minor, lines_minor) = pairs.iter().find(|(_, says, lines)| says != lines)?;
    Some(format!("{row} says {what} {says_minor}, its lines say {lines_minor}"))
}

fn balance_minor(totals: &Totals, key: &AccountKey) -> i64 {
    totals.objects.get(key).copied().unwrap_or(0)
}

fn refund_fault(refund: &Refund, totals: &Totals) -> Option<String> {
    let sums = totals.refunds.get(&refund.id).copied().unwrap_or_default();
    let row = format!("refund {} ({})", refund.id, refund.status);
    let amount_minor = refund.amount.minor();
    let (waiting_minor, taken_minor) = match refund.status {
        Status::Pending | Status::RequiresAttention => (amount_minor, 0),
        Status::Succeeded => (0, amount_minor),
        Status::Failed => (0, 0),
    };
    let in_transit_minor = balance_minor(totals, &in_transit(refund)).saturating_neg();
    first_unequal(
        &row,
        &[
            ("in transit (2130)", refund.in_transit_minor, in_transit_minor),
            ("by its status waiting (2130)", waiting_minor, in_transit_minor),
            ("by its status taken by the channel (1110)", taken_minor, sums.taken_minor),
            ("fee returned", refund.fee_returned_minor, sums.fee_returned_minor),
            ("fee charged", refund.fee_charged_minor, sums.fee_charged_minor),
        ],
    )
}

fn attempt_fault(attempt: &Attempt, totals: &Totals) -> Option<String> {
    let held_minor = balance_minor(totals, &held(attempt)).saturating_neg();
    first_unequal(&format!("attempt {}", attempt.id), &[("held (2910)", attempt.held_minor, held_minor)])
}

fn payment_fault(payment: &Payment, of_refunds: OfRefunds, totals: &Totals) -> Option<String> {
    let sums = totals.payments.get(&payment.id).copied().unwrap_or_default();
    let [authorized, contra] = memos(payment).map(|key| balance_minor(totals, &key));
    let row = format!("payment {}", payment.id);
    let by_lines = first_unequal(
        &row,
        &[
            ("captured", payment.captured_minor, sums.captured_minor),
            ("fee", payment.fee_minor.unwrap_or(0), sums.fee_minor),
            ("authorized (9010)", payment.authorized_minor, authorized),
            ("authorized (9020)", payment.authorized_minor, contra.saturating_neg()),
        ],
    );
    by_lines.or_else(|| {
        let pairs = [
            ("refunded", payment.refunded_minor, of_refunds.refunded_minor),
            ("refunding", payment.refunding_minor, of_refunds.refunding_minor),
            ("fee returned", payment.fee_returned_minor, of_refunds.fee_returned_minor),
        ];
        let (what, says_minor, refunds_minor) = pairs.iter().find(|(_, says, refunds)| says != refunds)?;
        Some(format!("{row} says {what} {says_minor}, its refunds say {refunds_minor}"))
    })
}
