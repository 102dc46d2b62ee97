//! Handshakes that never end, on a listener with its own TLS.

use super::raw::{Raw, connections};
use crate::deploy::certificates::{Authority, Files, HOST, serving};
use crate::harness::{run, spawn};
use std::time::Duration;

#[test]
fn handshakes_that_never_end_make_way() {
    run(async {
        let authority = Authority::new();
        let files = Files::of(&authority.pair(&[HOST]));
        let settings = [
            ("tls", "handshake_timeout_ms", "4000"),
            ("tls", "handshakes_max", "8"),
            ("limits", "idle_max_ms", "6000"),
        ];
        let server = serving(&files, &settings);
        let client = authority.client(server.port());
        let process = server.process_id();
        super::memory::forget_peak(process);
        // The first handshake fills caches.
        let ask = async || {
            client.get(format!("https://{HOST}/v1/whoami")).send().await.expect("an answer").status().as_u16()
        };
        assert_eq!(ask().await, 401);
        let before = super::memory::resident(process);
        let mut attacking = Vec::new();
        for number in 0..connections(400) {
            let mut raw = Raw::connect(&server).await;
            let beginning: &[u8] = [
                b"".as_slice(),
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc",
                b"\x16\x03\x01\x00\x05hello",
            ][number % 4];
            raw.send(beginning).await;
            attacking.push(spawn(raw.drip(b"\0", Duration::from_millis(300))));
        }
        // Fresh connections: each shakes hands among the others.
        for _ in 0..5 {
            let client = authority.client(server.port());
            let answer = client.get(format!("https://{HOST}/v1/whoami")).send().await.expect("an answer");
            assert_eq!(answer.status(), 401);
        }
        for task in attacking {
            task.await.expect("an attacker");
        }
        let peak = super::memory::resident(process).peak_kib;
        super::scene::judge(super::table::row("tls_handshakes"), before.now_kib, peak);
        server.verify();
    });
}
