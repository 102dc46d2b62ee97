//! `llms.txt`: what there is and where, for language models that help a merchant's developer.

use crate::text::Lang;
use serde_json::Value;
use site::Site;
use std::fmt::Write as _;

const HEAD: &str = "# Feiqian 飞钱\n\n\
    > A self-hosted third-party payment platform: one binary that takes payments over many channels, keeps double-entry books, gives \
    refunds and tells merchants' programs by signed webhooks. This file says what its API and its documents are; all links are on this \
    host, and each page is Markdown.\n\n\
    What programs must get right:\n\n\
    - Money is an integer number of minor units: CNY 12.50 is `{\"value\": 1250, \"currency\": \"CNY\"}`. Never a float, never a string.\n\
    - A retry carries the same `merchant_order_no`, `merchant_refund_no` or `Idempotency-Key`. A new number is a new payment.\n\
    - Only `status` `succeeded` means paid. An unknown status is not final: ask again.\n\
    - A declined payment is a 201 with `status` and `failure`; refusals are `application/problem+json` with a stable `code`.\n\
    - Webhooks: check the signature over the raw body, answer 2xx at once, expect duplicates, ask the API when in doubt.\n\
    - Sandbox: `Authorization: Bearer fqsk_sandbox_…`. Live: HTTP message signatures (RFC 9421) with Content-Digest.\n";

/// The file.
pub(in crate::docs) fn llms(document: &Value, site: &Site) -> String {
    let mut out = HEAD.to_owned();
    for (lang, guides, reference) in [(Lang::En, "Guides", "API reference"), (Lang::Zh, "指南", "接口文档")]
    {
        for (title, is_reference) in [(guides, false), (reference, true)] {
            let _ = write!(out, "\n## {title}\n\n");
            for (name, slug) in site.listed(lang).filter(|(_, slug)| slug.starts_with("api") == is_reference)
            {
                let lead = site.page(lang, slug).map_or("", |page| page.lead.as_str());
                let _ =
                    writeln!(out, "- [{name}](/docs/{}/{slug}.md): {}", lang.prefix(), first_sentence(lead));
            }
        }
        if lang == Lang::En {
            routes(&mut out, document);
        }
    }
    out.push_str(
        "\n## Optional\n\n- [OpenAPI 3.1](/openapi.json): the whole contract for generators\n\
         - [Requests for editors](/docs/feiqian.http): every route once, with a body that works\n",
    );
    out
}

fn routes(out: &mut String, document: &Value) {
    out.push_str("\n## Routes\n\n");
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let summary = operation["summary"].as_str().unwrap_or("");
            let _ = writeln!(out, "- `{} {path}`: {summary}", method.to_ascii_uppercase());
        }
    }
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").map(|at| at + 1).or_else(|| text.find('。').map(|at| at + '。'.len_utf8()));
    text.get(..end.unwrap_or(text.len())).unwrap_or(text)
}
