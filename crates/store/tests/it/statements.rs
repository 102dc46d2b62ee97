//! Statements: rows that come back as written, days that follow each other, whose day is due, and what a day is read from.

use crate::fixtures::*;
use domain::event::{Event, Type};
use domain::id::{EndpointId, Id, MerchantId, StatementId};
use domain::statement::{FlowTotal, Kind, Root, SCHEMA, Span, Statement, Totals, TradeTotal};
use ledger::Day;
use money::Currency;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::StoreError;
use store::reads::{Block, Page};
use store::statements::{FormedDay, StatementFilter};

on_both_engines! {
    a_statement_comes_back_as_it_was_written, lists_go_on_where_a_page_ended,
    a_day_follows_the_one_before_or_is_refused_whole, days_are_due_by_each_merchants_own_clock,
    a_days_lines_are_read_by_number_with_what_they_are_about, the_block_of_a_transaction_is_found,
    days_are_written_in_any_order,
}

const FIRST: Day = TODAY;

fn statement(merchant: MerchantId, day: Day, kind: Kind, range: (i64, i64)) -> Statement {
    let seed = u128::from(day.0.unsigned_abs()) * 2 + u128::from(kind == Kind::Trade);
    let id: StatementId = maker(merchant.0.shard(), seed + 9_000).next();
    let (after_seq, last_seq) = range;
    let flow = FlowTotal::opened(Currency::CNY, 7);
    Statement {
        id,
        merchant,
        kind,
        day,
        zone: "Asia/Shanghai".to_owned(),
        span: Span {
            starts_at_us: 1,
            ends_at_us: 2,
            offset_s: -3_600,
            shift: (day == FIRST).then_some((9, 7_200)),
        },
        schema: SCHEMA,
        after_seq,
        last_seq,
        line_count: 3,
        totals: match kind {
            Kind::Trade => Totals::Trade(vec![TradeTotal::empty(Currency::JPY)]),
            Kind::FundFlow => Totals::FundFlow(vec![flow]),
        },
        sha256: [4; 32],
        root: (last_seq > after_seq).then_some(Root { root: [5; 32], first_block: 1, last_block: 2 }),
        created_at_us: NOW_US + i64::from(day.0 - FIRST.0),
    }
}

fn event(of: &Statement) -> Event {
    let seed = 77_000 + u128::from(of.day.0.unsigned_abs()) * 2 + u128::from(of.kind == Kind::Trade);
    Event {
        seq: 0,
        id: maker(of.merchant.0.shard(), seed).next(),
        merchant: of.merchant,
        kind: Type::StatementReady,
        object: of.id.uid(),
        object_sequence: 1,
        created_at_us: of.created_at_us,
        body: "{}".to_owned(),
        is_personal: false,
        deliveries: Vec::new(),
    }
}

fn day(merchant: MerchantId, day: Day, range: (i64, i64)) -> FormedDay {
    let statements: Vec<Statement> =
        Kind::ALL.iter().map(|kind| statement(merchant, day, *kind, range)).collect();
    let events = statements.iter().map(event).collect();
    FormedDay { statements, events, next_due_at_us: NOW_US + 1_000 }
}

fn all(limit: u32) -> Page {
    Page { limit, after: None }
}

fn a_statement_comes_back_as_it_was_written(engine: Engine) {
    let here = Installation::new(engine);
    let (first, second) = (day(here.live, FIRST, (0, 4)), day(here.live, FIRST.plus(1), (4, 4)));
    block_on(here.store.append_statements(LIVE, &[first.clone(), second.clone()])).unwrap();
    for of in first.statements.iter().chain(&second.statements) {
        assert_eq!(block_on(here.store.statement(of.id)).unwrap().as_ref(), Some(of));
    }
    let list = |day, kind| {
        block_on(here.store.statements(here.live, StatementFilter { day, kind }, all(10))).unwrap()
    };
    assert_eq!(list(None, None).len(), 4);
    assert_eq!(list(Some(FIRST), None).len(), 2);
    assert_eq!(
        list(None, Some(Kind::Trade)).iter().map(|s| s.day).collect::<Vec<_>>(),
        [FIRST.plus(1), FIRST]
    );
    assert_eq!(list(Some(FIRST), Some(Kind::Trade)), [first.statements[0].clone()]);
    assert!(list(Some(FIRST.plus(2)), None).is_empty());
    let newest = block_on(here.store.last_statement(here.live, Kind::FundFlow)).unwrap();
    assert_eq!(newest.as_ref(), second.statements.get(1));
    let events = block_on(here.store.last_event_seq(LIVE)).unwrap();
    assert_eq!(events, 4, "each statement is told in the same commit");
}

