//! That the judge judges: documents with one false word each.

use super::trial::{PATIENT, Trial};
use crate::harness::on_own;
use serde_json::{Value, json};

type Lie = (&'static str, fn(&mut Value), &'static str);

/// What is said falsely, how, and what must be found.
const LIES: [Lie; 4] = [
    (
        "a field has another type",
        |document| {
            document["components"]["schemas"]["Balance"]["properties"]["currency"] =
                json!({ "type": "integer" })
        },
        "Response violates schema",
    ),
    (
        "a status is not named",
        |document| {
            let answers = document["paths"]["/v1/balances"]["get"]["responses"].as_object_mut();
            answers.expect("answers").remove("200").expect("200");
        },
        "Undocumented status code",
    ),
    (
        "another media type",
        |document| {
            let answer = &mut document["paths"]["/v1/balances"]["get"]["responses"]["200"];
            answer["content"] = json!({ "text/csv": { "schema": { "type": "string" } } });
        },
        "Undocumented Content-Type",
    ),
    (
        "a key is needed where none is",
        |document| {
            let balances = document["paths"]["/v1/balances"].take();
            let paths = json!({ "/docs/feiqian.http": balances });
            document["paths"] = paths;
            let answer = json!({ "200": { "description": "A file.", "content": { "text/plain": { "schema": { "type": "string" } } } } });
            document["paths"]["/docs/feiqian.http"]["get"]["responses"] = answer;
        },
        "API accepts requests without authentication",
    ),
];

#[test]
fn a_document_with_a_false_word_is_found_out() {
    on_own(PATIENT, async |server| {
        let trial = Trial::new(server).await;
        let served = server.client().get("/openapi.json").await.expect(200).json;
        let only = [
            "--include-operation-id",
            "listBalances",
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "3",
        ];
        for (what, tell, found) in LIES {
            let mut document = served.clone();
            tell(&mut document);
            let path = server.dir().join("lie.json");
            std::fs::write(&path, document.to_string()).expect("it is written");
            let report = trial.run(&path.display().to_string(), &only).await;
            assert!(
                !report.passed && report.complaints().contains(found),
                "{what}: {:?}\n{}",
                report.complaints(),
                report.output
            );
        }
    });
}
