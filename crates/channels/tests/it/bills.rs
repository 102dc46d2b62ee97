//! The daily bill: rows, fees that add up whatever the parts, totals, the file.

use channels::sandbox::{BillKind, BillTotal};
use channels::{Channel, PrepareRequest, RefundRequest};
use domain::channel::SandboxOutcome;
use ledger::Day;
use money::Currency;

use crate::support::{HOUR_US, NOON_US, capture, held, number, order, order_with, refund, world};

fn day(of_month: u32) -> Day {
    Day::from_ymd(2026, 11, of_month).unwrap()
}

#[tokio::test(start_paused = true)]
async fn rows_and_totals_by_currency() {
    let world = world("bill");
    let channel = &world.channel;
    channel.prepare(order(1, "bar_code", 10_000)).await;
    channel.prepare(order_with(2, "bar_code", SandboxOutcome::Decline)).await;
    channel.prepare(order_with(3, "bar_code", SandboxOutcome::OtherCurrency)).await;
    channel.prepare(order(4, "qr_code", 777)).await;
    for (part, minor) in [(101, 3_333), (102, 3_333), (103, 3_334)] {
        channel.refund(refund(1, part, minor)).await;
    }
    let bill = channel.bill(day(24)).unwrap();
    let rows: Vec<_> = bill.rows.iter().map(|row| (row.kind, row.amount_minor, row.fee_minor)).collect();
    // 0.38 % of 100.00 is 0.38; thirds of it come back as 13, 12 and 13 cents.
    assert_eq!(
        rows,
        [
            (BillKind::Payment, 10_000, 38),
            (BillKind::Payment, 1_250, 5),
            (BillKind::Refund, -3_333, -13),
            (BillKind::Refund, -3_333, -12),
            (BillKind::Refund, -3_334, -13),
        ]
    );
    let empty = BillTotal {
        currency: Currency::CNY,
        payments: 1,
        refunds: 3,
        gross_minor: 10_000,
        refunded_minor: 10_000,
        fee_minor: 0,
    };
    let usd = BillTotal {
        currency: Currency::USD,
        payments: 1,
        refunds: 0,
        gross_minor: 1_250,
        refunded_minor: 0,
        fee_minor: 5,
    };
    assert_eq!(bill.totals, [empty, usd]);
    assert_eq!((bill.totals[0].net_minor(), bill.totals[1].net_minor()), (0, 1_245));
    assert_eq!(channel.bill(day(23)).unwrap().rows, []);
}

#[tokio::test(start_paused = true)]
async fn captures_cost_what_one_would() {
    let world = world("bill-captures");
    world.channel.prepare(held(1, 1_000)).await;
    for (part, minor) in [(101, 333), (102, 333), (103, 334)] {
        world.channel.capture(capture(1, part, minor, false)).await;
    }
    world.channel.capture(capture(1, 104, 1, false)).await;
    let bill = world.channel.bill(day(24)).unwrap();
    let fees: Vec<i64> = bill.rows.iter().map(|row| row.fee_minor).collect();
    assert_eq!(fees, [1, 2, 1], "4 in all, as for 10.00 at once");
    assert_eq!(bill.rows[1].part_no(), Some(number(102)));
    assert_eq!(bill.rows[1].request_no(), number(1));
    let told = world.channel.query_capture(&crate::support::capture_ref(1, 102)).await;
    let domain::channel::CaptureFact::Succeeded(told) = told else { panic!("{told:?}") };
    assert_eq!(bill.rows[1].trade_no(), told.channel_trade_no);
}

#[tokio::test(start_paused = true)]
async fn a_day_ends_at_local_midnight() {
    let world = world("bill-midnight");
    let midnight_us = NOON_US + 12 * HOUR_US;
    for (n, now_us) in [(1, midnight_us - 1), (2, midnight_us)] {
        let request = PrepareRequest { now_us, expires_at_us: now_us + 1, ..order(n, "card", 1_000) };
        world.channel.prepare(request).await;
    }
    let next_day = RefundRequest { now_us: midnight_us, ..refund(1, 101, 1_000) };
    world.channel.refund(next_day).await;
    let requests = |bill: channels::sandbox::Bill| -> Vec<(String, i64)> {
        bill.rows.iter().map(|row| (row.request_no(), row.amount_minor)).collect()
    };
    assert_eq!(requests(world.channel.bill(day(24)).unwrap()), [(number(1), 1_000)]);
    let next = requests(world.channel.bill(day(25)).unwrap());
    assert_eq!(next, [(number(2), 1_000), (number(1), -1_000)]);
}

#[tokio::test(start_paused = true)]
async fn the_file_is_in_major_units_and_local_time() {
    let world = world("bill-csv");
    world.channel.prepare(order(1, "bar_code", 1_250)).await;
    world.channel.refund(refund(1, 101, 250)).await;
    let (trade, part) = (number(1), number(101));
    assert_eq!(
        world.channel.bill(day(24)).unwrap().to_csv(),
        format!(
            "kind,request_no,part_no,trade_no,amount,fee,currency,at\n\
             payment,{trade},,SBX2026112410000000000,12.50,0.05,CNY,2026-11-24T12:00:00.000000+08:00\n\
             refund,{trade},{part},SBX2026112430000000000,-2.50,-0.01,CNY,2026-11-24T12:00:00.000000+08:00\n"
        )
    );
}
