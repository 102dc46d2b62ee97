//! The journal and what `verify` reads.

use crate::fixtures::*;
use domain::id::EndpointId;
use domain::rows::Balance;
use ledger::Category;
use store::StoreError;
use store::reads::{Block, LineFilter, SeqPage};

on_both_engines! {
    the_journal_is_gapless_and_agrees_with_the_balances, lines_of_a_merchant_and_of_a_source,
    blocks_follow_each_other,
}

/// Two batches of sales; answers the sales in order.
pub fn sell(here: &Installation, count: u32) -> Vec<Sale> {
    let mut ids = maker(LIVE, 40);
    let endpoint: EndpointId = ids.next();
    let sales: Vec<Sale> =
        (0..count).map(|number| Sale::new(&mut ids, here.live, &format!("no {number}"), endpoint)).collect();
    let mut first = writes(1);
    sales.iter().for_each(|sale| sale.begin(&mut first));
    assert_eq!(here.commit(LIVE, &first).unwrap().first_journal_seq, 1);
    let mut before = None;
    for (batch, part) in (2u128..).zip(sales.chunks(4)) {
        let mut set = writes(batch);
        let mut books = Books::new(here.live, before);
        part.iter().for_each(|sale| sale.succeed(&mut ids, &mut books, &mut set));
        before = Some(books.close(&mut set));
        here.commit(LIVE, &set).unwrap();
    }
    sales
}

fn the_journal_is_gapless_and_agrees_with_the_balances(engine: Engine) {
    let here = Installation::new(engine);
    let sales = sell(&here, 10);
    let store = &here.store;
    assert_eq!(block_on(store.last_journal_seq(LIVE)).unwrap(), 10);
    let mut journal = block_on(store.journal(LIVE, 1, 7)).unwrap();
    assert_eq!(journal.len(), 7);
    journal.extend(block_on(store.journal(LIVE, 8, 100)).unwrap());
    let numbers: Vec<i64> = journal.iter().map(|stored| stored.seq).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<i64>>());
    for (stored, sale) in journal.iter().zip(&sales) {
        assert_eq!(stored.transaction.source, sale.payment.id.0);
        assert_eq!(stored.transaction.entries.len(), 6);
        assert_eq!(stored.transaction.entries.iter().map(|entry| entry.amount_minor).sum::<i64>(), 0);
    }
    assert!(block_on(store.journal(SANDBOX, 1, 10)).unwrap().is_empty());

    let balances = block_on(store.balances_after(LIVE, None, 10)).unwrap();
    assert_eq!(balances.len(), 1);
    assert_eq!(balances[0].key, pending_key(here.live));
    assert_eq!(balances[0].balance, Balance { amount_minor: 9_940, account_seq: 20 });
    assert!(block_on(store.balances_after(LIVE, Some(balances[0].key), 10)).unwrap().is_empty());
    let last = block_on(store.last_line(LIVE, balances[0].key)).unwrap().unwrap();
    assert_eq!(
        (last.seq, last.entry.account_seq, last.entry.balance_after_minor),
        (10, Some(20), Some(9_940))
    );
    assert_eq!(block_on(store.last_line(LIVE, available_key(here.live))).unwrap(), None);

    let platform = block_on(store.platform_balances(LIVE)).unwrap();
    let sums: Vec<(u16, i64)> = platform.iter().map(|(key, amount)| (key.code, *amount)).collect();
    assert_eq!(sums, [(1110, 10_000), (2120, -30), (4010, -60), (5010, 30)]);
    let merchant: i64 = balances.iter().map(|balance| balance.balance.amount_minor).sum();
    assert_eq!(sums.iter().map(|(_, amount)| amount).sum::<i64>() - merchant, 0);
}

fn lines_of_a_merchant_and_of_a_source(engine: Engine) {
    let here = Installation::new(engine);
    let sales = sell(&here, 6);
    let store = &here.store;
    let lines = |filter: &LineFilter, limit, before| {
        block_on(store.lines(here.live, filter, SeqPage { limit, before })).unwrap()
    };
    let all = lines(&LineFilter::default(), 100, None);
    assert_eq!(all.len(), 12, "the two lines of each sale that the merchant sees");
    assert!(all.windows(2).all(|pair| (pair[0].seq, pair[0].line) > (pair[1].seq, pair[1].line)));
    let fees = LineFilter { category: Some(Category::Fee), ..LineFilter::default() };
    let fees = lines(&fees, 100, None);
    assert_eq!(fees.len(), 6);
    assert!(fees.iter().all(|line| line.entry.amount_minor == 6));
    let of_one = LineFilter { source: Some(sales[2].payment.id.0), ..LineFilter::default() };
    assert_eq!(lines(&of_one, 100, None).len(), 2);
    let before_all = LineFilter { posted_at_lt_us: Some(NOW_US + 1), ..LineFilter::default() };
    assert!(lines(&before_all, 100, None).is_empty());
    let from_then = LineFilter { posted_at_gte_us: Some(NOW_US + 1), ..LineFilter::default() };
    assert_eq!(lines(&from_then, 100, None).len(), 12);

    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let page = lines(&LineFilter::default(), 5, before);
        let Some(last) = page.last() else { break };
        before = Some((last.seq, last.line));
        paged.extend(page);
    }
    assert_eq!(paged, all, "pages that end within a transaction lose and double nothing");

    let of_source = block_on(store.lines_of_source(LIVE, sales[3].payment.id.0)).unwrap();
    assert_eq!(of_source.iter().map(|line| line.line).collect::<Vec<i64>>(), [0, 1, 2, 3, 4, 5]);
    assert!(
        block_on(store.lines(here.sandbox, &LineFilter::default(), SeqPage { limit: 5, before: None }))
            .unwrap()
            .is_empty()
    );
}

fn blocks_follow_each_other(engine: Engine) {
    let here = Installation::new(engine);
    let store = &here.store;
    let block = |number, first_seq, last_seq| Block {
        number,
        first_seq,
        last_seq,
        line_count: 9,
        root: [1; 32],
        chained: [2; 32],
        leaf_marks: vec![3; 72],
        sealed_at_us: NOW_US,
    };
    assert_eq!(block_on(store.last_block(LIVE)).unwrap(), None);
    block_on(store.append_block(LIVE, &block(1, 1, 5))).unwrap();
    for wrong in [block(1, 1, 5), block(2, 5, 9), block(3, 6, 9), block(2, 7, 9), block(2, 6, 5)] {
        let error = block_on(store.append_block(LIVE, &wrong)).unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{wrong:?}: {error:?}");
    }
    block_on(store.append_block(LIVE, &block(2, 6, 9))).unwrap();
    assert_eq!(block_on(store.last_block(LIVE)).unwrap(), Some(block(2, 6, 9)));
    assert_eq!(block_on(store.block(LIVE, 1)).unwrap(), Some(block(1, 1, 5)));
    assert_eq!(block_on(store.block(SANDBOX, 1)).unwrap(), None);
    assert_eq!(block_on(store.verified_block(LIVE)).unwrap(), 0);
    for number in [1, 2] {
        block_on(store.set_verified_block(LIVE, number)).unwrap();
        assert_eq!(block_on(store.verified_block(LIVE)).unwrap(), number);
    }
    assert_eq!(block_on(store.verified_block(SANDBOX)).unwrap(), 0);
}
