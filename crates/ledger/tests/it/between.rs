//! The two halves of an adjustment, each on books of its own.

use crate::books::{Books, CNY, MERCHANT, available, debt, shape};
use ledger::posting::adjustment::{given, received};
use ledger::{Account, LedgerError, PostingKind};
use money::{Amount, MAX_WIRE};

fn between(other_shard: u16) -> Account {
    Account::BetweenShards { other_shard }
}

#[test]
fn halves_meet_on_1920() {
    let amount = Amount::new(700, CNY);
    let (mut giver, mut receiver) = (Books::default(), Books::default());
    giver.adjust(&[(Account::OwnCapital, 1_000), (available(), -1_000)]);
    receiver.adjust(&[(debt(), 60), (Account::OwnCapital, -60)]);

    let half = given(MERCHANT, 6, amount, [9; 16]).unwrap();
    assert_eq!(shape(&half), [(2020, 700, "adjustment"), (1920, -700, "adjustment")]);
    assert_eq!((half.kind, half.corrects), (PostingKind::Adjusted, Some([9; 16])));
    giver.post(&half);
    assert_eq!((giver.natural(available()), giver.natural(between(6))), (300, -700));

    let half = received(MERCHANT, 4, amount, [9; 16], &receiver).unwrap();
    let lines = [
        (1920, 700, "adjustment"),
        (2020, -700, "adjustment"),
        (2020, 60, "debt_recovery"),
        (1210, -60, "debt_recovery"),
    ];
    assert_eq!(shape(&half), lines);
    assert_eq!((half.kind, half.corrects), (PostingKind::Adjusted, Some([9; 16])));
    receiver.post(&half);
    assert_eq!((receiver.natural(available()), receiver.of_code(1210)), (640, 0));
    assert_eq!(giver.natural(between(6)) + receiver.natural(between(4)), 0);
}

#[test]
fn what_is_no_amount_is_refused() {
    for minor in [0, -1, MAX_WIRE + 1] {
        let amount = Amount::new(minor, CNY);
        let refused = Err(LedgerError::AmountOutOfRange { name: "adjusted amount", minor });
        assert_eq!(given(MERCHANT, 6, amount, [9; 16]), refused);
        assert_eq!(received(MERCHANT, 6, amount, [9; 16], &Books::default()), refused);
    }
}
