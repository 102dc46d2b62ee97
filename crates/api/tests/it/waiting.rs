//! Requests that wait for events: no more at once than a node has room for.

use crate::house::House;
use futures::future::join_all;
use std::time::{Duration, Instant};

/// As in the program.
const WAITING_MAX: usize = 256;
/// One that finds room waits so long.
const WAIT: Duration = Duration::from_millis(2_000);

#[tokio::test]
async fn one_request_more_than_may_wait_is_answered_at_once() {
    let house = House::new().await;
    let target = |wait_ms: u128| format!("/v1/events?order=oldest_first&wait_ms={wait_ms}");
    let long = target(20_000);
    let waiting = join_all((0..WAITING_MAX).map(|_| house.get(&long)));
    let one_more = async {
        for _ in 0..10 {
            let begun = Instant::now();
            let answer = house.get(&target(WAIT.as_millis())).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.json()["data"].as_array().map(Vec::len), Some(0));
            assert!(answer.json()["next_cursor"].is_string());
            if begun.elapsed() < WAIT {
                return;
            }
        }
        panic!("it waits although {WAITING_MAX} wait already");
    };
    tokio::select! {
        _ = waiting => panic!("they were to wait"),
        () = one_more => {}
    }
    // Those that waited are gone: there is room again.
    let begun = Instant::now();
    house.get(&target(300)).await;
    assert!(begun.elapsed() >= Duration::from_millis(300), "its slot is given back with each");
}

#[tokio::test]
async fn a_key_made_elsewhere_is_known_at_its_first_use() {
    let house = House::new().await;
    let (token, row) = house.unread_bearer();
    let authorization = format!("Bearer {token}");
    let ask =
        || house.send(crate::house::request("GET", "/v1/whoami", &[("authorization", &authorization)], ""));
    assert_eq!(ask().await.refusal(), (401, "key_unknown".to_owned()));
    store::Control::create_key(house.store.as_ref(), &row, None).await.unwrap();
    assert_eq!(ask().await.status, 200);
}
