//! Carries the bank's notices to the platform's HTTP face, and again until they are acknowledged.

use super::SEAL;
use super::bank::Bank;
use crate::faults::Verdict;
use axum::Router;
use axum::body::Body;
use domain::id::ChannelAccountId;
use http::Request;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// A bank gives up after so many tries, unless nobody would ask.
const TRIES_MAX: u32 = 8;

/// Runs as long as the platform lives.
pub async fn carry(bank: Arc<Bank>, router: Router) {
    loop {
        let now_us = bank.now_us();
        let posted = bank.posted.notified();
        let due = due(&bank, now_us);
        for (at, account) in due.ready {
            let (bank, router) = (Arc::clone(&bank), router.clone());
            tokio::spawn(async move { send(&bank, router, at, account).await });
        }
        let wait_us = due.next_us.map_or(3_600_000_000, |next_us| (next_us - now_us).max(1_000));
        let wait = Duration::from_micros(u64::try_from(wait_us).unwrap_or(1_000));
        tokio::select! {
            biased;
            () = posted => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

struct Due {
    ready: Vec<(usize, ChannelAccountId)>,
    next_us: Option<i64>,
}

/// What is to be sent now; each is put off, so that it is sent again if this try comes to nothing.
fn due(bank: &Bank, now_us: i64) -> Due {
    let mut book = bank.book();
    let mut ready = Vec::new();
    for (at, notice) in book.notices.iter_mut().enumerate() {
        if notice.due_us.is_some_and(|due_us| due_us <= now_us) {
            notice.tries += 1;
            let pause_us = 2_000_000_i64.saturating_mul(1 << notice.tries.min(7));
            let again = notice.for_sure || notice.tries < TRIES_MAX;
            notice.due_us = again.then(|| now_us.saturating_add(pause_us));
            ready.push((at, notice.account));
        }
    }
    let next_us = book.notices.iter().filter_map(|notice| notice.due_us).min();
    Due { ready, next_us }
}

async fn send(bank: &Bank, router: Router, at: usize, account: ChannelAccountId) {
    bank.faults.count("notices");
    if matches!(bank.faults.step("notice"), Some(Verdict::Dead | Verdict::DieBefore | Verdict::DieAfter)) {
        return;
    }
    let request =
        Request::post(format!("/callback/{account}")).header(SEAL.0, SEAL.1).body(Body::from(at.to_string()));
    let Ok(request) = request else { return };
    let Ok(answer) = router.oneshot(request).await;
    bank.faults.note(|| {
        let told =
            bank.book().notices.get(at).map(|notice| format!("att_{} {:?}", notice.request_no, notice.fact));
        format!("notice {at}: {} {}", answer.status().as_u16(), told.unwrap_or_default())
    });
    if answer.status() != http::StatusCode::OK {
        return;
    }
    let now_us = bank.now_us();
    if let Some(notice) = bank.book().notices.get_mut(at) {
        let again = notice.repeats > 0;
        notice.repeats = notice.repeats.saturating_sub(1);
        notice.due_us = again.then(|| now_us + 1_500_000);
    }
}
