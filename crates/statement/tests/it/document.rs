//! The committed pages show the columns as the code has them.

use statement::{Lang, document};
use std::path::Path;

const BEGIN: &str = "<!-- columns: printed from the code by `make docs` -->\n";
const END: &str = "<!-- end of columns -->\n";

/// With `UPDATE_DOCS=1` the part between the marks is written instead of compared.
#[test]
fn the_committed_columns_are_those_of_the_code() {
    for (lang, file) in [(Lang::En, "statements.md"), (Lang::Zh, "statements.zh-CN.md")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) =
            page.split_once(BEGIN).unwrap_or_else(|| panic!("docs/{file} has no mark {BEGIN}"));
        let (committed, after) =
            rest.split_once(END).unwrap_or_else(|| panic!("docs/{file} has no mark {END}"));
        let printed = format!("\n{}\n", document::render(lang));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{printed}{END}{after}")).unwrap();
            continue;
        }
        assert!(committed == printed, "docs/{file} is out of date: run `make docs`");
    }
}
