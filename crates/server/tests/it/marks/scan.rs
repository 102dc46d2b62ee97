//! Where the marks are looked for.

use super::walk::{IN_THE_CLEAR, Walked};
use crate::harness::Server;
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// What was found, each with its place.
#[derive(Default)]
pub struct Found(Vec<String>);

impl Found {
    /// Looks into a text or a file.
    pub fn look(&mut self, walked: &Walked, place: &str, bytes: &[u8]) {
        self.0.extend(walked.marks.found_in(bytes).into_iter().map(|what| format!("{place} holds {what}")));
    }

    /// Looks into every file of a folder. What rests in the clear must be seen, or the search is none.
    pub fn look_into(&mut self, walked: &Walked, folder: &Path) {
        let mut seen = false;
        for path in files(folder) {
            let bytes = std::fs::read(&path).expect("a file");
            seen |= bytes.windows(IN_THE_CLEAR.len()).any(|window| window == IN_THE_CLEAR.as_bytes());
            self.look(walked, &path.display().to_string(), &bytes);
        }
        assert!(seen, "{}: not even what rests in the clear is found", folder.display());
    }

    /// What the process shows to whoever may look at it: its command line and its environment.
    pub fn look_at_process(&mut self, walked: &Walked, server: &Server) {
        for name in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{}/{name}", server.process_id())).expect("its process");
            self.look(walked, name, &bytes);
        }
    }

    /// Runs a command of the operator's, in both of its forms.
    pub fn look_at_command(&mut self, walked: &Walked, server: &Server, arguments: &[&str]) {
        for form in [&[][..], &["--json"]] {
            let output = server.try_cli(&[arguments, form].concat());
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            self.look(walked, &format!("{arguments:?}"), &[output.stdout, output.stderr].concat());
        }
    }

    /// Nothing was.
    #[track_caller]
    pub fn none(&self) {
        assert!(self.0.is_empty(), "{:#?}", self.0);
    }
}
