//! The documentation as it is served: `/docs` in two languages with a search, the reference of the API, a page per error
//! code, `/openapi.json`, `/llms.txt` and a file of requests. Everything is compiled in; nothing is loaded from elsewhere.

mod answer;
mod reference;
mod tools;

use crate::pipeline;
use crate::problem::{self, Code};
use crate::query::form_value;
use crate::state::Shared;
use crate::text::Lang;
use answer::{Kind, answer, moved};
use axum::Router;
use axum::extract::{Path, RawQuery, Request};
use axum::response::Response;
use axum::routing::get;
use http::header::{ACCEPT, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use site::{Hit, Site};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Results while typing.
const SUGGESTIONS_MAX: usize = 8;

/// The site, rendered when the first reader comes: a server that nobody reads at does not pay for it.
#[derive(Default)]
pub struct Docs {
    built: OnceCell<Arc<Built>>,
}

/// What is made of the OpenAPI document.
struct Built {
    site: Site,
    http_file: String,
    llms: String,
}

impl Docs {
    async fn built(&self, document: &str) -> Arc<Built> {
        let build = || async {
            let document: Value = serde_json::from_str(document).unwrap_or_default();
            // Some tens of milliseconds; the threads that serve payments go on.
            let built = tokio::task::spawn_blocking(move || Arc::new(Built::of(&document))).await;
            built.unwrap_or_else(|_| Arc::new(Built::of(&Value::Null)))
        };
        Arc::clone(self.built.get_or_init(build).await)
    }
}

impl Built {
    fn of(document: &Value) -> Built {
        let site = site(document);
        let (http_file, llms) = (tools::http_file(document), tools::llms(document, &site));
        Built { site, http_file, llms }
    }
}

/// The whole site around an OpenAPI document.
fn site(document: &Value) -> Site {
    let mut generated = problem::pages();
    generated.extend(reference::pages(document));
    Site::build(generated)
}

/// `/docs` and what belongs to it.
pub fn router(state: &Shared) -> Router {
    let mut router = Router::new();
    for lang in Lang::ALL {
        let (home, page) = (Arc::clone(state), Arc::clone(state));
        let prefix = format!("/docs/{}", lang.prefix());
        let (results, suggestions) = (Arc::clone(state), Arc::clone(state));
        router = router
            .route(&format!("{prefix}/"), get(move || async move { moved(lang, "") }))
            .route(&prefix, get(move |request: Request| show(home, lang, "index".to_owned(), request)))
            .route(
                &format!("{prefix}/{{*slug}}"),
                get(move |Path(slug): Path<String>, request: Request| show(page, lang, slug, request)),
            )
            .route(
                &format!("{prefix}/search"),
                get(move |RawQuery(query): RawQuery, headers: HeaderMap| async move {
                    let found = built(&results).await.site.results(lang, &searched_for(query));
                    answer(&headers, Kind::Html, found.into_bytes())
                }),
            )
            .route(
                &format!("{prefix}/search.json"),
                get(move |RawQuery(query): RawQuery, headers: HeaderMap| async move {
                    let hits =
                        built(&suggestions).await.site.search(lang, &searched_for(query), SUGGESTIONS_MAX);
                    answer(&headers, Kind::Json, hits_json(&hits).to_string().into_bytes())
                }),
            );
    }
    let (codes, index, document) = (Arc::clone(state), Arc::clone(state), Arc::clone(state));
    let (assets, files) = (Arc::clone(state), Arc::clone(state));
    let (requests, overview) = (Arc::clone(state), Arc::clone(state));
    router
        .route(
            "/docs/feiqian.http",
            get(move |headers: HeaderMap| async move {
                answer(&headers, Kind::Text, built(&requests).await.http_file.clone().into_bytes())
            }),
        )
        .route(
            "/llms.txt",
            get(move |headers: HeaderMap| async move {
                answer(&headers, Kind::Text, built(&overview).await.llms.clone().into_bytes())
            }),
        )
        .route("/docs", get(|headers: HeaderMap| async move { moved(Lang::of(&headers), "") }))
        .route("/docs/", get(|headers: HeaderMap| async move { moved(Lang::of(&headers), "") }))
        .route("/docs/errors", get(move |request: Request| errors(index, None, request)))
        .route(
            "/docs/errors/{code}",
            get(move |Path(code): Path<String>, request: Request| errors(codes, Some(code), request)),
        )
        .route(
            "/docs/assets/{name}",
            get(move |Path(name): Path<String>, request: Request| file(assets, Site::asset(&name), request)),
        )
        .route(
            "/docs/files/{*path}",
            get(move |Path(path): Path<String>, request: Request| file(files, Site::file(&path), request)),
        )
        .route(
            "/openapi.json",
            get(move |headers: HeaderMap| async move {
                answer(&headers, Kind::Json, document.openapi.clone().into_bytes())
            }),
        )
}

async fn built(state: &Shared) -> Arc<Built> {
    state.docs.built(&state.openapi).await
}

/// A page, or with `.md` its Markdown.
async fn show(state: Shared, lang: Lang, slug: String, request: Request) -> Response {
    let built = built(&state).await;
    let site = &built.site;
    let slug = slug.trim_end_matches('/');
    if slug == "index" && request.uri().path().ends_with("/index") {
        return moved(lang, "");
    }
    let as_markdown = slug.strip_suffix(".md").map(|slug| slug.trim_end_matches(".zh-CN"));
    if let Some(page) = as_markdown.and_then(|slug| site.page(lang, slug)) {
        return answer(request.headers(), Kind::Markdown, page.markdown.as_bytes().to_vec());
    }
    match site.page(lang, slug) {
        Some(page) => answer(request.headers(), Kind::Html, page.html.clone().into_bytes()),
        None => lost(state, lang, request).await,
    }
}

/// `/docs/errors` and `/docs/errors/{code}`, the `type` of problems: in the reader's language.
async fn errors(state: Shared, code: Option<String>, request: Request) -> Response {
    let lang = Lang::of(request.headers());
    let slug = match code.as_deref() {
        None => Some("errors".to_owned()),
        Some(code) => Code::parse(code).map(|code| format!("errors/{}", code.as_str())),
    };
    match slug {
        Some(slug) => show(state, lang, slug, request).await,
        None => lost(state, lang, request).await,
    }
}

async fn file(state: Shared, found: Option<(&'static str, &'static [u8])>, request: Request) -> Response {
    match found {
        Some((media_type, bytes)) => {
            let is_versioned =
                request.uri().query() == Some(&format!("v={}", built(&state).await.site.version()));
            let kind = if is_versioned { Kind::Forever(media_type) } else { Kind::File(media_type) };
            answer(request.headers(), kind, bytes.to_vec())
        }
        None => lost(state, Lang::of(request.headers()), request).await,
    }
}

/// A page for browsers, a problem for programs.
async fn lost(state: Shared, lang: Lang, request: Request) -> Response {
    let accepted = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !accepted.contains("text/html") {
        return pipeline::refuse(state, Code::RouteNotFound, request).await;
    }
    let page = built(&state).await.site.lost(lang);
    let mut headers = request.headers().clone();
    headers.remove(IF_NONE_MATCH);
    let mut response = answer(&headers, Kind::Html, page.into_bytes());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn searched_for(query: Option<String>) -> String {
    query.and_then(|query| form_value(query.as_bytes(), "q")).unwrap_or_default()
}

fn hits_json(hits: &[Hit]) -> Value {
    let hit = |hit: &Hit| json!({ "page": hit.page, "heading": hit.heading, "url": hit.url, "excerpt": hit.excerpt });
    json!({ "data": hits.iter().map(hit).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::Type;

    fn whole() -> (Value, Site) {
        let document = crate::openapi::document(&crate::routes::Routes::all());
        let site = site(&document);
        (document, site)
    }

    fn first(site: &Site, lang: Lang, query: &str) -> String {
        site.search(lang, query, 1).into_iter().next().map(|hit| hit.url).unwrap_or_default()
    }

    #[test]
    fn every_code_and_every_type_of_event_finds_its_section_first() {
        let (_, site) = whole();
        for lang in Lang::ALL {
            let here = lang.prefix();
            for code in Code::ALL {
                assert_eq!(
                    first(&site, lang, code.as_str()),
                    format!("/docs/{here}/errors/{}", code.as_str())
                );
            }
            for kind in Type::ALL {
                let url = first(&site, lang, kind.as_str());
                let known = [format!("/docs/{here}/api/events#types"), format!("/docs/{here}/webhooks")];
                assert!(known.iter().any(|known| url.starts_with(known)), "{}: {url}", kind.as_str());
            }
        }
    }

    /// The name of a field leads to an object or a route that has it.
    #[test]
    fn every_field_finds_a_section_that_defines_it_first() {
        let (document, site) = whole();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for field in schema["properties"].as_object().into_iter().flatten().map(|(field, _)| field) {
                // Plain words lead to what they mean; `data` and `next_cursor` to the rules of lists.
                if !field.contains('_') || field == "next_cursor" || Code::parse(field).is_some() {
                    continue;
                }
                for lang in Lang::ALL {
                    let url = first(&site, lang, field);
                    assert!(
                        url.contains("/api/") || url.contains("/statements"),
                        "{name}.{field} in {lang:?}: {url}"
                    );
                }
            }
        }
    }

    #[test]
    fn words_find_the_page_that_is_about_them() {
        let (_, site) = whole();
        let table = [
            (Lang::En, "refund", "/docs/en/api/refunds"),
            (Lang::En, "quick start", "/docs/en/quick-start"),
            (Lang::En, "merchant_order_no", "/docs/en/api/payments#createPayment"),
            (Lang::En, "fee_returned", "/docs/en/api/refunds#object-Refund"),
            (Lang::En, "available_on", "/docs/en/api/balances#object-BalanceTransaction"),
            (Lang::En, "POST /v1/refunds", "/docs/en/api/refunds#createRefund"),
            (Lang::En, "/v1/sandbox/clock", "/docs/en/api/sandbox#moveSandboxClock"),
            (Lang::En, "idempotancy key reused", "/docs/en/errors/idempotency_key_reused"),
            (Lang::En, "pay_after_close", "/docs/en/sandbox#making-it-misbehave"),
            (Lang::En, "money", "/docs/en/api#money"),
            (Lang::En, "my webhook never arrives", "/docs/en/faq#my-webhook-never-arrives"),
            (Lang::En, "2040", "/docs/en/books#accounts"),
            (Lang::Zh, "快速开始", "/docs/zh/quick-start"),
            (Lang::Zh, "退款", "/docs/zh/api/refunds"),
            (Lang::Zh, "收不到回调", "/docs/zh/faq#收不到回调"),
            (Lang::Zh, "错误码", "/docs/zh/errors"),
            (Lang::Zh, "余额", "/docs/zh/api/balances"),
            (Lang::Zh, "金额", "/docs/zh/api#金额"),
            (Lang::Zh, "接收 webhook", "/docs/zh/quick-start#接收-webhook"),
            (Lang::Zh, "payment.succeeded", "/docs/zh/api/events#types"),
            (Lang::Zh, "怎么退一部分", "/docs/zh/quick-start#退一部分"),
        ];
        let mut wrong = Vec::new();
        for (lang, query, wanted) in table {
            let hits: Vec<String> = site.search(lang, query, 4).into_iter().map(|hit| hit.url).collect();
            if hits.first().is_none_or(|first| first != wanted) {
                wrong.push(format!("{query}: {wanted} is not first of {hits:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
