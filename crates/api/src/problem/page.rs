//! One page per code: for the browser and, in `docs/`, for the repository.

use super::Code;
use crate::docs::{escape, page};
use crate::text::Lang;
use std::fmt::Write as _;

struct Words {
    title: &'static str,
    lead: &'static str,
    status: &'static str,
    retryable: &'static str,
    yes: &'static str,
    no: &'static str,
    remedy: &'static str,
}

fn words(lang: Lang) -> Words {
    match lang {
        Lang::En => Words {
            title: "Errors",
            lead: "Every refusal is an application/problem+json document. Decide by `code`; texts may change. This page is \
                   printed from the table in the program.",
            status: "Status",
            retryable: "The same request may succeed later",
            yes: "yes",
            no: "no",
            remedy: "What to do",
        },
        Lang::Zh => Words {
            title: "错误码",
            lead: "所有拒绝都以 application/problem+json 文档回答。请以 `code` 判断，文字可能调整。本页由程序中的表生成。",
            status: "状态码",
            retryable: "同一请求稍后可能成功",
            yes: "是",
            no: "否",
            remedy: "处理办法",
        },
    }
}

/// The whole table as Markdown, one section per code: the files in `docs/`.
#[cfg(test)]
fn markdown(lang: Lang) -> String {
    let words = words(lang);
    let mut out = format!("# {}\n\n{}\n", words.title, words.lead);
    for code in Code::ALL {
        let row = code.row();
        let yes_no = if row.retryable { words.yes } else { words.no };
        let _ = write!(
            out,
            "\n## {}\n\n{}\n\n* {}: {}\n* {}: {yes_no}\n* {}: {}\n",
            row.code,
            row.title.pick(lang),
            words.status,
            row.status,
            words.retryable,
            words.remedy,
            row.remedy.pick(lang),
        );
    }
    out
}

/// The list of codes for a browser.
pub fn html_index(lang: Lang) -> String {
    let words = words(lang);
    let mut body = format!("<h1>{}</h1><p>{}</p><table>", words.title, escape(words.lead));
    for code in Code::ALL {
        let row = code.row();
        let _ = write!(
            body,
            "<tr><td>{}</td><td><a href=\"/docs/errors/{code}\"><code>{code}</code></a></td><td>{}</td></tr>",
            row.status,
            escape(row.title.pick(lang)),
            code = row.code,
        );
    }
    body.push_str("</table>");
    page(lang, words.title, &body)
}

/// One code's page for a browser.
pub fn html_page(code: Code, lang: Lang) -> String {
    let (words, row) = (words(lang), code.row());
    let yes_no = if row.retryable { words.yes } else { words.no };
    let body = format!(
        "<p><a href=\"/docs/errors\">{}</a></p><h1><code>{}</code></h1><p>{}</p>\
         <dl><dt>{}</dt><dd>{}</dd><dt>{}</dt><dd>{yes_no}</dd><dt>{}</dt><dd>{}</dd></dl>",
        words.title,
        row.code,
        escape(row.title.pick(lang)),
        words.status,
        row.status,
        words.retryable,
        words.remedy,
        escape(row.remedy.pick(lang)),
    );
    page(lang, row.code, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_DOCS=1` the files are written instead of compared.
    #[test]
    fn the_committed_pages_are_the_table() {
        for (lang, file) in [(Lang::En, "errors.md"), (Lang::Zh, "errors.zh-CN.md")] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
            let printed = markdown(lang);
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &printed).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == printed, "docs/{file} is out of date: run the tests with UPDATE_DOCS=1");
        }
    }
}
