//! A client that keeps no rule: bytes to a socket, and what comes back.

use crate::harness::Server;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Longer than any bound of the server under these settings; a connection that is open then has none.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer, as far as it was read.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// The status.
    pub status: u16,
    /// Status line and header fields.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Raw {
    /// Connects.
    pub async fn connect(server: &Server) -> Raw {
        let connected = timeout(PATIENCE, TcpStream::connect(("127.0.0.1", server.port()))).await;
        let stream = connected.expect("a connection in time").expect("a connection");
        Raw { stream, read: Vec::new() }
    }

    /// Sends bytes; false when the server has closed.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.is_ok_and(|sent| sent.is_ok())
    }

    /// Sends the same bytes again and again until the server takes no more, at most so many; answers how many went.
    pub async fn flood(&mut self, piece: &[u8], bytes_max: usize) -> usize {
        let mut sent = 0;
        while sent < bytes_max {
            match timeout(Duration::from_secs(5), self.stream.write(piece)).await {
                Ok(Ok(bytes)) if bytes > 0 => sent += bytes,
                _ => break,
            }
        }
        sent
    }

    /// Sends a piece every so often until the server closes; answers how long that took, and everything that was answered.
    pub async fn drip(mut self, piece: &[u8], every: Duration) -> (Duration, String) {
        let begun = Instant::now();
        let mut buffer = [0; 4_096];
        loop {
            assert!(begun.elapsed() < PATIENCE, "still open after {PATIENCE:?}");
            match timeout(every, self.stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(bytes)) => self.read.extend_from_slice(&buffer[..bytes]),
                // A write into a connection that is gone is seen at the next read.
                Err(_) => drop(self.stream.write(piece).await),
            }
        }
        (begun.elapsed(), String::from_utf8_lossy(&self.read).into_owned())
    }

    /// Everything until the server closes; the connection must end within the time that any bound allows.
    pub async fn rest(mut self) -> String {
        let mut buffer = vec![0; 64 * 1_024];
        let reading = async {
            while let Ok(bytes @ 1..) = self.stream.read(&mut buffer).await {
                self.read.extend_from_slice(&buffer[..bytes]);
            }
        };
        timeout(PATIENCE, reading).await.expect("the server closes the connection");
        String::from_utf8_lossy(&self.read).into_owned()
    }

    /// One answer; `None` when the connection ends before it is whole.
    pub async fn answer(&mut self) -> Option<RawAnswer> {
        let mut buffer = vec![0; 64 * 1_024];
        let begun = Instant::now();
        loop {
            if let Some((answer, bytes)) = whole_answer(&self.read) {
                self.read.drain(..bytes);
                return Some(answer);
            }
            assert!(begun.elapsed() < PATIENCE, "no answer: {}", String::from_utf8_lossy(&self.read));
            match timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("an answer or an end") {
                Ok(0) | Err(_) => return None,
                Ok(bytes) => self.read.extend_from_slice(&buffer[..bytes]),
            }
        }
    }
}

/// The first answer in bytes, and how many it takes.
fn whole_answer(bytes: &[u8]) -> Option<(RawAnswer, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let whole = end + length.unwrap_or(0);
    let body = bytes.get(end..whole)?;
    Some((RawAnswer { status, head, body: String::from_utf8_lossy(body).into_owned() }, whole))
}

/// How many connections a process may hold here, of as many as are wanted: both ends are on this machine, in two processes.
pub fn connections(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("the limits of this process");
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    let spare = files.unwrap_or(1_024_usize).saturating_sub(300);
    wanted.min(spare / 2)
}
