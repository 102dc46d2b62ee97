//! Methods that a path does not have.

use crate::harness::on_shared;
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

/// A path that is there answers 405 to every method that the document does not name, to anybody, before anything is looked up.
#[test]
fn no_path_takes_a_method_that_the_document_does_not_name() {
    on_shared(async |server| {
        let document = server.client().get("/openapi.json").await.expect(200).json;
        let paths: BTreeMap<&str, BTreeSet<String>> = document["paths"]
            .as_object()
            .expect("paths")
            .iter()
            .map(|(path, operations)| {
                let methods = operations.as_object().expect("operations").keys();
                (path.as_str(), methods.map(|method| method.to_uppercase()).collect())
            })
            .collect();
        let mut tried = 0;
        for (path, methods) in &paths {
            for method in METHODS.into_iter().filter(|method| !methods.contains(*method)) {
                let answer = server.client().call(method, path).send().await;
                answer.expect_problem(405, "method_not_allowed");
                tried += 1;
            }
            // HEAD is GET without the body: as closed as GET.
            let head = server.client().call("HEAD", path).send().await;
            assert_eq!(head.status, if methods.contains("GET") { 401 } else { 405 }, "HEAD {path}");
        }
        assert!(tried > 4 * paths.len(), "{tried} methods tried on {} paths", paths.len());
    });
}
