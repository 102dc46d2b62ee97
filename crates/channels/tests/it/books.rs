//! The book: what a process that ends leaves to the next one.

use std::io::Write;

use channels::sandbox::{BookError, SandboxChannel, read_bill, readable_bytes};
use channels::{Channel, RefundRequest};
use domain::channel::{AttemptFact, RefundFact, SandboxOutcome};

use crate::support::{
    NOON_US, World, at, capture, capture_ref, config, fresh_path, held, now, number, open, order, order_with,
    platform, refund, refund_ref, taken, world,
};

/// One of each: paid, declined, waiting, closed, closed unseen, held with a capture, settled, with refunds.
async fn busy(world: &World) {
    let channel = &world.channel;
    channel.prepare(order(1, "bar_code", 1250)).await;
    channel.prepare(order_with(2, "bar_code", SandboxOutcome::Decline)).await;
    channel.prepare(order(3, "qr_code", 1250)).await;
    channel.prepare(order(4, "qr_code", 1250)).await;
    channel.close(&now(4)).await;
    channel.close(&now(5)).await;
    channel.prepare(held(6, 1000)).await;
    channel.capture(capture(6, 106, 300, false)).await;
    channel.prepare(held(7, 1000)).await;
    channel.capture(capture(7, 107, 1000, true)).await;
    channel.refund(refund(1, 201, 250)).await;
    channel.refund(refund(7, 202, 1000)).await;
    channel.refund(refund(1, 203, 9999)).await;
    channel.prepare(order_with(8, "web", SandboxOutcome::OtherCurrency)).await;
    channel.pay(&number(8), None, NOON_US + 9).await.unwrap();
}

async fn everything(world: &World) -> String {
    let mut text = String::new();
    for n in 1..=9 {
        text += &format!("{n} {:?}\n", world.channel.query(&now(n)).await);
    }
    for (n, part) in [(6, 106), (7, 107)] {
        text += &format!("{part} {:?}\n", world.channel.query_capture(&capture_ref(n, part)).await);
    }
    for (n, part) in [(1, 201), (7, 202), (1, 203)] {
        text += &format!("{part} {:?}\n", world.channel.query_refund(&refund_ref(n, part)).await);
    }
    text
}