fn lists_go_on_where_a_page_ended(engine: Engine) {
    let here = Installation::new(engine);
    let days: Vec<FormedDay> = (0..5).map(|n| day(here.live, FIRST.plus(n), (0, 0))).collect();
    block_on(here.store.append_statements(LIVE, &days)).unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { limit: 3, after };
        let rows = block_on(here.store.statements(here.live, StatementFilter::default(), page)).unwrap();
        let Some(last) = rows.last() else { break };
        after = Some((last.created_at_us, last.id.uid()));
        seen.extend(rows.iter().map(|row| (row.created_at_us, row.id.uid())));
    }
    assert_eq!(seen.len(), 10);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
    let (mut walked, mut after) = (0, None);
    loop {
        let rows = block_on(here.store.statements_after(LIVE, after, 3)).unwrap();
        let Some(last) = rows.last() else { break };
        after = Some((last.merchant, last.day, last.kind));
        walked += rows.len();
    }
    assert_eq!(walked, 10);
}

fn a_day_follows_the_one_before_or_is_refused_whole(engine: Engine) {
    let here = Installation::new(engine);
    let append = |day: &FormedDay| block_on(here.store.append_statements(LIVE, std::slice::from_ref(day)));
    append(&day(here.live, FIRST, (0, 4))).unwrap();
    for wrong in [
        day(here.live, FIRST, (0, 4)),
        day(here.live, FIRST.plus(2), (4, 4)),
        day(here.live, FIRST.plus(1), (3, 5)),
        day(here.live, FIRST.plus(-1), (4, 5)),
    ] {
        assert!(matches!(append(&wrong), Err(StoreError::Conflict(_))), "{wrong:?}");
    }
    // Of a batch with one wrong day nothing is written.
    let batch = [day(here.live, FIRST.plus(1), (4, 4)), day(here.live, FIRST.plus(3), (4, 4))];
    assert!(matches!(block_on(here.store.append_statements(LIVE, &batch)), Err(StoreError::Conflict(_))));
    assert_eq!(block_on(here.store.last_statement(here.live, Kind::Trade)).unwrap().unwrap().day, FIRST);
    assert_eq!(block_on(here.store.last_event_seq(LIVE)).unwrap(), 2);
    let other_shard = day(here.sandbox, FIRST, (0, 0));
    assert!(block_on(here.store.append_statements(LIVE, &[other_shard])).is_err());
    append(&day(here.live, FIRST.plus(1), (4, 4))).unwrap();
}

fn days_are_due_by_each_merchants_own_clock(engine: Engine) {
    let here = Installation::new(engine);
    let due = |shard, now_us| block_on(here.store.statements_due(shard, now_us, 9)).unwrap();
    assert_eq!(due(LIVE, NOW_US - 1), []);
    assert_eq!(due(LIVE, NOW_US), [here.live], "a new merchant is looked at once it is made");
    block_on(here.store.append_statements(LIVE, &[day(here.live, FIRST, (0, 0))])).unwrap();
    assert_eq!(due(LIVE, NOW_US + 999), []);
    assert_eq!(due(LIVE, NOW_US + 1_000), [here.live]);
    block_on(here.store.set_statements_due(&[(here.live, NOW_US + 2_000)])).unwrap();
    assert_eq!(due(LIVE, NOW_US + 1_999), []);
    block_on(here.store.set_statements_due(&[])).unwrap();

    let ahead = merchant(SANDBOX, 31);
    let far = domain::merchant::Head { clock_offset_us: 5_000, ..head(ahead.id) };
    block_on(here.store.create_merchant(&ahead, &far, b"default secret")).unwrap();
    assert_eq!(due(SANDBOX, NOW_US - 5_001), []);
    assert_eq!(due(SANDBOX, NOW_US - 5_000), [ahead.id], "the other one's clock is not ahead");
    assert_eq!(due(SANDBOX, NOW_US).len(), 2);
}

fn a_days_lines_are_read_by_number_with_what_they_are_about(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(LIVE, 80);
    let endpoint: EndpointId = ids.next();
    let sales: Vec<Sale> =
        (0..3).map(|n| Sale::new(&mut ids, here.live, &format!("no {n}"), endpoint)).collect();
    let (mut first, mut second) = (writes(1), writes(2));
    sales.iter().for_each(|sale| sale.begin(&mut first));
    let mut refund = full_refund(&mut ids, &sales[0].payment, Some("R 1"));
    refund.reason = Some("sold out".to_owned());
    first.new_refunds.push(refund.clone());
    here.commit(LIVE, &first).unwrap();
    let mut books = Books::new(here.live, None);
    sales.iter().for_each(|sale| sale.succeed(&mut ids, &mut books, &mut second));
    // The last posting is the refund's, as far as this read is concerned.
    second.transactions[2].source = refund.id.uid();
    books.close(&mut second);
    here.commit(LIVE, &second).unwrap();
    let page =
        |after, last, limit| block_on(here.store.merchant_journal(here.live, after, last, limit)).unwrap();
    let seqs = |after, last, limit| {
        page(after, last, limit).transactions.iter().map(|stored| stored.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, i64::MAX, 9), [1, 2, 3]);
    assert_eq!((seqs(1, 2, 9), seqs(0, 9, 2), seqs(3, 9, 9)), (vec![2], vec![1, 2], vec![]));
    let whole = page(0, 9, 9);
    assert_eq!(whole.transactions[1].transaction, second.transactions[1], "lines and all");
    let order = &whole.orders.payments[&sales[1].payment.id];
    assert_eq!((order.merchant_order_no.as_str(), order.subject.as_str()), ("no 1", "牛肉面"));
    assert_eq!((order.amount, order.store.as_deref()), (cny(1_000), Some("store 12")));
    let facts = &whole.orders.refunds[&refund.id];
    assert_eq!((facts.payment, facts.merchant_refund_no.as_deref()), (sales[0].payment.id, Some("R 1")));
    assert_eq!((facts.amount, facts.reason.as_deref()), (refund.amount, Some("sold out")));
    assert!(whole.orders.payments.contains_key(&sales[0].payment.id), "a refund brings its payment");
    let other = block_on(here.store.merchant_journal(here.sandbox, 0, i64::MAX, 9)).unwrap();
    assert!(other.transactions.is_empty());
}

