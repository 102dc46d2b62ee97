//! The table of outcomes in the documents is the one in the code.

use channels::sandbox::outcomes_table;
use std::path::Path;

const BEGIN: &str = "<!-- outcomes: rendered from the code, `make docs` writes it again -->";
const END: &str = "<!-- /outcomes -->";

#[test]
fn the_committed_page_has_the_outcomes_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("docs/sandbox.md has its table's beginning");
    let (_, after) = rest.split_once(END).expect("docs/sandbox.md has its table's end");
    let wanted = format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", outcomes_table().trim());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(page == wanted, "docs/sandbox.md differs from the code: run `make docs`");
}
