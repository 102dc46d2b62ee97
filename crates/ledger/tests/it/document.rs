//! The committed page of the books says what the code does.

use std::path::Path;

#[test]
fn the_committed_page_is_what_the_code_renders() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/books.md");
    let rendered = ledger::document::render();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &rendered).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == rendered, "docs/books.md is stale: run `UPDATE_DOCS=1 cargo test -p ledger`");
}
