//! Programs that are not ours, in Python: the packages of `tests/requirements.txt` in an environment of their own.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// The interpreter with the packages. A test that needs it fails without it: skipped interoperability is none.
pub fn interpreter() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let usual = || root().join(target).join("venv/bin/python3");
    let path = std::env::var_os("FEIQIAN_TEST_PYTHON").map_or_else(usual, PathBuf::from);
    assert!(path.exists(), "{} is missing: run scripts/setup.sh test (make test does)", path.display());
    path
}

/// Runs a script of `tests/interop` with one JSON value on its standard input; answers the one that it writes.
pub fn run(script: &str, input: &Value) -> Value {
    let mut child = Command::new(interpreter())
        .arg(root().join("tests/interop").join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, input.to_string().as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {}\n{error}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|fault| panic!("{script}: {fault}\n{error}"))
}
