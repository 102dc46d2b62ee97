//! `kill -9` in the middle of a backup, a restore, a rotation.

use super::{backed_up, place, text};
use crate::harness::{Merchant, Server, on_own};
use futures::future::join_all;
use serde_json::json;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// From before anything was done to after all of it, in this build.
const MOMENTS_MS: [u64; 8] = [5, 30, 80, 140, 220, 320, 450, 700];

fn begin(server: &Server, arguments: &[&str]) -> Child {
    let config = server.dir().join("feiqian.toml");
    let mut command = Server::binary();
    command.args(arguments).arg("--config").arg(config);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

/// Kills it after a while; true when it had ended well before.
fn kill_after(mut child: Child, after_ms: u64) -> bool {
    std::thread::sleep(Duration::from_millis(after_ms));
    let done = child.try_wait().expect("its state").is_some_and(|status| status.success());
    let _ = child.kill();
    let _ = child.wait();
    done
}

fn is_whole(server: &Server, directory: &Path) -> bool {
    if !directory.exists() {
        return false;
    }
    let proven = server.cli(&["verify", "--full", "--data-dir", text(directory)]);
    assert_eq!(proven["clean"], true);
    true
}

/// A directory of the backup's name is a whole backup, or there is none; what was left does not hinder the next one.
#[test]
fn a_backup_is_whole_or_not_there() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        join_all((0..30).map(|_| merchant.paid(1_000))).await;
        let directory = place(server, "backup");
        let (mut whole, mut none) = (0, 0);
        for after_ms in MOMENTS_MS {
            let done = kill_after(begin(server, &["backup", text(&directory)]), after_ms);
            if is_whole(server, &directory) {
                whole += 1;
                std::fs::remove_dir_all(&directory).unwrap();
            } else {
                assert!(!done, "it said that it was done");
                none += 1;
            }
            merchant.paid(2_000).await;
        }
        assert!(none > 0, "{whole} were whole, so nothing was killed in time");
        server.cli(&["backup", text(&directory)]);
        assert!(is_whole(server, &directory));
        let beside = directory.with_extension("partial");
        assert!(!beside.exists());
    });
}

#[test]
fn a_restore_is_whole_or_not_there() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        join_all((0..30).map(|_| merchant.paid(1_000))).await;
        let backup = backed_up(server);
        server.kill();
        server.lose_data();
        let mut none = 0;
        for after_ms in MOMENTS_MS {
            kill_after(begin(server, &["restore", text(&backup)]), after_ms);
            if server.data_dir().exists() {
                // Whole, and held: never open to the world by an accident.
                server.serve_held();
                server.kill();
                server.verify();
                server.lose_data();
            } else {
                none += 1;
            }
        }
        assert!(none > 0, "nothing was killed in time");
        server.cli(&["restore", text(&backup)]);
        server.serve_held();
        server.cli(&["resume"]);
        assert_eq!(merchant.all("/v1/payments").await.len(), 30);
    });
}

/// Killed on either side, at many moments, again and again: started once more it comes to its end, and all can be read.
#[test]
fn a_rotation_goes_on_after_kills() {
    on_own(&[], async |server| {
        let merchant = Merchant::new(server).await;
        let mut order = merchant.order("bar_code", 1_000, Some("succeed"));
        let mut made = 0;
        let mut more = async |count: usize| {
            for _ in 0..count {
                order["merchant_order_no"] = json!(merchant.next_no("ORDER"));
                order["payer"] = json!({ "name": "Li Bai" });
                merchant.create(&order).send().await.expect(201);
                made += 1;
            }
            made
        };
        more(60).await;
        for (round, after_ms) in MOMENTS_MS.into_iter().enumerate() {
            let child = begin(server, &["master-key", "rotate"]);
            if round % 2 == 0 {
                kill_after(child, after_ms);
            } else {
                std::thread::sleep(Duration::from_millis(after_ms));
                server.kill();
                kill_after(child, 200);
                server.serve();
            }
            more(3).await;
            assert_eq!(merchant.all("/v1/payments").await.len(), 60 + 3 * (round + 1));
        }
        let rotated = server.cli(&["master-key", "rotate"]);
        let status = server.cli(&["master-key", "status"]);
        assert_eq!(status["versions"], json!([rotated["version"]]), "{status}");
        assert_eq!(status["rotating_to"], json!(null));
        server.stop();
        server.serve();
        let all = merchant.all("/v1/payments").await;
        assert_eq!(all.len(), more(0).await);
        assert!(all.iter().all(|payment| payment["payer"]["name"] == "Li Bai"));
    });
}
