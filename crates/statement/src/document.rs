//! The tables of `docs/statements.md` and its Chinese sister, printed from the columns.

use crate::Lang;
use crate::column::{Column, Meaning, columns, types};
use crate::words::{self, LineType, Word};
use domain::payment::Scene;
use domain::statement::{Kind, SCHEMA};
use ledger::{Bucket, Category};
use std::fmt::Write as _;

/// What stands between the marks of a page: a table for each kind, and the words.
pub fn render(lang: Lang) -> String {
    let mut out = String::new();
    for kind in Kind::ALL {
        let title = match (lang, kind) {
            (Lang::En, Kind::Trade) => "Columns of `trade`",
            (Lang::En, Kind::FundFlow) => "Columns of `fund_flow`",
            (Lang::Zh, Kind::Trade) => "交易对账单（`trade`）的列",
            (Lang::Zh, Kind::FundFlow) => "资金流水（`fund_flow`）的列",
        };
        let head = match lang {
            Lang::En => "| | column | Chinese header | types of lines | what it holds |",
            Lang::Zh => "| | 列名 | 中文表头 | 行类型 | 内容 |",
        };
        let _ = write!(out, "### {title}\n\n{head}\n| --- | --- | --- | --- | --- |\n");
        for (number, column) in (1..).zip(columns(*kind, SCHEMA)) {
            rows(&mut out, number, column, types(*kind).len(), lang);
        }
        out.push('\n');
    }
    words_table(&mut out, lang);
    out
}

fn rows(out: &mut String, number: usize, column: &Column, types: usize, lang: Lang) {
    for (at, meaning) in column.meanings.iter().enumerate() {
        let (name, zh) = (column.name, column.zh);
        let what = match lang {
            Lang::En => meaning.en,
            Lang::Zh => meaning.zh,
        };
        let of = of_types(meaning, types, lang);
        let _ = match at {
            0 => writeln!(out, "| {number} | `{name}` | {zh} | {of} | {what} |"),
            _ => writeln!(out, "| | | | {of} | {what} |"),
        };
    }
}

fn of_types(meaning: &Meaning, all: usize, lang: Lang) -> String {
    if meaning.types.len() == all {
        return match lang {
            Lang::En => "all".to_owned(),
            Lang::Zh => "全部".to_owned(),
        };
    }
    let names: Vec<String> =
        meaning.types.iter().map(|line_type| format!("`{}`", line_type.word().code)).collect();
    names.join(", ")
}

fn words_table(out: &mut String, lang: Lang) {
    let types = Kind::ALL.iter().flat_map(|kind| types(*kind)).map(|line_type: &LineType| line_type.word());
    let platform = [Category::Cost, Category::Authorization, Category::Held];
    let categories = Category::ALL.into_iter().filter(|c| !platform.contains(c)).map(words::category);
    let sets: [(&str, Vec<Word>); 4] = [
        ("type", types.collect()),
        ("account", Bucket::ALL.into_iter().map(words::bucket).collect()),
        ("category", categories.collect()),
        ("scene", Scene::ALL.iter().map(|scene| words::scene(*scene)).collect()),
    ];
    let (title, head) = match lang {
        Lang::En => ("Words", "| column | code | in Chinese files |"),
        Lang::Zh => ("取值", "| 列名 | 代码 | 中文文件中 |"),
    };
    let _ = write!(out, "### {title}\n\n{head}\n| --- | --- | --- |\n");
    for (column, words) in sets {
        for word in words {
            let _ = writeln!(out, "| `{column}` | `{}` | {} |", word.code, word.zh);
        }
    }
}
