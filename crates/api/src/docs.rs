//! The reference for people: pages rendered here, without scripts or anything from elsewhere.

use crate::pipeline;
use crate::problem::{Code, html_index, html_page};
use crate::state::Shared;
use crate::text::Lang;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;\
background:#fff}h1,h2,h3{line-height:1.25}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}code{background:#f2f2f2;padding:\
0 .25em;border-radius:3px}table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.3rem .5rem;\
text-align:left;vertical-align:top}a{color:#0645ad}button{font:inherit;padding:.6rem 1.2rem;margin:.25rem .5rem .25rem 0}\
.sum{font-size:2rem}@media(prefers-color-scheme:dark){body{background:#161616;color:#e6e6e6}code{background:#2a2a2a}a{color:\
#8ab4f8}}";

/// Nothing but our own style sheet, named by its hash; forms only to ourselves; no frames.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(crypto::sha256(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// Text made safe between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A whole page around a body.
pub fn page(lang: Lang, title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>",
        lang.tag(),
        escape(title)
    )
}

/// A page as an answer.
pub fn html(status: StatusCode, page: String) -> Response {
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `/openapi.json`, `/docs` and the pages of error codes.
pub fn router(state: &Shared) -> Router {
    let (document, reference, codes) = (Arc::clone(state), Arc::clone(state), Arc::clone(state));
    Router::new()
        .route("/openapi.json", get(move || async move { json(document.openapi.clone()) }))
        .route("/docs", get(move || async move { html(StatusCode::OK, reference.reference.clone()) }))
        .route(
            "/docs/errors",
            get(|headers: HeaderMap| async move { html(StatusCode::OK, html_index(Lang::of(&headers))) }),
        )
        .route(
            "/docs/errors/{code}",
            get(move |Path(code): Path<String>, request: Request| async move {
                match Code::parse(&code) {
                    Some(code) => html(StatusCode::OK, html_page(code, Lang::of(request.headers()))),
                    None => pipeline::refuse(codes, Code::RouteNotFound, request).await,
                }
            }),
        )
}

fn json(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The reference page of an OpenAPI document.
pub fn reference(document: &Value) -> String {
    let mut body = String::from("<h1>Feiqian API</h1>");
    let text = |value: &Value| escape(value.as_str().unwrap_or(""));
    let _ = write!(body, "<p>{}</p>", text(at(document, "/info/description")));
    body.push_str("<p><a href=\"/openapi.json\">openapi.json</a> · <a href=\"/docs/errors\">errors</a></p><h2>Routes</h2>");
    for (path, item) in members(at(document, "/paths")) {
        for (method, operation) in members(item) {
            route(&mut body, path, method, operation);
        }
    }
    body.push_str("<h2>Objects</h2>");
    for (name, schema) in members(at(document, "/components/schemas")) {
        object(&mut body, name, schema);
    }
    page(Lang::En, "Feiqian API", &body)
}

/// The value at a JSON pointer, or null.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    static NULL: Value = Value::Null;
    value.pointer(pointer).unwrap_or(&NULL)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn route(body: &mut String, path: &str, method: &str, operation: &Value) {
    let text = |value: &Value| escape(value.as_str().unwrap_or(""));
    let (id, summary) = (text(at(operation, "/operationId")), text(at(operation, "/summary")));
    let (method, path) = (method.to_ascii_uppercase(), escape(path));
    let _ = write!(
        body,
        "<h3 id=\"{id}\"><code>{method} {path}</code></h3><p>{summary} {}</p>",
        ticks(at(operation, "/description"))
    );
    let request = at(operation, "/requestBody/content/application~1json/schema");
    if !request.is_null() {
        let _ = write!(body, "<p>Body: {}</p>", kind(request));
    }
    let parameters = at(operation, "/parameters").as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        body.push_str("<table><tr><th>parameter</th><th>in</th><th>meaning</th></tr>");
        for parameter in parameters {
            let required = if *at(parameter, "/required") == Value::Bool(true) { " (required)" } else { "" };
            let _ = write!(
                body,
                "<tr><td><code>{}</code>{required}</td><td>{}</td><td>{}</td></tr>",
                text(at(parameter, "/name")),
                text(at(parameter, "/in")),
                text(at(parameter, "/description")),
            );
        }
        body.push_str("</table>");
    }
    body.push_str("<table><tr><th>status</th><th>answer</th></tr>");
    for (status, response) in members(at(operation, "/responses")) {
        let shape = kind(at(response, "/content/application~1json/schema"));
        let _ = write!(
            body,
            "<tr><td>{}</td><td>{} {shape}</td></tr>",
            escape(status),
            ticks(at(response, "/description"))
        );
    }
    body.push_str("</table>");
}

/// Text with `code` between backticks; error codes lead to their pages.
fn ticks(value: &Value) -> String {
    let mut out = String::new();
    for (index, part) in value.as_str().unwrap_or("").split('`').enumerate() {
        let part = escape(part);
        match (index % 2, Code::parse(&part)) {
            (0, _) => out.push_str(&part),
            (_, Some(_)) => {
                let _ = write!(out, "<a href=\"/docs/errors/{part}\"><code>{part}</code></a>");
            }
            (_, None) => {
                let _ = write!(out, "<code>{part}</code>");
            }
        }
    }
    out
}

fn object(body: &mut String, name: &str, schema: &Value) {
    let text = |value: &Value| escape(value.as_str().unwrap_or(""));
    let name = escape(name);
    let _ = write!(body, "<h3 id=\"object-{name}\">{name}</h3><p>{}</p>", ticks(at(schema, "/description")));
    let mut rows = String::new();
    let variants = at(schema, "/oneOf").as_array().map_or(&[][..], Vec::as_slice);
    for shape in std::iter::once(schema).chain(variants) {
        for (field, inner) in members(at(shape, "/properties")) {
            let _ = write!(
                rows,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(field),
                kind(inner),
                text(at(inner, "/description"))
            );
        }
    }
    if !rows.is_empty() {
        let _ = write!(body, "<table><tr><th>field</th><th>type</th><th>meaning</th></tr>{rows}</table>");
    }
}

/// A schema's type in a few words, with a link where it has a name.
fn kind(schema: &Value) -> String {
    if let Some(target) = at(schema, "/$ref").as_str() {
        let name = escape(target.rsplit('/').next().unwrap_or(""));
        return format!("<a href=\"#object-{name}\">{name}</a>");
    }
    if let Some(choices) = at(schema, "/oneOf").as_array() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match at(schema, "/type") {
        Value::String(one) if one == "array" => format!("list of {}", kind(at(schema, "/items"))),
        Value::String(one) => escape(one),
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).map(escape).collect::<Vec<_>>().join(" or ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_every_route_and_needs_nothing_from_elsewhere() {
        let routes = crate::routes::Routes::all();
        let page = reference(&crate::openapi::document(&routes));
        for (spec, _) in routes.permissions() {
            assert!(page.contains(&format!("id=\"{}\"", spec.id)), "{}", spec.id);
        }
        assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("src="));
        assert!(page.contains("/docs/errors/payment_not_found"));
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    }
}
