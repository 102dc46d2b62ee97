//! Where the platform may be sent by a merchant's word (R56), and that nobody's black hole delays a neighbour.

use super::endpoints::{listen_at, until_accepted};
use crate::harness::merchant::text;
use crate::harness::{Behaviour, Merchant, Receiver, on_own, on_shared, until};
use axum::Router;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One port of this machine, in every notation that reaches it.
fn notations(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ];
    hosts.iter().map(|host| format!("http://{host}:{port}/hook")).collect()
}

/// A name of this machine that is no address and no `localhost`, and resolves to a private address only.
fn private_name() -> Option<String> {
    let own = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let listed = hosts.lines().flat_map(|line| line.split_whitespace().skip(1)).map(str::to_owned);
    let private = |ip: IpAddr| match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    let names = std::iter::once(own).chain(listed.collect::<Vec<_>>());
    names
        .filter(|name| !name.is_empty() && !name.contains("localhost") && name.parse::<IpAddr>().is_err())
        .find(|name| {
            let found: Vec<_> =
                (name.as_str(), 80).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
            !found.is_empty() && found.iter().all(|address| private(address.ip()))
        })
}

#[test]
fn r56_private_addresses_are_refused_in_every_notation() {
    on_own(&[("sandbox", "allow_private_webhooks", "false")], async |server| {
        let (merchant, receiver) = (Merchant::new(server).await, Receiver::start().await);
        let port: u16 = receiver.url.split([':', '/']).nth(4).expect("host:port").parse().expect("a number");
        for url in notations(port).into_iter().chain([receiver.url.clone()]) {
            let body = json!({ "url": url });
            let made =
                merchant.client.post("/v1/webhook_endpoints", &body).key(&merchant.next_no("k")).send().await;
            assert_eq!((made.status, made.code()), (422, "url_not_allowed"), "{url}: {}", made.text);
            let mut order = merchant.order("bar_code", 100, Some("succeed"));
            order["notify_url"] = json!(url);
            let refused = merchant.create(&order).send().await;
            assert_eq!((refused.status, refused.code()), (422, "url_not_allowed"), "{url}: {}", refused.text);
        }
        assert!(
            merchant.all("/v1/payments").await.is_empty()
                && merchant.all("/v1/webhook_endpoints").await.is_empty()
        );
        // A name is judged by what it resolves to, at each try (what a rebinding name does between two answers).
        if let Some(name) = private_name() {
            listen_at(&merchant, &format!("http://{name}:{port}/hook"), &["*"]).await;
            merchant.paid(100).await;
            let tried = until("a try", || async {
                let rows = merchant.all("/v1/webhook_deliveries").await;
                rows.first().filter(|row| row["attempts"][0].is_object()).cloned()
            });
            let tried = tried.await;
            assert!(tried["attempts"][0]["status"].is_null(), "{tried}");
            assert!(!text(&tried["attempts"][0], "error").is_empty(), "{tried}");
        }
        assert!(receiver.deliveries().is_empty(), "nothing came through any door");
    });
}

/// Even where the sandbox may call private receivers, the addresses of metadata services and of nobody stay shut.
#[test]
fn r56_some_addresses_are_shut_always() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        for url in [
            "http://169.254.169.254/latest/",
            "http://0.0.0.0:80/",
            "http://[fe80::1]/",
            "http://224.0.0.1/",
            "http://[fd00:ec2::254]/",
        ] {
            let body = json!({ "url": url });
            let made =
                merchant.client.post("/v1/webhook_endpoints", &body).key(&merchant.next_no("k")).send().await;
            assert_eq!((made.status, made.code()), (422, "url_not_allowed"), "{url}: {}", made.text);
        }
    });
}

#[test]
fn r56_redirects_are_not_followed() {
    on_shared(async |server| {
        let (merchant, inside) = (Merchant::new(server).await, Receiver::start().await);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("its number"));
        let (asked, target) = (Arc::new(AtomicUsize::new(0)), inside.url.clone());
        let count = Arc::clone(&asked);
        let router = Router::new().fallback(move || async move {
            count.fetch_add(1, Ordering::SeqCst);
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)])
        });
        let task = crate::harness::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        listen_at(&merchant, &url, &["*"]).await;
        merchant.paid(100).await;
        let row = until("a try", || async {
            let rows = merchant.all("/v1/webhook_deliveries").await;
            rows.first().filter(|row| row["attempts"][0].is_object()).cloned()
        });
        let row = row.await;
        assert_eq!(
            (&row["attempts"][0]["status"], &row["status"]),
            (&json!(307), &json!("pending")),
            "{row}"
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(inside.deliveries().is_empty(), "the redirect was followed");
        task.abort();
    });
}

/// A receiver that takes connections and never answers, with dozens of events waiting for it, delays nobody else.
#[test]
fn r56_a_black_hole_delays_nobody_else() {
    on_shared(async |server| {
        let (unlucky, lucky) = (Merchant::new(server).await, Merchant::new(server).await);
        let (hole, well) = (Receiver::start().await, Receiver::start().await);
        hole.behave(Behaviour::Hang);
        listen_at(&unlucky, &hole.url, &["*"]).await;
        listen_at(&unlucky, &format!("{}/other", well.url), &["*"]).await;
        listen_at(&lucky, &well.url, &["*"]).await;
        let mut own = Vec::new();
        for _ in 0..40 {
            own.push(unlucky.paid(100).await.id());
        }
        for _ in 0..5 {
            let id = lucky.paid(100).await.id();
            let paid = Instant::now();
            until_accepted(&lucky, &well, &id, 1).await;
            assert!(paid.elapsed() < Duration::from_secs(2), "it took {:?}", paid.elapsed());
        }
        for id in &own {
            until_accepted(&unlucky, &well, id, 1).await;
        }
        let hanging: Vec<Value> = unlucky.all("/v1/webhook_deliveries?status=pending").await;
        assert!(hanging.len() >= 40, "{}", hanging.len());
    });
}
