//! The nginx file that operators install: a payment goes through it, limits answer with codes of the API, plain HTTP is sent on.

use super::nginx::Nginx;
use crate::harness::{Answer, Merchant, run};
use serde_json::{Value, json};

/// A client that trusts the proxy's authority and follows nothing.
fn client(nginx: &Nginx) -> reqwest::Client {
    let authority = std::fs::read(nginx.authority()).expect("its certificate");
    let authority = reqwest::Certificate::from_pem(&authority).expect("a certificate");
    let client =
        reqwest::Client::builder().tls_certs_only([authority]).redirect(reqwest::redirect::Policy::none());
    client.no_proxy().build().expect("a client")
}

async fn answer(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, text, json }
}

#[test]
fn the_shipped_nginx_file_serves() {
    run(async {
        let mut nginx = Nginx::prepare();
        let server = nginx.server(&[]);
        nginx.start_as_shipped().await;
        let merchant = Merchant::new(&server).await;
        let client = client(&nginx);
        let url = format!("{}/v1/payments", nginx.public_url());
        let post = async |body: String| {
            let call =
                client.post(&url).bearer_auth(merchant.bearer()).header("content-type", "application/json");
            answer(call.body(body).send().await.expect("an answer")).await
        };
        let paid = post(merchant.order("bar_code", 1_250, Some("succeed")).to_string()).await.expect(201);
        assert_eq!(paid["status"], "succeeded", "{}", paid.text);

        // The API's own limits answer, with its codes, not nginx with a page.
        let large = json!({ "description": "x".repeat(300 * 1024) }).to_string();
        post(large).await.expect_problem(413, "body_too_large");
        let long = format!("{url}?merchant_order_no={}", "x".repeat(6_000));
        let refused =
            answer(client.get(long).bearer_auth(merchant.bearer()).send().await.expect("an answer")).await;
        refused.expect_problem(400, "field_invalid");

        // Plain HTTP is sent to the same place over TLS, method and body kept.
        let plain = format!("http://127.0.0.1:{}/v1/payments?limit=5", nginx.plain_port());
        let moved = client.post(plain).header("host", "localhost").send().await.expect("an answer");
        let location = moved.headers()["location"].to_str().expect("a URL").to_owned();
        assert_eq!((moved.status().as_u16(), &*location), (308, "https://localhost/v1/payments?limit=5"));
        nginx.stop();
        server.verify();
    });
}
