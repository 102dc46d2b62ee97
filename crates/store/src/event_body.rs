//! How an event's body rests: as the LZ4 block of its JSON over a dictionary of what all bodies share, a third of its length. Bodies
//! are most of what the books grow by, and every byte of them travels through the log, its standbys and backups too.

use crate::StoreError;
use crate::db::corrupt;
use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

/// The first byte of a packed body: below any that a JSON text begins with, and no sealed value's.
const PACKED: u8 = 2;
/// Never edited: what was packed over it is read by it. Another dictionary gets another first byte.
const DICTIONARY: &[u8] = include_bytes!("event_body_1.dict");
/// Far beyond any body; a length that damage made up asks for no more memory.
const BODY_BYTES_MAX: u32 = 4 << 20;

/// What is stored for a body.
pub(crate) fn pack(body: &str) -> Vec<u8> {
    let block = compress_prepend_size_with_dict(body.as_bytes(), DICTIONARY);
    [&[PACKED][..], &block].concat()
}

/// The body that was packed; what rests as the text that it is, from before bodies were packed, is taken as it is.
///
/// # Errors
/// [`StoreError::Corrupt`] for what neither can be.
pub(crate) fn unpack(stored: &[u8]) -> Result<String, StoreError> {
    let text = match stored.split_first() {
        Some((&PACKED, block)) => unpack_block(block)?,
        _ => stored.to_vec(),
    };
    String::from_utf8(text).map_err(|_| corrupt("an event's body is not UTF-8"))
}

fn unpack_block(block: &[u8]) -> Result<Vec<u8>, StoreError> {
    let damaged = || corrupt("an event's packed body is damaged");
    let length = block.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(damaged)?;
    if length > BODY_BYTES_MAX {
        return Err(damaged());
    }
    decompress_size_prepended_with_dict(block, DICTIONARY).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_body_takes_a_third_of_its_length() {
        let body = std::str::from_utf8(DICTIONARY).unwrap().rsplit_once("{\"type\"").unwrap().1;
        let body = format!("{{\"type\"{body}")
            .replace("_01m", "_01m8cev1q1e00sy91c8f79ven0")
            .replace("2026-01-01T00:00:00.000Z", "2026-11-26T17:35:49.473Z");
        let packed = pack(&body);
        assert!(packed.len() * 3 < body.len(), "{} of {}", packed.len(), body.len());
        assert_eq!(unpack(&packed).unwrap(), body);
    }

    #[test]
    fn an_old_body_is_read_as_it_is_and_damage_is_told() {
        assert_eq!(unpack(b"{\"a\":1}").unwrap(), "{\"a\":1}");
        for damaged in [
            &[PACKED][..],
            &[PACKED, 1, 0],
            &[PACKED, 255, 255, 255, 255, 0],
            &[PACKED, 9, 0, 0, 0, 31],
            &[0xff],
        ] {
            assert!(matches!(unpack(damaged), Err(StoreError::Corrupt(_))), "{damaged:?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "\\PC{0,3000}") {
            prop_assert_eq!(unpack(&pack(&text)).unwrap(), text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = unpack(&[&[PACKED][..], &bytes].concat());
        }
    }
}
