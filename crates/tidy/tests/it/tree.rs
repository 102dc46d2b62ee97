//! The source tree as the tests see it: relative paths and texts.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
pub struct File {
    /// Its path from the root of the repository, with slashes.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl File {
    /// The crate that it belongs to: the folder under `crates/`, or `bench`.
    pub fn crate_name(&self) -> Option<&str> {
        match self.path.split('/').collect::<Vec<_>>().as_slice() {
            ["crates", name, _, ..] => Some(name),
            ["bench", _, ..] => Some("bench"),
            _ => None,
        }
    }

    /// Whether it goes into a binary or library, rather than into a test: `tests/` and `tests.rs` don't.
    pub fn is_shipped(&self) -> bool {
        self.path.contains("/src/") && !self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }
}

/// The root of the repository: where cargo runs the test, which with a shared target folder need not be where it was built.
pub fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&here).join("../..").canonicalize().expect("the repository is there")
}

/// Every text file of the repository but what was built or downloaded, in the order of their paths.
pub fn files() -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // In a linked worktree `.git` is a file that says where the repository is.
            if path.is_symlink() || name == ".git" {
                continue;
            } else if path.is_dir() {
                if !is_foreign(name) {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path
                    .strip_prefix(&root)
                    .expect("it is below the root")
                    .to_string_lossy()
                    .replace('\\', "/");
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn is_foreign(folder: &str) -> bool {
    matches!(folder, "target" | "node_modules" | "__pycache__") || folder.starts_with('.') && folder != ".ci"
}

/// The Rust files among them.
pub fn rust_files() -> Vec<File> {
    files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

#[test]
fn the_tree_is_read() {
    let files = files();
    for path in ["Cargo.toml", ".ci/run", "crates/tidy/tests/it/tree.rs"] {
        assert!(files.iter().any(|file| file.path == path), "{path} was not found");
    }
    assert!(files.iter().all(|file| !file.path.starts_with("target/") && !file.path.starts_with(".git/")));
}
