//! A process that a case started. It ends with the test binary, however that ends.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A stop by SIGTERM takes no longer.
const STOP_BOUND: Duration = Duration::from_secs(30);

/// A running `feiqian serve`, or a program that stands beside it.
pub struct Process {
    child: Child,
    /// Ends the process and removes its directory when the test binary ends without dropping it, as statics never are: it
    /// waits for the end of its input, which only this process holds open.
    watchdog: Child,
}

impl Process {
    /// Starts a command. Its output goes to `log`; `dir` is its scratch directory.
    pub fn start(command: &mut Command, log: &Path, dir: &Path) -> Process {
        let out = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("the log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("the log file twice"))
            .stderr(out)
            .spawn()
            .unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
        let watchdog = Command::new("sh")
            .args(["-c", "cat >/dev/null; kill -9 \"$0\"; rm -rf \"$1\"", &child.id().to_string()])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        Process { child, watchdog }
    }

    /// `Some` when it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its state can be read")
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, then waits for its end.
    pub fn stop(mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(begun.elapsed() < STOP_BOUND, "it did not stop on SIGTERM");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn end(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
