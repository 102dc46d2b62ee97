//! `feiqian.http`, sent from top to bottom as an editor would.

use crate::harness::merchant::text;
use crate::harness::{Client, Merchant, on_own, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// One request of the file.
#[derive(Debug, Default)]
struct Request {
    name: String,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn requests(file: &str) -> Vec<Request> {
    file.split("\n### ").skip(1).map(request).collect()
}

fn request(section: &str) -> Request {
    let mut request = Request::default();
    let (head, body) = section.split_once("\n\n").unwrap_or((section, ""));
    for line in head.lines().skip(1) {
        if let Some(name) = line.strip_prefix("# @name ") {
            request.name = name.to_owned();
        } else if request.method.is_empty() {
            let (method, url) = line.split_once(' ').expect("METHOD URL");
            (request.method, request.url) = (method.to_owned(), url.to_owned());
        } else if let Some((name, value)) = line.split_once(": ") {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    body.trim().clone_into(&mut request.body);
    request
}

/// Puts values in the place of `{{…}}`.
fn filled(template: &str, file: &BTreeMap<&str, String>, answers: &BTreeMap<String, Value>) -> String {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, inside)) = rest.split_once("{{") {
        let (name, after) = inside.split_once("}}").expect("a closed variable");
        out.push_str(before);
        let value = match (name, name.split_once(".response.body.$.")) {
            ("$guid", _) => {
                format!("00000000-0000-4000-8000-{:012}", NUMBERS.fetch_add(1, Ordering::Relaxed))
            }
            (_, Some((answer, way))) => {
                let pointer = format!("/{}", way.replace(['.', '['], "/").replace(']', ""));
                let answer =
                    answers.get(answer).unwrap_or_else(|| panic!("{name}: no request of that name was sent"));
                let value = answer.pointer(&pointer).and_then(Value::as_str);
                value.unwrap_or_else(|| panic!("{name}: not in {answer}")).to_owned()
            }
            (name, None) => file.get(name).unwrap_or_else(|| panic!("{name} is not set")).clone(),
        };
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn method(name: &str) -> &'static str {
    ["GET", "POST", "PATCH", "DELETE"].into_iter().find(|known| *known == name).expect("a method")
}

#[test]
fn every_request_of_the_file_works() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let key = server.cli(&["key", "create", "--merchant", &merchant.id, "--bearer"]);
        let token = text(&key, "bearer");
        let file = server.client().get("/docs/feiqian.http").await.expect(200).text;
        let settings = BTreeMap::from([("base", server.public_url().to_owned()), ("token", token)]);
        let mut answers: BTreeMap<String, Value> = BTreeMap::new();
        let client = Client::new("");
        until("answer of whoami to the key", || async {
            let head = format!("Bearer {}", settings["token"]);
            let call = server.client().call("GET", "/v1/whoami").header("authorization", &head);
            (call.send().await.status == 200).then_some(())
        })
        .await;
        // What can't be sent as it stands wants an id that nothing in the file makes.
        let (story, others): (Vec<_>, Vec<_>) =
            requests(&file).into_iter().partition(|request| !request.url.contains("replace_me"));
        assert!(story.len() > 40, "{} requests, {} others", story.len(), others.len());
        for request in story {
            let mut call = client.call(method(&request.method), &filled(&request.url, &settings, &answers));
            for (name, value) in &request.headers {
                call = call.header(name, &filled(value, &settings, &answers));
            }
            if !request.body.is_empty() {
                call = call.body(filled(&request.body, &settings, &answers).into_bytes());
            }
            let answer = call.send().await;
            assert!((200..300).contains(&answer.status), "{}: {}", request.name, answer.text);
            answers.insert(request.name, answer.json);
        }
    });
}
