//! Every link of the served site is followed, from both home pages to the end; every anchor is there.

use crate::harness::{Answer, Server, on_shared};
use api::Code;
use std::collections::{BTreeMap, BTreeSet};

/// More pages than this the site doesn't have: a link that makes new ones for ever would be found here.
const PAGES_MAX: usize = 3_000;

/// Values of an attribute in a page.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let mark = format!(" {name}=\"");
    let values = html.split(mark.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|value| value.replace("&amp;", "&").replace("&#39;", "'")).collect()
}

/// An anchor without its `%E6…`.
fn decoded(anchor: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = anchor.bytes();
    while let Some(byte) = rest.next() {
        let digits: Vec<u8> = if byte == b'%' { rest.by_ref().take(2).collect() } else { Vec::new() };
        let code = std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(byte));
    }
    String::from_utf8(bytes).expect("UTF-8")
}

async fn fetched(server: &Server, path: &str) -> Answer {
    let call =
        server.client().call("GET", path).header("accept", "text/html,*/*").header("accept-language", "en");
    call.send().await
}

#[test]
fn every_link_of_the_site_leads_somewhere() {
    on_shared(async |server| {
        let mut open: Vec<String> =
            ["/docs", "/docs/en", "/docs/zh", "/docs/errors", "/llms.txt"].map(str::to_owned).into();
        open.extend(Code::ALL.iter().map(|code| format!("/docs/errors/{}", code.as_str())));
        let mut anchors: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut wanted: BTreeSet<(String, String, String)> = BTreeSet::new();
        while let Some(path) = open.pop() {
            if anchors.contains_key(&path) {
                continue;
            }
            assert!(anchors.len() < PAGES_MAX, "more than {PAGES_MAX} pages");
            let answer = fetched(server, &path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
            let is_page = answer.header("content-type").starts_with("text/html");
            let ids = if is_page { attributes(&answer.text, "id") } else { Vec::new() };
            anchors.insert(path.clone(), ids.into_iter().collect());
            let targets = match (is_page, path.as_str()) {
                (true, _) => [attributes(&answer.text, "href"), attributes(&answer.text, "src")].concat(),
                (false, "/llms.txt") => answer
                    .text
                    .split("](")
                    .skip(1)
                    .filter_map(|rest| rest.split(')').next())
                    .map(str::to_owned)
                    .collect(),
                (false, _) => Vec::new(),
            };
            for target in targets {
                let outside = target.starts_with("https://");
                assert!(
                    outside || target.starts_with(['/', '#']),
                    "{path}: {target} is neither ours nor https"
                );
                if outside {
                    continue;
                }
                let (page, anchor) = target.split_once('#').unwrap_or((&target, ""));
                let page = if page.is_empty() { path.clone() } else { page.to_owned() };
                if !anchor.is_empty() {
                    wanted.insert((path.clone(), page.clone(), decoded(anchor)));
                }
                open.push(page);
            }
        }
        let lost: Vec<_> = wanted
            .iter()
            .filter(|(_, page, anchor)| anchors.get(page).is_none_or(|known| !known.contains(anchor)))
            .collect();
        assert!(lost.is_empty(), "anchors that are not there (from, page, anchor): {lost:#?}");
        assert!(anchors.len() > 2 * Code::ALL.len(), "only {} pages were found", anchors.len());
    });
}

#[test]
fn languages_are_found_by_the_reader() {
    on_shared(async |server| {
        for (language, place, words) in
            [("zh-CN,zh;q=0.9", "/docs/zh", "飞钱文档"), ("en", "/docs/en", "Feiqian documentation")]
        {
            let call = server.client().call("GET", "/docs").header("accept-language", language);
            let home = call.send().await.expect(200);
            assert!(
                home.text.contains(words)
                    && home.text.contains(&format!("rel=\"canonical\" href=\"{place}\"")),
                "{language}"
            );
            // The `type` of a problem has one address and speaks the reader's language.
            let call = server
                .client()
                .call("GET", "/docs/errors/amount_invalid")
                .header("accept-language", language);
            let page = call.send().await.expect(200);
            assert!(page.text.contains(&format!("href=\"{place}/errors/amount_invalid\"")), "{language}");
            assert_eq!(page.header("vary"), "accept-language");
        }
        let lost = fetched(server, "/docs/zh/nothing").await.expect(404);
        assert!(lost.text.contains("没有这个页面"), "{}", lost.text);
        server.client().get("/docs/en/nothing").await.expect_problem(404, "route_not_found");
    });
}

#[test]
fn search_answers_as_a_page_and_as_data() {
    on_shared(async |server| {
        let found = server.client().get("/docs/zh/search.json?q=%E9%80%80%E6%AC%BE").await.expect(200);
        assert_eq!(found["data"][0]["url"], "/docs/zh/api/refunds", "{}", found.text);
        let page = server.client().get("/docs/en/search?q=%3Cscript%3E+refund").await.expect(200);
        assert!(
            page.text.contains("/docs/en/api/refunds") && !page.text.contains("<script>"),
            "{}",
            page.text
        );
        for query in ["", "q=", "q=%", "q=%ff", "x=1", "q=zzzzqqqq", &format!("q={}", "refund+".repeat(300))]
        {
            server.client().get(&format!("/docs/en/search?{query}")).await.expect(200);
            server.client().get(&format!("/docs/en/search.json?{query}")).await.expect(200);
        }
    });
}

#[test]
fn files_for_tools_are_the_committed_ones() {
    on_shared(async |server| {
        for (address, file) in [
            ("/openapi.json", "openapi/feiqian.json"),
            ("/docs/feiqian.http", "openapi/feiqian.http"),
            ("/llms.txt", "openapi/llms.txt"),
            ("/docs/en/quick-start.md", "docs/quick-start.md"),
            ("/docs/zh/quick-start.md", "docs/quick-start.zh-CN.md"),
        ] {
            let served = server.client().get(address).await.expect(200);
            let committed =
                std::fs::read_to_string(format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"))).expect(file);
            assert!(served.text == committed, "{address} is not {file}");
        }
    });
}
