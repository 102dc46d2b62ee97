//! One page per code: on the site and, in `docs/`, for the repository.

use super::Code;
use super::happened::happened;
use crate::text::Lang;
use site::{Group, Source};
use std::collections::BTreeSet;
use std::fmt::Write as _;

struct Words {
    title: &'static str,
    lead: &'static str,
    code: &'static str,
    meaning: &'static str,
    colon: &'static str,
    status: &'static str,
    retryable: &'static str,
    yes: &'static str,
    no: &'static str,
    happened: &'static str,
    remedy: &'static str,
    all: &'static str,
}

fn words(lang: Lang) -> Words {
    match lang {
        Lang::En => Words {
            title: "Errors",
            lead: "Every refusal is an `application/problem+json` document (RFC 9457). Decide by `code`: it is never renamed, while \
                   the texts may change. `detail` says more about the case at hand, `errors` names each field, `request_id` finds \
                   it in the server's log. This page is printed from the table in the program.",
            code: "code",
            meaning: "meaning",
            colon: ": ",
            status: "Status",
            retryable: "The same request may succeed later",
            yes: "yes",
            no: "no",
            happened: "What happened.",
            remedy: "What to do.",
            all: "All codes",
        },
        Lang::Zh => Words {
            title: "错误码",
            lead: "所有拒绝都以 `application/problem+json`（RFC 9457）文档回答。请以 `code` 判断：它不会改名，而文字可能调整。\
                   `detail` 说明本次的具体情况，`errors` 指出每个字段，凭 `request_id` 可在服务器日志中查到。本页由程序中的表生成。",
            code: "错误码",
            meaning: "含义",
            colon: "：",
            status: "状态码",
            retryable: "同一请求稍后可能成功",
            yes: "是",
            no: "否",
            happened: "发生了什么。",
            remedy: "怎么办。",
            all: "全部错误码",
        },
    }
}

/// What is said of a code under its heading.
fn section(code: Code, lang: Lang) -> String {
    let (words, row) = (words(lang), code.row());
    let yes_no = if row.retryable { words.yes } else { words.no };
    let colon = words.colon;
    format!(
        "{}\n\n* {}{colon}{}\n* {}{colon}{yes_no}\n\n**{}** {}\n\n**{}** {}\n",
        row.title.pick(lang),
        words.status,
        row.status,
        words.retryable,
        words.happened,
        happened(code).pick(lang),
        words.remedy,
        row.remedy.pick(lang),
    )
}

/// The whole table as Markdown, one section per code: the files in `docs/`.
#[cfg(test)]
fn markdown(lang: Lang) -> String {
    let words = words(lang);
    let mut out = format!("# {}\n\n{}\n", words.title, words.lead);
    for code in Code::ALL {
        let _ = write!(out, "\n## {}\n\n{}", code.as_str(), section(*code, lang));
    }
    out
}

/// The list of codes, by status.
fn index(lang: Lang) -> String {
    let words = words(lang);
    let mut out = format!("# {}\n\n{}\n", words.title, words.lead);
    let statuses: BTreeSet<u16> = Code::ALL.iter().map(|code| code.row().status).collect();
    for status in statuses {
        let _ = write!(out, "\n## {status}\n\n| {} | {} |\n| --- | --- |\n", words.code, words.meaning);
        for row in Code::ALL.iter().map(|code| code.row()).filter(|row| row.status == status) {
            let link = format!("/docs/{}/errors/{}", lang.prefix(), row.code);
            let _ = writeln!(out, "| [`{}`]({link}) | {} |", row.code, row.title.pick(lang));
        }
    }
    out
}

/// The list and a page for each code, for the site.
pub fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for lang in Lang::ALL {
        let words = words(lang);
        sources.push(Source {
            slug: "errors".to_owned(),
            lang,
            group: Group::Integrate,
            nav: Some(words.title.to_owned()),
            parent: None,
            markdown: index(lang).into(),
        });
        sources.extend(Code::ALL.iter().map(|code| {
            Source {
                slug: format!("errors/{}", code.as_str()),
                lang,
                group: Group::Integrate,
                nav: None,
                parent: Some("errors".to_owned()),
                markdown: format!(
                    "# `{}`\n\n{}\n[{}](/docs/{}/errors)\n",
                    code.as_str(),
                    section(*code, lang),
                    words.all,
                    lang.prefix()
                )
                .into(),
            }
        }));
    }
    sources
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
