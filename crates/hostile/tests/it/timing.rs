//! Whether a comparison tells by its time how far a guess was right. What is judged is a sign: in each pair of measurements, which of
//! the two guesses took longer, the one that differs at once or the one that differs at the end? If time tells nothing, either does as
//! often. A busy machine makes single times useless and leaves signs as they are.

use channels::sandbox::{SIGNATURE_HEADER, TIMESTAMP_HEADER, read_callback, sign_callback};
use crypto::secret::{BearerToken, constant_time_eq, random_bytes};
use crypto::webhook::{WebhookSecret, sign, verify};
use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

/// Pairs of measurements.
const PAIRS: usize = 1_500;
/// Of a fair coin thrown so often, so many heads are beyond eight standard deviations.
const FAIR_MAX: usize = PAIRS / 2 + 155;
/// A comparison that stops early is caught with more than this; it comes to nearly all.
const CAUGHT_MIN: usize = PAIRS * 4 / 5;

/// A secret's own judge, with two guesses: wrong at the beginning, wrong at the end.
struct Trial<J> {
    early: Vec<u8>,
    late: Vec<u8>,
    judge: J,
}

/// In how many pairs the guess that differs at the end took longer than the one that differs at once. Each pair has a new secret, so that
/// nothing hangs on one; both guesses are written into the same place; which one goes first changes from pair to pair.
fn late_took_longer<J: FnMut(&[u8])>(runs: usize, trial: impl Fn() -> Trial<J>) -> usize {
    let mut longer = 0;
    for pair in 0..PAIRS {
        let Trial { early, late, mut judge } = trial();
        let mut place = early.clone();
        let mut time = |guess: &[u8]| {
            place.copy_from_slice(guess);
            let begun = Instant::now();
            for _ in 0..runs {
                judge(black_box(&place));
            }
            begun.elapsed()
        };
        let (of_early, of_late) = if pair % 2 == 0 {
            let first = time(&early);
            (first, time(&late))
        } else {
            let first = time(&late);
            (time(&early), first)
        };
        longer += usize::from(of_late > of_early);
    }
    longer
}

/// A guess with another character of base64 in this place, whose last bits are zero as in the last one of 32 bytes.
fn with_other(text: &[u8], at: usize) -> Vec<u8> {
    let mut guess = text.to_vec();
    guess[at] = if guess[at] == b'A' { b'E' } else { b'A' };
    guess
}

fn random_trial<J: FnMut(&[u8])>(judge: impl FnOnce([u8; 32]) -> J) -> Trial<J> {
    let right = random_bytes::<32>();
    let (mut early, mut late) = (right.to_vec(), right.to_vec());
    early[0] ^= 1;
    late[31] ^= 1;
    Trial { early, late, judge: judge(right) }
}

#[track_caller]
fn tells_nothing(longer: usize) {
    assert!(
        (PAIRS - FAIR_MAX..=FAIR_MAX).contains(&longer),
        "the later difference took longer in {longer} of {PAIRS} pairs"
    );
}

#[test]
fn a_comparison_that_stops_early_is_caught() {
    let naive = |right: [u8; 32]| {
        move |guess: &[u8]| {
            let equal = right.iter().zip(guess).all(|(one, other)| one == other);
            assert!(!black_box(equal));
        }
    };
    let longer = late_took_longer(200, || random_trial(naive));
    assert!(longer > CAUGHT_MIN, "only {longer} of {PAIRS} pairs: this test would see nothing");
}

#[test]
fn comparing_secrets_tells_nothing_by_its_time() {
    let judge = |right: [u8; 32]| move |guess: &[u8]| assert!(!black_box(constant_time_eq(&right, guess)));
    tells_nothing(late_took_longer(200, || random_trial(judge)));
}

#[test]
fn judging_a_webhook_signature_tells_nothing_by_its_time() {
    tells_nothing(late_took_longer(20, || {
        let secrets = [WebhookSecret::generate()];
        let right = sign(&secrets, "evt_1", 1_618_884_473, b"{}");
        let last = right.trim_end_matches('=').len() - 1;
        let judge = move |guess: &[u8]| {
            let text = std::str::from_utf8(guess).unwrap();
            assert!(black_box(verify(&secrets, "evt_1", "1618884473", text, b"{}", 1_618_884_473)).is_err());
        };
        // `v1,` stands before the base64.
        Trial { early: with_other(right.as_bytes(), 3), late: with_other(right.as_bytes(), last), judge }
    }));
}

#[test]
fn judging_a_channels_signature_tells_nothing_by_its_time() {
    tells_nothing(late_took_longer(20, || {
        let secret = random_bytes::<32>();
        let right = sign_callback(&secret, "1618884473", b"{}").into_bytes();
        let other = |at: usize| {
            let mut guess = right.clone();
            guess[at] = if guess[at] == b'0' { b'1' } else { b'0' };
            guess
        };
        let (early, late) = (other(0), other(63));
        let judge = move |guess: &[u8]| {
            let signature = std::str::from_utf8(guess).unwrap().to_owned();
            let headers = [
                (TIMESTAMP_HEADER.to_owned(), "1618884473".to_owned()),
                (SIGNATURE_HEADER.to_owned(), signature),
            ];
            assert!(black_box(read_callback(&secret, 0, &headers, b"{}")).is_err());
        };
        Trial { early, late, judge }
    }));
}

#[test]
fn looking_a_bearer_token_up_tells_nothing_by_its_time() {
    tells_nothing(late_took_longer(20, || {
        let token = BearerToken::generate();
        let known = HashMap::from([(token.hash(), ())]);
        let right = token.expose().as_bytes();
        let judge = move |guess: &[u8]| {
            let token = BearerToken::parse(std::str::from_utf8(guess).unwrap()).unwrap();
            assert!(!black_box(known.contains_key(&token.hash())));
        };
        let (first, last) = ("fqsk_sandbox_".len(), right.len() - 1);
        Trial { early: with_other(right, first), late: with_other(right, last), judge }
    }));
}
