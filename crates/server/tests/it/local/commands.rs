//! `feiqian events` and `feiqian clock`, and what all commands that call a server say when they can't.

use crate::cases_b::endpoints::{all_told, listen_at, until_accepted};
use crate::harness::merchant::text;
use crate::harness::{Behaviour, Laptop, Merchant, Receiver, on_own, on_shared, until};
use serde_json::{Value, json};

#[test]
fn tail_shows_the_last_ones_and_follows() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let laptop = Laptop::of(&merchant);
        let old = merchant.waiting(100, None).await.id();
        let last = merchant.paid(100).await.id();
        let rows = laptop.json(&["events", "tail", "-n", "2"]).await;
        let about: Vec<String> = rows.iter().map(|row| text(&row["data"]["object"], "id")).collect();
        assert_eq!(about, [old.clone(), last.clone()], "oldest first");
        let shown = merchant.client.get(&format!("/v1/events/{}", text(&rows[1], "id"))).await.expect(200);
        assert_eq!(rows[1], shown.json, "as the API shows it");
        let created = laptop.json(&["events", "tail", "--type", "payment.created"]).await;
        assert_eq!((created.len(), &created[0]["type"]), (1, &json!("payment.created")));
        assert_eq!(laptop.json(&["events", "tail", "--since", "beginning"]).await.len(), 3);
        assert_eq!(laptop.json(&["events", "tail", "--since", "1h"]).await.len(), 3);
        assert_eq!(laptop.json(&["events", "tail", "--since", "2100-01-01T00:00:00Z"]).await.len(), 0);

        let mut follower = laptop.go_on(&["events", "tail", "--follow", "-n", "1"]);
        until("the last event", || async { (follower.lines().len() == 1).then_some(()) }).await;
        server.crash();
        let next = merchant.paid(100).await.id();
        let lines = until("the next event", || async {
            let lines = follower.lines();
            (lines.len() == 2).then_some(lines)
        })
        .await;
        assert_eq!(
            (text(&lines[0]["data"]["object"], "id"), text(&lines[1]["data"]["object"], "id")),
            (last, next)
        );
        follower.stop();
        let words = String::from_utf8_lossy(&laptop.run(&["events", "tail"]).await.stdout).into_owned();
        assert!(words.contains("payment.requires_action") && words.contains(&old), "{words}");
    });
}

#[test]
fn events_are_replayed_to_endpoints_and_to_a_program() {
    on_shared(async |server| {
        let (merchant, receiver, program) =
            (Merchant::new(server).await, Receiver::start().await, Receiver::start().await);
        let endpoint = listen_at(&merchant, &receiver.url, &["payment.*"]).await.id();
        let laptop = Laptop::of(&merchant);
        let id = merchant.paid(100).await.id();
        until_accepted(&merchant, &receiver, &id, 1).await;
        all_told(&merchant).await;
        let event = text(&merchant.events_of(&id).await[0].1, "id");
        let replayed = laptop.json(&["events", "replay", &event]).await;
        assert_eq!((replayed.len(), &replayed[0]["event"]), (1, &json!(event)));
        until_accepted(&merchant, &receiver, &id, 2).await;

        let forwarded = laptop.json(&["events", "replay", &event, "--forward-to", &program.url]).await;
        assert_eq!((forwarded.len(), &forwarded[0]["result"]), (1, &json!("delivered")));
        assert_eq!(program.accepted_of(&id)[0].body, receiver.accepted_of(&id)[0].body);
        merchant.waiting(100, None).await;
        let all =
            laptop.json(&["events", "replay", "--since", "beginning", "--forward-to", &program.url]).await;
        assert_eq!(all.len(), 3, "{all:?}");
        let some = laptop
            .json(&[
                "events",
                "replay",
                "--since",
                "1h",
                "--type",
                "payment.created",
                "--forward-to",
                &program.url,
            ])
            .await;
        assert_eq!(some.len(), 1, "{some:?}");
        program.behave(Behaviour::Fail(500));
        let failed = laptop.run(&["events", "replay", &event, "--forward-to", &program.url]).await;
        assert_eq!(failed.status.code(), Some(1));

        // What failed for good: the receiver says that it wants no more, and is enabled again later.
        all_told(&merchant).await;
        receiver.behave(Behaviour::Fail(410));
        let lost = merchant.paid(100).await.id();
        until("a failed delivery", || async {
            (!merchant.all("/v1/webhook_deliveries?status=failed").await.is_empty()).then_some(())
        })
        .await;
        receiver.behave(Behaviour::Accept);
        let path = format!("/v1/webhook_endpoints/{endpoint}");
        until("disabled endpoint", || async {
            (merchant.client.get(&path).await.expect(200)["status"] == "disabled").then_some(())
        })
        .await;
        let off = laptop.run(&["events", "replay", "--since", "1h"]).await;
        let words = String::from_utf8_lossy(&off.stderr).into_owned();
        assert!(off.status.code() == Some(1) && words.contains("webhook_endpoint_not_found"), "{words}");
        merchant.client.call("PATCH", &path).json(&json!({ "status": "enabled" })).send().await.expect(200);
        let again = laptop.json(&["events", "replay", "--since", "1h", "--type", "payment.succeeded"]).await;
        assert_eq!(again.len(), 1, "what arrived is not sent again: {again:?}");
        until_accepted(&merchant, &receiver, &lost, 1).await;
        all_told(&merchant).await;
        let with_all =
            laptop.json(&["events", "replay", "--since", "1h", "--all", "--endpoint", &endpoint]).await;
        assert_eq!(with_all.len(), 4, "{with_all:?}");

        let refund = merchant.refund(&id, None, None).send().await.expect(201).id();
        let silent = text(&merchant.events_of(&refund).await[0].1, "id");
        for (arguments, part) in [
            (&["events", "replay", silent.as_str()][..], "--forward-to"),
            (&["events", "replay", "evt_00000000000000000000000000"], "event_not_found"),
        ] {
            let output = laptop.run(arguments).await;
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(1) && words.contains(part), "{words}");
        }
    });
}

