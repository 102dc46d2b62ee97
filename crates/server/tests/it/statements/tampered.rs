//! Statements and what they are made of, edited behind the platform's back: the file is not delivered whole, and `verify --full` names
//! the statement.

use super::rows::{advance_past_midnight, day, statement};
use crate::harness::books::uid;
use crate::harness::merchant::text;
use crate::harness::{Merchant, Server, run};
use rusqlite::Connection;

#[test]
fn an_edited_statement_is_named_and_its_file_not_delivered() {
    run(async {
        let server = Server::start(&[]);
        let merchant = Merchant::new(&server).await;
        merchant.paid(10_000).await;
        advance_past_midnight(&merchant, 60).await;
        merchant.paid(2_000).await;
        advance_past_midnight(&merchant, 60).await;
        let made = statement(&merchant, &day(&merchant, -2).await, "trade").await;
        let id = text(&made, "id");
        server.verify();
        let file = Connection::open(server.data_dir().join("feiqian.db")).expect("the database");
        file.busy_timeout(std::time::Duration::from_secs(5)).expect("a time-out");
        file.execute("CREATE TEMP TABLE kept AS SELECT * FROM statement WHERE id = ?1", [uid(&id).0])
            .expect("a copy");
        for (what, edit, sentence) in [
            ("its hash", "UPDATE statement SET sha256 = zeroblob(32) WHERE id = ?1", "another hash"),
            ("its count", "UPDATE statement SET line_count = line_count + 1 WHERE id = ?1", "another hash"),
            (
                "its totals",
                "UPDATE statement SET totals = replace(totals, '10000', '10001') WHERE id = ?1",
                "another hash",
            ),
            (
                "an order number of its day",
                "UPDATE payment SET merchant_order_no = 'x' \
                 WHERE merchant = (SELECT merchant FROM statement WHERE id = ?1) AND amount_minor = 10000",
                "another hash",
            ),
        ] {
            let numbers = "SELECT merchant_order_no FROM payment WHERE amount_minor = 10000";
            let number: String = file.query_row(numbers, [], |row| row.get(0)).expect("the payment");
            edited(&file, &id, what, edit);
            for format in ["csv", "excel", "jsonl"] {
                let path = format!("/v1/statements/{id}/file?format={format}");
                let whole =
                    merchant.client.call("GET", &path).try_send().await.is_ok_and(|a| a.status == 200);
                assert!(!whole, "{what}: {format} was delivered");
            }
            verify_names(&server, what, sentence);
            put_back(&file, &id);
            file.execute("UPDATE payment SET merchant_order_no = ?1 WHERE amount_minor = 10000", [number])
                .expect("it is put back");
        }
        for (what, edit) in [
            ("its root", "UPDATE statement SET root = randomblob(32) WHERE id = ?1"),
            (
                "its blocks",
                "UPDATE statement SET first_block = first_block + 1, last_block = last_block + 1 WHERE id = ?1",
            ),
        ] {
            edited(&file, &id, what, edit);
            verify_names(&server, what, "another root");
            put_back(&file, &id);
        }
        server.verify();
        let whole = merchant.client.get(&format!("/v1/statements/{id}/file?format=csv")).await;
        assert_eq!(whole.status, 200);
    });
}

fn edited(file: &Connection, id: &str, what: &str, edit: &str) {
    let touched = file.execute(edit, [uid(id).0]).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    assert_eq!(touched, 1, "{what}");
}

fn put_back(file: &Connection, id: &str) {
    let columns = ["sha256", "line_count", "totals", "root", "first_block", "last_block"];
    let kept = columns.map(|column| format!("{column} = (SELECT {column} FROM kept)")).join(", ");
    file.execute(&format!("UPDATE statement SET {kept} WHERE id = ?1"), [uid(id).0]).expect("it is put back");
}

fn verify_names(server: &Server, what: &str, sentence: &str) {
    let told = server.try_cli(&["verify", "--full"]);
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(
        !told.status.success() && said.contains("statement stm_") && said.contains(sentence),
        "{what}: {said}"
    );
}
