//! The table of outcomes in the documents is the one in the code, in both languages.

use channels::sandbox::{TableLanguage, outcomes_table};
use std::path::Path;

const BEGIN: &str = "<!-- outcomes: rendered from the code, `make docs` writes it again -->";
const END: &str = "<!-- /outcomes -->";

#[test]
fn the_committed_pages_have_the_outcomes_of_the_code() {
    for (name, language) in
        [("sandbox.md", TableLanguage::English), ("sandbox.zh-CN.md", TableLanguage::Chinese)]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap_or_else(|| panic!("docs/{name} lacks {BEGIN}"));
        let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("docs/{name} lacks {END}"));
        let wanted = format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", outcomes_table(language).trim());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, wanted).unwrap();
        } else {
            assert!(page == wanted, "docs/{name} differs from the code: run `make docs`");
        }
    }
}