#[test]
fn the_clock_is_shown_and_moved() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let laptop = Laptop::of(&merchant);
        let payment = merchant.waiting(100, None).await.id();
        let shown = laptop.json(&["clock", "show"]).await;
        assert_eq!((&shown[0]["offset_seconds"], &shown[0]["pending"]), (&json!(0), &json!(0)));
        let moved = laptop.json(&["clock", "advance", "2h30m"]).await;
        assert_eq!((&moved[0]["offset_seconds"], &moved[0]["pending"]), (&json!(9_000), &json!(0)));
        merchant.payment_in(&payment, "closed").await;
        let words = String::from_utf8_lossy(&laptop.run(&["clock", "show"]).await.stdout).into_owned();
        assert!(words.contains("2 h 30 min ahead"), "{words}");
        for bad in ["1", "-1d", "0s", "tomorrow", "11000d"] {
            let output = laptop.run(&["clock", "advance", "--", bad]).await;
            assert_eq!(output.status.code(), Some(2), "{bad}");
        }
    });
}

#[test]
fn what_can_not_be_done_is_said_with_its_exit_code() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let closed =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
        let nobody = Laptop::with(&format!("http://{closed}"), merchant.bearer());
        let (empty, strange) =
            (Laptop::with(server.public_url(), ""), Laptop::with(server.public_url(), "fqsk_planted"));
        let unknown = Laptop::with(
            server.public_url(),
            &merchant.bearer().replace("fqsk_sandbox_", "fqsk_sandbox_A")[..56],
        );
        let internal = Laptop::with(server.internal().base(), merchant.bearer());
        for (laptop, code, part) in [
            (&nobody, 3, "no answer from"),
            (&internal, 3, "not Feiqian's"),
            (&empty, 4, "is empty"),
            (&strange, 4, "no bearer key"),
            (&unknown, 4, "key_unknown"),
        ] {
            for command in [
                &["clock", "show"][..],
                &["events", "tail"],
                &["listen", "--forward-to", "localhost:1"],
                &["trigger", "payment.created"],
            ] {
                let output = laptop.run(command).await;
                let words = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(code), "{command:?}: {words}");
                assert!(words.contains(part) && words.contains("what to do"), "{command:?}: {words}");
                assert!(!words.contains("planted") && output.stdout.is_empty(), "{words}");
            }
        }
        let laptop = Laptop::of(&merchant);
        for bad in ["ftp://x", "http://169.254.169.254/", ""] {
            let output = laptop.run(&["listen", "--forward-to", bad]).await;
            assert!(String::from_utf8_lossy(&output.stderr).contains("--forward-to"), "{bad}");
            assert!(!output.status.success());
        }
    });
}

/// Beside an installation the server is found by its settings, and the key by the environment.
#[test]
fn a_local_server_is_found() {
    on_shared(async |server| {
        let merchant = Merchant::new(server).await;
        let laptop = Laptop::of(&merchant);
        let config = server.dir().join("feiqian.toml").display().to_string();
        let mut command = laptop.command(&["clock", "show", "--json", "--config", &config]);
        command.env_remove("FEIQIAN_SERVER").env("FEIQIAN_KEY", merchant.bearer());
        // A proxy is not asked for what is on this machine.
        command.env("HTTP_PROXY", "http://127.0.0.1:1").env("http_proxy", "http://127.0.0.1:1");
        let output = command.output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(shown["offset_seconds"], 0);
        let mut chinese =
            laptop.command(&["events", "replay", "evt_00000000000000000000000000", "--key-file", "key"]);
        let words = chinese.env("LANG", "zh_CN.UTF-8").output().expect("the binary runs");
        assert!(
            String::from_utf8_lossy(&words.stderr).contains("事件"),
            "{}",
            String::from_utf8_lossy(&words.stderr)
        );
    });
}
