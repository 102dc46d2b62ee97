//! A process supervisor of systemd's kind is told when commands are taken, and when no more are.

use crate::harness::process::Process;
use crate::harness::{Server, run};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

fn told(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 1_024];
    let length = socket.recv(&mut bytes).expect("a message in time");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[test]
fn the_supervisor_hears_ready_and_stopping() {
    run(async {
        let server = Server::make(&[]);
        let path = server.dir().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
        let mut command = Server::binary();
        command
            .arg("serve")
            .arg("--config")
            .arg(server.dir().join("feiqian.toml"))
            .env("NOTIFY_SOCKET", &path);
        let process = Process::start(&mut command, &server.dir().join("serve.log"), server.dir());
        let ready = told(&socket);
        assert!(ready.contains("READY=1\n") && ready.contains(server.public_url()), "{ready}");
        server.internal().get("/readyz").await.expect(200);
        assert!(process.stop().success());
        assert_eq!(told(&socket), "STOPPING=1\n");
        server.verify();
    });
}
