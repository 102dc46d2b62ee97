//! A new program on every node, one after the other, while merchants pay: nobody is refused. A load balancer, or a client, that asks
//! the next node when one refuses the connection is all it takes; a request that a node has taken in is answered before it ends.

use super::{at, on_two};
use crate::harness::Merchant;
use crate::harness::books::Books;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const PAYERS: usize = 4;

#[test]
fn a_rolling_restart_fails_no_request() {
    on_two(&[], async |first, second| {
        let here = Merchant::new(first).await;
        let nodes = [here.clone(), at(&here, second)];
        let (over, paid) = (AtomicBool::new(false), AtomicUsize::new(0));
        let payer = |number: usize| {
            let (nodes, over, paid) = (&nodes, &over, &paid);
            async move {
                let mut round = number;
                while !over.load(Ordering::Relaxed) {
                    let order = nodes[0].order("bar_code", 100, None);
                    let key = format!("rolling-{number}-{round}");
                    let mut answer = nodes[round % 2].create(&order).key(&key).try_send().await;
                    if answer.is_err() {
                        answer = nodes[(round + 1) % 2].create(&order).key(&key).try_send().await;
                    }
                    let answer = answer.expect("one of the nodes takes the connection");
                    assert!(matches!(answer.status, 200 | 201), "{} {}", answer.status, answer.text);
                    paid.fetch_add(1, Ordering::Relaxed);
                    round += 1;
                }
            }
        };
        let roll = async {
            for node in [first, second, first] {
                let before = paid.load(Ordering::Relaxed);
                // Off the runtime: the payers go on meanwhile.
                std::thread::scope(|scope| {
                    let rolled = scope.spawn(|| {
                        node.stop();
                        node.serve();
                    });
                    tokio::task::block_in_place(|| rolled.join().expect("it comes back"));
                });
                while paid.load(Ordering::Relaxed) < before + 10 {
                    tokio::task::yield_now().await;
                }
            }
            over.store(true, Ordering::Relaxed);
        };
        let payers = futures::future::join_all((0..PAYERS).map(payer));
        futures::future::join(payers, roll).await;
        let count = paid.load(Ordering::Relaxed);
        assert!(count > 30, "only {count} payments");
        assert_eq!(Books::open(first).rows_of("payment", &here.id), count as i64);
    });
}
