//! The smallest HTTP/1.1 client that the load needs: keep-alive, one open request, bodies with a length. The load generator
//! shares the cores with the server, so it does nothing that it does not need.

use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything the server waits for.
const CALL_MAX: Duration = Duration::from_secs(30);
/// A head or body above this is not one of our server's.
const ANSWER_MAX_BYTES: usize = 1 << 20;

/// One connection.
pub struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
}

/// An answer, in the connection's buffer.
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// Fails with the body's text unless the status is the one wanted.
    pub fn must_be(&self, status: u16) -> Result<()> {
        ensure!(
            self.status == status,
            "answered {} instead of {status}: {}",
            self.status,
            String::from_utf8_lossy(self.body)
        );
        Ok(())
    }
}

/// Where an answer's body stands in the buffer.
struct Head {
    status: u16,
    body_start: usize,
    body_bytes: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(to: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(to).await.context("connecting to the server")?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, inbox: Vec::with_capacity(8_192) })
    }

    /// Sends a whole request and reads the whole answer.
    pub async fn call(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let head = timeout(CALL_MAX, self.exchange(request)).await.context("no answer within 30 s")??;
        let body = self.inbox.get(head.body_start..head.body_start + head.body_bytes).unwrap_or_default();
        Ok(Answer { status: head.status, body })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Head> {
        self.inbox.clear();
        self.stream.write_all(request).await?;
        loop {
            let read = self.stream.read_buf(&mut self.inbox).await?;
            ensure!(read > 0, "the server closed the connection");
            ensure!(self.inbox.len() <= ANSWER_MAX_BYTES, "an answer above {ANSWER_MAX_BYTES} bytes");
            if let Some(head) = parse_head(&self.inbox)?
                && self.inbox.len() >= head.body_start + head.body_bytes
            {
                return Ok(head);
            }
        }
    }
}

/// Reads the head once it is there.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text =
        std::str::from_utf8(bytes.get(..end).unwrap_or_default()).context("a head that is not text")?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let Some(status) = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()) else {
        bail!("not an HTTP/1.1 answer: {first}");
    };
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let body_bytes = match (length, status) {
        (Some(length), _) => length.context("an unreadable Content-Length")?,
        (None, 204 | 304) => 0,
        (None, _) => bail!("an answer without Content-Length"),
    };
    Ok(Some(Head { status, body_start: end + 4, body_bytes }))
}

/// A request without a signature, such as a GET on the internal listener.
pub fn plain_get(authority: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_when_they_are_whole() {
        assert!(parse_head(b"HTTP/1.1 201 Created\r\nContent-").unwrap().is_none());
        let head =
            parse_head(b"HTTP/1.1 201 Created\r\nA: b\r\nContent-LENGTH: 17\r\n\r\n{").unwrap().unwrap();
        assert_eq!((head.status, head.body_start, head.body_bytes), (201, 50, 17));
        let none = parse_head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!((none.status, none.body_bytes), (204, 0));
        for wrong in
            ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"]
        {
            assert!(parse_head(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
