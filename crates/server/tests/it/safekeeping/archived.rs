//! `feiqian archive`: old lines leave the database for files that prove themselves; everything else goes on as if they were there.

use super::{backed_up, place};
use crate::adjustments::desk::{Wish, decide, with_available};
use crate::harness::merchant::text as field;
use crate::harness::{Merchant, Server, cny, on_own, until};
use crate::statements::rows::{advance_past_midnight, day, statement};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

const ARCHIVE: [&str; 5] = ["archive", "--older-than-days", "0", "--world", "sandbox"];

/// Says something to the database itself.
fn say(server: &Server, sql: &str) {
    match server.database_url() {
        Some(url) => testdb::say(url, sql),
        None => {
            let file =
                rusqlite::Connection::open(server.data_dir().join("feiqian.db")).expect("the database");
            file.busy_timeout(std::time::Duration::from_secs(5)).expect("a time-out");
            file.execute_batch(sql).expect("it is done");
        }
    }
}

/// What a command says that does nothing. The suite's PostgreSQL is warned of before.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.try_cli(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("feiqian: ") && !said.contains("panicked"), "{said}");
    said
}

const KEEP: &str = "CREATE TABLE kept_tx AS SELECT * FROM journal_tx; CREATE TABLE kept_entry AS SELECT * FROM journal_entry";
const PUT_BACK: &str = "INSERT INTO journal_tx SELECT * FROM kept_tx WHERE seq > 1 ON CONFLICT DO NOTHING; \
    INSERT INTO journal_entry SELECT * FROM kept_entry WHERE seq > 1 ON CONFLICT DO NOTHING";

fn directory(server: &Server) -> PathBuf {
    server.dir().join("archive")
}

fn names(made: &Value) -> Vec<String> {
    made["files"].as_array().expect("files").iter().map(|file| field(file, "name")).collect()
}

/// Days until no line of those before today is in a block with a line of today, whose statement is yet to be formed. Answers the
/// statement of what was today.
async fn days_pass(merchant: &Merchant<'_>) -> Value {
    let today = day(merchant, 0).await;
    for _ in 0..2 {
        advance_past_midnight(merchant, 60).await;
        statement(merchant, &day(merchant, -1).await, "fund_flow").await;
    }
    statement(merchant, &today, "fund_flow").await
}

/// Waits until a line that rests in a file has left the database.
async fn are_gone(server: &Server, merchant: &Merchant<'_>, line: &Value) {
    until("the deletion of archived lines", || async {
        let shown = merchant.all("/v1/balance_transactions").await;
        (!shown.contains(line)).then_some(())
    })
    .await;
    server.assert_alive();
}

/// What of a merchant's world does not change when lines leave.
async fn kept(merchant: &Merchant<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for list in ["/v1/payments", "/v1/refunds", "/v1/events", "/v1/statements"] {
        all.extend(merchant.all(list).await);
    }
    for bucket in ["pending", "available", "reserved"] {
        all.push(json!({ bucket: merchant.bucket(bucket).await }));
    }
    all
}

