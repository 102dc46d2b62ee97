//! Copies of the book, and the list of all that the channel did.

use channels::sandbox::{BookError, SandboxChannel, book_continues, copy_book};
use channels::{Channel, Effects};
use domain::channel::{AttemptFact, EffectKind, EffectState, SandboxOutcome};

use crate::support::{
    NOON_US, at, capture, cny, config, fresh_path, held, now, number, order, order_with, platform, refund,
    world,
};

/// Whatever part of a book was there when the copy began: the copy holds its whole records, opens, and the book goes on from it.
#[tokio::test(start_paused = true)]
async fn a_copy_is_the_whole_records_of_what_was_there() {
    let world = world("copied");
    let mut lengths = vec![0];
    for n in 1..=3 {
        world.channel.prepare(order(n, "bar_code", 1250)).await;
        lengths.push(std::fs::metadata(&world.path).unwrap().len());
    }
    let all = *lengths.last().unwrap();
    for up_to in 0..=all {
        let copy = fresh_path("copy");
        let length = copy_book(&world.path, &copy, up_to).unwrap();
        assert!(length <= up_to && std::fs::metadata(&copy).unwrap().len() == length);
        assert!(book_continues(&world.path, &copy).unwrap());
        let known = lengths.iter().skip(1).filter(|end| **end <= up_to).count();
        let channel = SandboxChannel::open(config(&copy), platform()).unwrap();
        for n in 1..=3 {
            let fact = channel.query(&now(n)).await;
            let expected = usize::try_from(n).unwrap() <= known;
            assert_eq!(matches!(fact, AttemptFact::Paid(_)), expected, "{n} of {up_to} bytes: {fact:?}");
        }
        drop(channel);
        std::fs::remove_file(&copy).unwrap();
    }
    let copy = fresh_path("copy");
    copy_book(&world.path, &copy, u64::MAX).unwrap();
    assert!(matches!(copy_book(&world.path, &copy, u64::MAX), Err(BookError::Io(_))), "never over a file");
    // Another book does not go on from it, nor does the copy from what came later.
    world.channel.prepare(order(4, "bar_code", 1250)).await;
    assert!(book_continues(&world.path, &copy).unwrap() && !book_continues(&copy, &world.path).unwrap());
    let mut other = std::fs::read(&copy).unwrap();
    *other.last_mut().unwrap() ^= 1;
    let altered = fresh_path("altered");
    std::fs::write(&altered, other).unwrap();
    assert!(!book_continues(&world.path, &altered).unwrap());
    std::fs::write(&altered, b"something else entirely").unwrap();
    let third = fresh_path("third");
    assert!(matches!(copy_book(&altered, &third, u64::MAX), Err(BookError::NotABook)));
    std::fs::remove_file(&copy).unwrap();
    std::fs::remove_file(&altered).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_list_names_what_moved_is_held_or_may_still_move() {
    let world = world("effects");
    let channel = &world.channel;
    channel.prepare(order(1, "bar_code", 1250)).await;
    channel.prepare(order_with(2, "bar_code", SandboxOutcome::Decline)).await;
    channel.prepare(order(3, "qr_code", 700)).await;
    channel.prepare(order(4, "qr_code", 1250)).await;
    channel.close(&now(4)).await;
    channel.close(&at(5, NOON_US)).await;
    channel.prepare(held(6, 1000)).await;
    channel.capture(capture(6, 106, 300, false)).await;
    channel.capture(capture(6, 107, 9000, false)).await;
    channel.refund(refund(1, 201, 250)).await;
    channel.refund(refund(1, 202, 9999)).await;
    let Effects::Listed(effects) = channel.effects().await else { panic!("no list") };
    let listed: Vec<_> =
        effects.iter().map(|e| (e.kind, e.number.to_text(), e.trade.to_text(), e.state, e.amount)).collect();
    let expected = vec![
        (EffectKind::Payment, number(1), number(1), EffectState::Done, cny(1250)),
        (EffectKind::Refund, number(201), number(1), EffectState::Done, cny(250)),
        (EffectKind::Payment, number(3), number(3), EffectState::Open, cny(700)),
        (EffectKind::Payment, number(6), number(6), EffectState::Held, cny(1000)),
        (EffectKind::Capture, number(106), number(6), EffectState::Done, cny(300)),
    ];
    assert_eq!(listed, expected);
    let AttemptFact::Paid(taken) = channel.query(&now(1)).await else { panic!("not paid") };
    assert_eq!(effects[0].channel_no, taken.channel_trade_no);
}
