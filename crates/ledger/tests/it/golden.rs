//! One merchant's history with known end balances: sale, reserve, settlement, payout, a refund that leaves a debt, its
//! recovery, and a dispute won. Rows that have no template yet are booked by hand, as corrections.

use ledger::posting::payment::{Sale, succeeded};
use ledger::posting::refund::{Acceptance, GrossAccount, Taken, accepted, taken};
use ledger::{Account, Day};

use crate::books::{
    BANK, BILL, Books, CHANNEL, CNY, DUE, REFUND, available, debt, pending, refund, sale, taxed,
};

fn receivable(bill_date: Day) -> Account {
    Account::ChannelReceivable { channel_account: CHANNEL, bill_date }
}

#[test]
fn the_whole_history_ends_where_it_must() {
    let mut books = Books::default();
    let reserve = Account::MerchantReserve { hold: [0x55; 16] };
    let accrued = Account::ChannelFeeAccrued { channel_account: CHANNEL, bill_date: BILL };
    let (batch_1, batch_2) =
        (Account::SettlementClearing { batch: [1; 16] }, Account::SettlementClearing { batch: [2; 16] });
    let payout = Account::PayoutInTransit { payout: [3; 16] };

    books.post(&succeeded(&Sale { fee: taxed(60, 3), ..sale(10_000, 0, 38) }, &books).unwrap());
    books.adjust(&[(pending(DUE), 1_000), (reserve, -1_000)]);
    books.mature(DUE);
    assert_eq!(books.natural(available()), 8_940);
    books.adjust(&[(batch_1, 9_962), (accrued, 38), (receivable(BILL), -10_000)]);
    books.adjust(&[(BANK, 9_962), (batch_1, -9_962)]);
    books.adjust(&[(available(), 8_940), (payout, -8_940)]);
    books.adjust(&[(payout, 8_940), (BANK, -8_940)]);

    let acceptance =
        Acceptance { gross_account: GrossAccount::Available, reserves: vec![reserve], ..refund(5_000, 0) };
    let answer = accepted(&acceptance, &books).unwrap();
    assert_eq!(answer.owed_increase_minor, 4_000);
    books.post(&answer.posting);
    assert_eq!((books.of_code(2030), books.natural(debt())), (0, 4_000));
    let bill_25 = BILL.plus(2);
    let took = Taken {
        refund: REFUND,
        channel_account: CHANNEL,
        bill_date: bill_25,
        currency: CNY,
        amount_minor: 5_000,
        cost_back_minor: 0,
    };
    books.post(&taken(&took).unwrap());
    books.adjust(&[(receivable(bill_25), 5_000), (batch_2, -5_000)]);
    books.adjust(&[(batch_2, 5_000), (BANK, -5_000)]);
    assert_eq!(books.natural(BANK), -3_978);

    let (bill_26, due_26) = (BILL.plus(3), DUE.plus(3));
    let next = Sale { bill_date: bill_26, available_on: due_26, ..sale(6_000, 0, 0) };
    books.post(&succeeded(&next, &books).unwrap());
    assert_eq!((books.natural(debt()), books.natural(pending(due_26))), (0, 2_000));
    books.mature(due_26);

    let (held, open) =
        (Account::DisputeHeld { dispute: [4; 16] }, Account::DisputeReceivable { dispute: [4; 16] });
    books.adjust(&[(available(), 2_000), (debt(), 8_000), (held, -10_000)]);
    books.adjust(&[(open, 10_000), (receivable(bill_26), -10_000)]);
    books.adjust(&[(receivable(BILL.plus(9)), 10_000), (open, -10_000)]);
    books.adjust(&[(held, 10_000), (debt(), -8_000), (available(), -2_000)]);

    let end: Vec<(u16, i64)> = books.codes().into_iter().collect();
    assert_eq!(end, [(1010, -3_978), (1110, 6_000), (2020, 2_000), (2210, 3), (4010, 57), (5010, 38)]);
}