#[test]
fn what_was_archived_is_proven_and_everything_goes_on() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let beginner = Merchant::new(server).await;
        let order = merchant.order("bar_code", 9_000, Some("succeed"));
        let paid = merchant.create(&order).key("first").send().await.expect(201).id();
        let back = merchant.refund(&paid, Some(1_000), None).send().await.expect(201).id();
        merchant.refund_in(&back, "succeeded").await;
        let held = merchant.authorized(7_000).await;
        let made = days_pass(&merchant).await;
        let line = merchant.all("/v1/balance_transactions").await.pop().expect("a line");
        let gone = [
            format!("/v1/balance_transactions/{}/proof", field(&line, "id")),
            format!("/v1/statements/{}/file?format=csv", field(&made, "id")),
            format!("/v1/statements/{}/file?format=excel", field(&made, "id")),
            format!("/v1/payments/{paid}/ledger"),
            format!("/v1/refunds/{back}/ledger"),
        ];
        for path in &gone {
            merchant.client.get(path).await.expect(200);
        }
        let before = kept(&merchant).await;
        assert!(refused(server, &["archive", "--older-than-days", "91"]).contains("92 days at least"));
        assert_eq!(names(&server.cli(&["archive"])), Vec::<String>::new(), "nothing is old enough");

        let archived = server.cli(&ARCHIVE);
        let [first] = &names(&archived)[..] else { panic!("{archived}") };
        are_gone(server, &merchant, &line).await;
        assert_eq!(kept(&merchant).await, before);
        let list = "/v1/balance_transactions";
        let since = format!("{list}?posted_at_gte={}", field(&line, "posted_at").replace('+', "%2B"));
        for path in
            gone.iter().chain([&format!("{list}?source={paid}"), &format!("{list}?source={back}"), &since])
        {
            merchant.client.get(path).await.expect_problem(410, "lines_archived");
        }
        let said = server.cli(&["explain", &paid]);
        assert!(said.to_string().contains("postings of it rest in the archive"), "{said}");
        server.verify();
        if server.database_url().is_none() {
            backed_up(server);
        }

        // Numbers are used, money moves on, days are formed.
        assert_eq!(merchant.create(&order).key("another").send().await.expect(200).id(), paid);
        let more = merchant.refund(&paid, Some(8_000), None).send().await.expect(201).id();
        merchant.refund_in(&more, "succeeded").await;
        merchant.capture(&held.id(), &json!({ "amount": cny(7_000) })).send().await.expect(201);
        merchant.payment_in(&held.id(), "succeeded").await;
        days_pass(&merchant).await;
        merchant.client.get(&format!("/v1/refunds/{more}/ledger")).await.expect(200);
        server.verify();
        // What the platform sends back by itself has no line of the merchant's, archived or not.
        let late = merchant.waiting(640, Some("pay_after_close")).await.id();
        merchant.client.call("POST", &format!("/v1/payments/{late}/close")).send().await.expect(200);
        let sent_back = until("refund of a late payment", || async {
            merchant.all(&format!("/v1/refunds?payment={late}")).await.pop()
        });
        let path = format!("/v1/refunds/{}/ledger", field(&sent_back.await, "id"));
        merchant.client.get(&path).await.expect(200);
        // Whoever had no lines before has all of them here.
        let first_paid = beginner.paid(500).await.id();
        advance_past_midnight(&beginner, 60).await;
        let of_day = statement(&beginner, &day(&beginner, -1).await, "trade").await;
        for path in [
            format!("/v1/statements/{}/file", field(&of_day, "id")),
            format!("/v1/payments/{first_paid}/ledger"),
        ] {
            beginner.client.get(&path).await.expect(200);
        }
        let today = format!("{list}?posted_at_gte={}", field(&of_day, "starts_at").replace('+', "%2B"));
        for path in [format!("{list}?source={first_paid}"), today] {
            assert!(
                !beginner.client.get(&path).await.expect(200)["data"].as_array().expect("lines").is_empty()
            );
        }
        server.verify();
        let again = server.cli(&ARCHIVE);
        // On a cluster the beginner may be of another shard.
        let of_shard = |file: &&Value| file["shard"] == archived["files"][0]["shard"];
        let second = again["files"].as_array().expect("files").iter().find(of_shard).expect("a file");
        assert!(*first < field(second, "name"), "{first} and {second}");
        let follows = archived["files"][0]["last_seq"].as_i64().map(|seq| seq + 1);
        assert_eq!(second["first_seq"], json!(follows));
        server.verify();
        assert_eq!(names(&server.cli(&ARCHIVE)), Vec::<String>::new());
        assert_eq!(read_back(server, first), archived["files"][0]["lines"].as_i64().expect("a number"));
    });
}

/// Another program's view of a file: its lines balance. Answers how many there are.
fn read_back(server: &Server, name: &str) -> i64 {
    let file = fs::File::open(directory(server).join(name)).expect("the file");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let schema = reader.metadata().file_metadata().schema_descr();
    let column = |name: &str| {
        schema.columns().iter().position(|column| column.name() == name).unwrap_or_else(|| panic!("{name}"))
    };
    let (amount, currency) = (column("amount_minor"), column("currency"));
    let (mut lines, mut sum) = (0, 0);
    for row in reader.get_row_iter(None).expect("rows") {
        let row = row.expect("a row");
        assert_eq!(row.get_string(currency).expect("a currency"), "CNY");
        (lines, sum) = (lines + 1, sum + row.get_long(amount).expect("an amount"));
    }
    assert_eq!(sum, 0);
    lines
}

#[test]
fn an_archive_that_is_not_what_was_archived_is_found_out() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(9_000).await;
        days_pass(&merchant).await;
        let archived = server.cli(&ARCHIVE);
        let path = directory(server).join(&names(&archived)[0]);
        let whole = fs::read(&path).expect("the file");
        let verify = ["verify", "--full"];
        let mut bytes = whole.clone();
        bytes[whole.len() / 2] ^= 1;
        fs::write(&path, &bytes).expect("it is written");
        assert!(refused(server, &verify).contains("is not the file that was archived"));
        fs::write(&path, &whole[..whole.len() - 1]).expect("it is written");
        assert!(refused(server, &verify).contains("is not the file that was archived"));
        fs::remove_file(&path).expect("it is removed");
        assert!(refused(server, &verify).contains("archive_dir"));
        server.cli(&["verify"]);
        fs::write(&path, &whole).expect("it is written");
        server.verify();
    });
}

