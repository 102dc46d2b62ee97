//! `feiqian.http`, sent from top to bottom as an editor would.

use crate::cases_b::python;
use crate::harness::merchant::text;
use crate::harness::{Answer, Client, Merchant, on_own, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// One request of the file.
#[derive(Debug, Default)]
struct Request {
    name: String,
    operation: String,
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
        if let Some(operation) = line.strip_prefix("# @operation ") {
            request.operation = operation.to_owned();
        } else if let Some(name) = line.strip_prefix("# @name ") {
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

async fn judged(document: Value, exchanges: Vec<Value>) -> Value {
    let told = json!({ "document": document, "exchanges": exchanges });
    tokio::task::spawn_blocking(move || python::run("openapi_judge.py", &told)).await.expect("it ran")
}

/// Refusals of several kinds, as exchanges.
async fn refused(merchant: &Merchant<'_>) -> Vec<Value> {
    let mut order = merchant.order("bar_code", 100, None);
    order["amount"]["value"] = json!("1.00");
    order["tea"] = json!("green");
    let exchanges = [
        ("createPayment", merchant.create(&order).send().await),
        ("showPayment", merchant.client.get("/v1/payments/pay_x").await),
        ("whoami", merchant.server.client().get("/v1/whoami").await),
        ("createApiKey", merchant.client.post("/v1/api_keys", &json!({ "name": "a" })).send().await),
    ];
    let exchange = |(operation, answer): (&str, Answer)| {
        assert!(answer.status >= 400, "{operation}: {}", answer.text);
        json!({ "operation": operation, "sent": null, "status": answer.status, "received": answer.json })
    };
    exchanges.into_iter().map(exchange).collect()
}

/// The file is sent from top to bottom; the document, every request and every answer are judged by others' packages.
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
        let mut exchanges = Vec::new();
        for request in story {
            let mut call = client.call(method(&request.method), &filled(&request.url, &settings, &answers));
            for (name, value) in &request.headers {
                call = call.header(name, &filled(value, &settings, &answers));
            }
            let body = filled(&request.body, &settings, &answers);
            let sent: Value = serde_json::from_str(&body).unwrap_or_default();
            if !body.is_empty() {
                call = call.body(body.into_bytes());
            }
            let answer = call.send().await;
            assert!((200..300).contains(&answer.status), "{}: {}", request.name, answer.text);
            exchanges.push(json!({
                "operation": request.operation, "sent": sent, "status": answer.status, "received": answer.json,
            }));
            answers.insert(request.name, answer.json);
        }
        exchanges.extend(refused(&merchant).await);
        let document = server.client().get("/openapi.json").await.expect(200).json;
        let faults = judged(document.clone(), exchanges.clone()).await;
        assert_eq!(faults, json!([]), "judged by packages that are not ours");
        // A judge who finds nothing must be able to.
        let mut falsified =
            exchanges.into_iter().find(|one| one["operation"] == "createPayment").expect("a payment");
        falsified["received"]["tea"] = json!("green");
        falsified["received"]["amount"]["value"] = json!("12.50");
        let faults = judged(document, vec![falsified]).await;
        assert_eq!(faults.as_array().map(Vec::len), Some(2), "{faults}");
    });
}
