//! The committed pages of the books say what the code does.

use ledger::document::{Language, render};
use std::path::Path;

#[test]
fn the_committed_page_is_what_the_code_renders() {
    for (language, name) in [(Language::English, "books.md"), (Language::Chinese, "books.zh-CN.md")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
        let rendered = render(language);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &rendered).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == rendered, "docs/{name} is stale: run `UPDATE_DOCS=1 cargo test -p ledger`");
    }
}