fn the_block_of_a_transaction_is_found(engine: Engine) {
    let here = Installation::new(engine);
    let block = |number: i64, first_seq, last_seq| Block {
        number,
        first_seq,
        last_seq,
        line_count: 1,
        root: [1; 32],
        chained: [u8::try_from(number).unwrap(); 32],
        leaf_marks: vec![0; 8],
        sealed_at_us: NOW_US,
    };
    assert_eq!(block_on(here.store.block_of(LIVE, 1)).unwrap(), None);
    for (number, first_seq, last_seq) in [(1, 1, 3), (2, 4, 4), (3, 5, 9)] {
        block_on(here.store.append_block(LIVE, &block(number, first_seq, last_seq))).unwrap();
    }
    for (seq, number) in [(1, 1), (3, 1), (4, 2), (5, 3), (9, 3)] {
        assert_eq!(block_on(here.store.block_of(LIVE, seq)).unwrap().unwrap().number, number, "{seq}");
    }
    for seq in [0, 10, i64::MAX] {
        assert_eq!(block_on(here.store.block_of(LIVE, seq)).unwrap(), None, "{seq}");
    }
    let roots = |first, last, limit| block_on(here.store.chained_roots(LIVE, first, last, limit)).unwrap();
    assert_eq!(roots(1, 3, 9), [[1; 32], [2; 32], [3; 32]]);
    assert_eq!((roots(2, 3, 1), roots(4, 9, 9)), (vec![[2; 32]], vec![]));
}

/// The order of days in a call is the caller's; that of the locks is everybody's.
fn days_are_written_in_any_order(engine: Engine) {
    let here = Installation::new(engine);
    let other = merchant(LIVE, 50);
    block_on(here.store.create_merchant(&other, &head(other.id), b"secret")).unwrap();
    let of = |merchant: MerchantId, at: i32| day(merchant, FIRST.plus(at), (0, 0));
    // Ids of the fixtures hang on day and kind alone.
    let days = [of(other.id, 1), of(here.live, 3), of(other.id, 0), of(here.live, 2)];
    block_on(here.store.append_statements(LIVE, &days)).unwrap();
    for (merchant, last) in [(here.live, FIRST.plus(3)), (other.id, FIRST.plus(1))] {
        let newest = block_on(here.store.last_statement(merchant, Kind::Trade)).unwrap().unwrap();
        assert_eq!(newest.day, last);
    }
    assert_eq!(block_on(here.store.last_event_seq(LIVE)).unwrap(), 8);
}

/// Somebody holds a merchant's row, and lanes of the shard go on: its head is taken after every row that is waited for.
#[test]
fn whoever_writes_days_takes_the_shards_head_last() {
    let here = Installation::new(Engine::Postgres);
    let other = merchant(LIVE, 50);
    block_on(here.store.create_merchant(&other, &head(other.id), b"secret")).unwrap();
    let mut merchants = [here.live, other.id];
    merchants.sort_unstable();
    let days = [day(merchants[0], FIRST, (0, 0)), day(merchants[1], FIRST.plus(1), (0, 0))];
    let holder = block_on(client(here.place.url()));
    let last = merchants[1].0.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hold = format!(
        "BEGIN; SELECT 1 FROM statement_due WHERE shard = 0 AND merchant = '{last}'::uuid FOR UPDATE"
    );
    block_on(holder.batch_execute(&hold)).unwrap();
    let store = Arc::clone(&here.store);
    let writing = std::thread::spawn(move || block_on(store.append_statements(LIVE, &days)));
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let until = Instant::now() + Duration::from_secs(20);
    while here.place.number(waiting) == 0 {
        assert!(Instant::now() < until, "nobody waits");
    }
    here.commit(LIVE, &writes(1)).unwrap();
    assert!(!writing.is_finished(), "it waits still");
    block_on(holder.batch_execute("ROLLBACK")).unwrap();
    writing.join().unwrap().unwrap();
    assert_eq!(block_on(here.store.last_event_seq(LIVE)).unwrap(), 4);
}
