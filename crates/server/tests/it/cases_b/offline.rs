//! R59: nothing is fetched at start, and what the commands print works, in a network that holds this machine only.

use super::python::{interpreter, root};
use crate::harness::{Merchant, on_own, on_shared};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Where the process has connections to: the remote halves of its sockets, as the kernel lists them.
fn peers(pid: u32) -> BTreeSet<String> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
    let inodes: BTreeSet<String> = links
        .filter_map(|link| std::fs::read_link(link.ok()?.path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut peers = BTreeSet::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            if columns.len() > 9 && inodes.contains(columns[9]) {
                peers.insert(columns[2].split(':').next().unwrap_or("").to_owned());
            }
        }
    }
    peers
}

/// Nobody (a listener) or loopback, as the kernel writes them.
fn is_here(peer: &str) -> bool {
    let mapped = "0000000000000000FFFF0000";
    let v4 = peer.strip_prefix(mapped).unwrap_or(peer);
    let loopback_v6 = "00000000000000000000000001000000";
    v4.chars().all(|digit| digit == '0') || (v4.len() == 8 && v4.ends_with("7F")) || peer == loopback_v6
}

#[test]
fn r59_a_serving_node_has_no_connection_to_elsewhere() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        merchant.paid(100).await;
        let peers = peers(server.process_id());
        assert!(!peers.is_empty(), "its listeners are among its sockets");
        let elsewhere: Vec<&String> = peers.iter().filter(|peer| !is_here(peer)).collect();
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
    });
}

/// The commands of a first day, from `init` to a paid payment and `verify`, by their printed credentials. In a network
/// namespace with nothing but loopback where the kernel lets us have one; the script says which it was.
#[test]
fn r59_the_first_day_without_a_network() {
    on_shared(async |server| {
        let folder = tempfile::tempdir().expect("a scratch directory");
        let may_unshare = Command::new("unshare").args(["-rn", "true"]).stderr(Stdio::null()).status();
        let script = root().join("tests/interop/first_day.py");
        let mut command = if may_unshare.is_ok_and(|status| status.success()) {
            let mut command = Command::new("unshare");
            command.arg("-rn").arg(interpreter());
            command
        } else {
            Command::new(interpreter())
        };
        command.arg(&script).arg(env!("CARGO_BIN_EXE_feiqian")).arg(folder.path()).current_dir(folder.path());
        let output =
            tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ran");
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}\n{error}");
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|fault| panic!("{fault}: {out}"));
        assert_eq!(report["payment"], "succeeded", "{report}");
        assert_eq!(report["verify"], "clean", "{report}");
        // Everybody's own: the shared server is only here to end with its verify.
        server.client().get("/openapi.json").await.expect(200);
    });
}
