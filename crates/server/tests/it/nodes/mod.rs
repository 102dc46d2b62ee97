//! Several nodes on one PostgreSQL database.

mod away;
mod copied;
mod crossing;
mod fresh;
mod hold;
mod proxy;
mod races;
mod rolling;
mod takeover;

use crate::harness::{Engine, Merchant, Server, Setting, run};

/// Two nodes of one installation; ends with `verify --full`.
fn on_two(settings: &[Setting], case: impl AsyncFnOnce(&Server, &Server)) {
    run(async {
        let first = Server::make_on(Engine::Postgres, settings);
        let second = first.beside(settings);
        first.serve();
        second.serve();
        case(&first, &second).await;
        first.verify();
    });
}

/// How often each race is run: a few times in the suite, as often as `FEIQIAN_RACE_ROUNDS` says in `make races`.
fn rounds() -> usize {
    std::env::var("FEIQIAN_RACE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// How many calls to channels a node has begun.
async fn calls_of(node: &Server) -> u64 {
    let metrics = node.internal().get("/metrics").await.expect(200).text;
    let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok());
    let of_calls = metrics.lines().filter(|line| line.starts_with("feiqian_channel_calls_total"));
    of_calls.map(|line| value(line).expect("a number")).sum()
}

/// The same merchant, calling another node. Its numbers go on from the same count.
fn at<'s>(merchant: &Merchant<'s>, node: &Server) -> Merchant<'s> {
    let client = node.client().with(merchant.client.credentials.clone());
    Merchant { client, ..merchant.clone() }
}
