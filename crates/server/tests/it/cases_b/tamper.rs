//! R34: rows edited behind the platform's back, in a copy of the data. `verify` ends with 1 and names the row.

use crate::harness::books::uid;
use crate::harness::{Merchant, Server, on_own};
use rusqlite::Connection;
use std::path::Path;
use std::process::Output;

/// A copy of the data; the server is stopped, so that the files are whole.
fn copy(server: &Server, name: &str) -> std::path::PathBuf {
    let to = server.dir().join(name);
    std::fs::create_dir(&to).expect("a new folder");
    for entry in std::fs::read_dir(server.data_dir()).expect("the data") {
        let from = entry.expect("a file").path();
        std::fs::copy(&from, to.join(from.file_name().expect("a name"))).expect("it is copied");
    }
    to
}

fn verify(server: &Server, data: &Path) -> Output {
    server.try_cli(&["verify", "--full", "--data-dir", &data.display().to_string(), "--json"])
}

#[test]
fn r34_an_edited_row_is_named() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let paid = merchant.paid(10_000).await.id();
        let refund = merchant.refund(&paid, Some(2_500), None).send().await.expect(201).id();
        merchant.refund_in(&refund, "succeeded").await;
        for _ in 0..3 {
            merchant.paid(777).await;
        }
        merchant.advance(3 * 86_400).await;
        let (mine, account) = (hex(&merchant.id), merchant.id.clone());
        server.stop();
        let untouched = verify(server, &copy(server, "untouched"));
        assert!(untouched.status.success(), "{}", String::from_utf8_lossy(&untouched.stdout));
        let source = hex(&paid);
        let edits = [
            ("a balance", format!("UPDATE balance SET amount_minor = amount_minor + 1 WHERE code = 2020 AND merchant = x'{mine}'"), &account),
            ("a platform balance", "UPDATE platform_balance SET amount_minor = amount_minor - 1 WHERE code = 4010".to_owned(), &"4010".to_owned()),
            ("a balance removed", format!("DELETE FROM balance WHERE code = 2020 AND merchant = x'{mine}'"), &account),
            ("one entry", "UPDATE journal_entry SET amount_minor = amount_minor + 1 WHERE seq = 2 AND line = (SELECT min(line) FROM journal_entry WHERE seq = 2)".to_owned(), &"2".to_owned()),
            ("two entries that balance", "UPDATE journal_entry SET amount_minor = amount_minor + (CASE line WHEN (SELECT min(line) FROM journal_entry WHERE seq = 1) THEN 1 ELSE -1 END) WHERE seq = 1 AND line IN (SELECT line FROM journal_entry WHERE seq = 1 AND code IN (1110, 4010))".to_owned(), &"1".to_owned()),
            ("a leg removed", "DELETE FROM journal_entry WHERE seq = 3 AND line = (SELECT max(line) FROM journal_entry WHERE seq = 3)".to_owned(), &"3".to_owned()),
            ("a leg of another currency", "UPDATE journal_entry SET currency = 840 WHERE seq = 3 AND line = (SELECT max(line) FROM journal_entry WHERE seq = 3)".to_owned(), &"3".to_owned()),
            ("a transaction removed", "DELETE FROM journal_entry WHERE seq = 4; DELETE FROM journal_tx WHERE seq = 4".to_owned(), &"4".to_owned()),
            ("a payment's sum", format!("UPDATE payment SET refunded_minor = refunded_minor - 1 WHERE id = x'{source}'"), &paid),
            ("a payment's fee", format!("UPDATE payment SET fee_minor = fee_minor + 1 WHERE id = x'{source}'"), &paid),
            ("a refund's amount", format!("UPDATE refund SET amount_minor = amount_minor - 1 WHERE payment = x'{source}'"), &refund),
            ("a refund removed", format!("DELETE FROM refund WHERE payment = x'{source}'"), &paid),
        ];
        for (index, (what, sql, names)) in edits.iter().enumerate() {
            let data = copy(server, &format!("edit-{index}"));
            let connection = Connection::open(data.join("feiqian.db")).expect("the copy");
            connection.execute_batch(sql).unwrap_or_else(|fault| panic!("{what}: {fault}"));
            assert!(connection.changes() > 0, "{what}: nothing was edited");
            drop(connection);
            let output = verify(server, &data);
            let (out, error) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.status.code(), Some(1), "{what}: {out} {error}");
            let report: serde_json::Value =
                serde_json::from_str(&out).unwrap_or_else(|fault| panic!("{what}: {fault}: {out}"));
            assert_eq!(report["clean"], false, "{what}");
            let difference = report["difference"].as_str().unwrap_or("");
            assert!(difference.contains(names.as_str()), "{what} is not named ({names}): {difference}");
            assert!(error.contains(difference), "{what}: {error}");
        }
        server.serve();
    });
}

fn hex(id: &str) -> String {
    uid(id).0.iter().map(|byte| format!("{byte:02x}")).collect()
}
