//! Cursors of lists: opaque text that holds where the last page ended and which list it was.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Uid;

/// The place of the last row already seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Of a list by (created_at, id).
    Created(i64, Uid),
    /// Of a list by (seq, line).
    Seq(i64, i64),
}

/// Ties a cursor to one list: merchant, route and filters, hashed.
pub type ListHash = [u8; 8];

const CREATED: u8 = 1;
const SEQ: u8 = 2;

/// Longest text that is looked at.
const TEXT_MAX_BYTES: usize = 64;

/// Writes a cursor.
pub fn encode(list: ListHash, place: Place) -> String {
    let mut bytes = Vec::with_capacity(33);
    match place {
        Place::Created(at_us, id) => {
            bytes.push(CREATED);
            bytes.extend_from_slice(&list);
            bytes.extend_from_slice(&at_us.to_be_bytes());
            bytes.extend_from_slice(&id.0);
        }
        Place::Seq(seq, line) => {
            bytes.push(SEQ);
            bytes.extend_from_slice(&list);
            bytes.extend_from_slice(&seq.to_be_bytes());
            bytes.extend_from_slice(&line.to_be_bytes());
        }
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor of this very list; `None` for anything else.
pub fn decode(list: ListHash, text: &str) -> Option<Place> {
    if text.len() > TEXT_MAX_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (kind, rest) = bytes.split_first()?;
    let (hash, rest) = rest.split_first_chunk::<8>()?;
    let (first, rest) = rest.split_first_chunk::<8>()?;
    if *hash != list {
        return None;
    }
    let first = i64::from_be_bytes(*first);
    match *kind {
        CREATED => rest.try_into().ok().map(|id| Place::Created(first, Uid(id))),
        SEQ => rest.try_into().ok().map(|line| Place::Seq(first, i64::from_be_bytes(line))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for place in
            [Place::Created(-1, Uid([9; 16])), Place::Created(i64::MAX, Uid([0; 16])), Place::Seq(7, 65_535)]
        {
            let text = encode([3; 8], place);
            assert_eq!(decode([3; 8], &text), Some(place));
            assert_eq!(decode([4; 8], &text), None, "of another list");
            assert_eq!(decode([3; 8], &text[1..]), None);
            assert_eq!(decode([3; 8], &format!("{text}A")), None);
        }
        for text in ["", "x", "%%%", "AAAA", &"A".repeat(500)] {
            assert_eq!(decode([3; 8], text), None, "{text}");
        }
    }
}
