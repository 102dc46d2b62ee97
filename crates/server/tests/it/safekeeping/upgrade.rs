//! Data that the first version of the program made, kept as it was: this version starts on it. And the other way round: a
//! program that is older than the schema says so and touches nothing.

use super::{backed_up, refused, text};
use crate::harness::bill::all_bill_rows;
use crate::harness::client::Credentials;
use crate::harness::merchant::Merchant;
use crate::harness::{Server, cny, run, until};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Made by the first version: `feiqian.db` as SQL, the sandbox channel's book, the master key, and what its merchant was told.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-0001");

/// Puts the first version's data in the place of a new installation's.
fn first_version() -> (Server, Value) {
    let server = Server::start(&[]);
    server.stop();
    server.lose_data();
    let (from, data) = (Path::new(FIRST), server.data_dir());
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(&mut fs::metadata(&data).unwrap().permissions(), 0o700);
    fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::remove_file(server.master_key_file()).unwrap();
    super::write_private(&server.master_key_file(), &fs::read_to_string(from.join("master.key")).unwrap());
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "book") {
            fs::copy(&path, data.join(path.file_name().unwrap())).unwrap();
        }
    }
    let database = Connection::open(data.join("feiqian.db")).unwrap();
    database.pragma_update(None, "page_size", 8_192).unwrap();
    database.pragma_update(None, "application_id", 0x4651_0001).unwrap();
    database.execute_batch(&fs::read_to_string(from.join("feiqian.sql")).unwrap()).unwrap();
    let told = serde_json::from_slice(&fs::read(from.join("told.json")).unwrap()).unwrap();
    (server, told)
}

fn merchant<'s>(server: &'s Server, told: &Value) -> Merchant<'s> {
    let bearer = told["bearer"].as_str().unwrap().to_owned();
    Merchant {
        server,
        id: told["merchant"].as_str().unwrap().to_owned(),
        webhook_secret: String::new(),
        client: server.client().with(Credentials::Bearer(bearer)),
    }
}

#[test]
fn this_version_starts_on_the_first_ones_data() {
    run(async {
        let (server, told) = first_version();
        // Reading commands do not migrate, and say what to do.
        let said = refused(&server.try_cli(&["verify"]));
        assert!(said.contains("start the server once"), "{said}");
        server.serve();
        server.verify();
        let merchant = merchant(&server, &told);
        // An attempt whose outcome the first version did not know yet is found by its number.
        merchant.payment_in(told["payments"]["LOST"].as_str().unwrap(), "succeeded").await;
        // What was pending then has matured since, or not yet.
        let told_of = |bucket: &str| told["balances"]["data"][0][bucket]["value"].as_i64().unwrap();
        assert_eq!(merchant.worth().await, told_of("pending") + told_of("available") + 800 - 5);
        for (number, id) in told["payments"].as_object().unwrap() {
            let payment = merchant.payment(id.as_str().unwrap()).await;
            assert_eq!(payment["merchant_order_no"].as_str(), Some(number.as_str()));
            assert_eq!(
                (&payment["payer"]["name"], &payment["client_ip"]),
                (&json!("Li Bai"), &json!("203.0.113.9"))
            );
        }
        // What the first version began goes on: a refund, a payer's time, an authorization.
        let id = |name: &str| told["payments"][name].as_str().unwrap().to_owned();
        let refund = json!({ "payment": id("PAID-1"), "merchant_refund_no": "R-0", "amount": cny(400) });
        let same = merchant.client.post("/v1/refunds", &refund).send().await.expect(200);
        assert_eq!(same["id"], told["refunds"]["R-0"]);
        merchant.refund(&id("PAID-3"), Some(100), None).send().await.expect(201);
        // Two hours after the fixture was made the payer's time was over; a week after, that of the authorization.
        assert_eq!(merchant.payment_in(&id("OPEN"), "closed").await["status_reason"], "expired");
        let captured = merchant.capture(&id("AUTHORIZED"), &json!({})).send().await;
        assert!(matches!(captured.status, 201 | 409), "{}", captured.text);
        let end = if captured.status == 201 { "succeeded" } else { "closed" };
        merchant.payment_in(&id("AUTHORIZED"), end).await;
        // Its secrets still sign and open under the same key, and under the next one.
        let endpoint = format!("/v1/webhook_endpoints/{}", told["endpoint"].as_str().unwrap());
        merchant.client.get(&endpoint).await.expect(200);
        server.cli(&["master-key", "rotate"]);
        server.verify();
        let backup = backed_up(&server);
        let rows = all_bill_rows(&server).len();
        server.kill();
        let lost = server.lose_data();
        server.cli(&["restore", text(&backup), "--sandbox-books", text(&lost)]);
        server.cli(&["resume"]);
        server.serve();
        until("the payments again", || async {
            (merchant.all("/v1/payments").await.len() == 12).then_some(())
        })
        .await;
        assert_eq!(all_bill_rows(&server).len(), rows);
        server.verify();
    });
}

#[test]
fn a_program_older_than_the_schema_refuses_to_start() {
    run(async {
        let server = Server::start(&[]);
        server.stop();
        let path = server.data_dir().join("feiqian.db");
        let migrated = |number: i64| {
            let database = Connection::open(&path).unwrap();
            let sql = "INSERT INTO schema_migration VALUES (?1, 'of_a_newer_program', 'x', 1)";
            database.execute(sql, [number]).unwrap();
        };
        migrated(4_711);
        for command in
            [&["serve"][..], &["verify"], &["resume"], &["backup", "anywhere"], &["master-key", "status"]]
        {
            let said = refused(&server.try_cli(command));
            assert!(said.contains("the database has schema 4711, this program knows"), "{command:?}: {said}");
            assert!(said.contains("run the newer program"), "{command:?}: {said}");
        }
        let database = Connection::open(&path).unwrap();
        database.execute("DELETE FROM schema_migration WHERE number = 4711", []).unwrap();
        drop(database);
        server.serve();
        server.verify();
    });
}
