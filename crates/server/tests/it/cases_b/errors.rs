//! R65: every error code has one text in each language, one status and one page; what the document names is in the table.

use crate::harness::on_shared;
use api::Code;
use std::collections::{BTreeMap, BTreeSet};

/// `docs/errors*.md`: code → (title, status).
fn written(text: &str) -> BTreeMap<String, (String, u16)> {
    let mut sections = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let mut lines = section.lines().filter(|line| !line.is_empty());
        let code = lines.next().expect("a name").trim().to_owned();
        let title = lines.next().expect("a sentence").to_owned();
        let status =
            lines.find_map(|line| line.strip_prefix("* ")?.split_once([':', '：'])?.1.trim().parse().ok());
        let status = status.unwrap_or_else(|| panic!("{code} has no status"));
        assert!(sections.insert(code.clone(), (title, status)).is_none(), "{code} stands twice");
    }
    sections
}

fn page_of(name: &str) -> String {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

#[test]
fn r65_every_code_has_one_text_one_status_one_page() {
    on_shared(async |server| {
        let (english, chinese) = (written(&page_of("errors.md")), written(&page_of("errors.zh-CN.md")));
        let codes: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
        assert_eq!(codes.len(), Code::ALL.len(), "a code stands twice");
        for (pages, lang) in [(&english, "en"), (&chinese, "zh-CN")] {
            assert_eq!(pages.keys().cloned().collect::<BTreeSet<_>>(), codes, "{lang}");
            let titles: BTreeSet<&String> = pages.values().map(|(title, _)| title).collect();
            assert_eq!(titles.len(), codes.len(), "{lang}: two codes share a text");
        }
        for code in Code::ALL {
            let (name, row) = (code.as_str(), code.row());
            assert_eq!(english[name].1, row.status, "{name}");
            assert_eq!(chinese[name].1, row.status, "{name}");
            for (lang, pages) in [("en", &english), ("zh-CN", &chinese)] {
                let call = server.client().call("GET", &format!("/docs/errors/{name}"));
                let page = call.header("accept-language", lang).send().await.expect(200);
                let title = pages[name].0.replace('\'', "&#39;").replace('"', "&quot;");
                assert!(page.text.contains(&title), "{name} in {lang} lacks: {title}");
                assert!(page.text.contains(&row.status.to_string()), "{name} in {lang} names no status");
            }
        }
        let index = server.client().get("/docs/errors").await.expect(200);
        for code in &codes {
            assert!(index.text.contains(code.as_str()), "the index lacks {code}");
        }
        server.client().get("/docs/errors/tea_cold").await.expect_problem(404, "route_not_found");
    });
}

/// Codes named in the served document, route by route, stand under their own status.
#[test]
fn r65_the_document_names_codes_under_their_status() {
    on_shared(async |server| {
        let document = server.client().get("/openapi.json").await.expect(200);
        let mut named = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                for (status, answer) in operation["responses"].as_object().expect("answers") {
                    let Some(text) = answer["description"].as_str().filter(|_| status.as_str() >= "400")
                    else {
                        continue;
                    };
                    for name in text.split('`').skip(1).step_by(2) {
                        let code =
                            Code::parse(name).unwrap_or_else(|| panic!("{method} {path}: {name} is no code"));
                        assert_eq!(code.row().status.to_string(), *status, "{method} {path}: {name}");
                        named.insert(name.to_owned());
                    }
                }
            }
        }
        let missing: Vec<&str> =
            Code::ALL.iter().map(|code| code.as_str()).filter(|code| !named.contains(*code)).collect();
        // Of reserved capabilities, and of what no route could name.
        let reserved = [
            "cursor_invalid",
            "cursor_expired",
            "unknown_expansion",
            "route_not_found",
            "capture_not_found",
            "statement_not_found",
            "statement_not_ready",
        ];
        assert!(missing.iter().all(|code| reserved.contains(code)), "no route names {missing:?}");
    });
}

/// The answer speaks the reader's language, by the same texts as the page.
#[test]
fn r65_answers_speak_the_language_asked_for() {
    on_shared(async |server| {
        let chinese = written(&page_of("errors.zh-CN.md"));
        let english = written(&page_of("errors.md"));
        for (lang, pages) in
            [("zh-CN,zh;q=0.9", &chinese), ("zh", &chinese), ("en-GB", &english), ("fr", &english)]
        {
            let call = server.client().call("GET", "/v1/whoami").header("accept-language", lang);
            let answer = call.send().await.expect_problem(401, "credentials_missing");
            assert_eq!(answer["title"], pages["credentials_missing"].0.as_str(), "{lang}");
            let page = answer["type"].as_str().expect("a page").to_owned();
            assert_eq!(page, format!("{}/docs/errors/credentials_missing", server.public_url()));
        }
    });
}
