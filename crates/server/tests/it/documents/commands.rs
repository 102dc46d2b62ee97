//! Every block of commands that a page marks as runnable is run, in the order of its page, in a scratch directory, against a
//! server that the page itself starts. ```` ```sh runnable ```` runs; with `background` it goes on until the page ends.

use crate::harness::Server;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A page takes no longer.
const PAGE_SECONDS_MAX: u32 = 180;

/// Ports that pages name; each gets a free one.
const PORTS: [&str; 5] = ["8080", "8081", "3000", "3001", "9090"];

/// A block with the line on which it begins.
struct Block {
    line: usize,
    is_background: bool,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let (mut is_inside, mut is_other) = (false, false);
    for (at, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if is_inside || is_other => (is_inside, is_other) = (false, false),
            Some(info) => {
                let words: Vec<&str> = info.split_whitespace().collect();
                is_inside = words.contains(&"runnable");
                is_other = !is_inside;
                if is_inside {
                    assert!(
                        matches!(words.first(), Some(&("sh" | "bash"))),
                        "line {}: only sh can be run",
                        at + 1
                    );
                    let is_background = words.contains(&"background");
                    found.push(Block { line: at + 1, is_background, text: String::new() });
                }
            }
            None if is_inside => {
                let block = found.last_mut().expect("we are in one");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    found
}

/// One script of a page's blocks: the first command that fails ends it, and whatever it started ends with it.
fn script(name: &str, blocks: &[Block]) -> String {
    let mut script =
        String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n");
    for (number, block) in blocks.iter().enumerate() {
        let _ = writeln!(script, "echo '--- {name}:{}' >&2", block.line);
        if block.is_background {
            let command = block.text.trim();
            assert!(
                !command.contains('\n'),
                "{name}:{}: a block in the background is one command",
                block.line
            );
            let _ = writeln!(script, "{command} > background-{number}.log 2>&1 &");
            if command.contains("feiqian serve") {
                script.push_str(
                    "for try in $(seq 300); do curl -sf http://127.0.0.1:8081/readyz >/dev/null && break; \
                     [ \"$try\" -lt 300 ] || { cat background-*.log >&2; exit 1; }; sleep 0.1; done\n",
                );
            }
        } else {
            script.push_str(&block.text);
        }
    }
    script
}

fn with_free_ports(script: &str) -> String {
    let listeners: Vec<TcpListener> =
        PORTS.iter().map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    PORTS.iter().zip(&listeners).fold(script.to_owned(), |script, (port, listener)| {
        script.replace(port, &listener.local_addr().expect("its number").port().to_string())
    })
}

/// Every English page; those in Chinese have the same blocks, which another test holds.
fn pages() -> Vec<PathBuf> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let (mut found, mut folders) = (Vec::new(), vec![docs]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".md") && !name.ends_with(".zh-CN.md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn run(name: &str, blocks: &[Block]) {
    let dir = tempfile::Builder::new().prefix("feiqian-docs-").tempdir().expect("a scratch directory");
    let file = dir.path().join(".page.sh");
    std::fs::write(&file, with_free_ports(&script(name, blocks))).expect("the script is written");
    let binary = PathBuf::from(Server::binary().get_program());
    let folder = binary.parent().expect("its folder").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args(["--kill-after=5", &PAGE_SECONDS_MAX.to_string(), "bash"])
        .arg(&file)
        .current_dir(dir.path())
        .env("PATH", format!("{folder}:{path}"))
        .env("HOME", dir.path())
        .env_remove("FEIQIAN_CONFIG")
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {}\n{out}\n{error}", output.status);
}

#[test]
fn commands_marked_as_runnable_run() {
    let mut count = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("the page is read");
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let blocks = blocks(&text);
        if !blocks.is_empty() {
            run(&name, &blocks);
            count += blocks.len();
        }
    }
    assert!(count >= 10, "only {count} blocks were found");
}

#[test]
fn blocks_are_read() {
    let page = "```sh\nno\n```\n```sh runnable\na\n\nb\n```\n```sh runnable background\nc\n```\n";
    let found: Vec<_> =
        blocks(page).into_iter().map(|block| (block.line, block.is_background, block.text)).collect();
    assert_eq!(found, [(4, false, "a\n\nb\n".to_owned()), (9, true, "c\n".to_owned())]);
    let ports = with_free_ports("http://127.0.0.1:8080 8081");
    assert!(!ports.contains("8080") && !ports.contains("8081"), "{ports}");
}
