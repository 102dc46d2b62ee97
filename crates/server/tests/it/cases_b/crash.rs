//! The crash campaign's own script, for two rounds: `scripts/crash.sh` runs more.

use super::python::{interpreter, root};
use std::process::Command;

#[test]
fn killed_under_load_and_restarted_twice() {
    let mut command = Command::new(root().join("scripts/crash.sh"));
    command.arg("2").env("BIN", env!("CARGO_BIN_EXE_feiqian")).env("PYTHON", interpreter());
    let output = command.output().expect("it runs");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{error}");
    assert!(out.contains("2 rounds"), "{out}");
}
