//! What is committed is told, whatever dies in between (R52), and told once however often it is learnt (R53).

use super::endpoints::{all_told, kinds_of, listen_at, until_accepted};
use crate::harness::callback::{Channel, paid};
use crate::harness::merchant::text;
use crate::harness::{Behaviour, Merchant, Receiver, on_own, on_shared, until};
use channels::sandbox::CallbackBody;
use futures::future::join_all;
use serde_json::json;

/// R52: killed when the payment is committed and its event is on its way to a receiver that does not answer.
#[test]
fn r52_killed_between_commit_and_delivery() {
    on_own(&[], async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let secret = text(&listen_at(&merchant, &receiver.url, &["*"]).await.json, "secret");
        receiver.behave(Behaviour::Hang);
        let mut ids = Vec::new();
        for _ in 0..12 {
            ids.push(merchant.paid(1_000).await.id());
        }
        until("a try", || async { (!receiver.deliveries().is_empty()).then_some(()) }).await;
        server.kill();
        assert!(ids.iter().all(|id| receiver.accepted_of(id).is_empty()));
        receiver.behave(Behaviour::Accept);
        server.serve();
        for id in &ids {
            until_accepted(&merchant, &receiver, id, 1).await;
            assert!(receiver.accepted_of(id)[0].is_signed_by(&secret));
        }
    });
}

/// R52: killed at some moment of a storm; every payment that is there after the restart is told.
#[test]
fn r52_killed_in_a_storm() {
    on_own(&[], async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        listen_at(&merchant, &receiver.url, &["*"]).await;
        for _ in 0..3 {
            let orders: Vec<_> = (0..40).map(|_| merchant.order("bar_code", 100, Some("succeed"))).collect();
            let before = merchant.all("/v1/payments?status=succeeded").await.len();
            let storm = join_all(orders.iter().map(|order| merchant.create(order).try_send()));
            let kill = async {
                // Somewhere in the middle: when a part of them is committed.
                until("first commits", || async {
                    let page = merchant
                        .client
                        .call("GET", "/v1/payments?status=succeeded&limit=100")
                        .try_send()
                        .await;
                    let count = page
                        .ok()
                        .and_then(|page| page["data"].as_array().map(Vec::len))
                        .unwrap_or(usize::MAX);
                    (count > before).then_some(())
                })
                .await;
                server.kill();
            };
            let (answers, ()) = tokio::join!(storm, kill);
            server.serve();
            for answer in answers.into_iter().flatten().filter(|answer| answer.status == 201) {
                let stored = merchant.payment(&answer.id()).await;
                assert_eq!(stored["amount"], answer["amount"], "acknowledged is durable");
            }
            for payment in merchant.all("/v1/payments").await {
                let id = text(&payment, "id");
                // One whose attempt the channel never heard of is closed there: the payer at the till has gone.
                merchant
                    .payment_when(&id, "at its end", |payment| {
                        payment["status"] == "succeeded" || payment["failure"]["code"] == "attempt_closed"
                    })
                    .await;
                until_accepted(&merchant, &receiver, &id, 1).await;
            }
        }
        for payment in merchant.all("/v1/payments").await {
            let expected = format!("payment.{}", text(&payment, "status"));
            assert_eq!(merchant.event_types(&text(&payment, "id")).await, [expected]);
        }
    });
}

/// R53: the channel tells twice, a query tells, the channel tells again: one event, delivered once.
#[test]
fn r53_one_fact_learnt_again_and_again_is_one_event() {
    on_shared(async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        listen_at(&merchant, &receiver.url, &["*"]).await;
        let channel = Channel::of(server);
        for outcome in ["callback_twice", "answer_late", "callback_first"] {
            let made = merchant.waiting(2_000, Some(outcome)).await;
            let (id, attempt) = (made.id(), text(&made["latest_attempt"], "id"));
            let reads = join_all((0..6).map(|_| merchant.payment(&id)));
            let (paid_it, _) = tokio::join!(merchant.pay(&id, None).send(), reads);
            paid_it.expect(200);
            let payment = merchant.payment_in(&id, "succeeded").await;
            let trade_no = text(&payment["latest_attempt"], "channel_trade_no");
            let again = CallbackBody { trade_no, ..paid(&attempt, 2_000) };
            for _ in 0..3 {
                channel.post(&again).send().await.expect(200);
            }
            join_all((0..6).map(|_| merchant.payment(&id))).await;
            let expected = ["payment.created", "payment.requires_action", "payment.succeeded"];
            assert_eq!(merchant.event_types(&id).await, expected, "{outcome}");
            until_accepted(&merchant, &receiver, &id, 3).await;
            all_told(&merchant).await;
            assert_eq!(kinds_of(&receiver, &id), expected, "{outcome}");
        }
        let page = merchant.client.get("/v1/events?type=payment.succeeded").await.expect(200);
        assert_eq!(page["data"].as_array().expect("rows").len(), 3);
        assert_eq!(page["next_cursor"], json!(null));
    });
}
