//! A webhook receiver: answers 200 to whatever comes, and counts it.

use anyhow::Result;
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// An event has at most 20 kB (WIRE, events).
const REQUEST_MAX_BYTES: usize = 64 * 1024;

/// A listening receiver. It ends with the `LocalSet` it was started in.
pub struct Receiver {
    /// Where it listens, on loopback.
    pub address: SocketAddr,
    received: Rc<Cell<u64>>,
}

impl Receiver {
    /// Starts one on a free port. Call it inside a `LocalSet`.
    pub async fn start() -> Result<Receiver> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let received = Rc::new(Cell::new(0));
        let counted = Rc::clone(&received);
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(connection(stream, Rc::clone(&counted)));
            }
        });
        Ok(Receiver { address, received })
    }

    /// Requests answered so far.
    pub fn received(&self) -> u64 {
        self.received.get()
    }
}

async fn connection(mut stream: TcpStream, received: Rc<Cell<u64>>) {
    let mut inbox = Vec::with_capacity(8_192);
    while let Ok(read) = stream.read_buf(&mut inbox).await {
        if read == 0 || inbox.len() > REQUEST_MAX_BYTES {
            return;
        }
        while let Some(bytes) = whole_request(&inbox) {
            inbox.drain(..bytes);
            received.set(received.get() + 1);
            if stream.write_all(OK).await.is_err() {
                return;
            }
        }
    }
}

/// How many bytes the first request has, once all of it is there.
fn whole_request(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = end + 4 + length.unwrap_or(0);
    (bytes.len() >= whole).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let one = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(whole_request(one), Some(one.len()));
        assert_eq!(whole_request(&one[..one.len() - 1]), None);
        let two = [&one[..], &one[..]].concat();
        assert_eq!(whole_request(&two), Some(one.len()));
    }
}
