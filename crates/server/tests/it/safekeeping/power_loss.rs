//! The power goes under load, seen from outside: what a merchant was answered is there when the server starts again, and the books
//! are whole.
//!
//! At each answer the end of SQLite's log is noted: up to there it was on the disk before the answer went out. Then the server is killed,
//! and what stands in the log at or behind such a place is cut off or overwritten, as a disk may leave it.

use crate::harness::{Merchant, Server, on_own, until};
use futures::future::join_all;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Power cuts of a run of the suite; `FEIQIAN_POWER_ROUNDS` asks for more.
const ROUNDS: usize = 6;
const WORKERS: usize = 8;
const PAYMENTS_EACH: usize = 6;
const FRAME_BYTES: usize = 24 + 8_192;
const LOG_HEADER_BYTES: usize = 32;

/// What was answered, and where the log ended by then.
struct Answered {
    path: String,
    status: Value,
    place: Place,
}

/// A place in the log.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    /// Tells one filling of the log from the next.
    salt: [u8; 8],
    end_bytes: usize,
    /// Up to here it is in the database too.
    moved_bytes: usize,
}

fn file(server: &Server, ending: &str) -> PathBuf {
    server.data_dir().join(format!("feiqian.db{ending}"))
}

/// Read from the index that SQLite's connections share.
fn place(server: &Server) -> Place {
    let index = fs::read(file(server, "-shm")).expect("the index of the log");
    let word = |at: usize| u32::from_ne_bytes(index[at..at + 4].try_into().expect("four bytes"));
    let bytes = |frames: u32| LOG_HEADER_BYTES + usize::try_from(frames).expect("small") * FRAME_BYTES;
    Place {
        salt: index[32..40].try_into().expect("eight bytes"),
        end_bytes: bytes(word(16)),
        moved_bytes: bytes(word(96)),
    }
}

/// Payments, every third one given back; each noted as it is answered.
async fn burst(merchant: &Merchant<'_>) -> Vec<Answered> {
    let worker = async |_| {
        let mut answered = Vec::new();
        for number in 0..PAYMENTS_EACH {
            let paid = merchant.paid(1_000).await;
            let note = |path: String, object: &Value| Answered {
                path,
                status: object["status"].clone(),
                place: place(merchant.server),
            };
            answered.push(note(format!("/v1/payments/{}", paid.id()), &paid.json));
            if number % 3 == 0 {
                let refund = merchant.refund(&paid.id(), Some(400), None).send().await.expect(201);
                answered.push(note(format!("/v1/refunds/{}", refund.id()), &refund.json));
            }
        }
        answered
    };
    join_all((0..WORKERS).map(worker)).await.into_iter().flatten().collect()
}

/// A sequence of numbers that is the same on every machine.
fn chance(round: usize, end: usize) -> usize {
    let mixed = (u64::try_from(round).expect("small") + 20_261_126).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from((mixed ^ (mixed >> 29)) % u64::try_from(end.max(1)).expect("small")).expect("small")
}

/// The log after a power cut at or behind `from`, and up to where it is as it was.
fn after_a_cut(log: &[u8], from: usize, round: usize) -> (Vec<u8>, usize) {
    let at = if round.is_multiple_of(2) { from } else { from + chance(round, log.len() - from) };
    let mut cut = log.to_vec();
    match round % 3 {
        0 => cut.truncate(at),
        1 => cut[at..]
            .iter_mut()
            .enumerate()
            .for_each(|(number, byte)| *byte = chance(round + number, 256).to_le_bytes()[0]),
        _ => cut[at..].fill(0),
    }
    (cut, at)
}

#[test]
fn what_was_answered_before_a_power_cut_is_there_and_the_books_are_whole() {
    let rounds = std::env::var("FEIQIAN_POWER_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("a number"));
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let mut answered = burst(&merchant).await;
        until("the log in the database", || async {
            let place = place(server);
            (place.moved_bytes == place.end_bytes).then_some(())
        })
        .await;
        answered.extend(burst(&merchant).await);
        server.kill();
        let last = place(server);
        let (database, log) =
            (fs::read(file(server, "")).expect("it"), fs::read(file(server, "-wal")).expect("its log"));
        let in_log: Vec<usize> = answered
            .iter()
            .filter(|one| one.place.salt == last.salt)
            .map(|one| one.place.end_bytes)
            .collect();
        assert!(in_log.len() > WORKERS, "{} answers are in the log only", in_log.len());
        for round in 0..rounds {
            let from = in_log[chance(round, in_log.len())].max(last.moved_bytes);
            let (cut, whole_bytes) = after_a_cut(&log, from, round);
            fs::remove_file(file(server, "-shm")).expect("the index goes with the memory");
            fs::write(file(server, ""), &database).expect("the database");
            fs::write(file(server, "-wal"), cut).expect("the log");
            server.serve();
            let mut kept = 0;
            for one in &answered {
                if one.place.salt == last.salt && one.place.end_bytes > whole_bytes {
                    continue;
                }
                let found = merchant.client.get(&one.path).await.expect(200);
                // What was pending may have gone on since.
                let expected = if one.status == "pending" { &found["status"] } else { &one.status };
                assert_eq!(&found["status"], expected, "round {round}, cut at {whole_bytes}: {}", found.text);
                kept += 1;
            }
            assert!(kept > 0, "round {round} kept nothing");
            server.verify();
            server.kill();
        }
        server.serve();
    });
}
