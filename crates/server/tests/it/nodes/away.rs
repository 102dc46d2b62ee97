//! The database goes away and comes back.

use super::proxy::Proxy;
use crate::harness::books::Books;
use crate::harness::{Engine, Merchant, Server, run, until};

#[test]
fn a_database_that_is_away_is_told_and_work_goes_on_by_itself() {
    run(async {
        let server = Server::make_on(Engine::Postgres, &[]);
        let url = server.database_url().expect("it is PostgreSQL").to_owned();
        let address =
            url.split_once('@').and_then(|(_, rest)| rest.split_once('/')).expect("host and port").0;
        let proxy = Proxy::to(address.to_owned()).await;
        server.configure(address, &proxy.address.to_string());
        server.serve();
        let merchant = Merchant::new(&server).await;
        let before = merchant.paid(1_000).await;

        proxy.cut();
        until("/readyz that says so", || async {
            let answer = server.internal().call("GET", "/readyz").try_send().await.ok()?;
            (answer.status == 503).then_some(())
        })
        .await;
        let order = merchant.order("bar_code", 2_000, None);
        let refused =
            merchant.create(&order).key("away").send().await.expect_problem(503, "store_unavailable");
        assert!(refused.header("retry-after").parse::<u64>().expect("seconds") >= 1);
        let read = merchant.client.get(&format!("/v1/payments/{}", before.id())).await;
        read.expect_problem(503, "store_unavailable");

        proxy.mend();
        until("/readyz again", || async {
            let answer = server.internal().call("GET", "/readyz").try_send().await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        // A lane may need a moment more than the pool that answers /readyz.
        let made = until("payment that goes through", || async {
            let answer = merchant.create(&order).key("away").send().await;
            (answer.status != 503).then_some(answer)
        })
        .await
        .expect(201);
        assert_eq!(made["status"], "succeeded", "{}", made.text);
        assert_eq!(Books::open(&server).rows_of("payment", &merchant.id), 2);
        server.assert_alive();
        server.verify();
    });
}