/// Noted and not deleted yet, or half of it, whenever the process was killed: the next one deletes what was noted.
#[test]
fn what_was_noted_is_deleted_by_whoever_serves_next() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(9_000).await;
        days_pass(&merchant).await;
        let lines = merchant.all("/v1/balance_transactions").await;
        let oldest = lines.last().expect("a line");
        say(server, KEEP);
        let archived = server.cli(&ARCHIVE);
        are_gone(server, &merchant, oldest).await;
        server.stop();
        say(server, PUT_BACK);
        server.verify();
        let path = directory(server).join(&names(&archived)[0]);
        let aside = place(server, "aside");
        fs::rename(&path, &aside).expect("it is moved");
        assert!(refused(server, &ARCHIVE).contains("archive_dir"), "the next file goes where the others are");
        fs::rename(&aside, &path).expect("it is moved back");
        server.serve();
        are_gone(server, &merchant, oldest).await;
        server.verify();
    });
}

#[test]
fn what_is_not_as_it_was_sealed_gets_into_no_file() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(8_000).await;
        days_pass(&merchant).await;
        server.cli(&["verify"]);
        say(server, "UPDATE journal_entry SET amount_minor = amount_minor * 2");
        let said = refused(server, &ARCHIVE);
        assert!(said.contains("changed after it was sealed"), "{said}");
        say(server, "UPDATE journal_entry SET amount_minor = amount_minor / 2");
        server.stop();
        // A file of another history is not written over, and one that was begun is begun again.
        let made = names(&server.cli(&ARCHIVE)).pop().expect("a file");
        let path = directory(server).join(&made);
        let whole = fs::read(&path).expect("the file");
        let begun = directory(server).join(format!("{made}.part"));
        fs::write(&begun, "begun").expect("it is written");
        fs::write(&path, "of another history").expect("it is written");
        say(server, &format!("DELETE FROM archive_file WHERE name = '{made}'"));
        let said = refused(server, &ARCHIVE);
        assert!(
            said.contains("is there already with other bytes") && said.contains("is of no archive"),
            "{said}"
        );
        assert_eq!(fs::read(&path).expect("the file"), b"of another history");
        fs::remove_file(&path).expect("it is moved away");
        assert_eq!(names(&server.cli(&ARCHIVE)), [made]);
        assert!(fs::read(&path).expect("the file") == whole, "the same lines are the same bytes");
        assert!(!begun.exists());
        // Two at once would write over one another.
        let lock = fs::File::open(directory(server).join(".lock")).expect("the lock");
        lock.lock().expect("it is had");
        assert!(refused(server, &ARCHIVE).contains("being written by another process"));
    });
}

/// Blocks of archived lines are looked at without the files too.
#[test]
fn a_changed_block_over_archived_lines_is_named() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(8_000).await;
        days_pass(&merchant).await;
        let lines = merchant.all("/v1/balance_transactions").await;
        server.cli(&ARCHIVE);
        are_gone(server, &merchant, lines.last().expect("a line")).await;
        server.verify();
        let changed = |columns: &str| format!("UPDATE journal_block SET {columns} WHERE number = 1");
        let before = "CREATE TABLE kept_block AS SELECT * FROM journal_block WHERE number = 1";
        let back =
            "DELETE FROM journal_block WHERE number = 1; INSERT INTO journal_block SELECT * FROM kept_block";
        say(server, before);
        for columns in ["root = chained", "chained = root", "line_count = line_count + 1"] {
            say(server, &changed(columns));
            assert!(!server.try_cli(&["verify", "--full"]).status.success(), "{columns}");
            say(server, back);
        }
        server.verify();
    });
}

/// Lists by an adjustment of which lines were archived are refused to both merchants, and no other.
#[test]
fn lines_of_an_adjustment_that_were_archived_are_told_of() {
    on_own(&[], async |server| {
        let (giver, paid) = with_available(server, 1_000).await;
        let (receiver, stranger) = (Merchant::new(server).await, Merchant::new(server).await);
        let id = field(&Wish::between(&giver, &receiver, &paid, 300).propose(server, "li"), "id");
        decide(server, "approve", &id, "wei");
        let list = format!("/v1/balance_transactions?source={id}");
        for merchant in [&giver, &receiver] {
            assert_eq!(merchant.all(&list).await.len(), 1);
        }
        days_pass(&giver).await;
        days_pass(&receiver).await;
        let line = receiver.all("/v1/balance_transactions").await.pop().expect("a line");
        server.cli(&ARCHIVE);
        are_gone(server, &receiver, &line).await;
        for merchant in [&giver, &receiver] {
            merchant.client.get(&list).await.expect_problem(410, "lines_archived");
        }
        assert_eq!(stranger.all(&list).await, Vec::<Value>::new());
        assert_eq!((giver.worth().await, receiver.worth().await), (700, 300));
    });
}