#[tokio::test(start_paused = true)]
async fn the_next_process_knows_all() {
    let world = world("replay");
    busy(&world).await;
    let before = everything(&world).await;
    let world = world.reopened();
    assert_eq!(everything(&world).await, before);
    assert_eq!(world.platform.count(), 0, "what was acknowledged is not sent again");

    // What was started goes on: limits hold over the restart, numbers are still one request each.
    taken(world.channel.prepare(order(1, "bar_code", 1250)).await);
    let more = world.channel.refund(refund(1, 204, 1001)).await;
    assert!(matches!(more, RefundFact::Failed { .. }));
    world.channel.pay(&number(3), None, NOON_US).await.unwrap();
    let new = taken(world.channel.prepare(order(10, "bar_code", 1)).await);
    assert_eq!(new.channel_trade_no, "SBX2026112410000000008");
    let before = everything(&world).await;
    assert_eq!(everything(&world.reopened()).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_torn_last_record_is_cut_off() {
    let world = world("torn");
    busy(&world).await;
    let before = everything(&world).await;
    let path = world.path.clone();
    drop(world);
    let whole = std::fs::read(&path).unwrap();
    let world = open(&path).unwrap();
    world.channel.prepare(order(9, "bar_code", 1250)).await;
    drop(world);
    let longer = std::fs::read(&path).unwrap();
    assert!(longer.starts_with(&whole) && longer.len() > whole.len());
    for torn in [whole.len() + 1, whole.len() + 30, longer.len() - 1] {
        std::fs::write(&path, &longer[..torn]).unwrap();
        let world = open(&path).unwrap();
        assert_eq!(everything(&world).await, before, "cut at {torn}");
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        taken(world.channel.prepare(order(9, "bar_code", 1250)).await);
        drop(world);
        assert_eq!(std::fs::read(&path).unwrap(), longer, "the book goes on where it was cut");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_of_zeros_at_the_end_is_cut_off() {
    let world = world("zeros");
    busy(&world).await;
    let before = everything(&world).await;
    let path = world.path.clone();
    drop(world);
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(&[0; 5000]).unwrap();
    assert_eq!(everything(&open(&path).unwrap()).await, before);
}

#[tokio::test(start_paused = true)]
async fn one_process_at_a_time() {
    let world = world("in-use");
    assert!(matches!(open(&world.path), Err(BookError::InUse)));
    let path = world.path.clone();
    drop(world);
    open(&path).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_foreign_file_is_refused_untouched() {
    let path = fresh_path("foreign");
    for content in ["hi", "SQLite format 3 and more"] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(open(&path), Err(BookError::NotABook)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    let _ = std::fs::remove_file(&path);
    drop(open(&path).unwrap());
    let other_zone = channels::sandbox::SandboxConfig { bill_offset_s: 0, ..config(&path) };
    let refused = SandboxChannel::open(other_zone, platform());
    assert!(matches!(refused, Err(BookError::ZoneDiffers { found: 28_800, configured: 0 })));
}

#[tokio::test(start_paused = true)]
async fn callbacks_outlive_the_process() {
    let world = world("owed");
    world.platform.refuse(usize::MAX);
    world.channel.prepare(order(1, "qr_code", 1250)).await;
    world.channel.pay(&number(1), None, NOON_US).await.unwrap();
    world.channel.prepare(order_with(2, "bar_code", SandboxOutcome::Contradict)).await;
    let world = world.reopened();
    world.platform.received(3).await;
    let mut facts = world.platform.facts(&world.channel);
    facts.sort_by_key(|fact| matches!(fact, AttemptFact::Declined(_)));
    assert!(
        matches!(facts.as_slice(), [AttemptFact::Paid(_), AttemptFact::Paid(_), AttemptFact::Declined(_)]),
        "{facts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_to_come_comes_after_a_restart() {
    let world = world("to-come");
    world.channel.prepare(order_with(1, "qr_code", SandboxOutcome::PayAfterClose)).await;
    world.channel.prepare(order(2, "card", 1000)).await;
    assert_eq!(world.channel.close(&now(1)).await, AttemptFact::Closed);
    let failing = RefundRequest { sandbox_outcome: Some(SandboxOutcome::Fail), ..refund(2, 201, 600) };
    assert!(matches!(world.channel.refund(failing).await, RefundFact::Accepted { .. }));
    let world = world.reopened();
    world.platform.received(2).await;
    taken(world.channel.query(&now(1)).await);
    assert!(matches!(world.channel.query_refund(&refund_ref(2, 201)).await, RefundFact::Failed { .. }));
    let world = world.reopened();
    assert_eq!(taken(world.channel.query(&at(1, NOON_US)).await).paid_at_us, NOON_US + 500_000);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_channel_says_and_writes_nothing() {
    let world = world("dropped");
    world.platform.refuse(usize::MAX);
    world.channel.prepare(order(1, "qr_code", 1250)).await;
    world.channel.pay(&number(1), None, NOON_US).await.unwrap();
    let (tries, path) = (world.platform.count(), world.path.clone());
    drop(world.channel);
    let length = std::fs::metadata(&path).unwrap().len();
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert_eq!(world.platform.count(), tries);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
}

#[tokio::test(start_paused = true)]
async fn the_bill_is_read_beside_a_running_channel() {
    let world = world("beside");
    busy(&world).await;
    let day = taken(world.channel.query(&now(1)).await).bill_date;
    assert_eq!(read_bill(&world.path, day).unwrap(), world.channel.bill(day).unwrap());
    // A record that is just being written is not there yet.
    let mut file = std::fs::OpenOptions::new().append(true).open(&world.path).unwrap();
    file.write_all(&[60, 1, 2, 3]).unwrap();
    assert!(!read_bill(&world.path, day).unwrap().rows.is_empty());
}

/// The book is appended to and brought to the disk a second later: after a power cut its end may be missing or be anything.
#[tokio::test(start_paused = true)]
async fn whatever_became_of_its_end_the_records_before_are_read() {
    let world = world("power");
    busy(&world).await;
    let path = world.path.clone();
    drop(world);
    let whole = std::fs::read(&path).unwrap();
    let header = 12;
    // Where records end, by their lengths.
    let mut ends = vec![header];
    while let Some(length) = whole.get(*ends.last().unwrap()) {
        ends.push(ends.last().unwrap() + usize::from(*length) + 5);
    }
    assert!(ends.len() > 10 && *ends.last().unwrap() == whole.len());
    let mut state = 20_261_126_u32;
    for at in header..whole.len() {
        let read = u64::try_from(*ends.iter().rfind(|end| **end <= at).unwrap()).unwrap();
        assert_eq!(readable_bytes(&whole[..at]).unwrap(), read, "cut at {at}");
        let mut zeros = whole[..at].to_vec();
        zeros.resize(whole.len() + 700, 0);
        assert_eq!(readable_bytes(&zeros).unwrap(), read, "zeros from {at}");
        let mut noise = whole[..at].to_vec();
        noise.resize_with(at + 700, || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        assert_eq!(readable_bytes(&noise).unwrap(), read, "noise from {at}");
        if at % 97 == 0 {
            std::fs::write(&path, &noise).unwrap();
            drop(open(&path).unwrap());
            let kept = usize::try_from(read).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole[..kept], "opened after noise from {at}");
        }
    }
}
