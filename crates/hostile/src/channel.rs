//! What channels send, and the file in which the sandbox channel keeps its book.

use channels::NoticeFact;
use channels::sandbox::{
    SIGNATURE_HEADER, TIMESTAMP_HEADER, read_bill_from, read_callback, readable_bytes, sign_callback,
};
use domain::channel::AttemptFact;
use ledger::Day;

const SECRET: [u8; 32] = [7; 32];

/// A body that nobody signed is not believed; one that is signed makes a fact with money above zero, or none.
pub fn callback(data: &[u8]) {
    let unsigned =
        [(TIMESTAMP_HEADER.to_owned(), "1".to_owned()), (SIGNATURE_HEADER.to_owned(), "0".repeat(64))];
    assert!(read_callback(&SECRET, 28_800, &unsigned, data).is_err(), "believed without a signature");
    let signed = [
        (TIMESTAMP_HEADER.to_owned(), "1795449600".to_owned()),
        (SIGNATURE_HEADER.to_owned(), sign_callback(&SECRET, "1795449600", data)),
    ];
    if let Ok(notice) = read_callback(&SECRET, 28_800, &signed, data)
        && let NoticeFact::Attempt(AttemptFact::Paid(taken)) = notice.what
    {
        assert!(taken.amount.minor() > 0, "paid nothing");
    }
}

/// When the trades of the seeds were paid, unix seconds.
const SEEDS_AT_S: i64 = 1_795_449_600;
const MAGIC: &[u8; 8] = b"FQSBX\x00\x00\x01";

/// As a file, and as a file whose records all have the right length and checksum.
pub fn book(data: &[u8]) {
    readable(data);
    let Some((offset, records)) = data.split_first_chunk::<4>() else { return };
    let mut framed = [MAGIC.as_slice(), offset].concat();
    let mut rest = records;
    while let Some((length, more)) = rest.split_first() {
        let length = usize::from(*length).min(more.len());
        let (payload, more) = more.split_at(length);
        let start = framed.len();
        framed.push(u8::try_from(length).unwrap_or(u8::MAX));
        framed.extend_from_slice(payload);
        let crc = crc(framed.get(start..).unwrap_or_default());
        framed.extend_from_slice(&crc.to_le_bytes());
        rest = more;
    }
    readable(&framed);
}

/// No more is read than there is, and what is read once is read again.
fn readable(book: &[u8]) {
    if let Ok(bytes) = readable_bytes(book) {
        let whole = usize::try_from(bytes).ok().and_then(|bytes| book.get(..bytes));
        let Some(whole) = whole else { panic!("{bytes} bytes are read of {}", book.len()) };
        assert!(matches!(readable_bytes(whole), Ok(again) if again == bytes), "not read again");
    }
    let Some(offset_s) = book.get(8..12).and_then(|bytes| bytes.first_chunk()) else { return };
    let local_s = SEEDS_AT_S.saturating_add(i64::from(i32::from_le_bytes(*offset_s)));
    let day = Day(i32::try_from(local_s.div_euclid(86_400)).unwrap_or_default());
    if let Ok(bill) = read_bill_from(book, day) {
        assert_eq!(bill.to_csv().lines().count(), bill.rows.len() + 1);
    }
}

/// CRC-32 bit by bit: the book's own code is what is on trial.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
