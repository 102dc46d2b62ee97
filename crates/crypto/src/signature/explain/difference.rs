//! Where two texts part.

/// The first place at which two texts differ. Bytes are counted, not characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Bytes before it, from 0.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// The byte within the line, from 1.
    pub column: usize,
    /// What the server has there; `None`: its text ends.
    pub server_byte: Option<u8>,
    /// What the client has there; `None`: its text ends.
    pub client_byte: Option<u8>,
    /// The server's line, without its line feed.
    pub server_line: Vec<u8>,
    /// The client's line, without its line feed.
    pub client_line: Vec<u8>,
}

impl Difference {
    /// Compares what the server has with what the client has; `None` when they are the same.
    #[must_use]
    pub fn first(server: &[u8], client: &[u8]) -> Option<Self> {
        if server == client {
            return None;
        }
        let offset = common_prefix(server, client);
        let before = server.get(..offset).unwrap_or_default();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        Some(Self {
            offset,
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: offset - start + 1,
            server_byte: server.get(offset).copied(),
            client_byte: client.get(offset).copied(),
            server_line: line_from(server, start),
            client_line: line_from(client, start),
        })
    }
}

/// How many bytes two texts share from their start.
pub(super) fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

fn line_from(text: &[u8], start: usize) -> Vec<u8> {
    let rest = text.get(start..).unwrap_or_default();
    rest.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Place = (usize, usize, usize, Option<u8>, Option<u8>);

    fn at(server: &str, client: &str) -> Option<Place> {
        Difference::first(server.as_bytes(), client.as_bytes())
            .map(|d| (d.offset, d.line, d.column, d.server_byte, d.client_byte))
    }

    #[test]
    fn the_first_byte_is_found() {
        assert_eq!(at("", ""), None);
        assert_eq!(at("a\nb", "a\nb"), None);
        assert_eq!(at("a\nb", "a\nc"), Some((2, 2, 1, Some(b'b'), Some(b'c'))));
        assert_eq!(at("a\nb", "a\r\nb"), Some((1, 1, 2, Some(b'\n'), Some(b'\r'))));
        assert_eq!(at("a\nb", "a\nb\n"), Some((3, 2, 2, None, Some(b'\n'))));
        assert_eq!(at("a\nb", ""), Some((0, 1, 1, Some(b'a'), None)));
        assert_eq!(at("键a", "键b"), Some((3, 1, 4, Some(b'a'), Some(b'b'))));
        let lines = Difference::first(b"x\nhttps://a\nz", b"x\nhttp://a\nz").unwrap();
        assert_eq!((&*lines.server_line, &*lines.client_line), (&b"https://a"[..], &b"http://a"[..]));
    }
}
