//! The book's records: a length byte, the payload, its CRC-32. One record per change; the last one of a trade or
//! refund is how it stands.

use std::io::{ErrorKind, Read};

use domain::Uid;
use domain::channel::SandboxOutcome;
use domain::payment::Scene;
use money::{Amount, Currency};

use super::reason::Reason;
use super::trade::{Capture, Refund, RefundState, Trade, TradeState};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    /// A trade is made, or has a new state.
    Trade {
        /// Counts the trades of the book; part of its number.
        slot: u32,
        /// How it stands now.
        trade: Trade,
        /// When the unpaid order ends.
        expires_at_us: i64,
    },
    /// A capture was taken or refused; written once.
    Capture {
        /// The trade's slot.
        slot: u32,
        /// The trade's key, for readers of one day.
        of: Uid,
        /// The capture.
        capture: Capture,
    },
    /// A refund is made, or has a new state.
    Refund {
        /// The trade's slot.
        slot: u32,
        /// The trade's key, for readers of one day.
        of: Uid,
        /// How it stands now.
        refund: Refund,
    },
    /// The platform is to be told.
    Owed(Parcel),
    /// It was told, or trying was given up.
    Done(Parcel),
}

/// Something that the platform is to be told by callback. In the order in which a trade's are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Parcel {
    /// The trade's slot.
    pub slot: u32,
    /// What is told.
    pub news: News,
}

/// The content of a callback, filled from the trade's state when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum News {
    /// How the trade stands.
    Trade,
    /// "Declined", although it was paid.
    Contradiction,
    /// How a refund stands.
    Refund(Uid),
}

/// Why a frame cannot be read.
#[derive(Debug)]
pub(crate) enum FrameFault {
    /// It ends too early, or its checksum is wrong.
    Torn,
    /// The checksum is right and the content is not of this version.
    Foreign,
    /// The file cannot be read.
    Io(std::io::Error),
}

const KIND_TRADE: u8 = 1;
const KIND_CAPTURE: u8 = 2;
const KIND_REFUND: u8 = 3;
const KIND_OWED: u8 = 4;
const KIND_DONE: u8 = 5;

/// Appends the record's frame.
pub(crate) fn encode(record: &Record, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(0);
    encode_payload(record, out);
    // The longest payload is below 100 bytes.
    let length = u8::try_from(out.len() - start - 1).unwrap_or(0);
    if let Some(slot) = out.get_mut(start) {
        *slot = length;
    }
    let crc = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

fn encode_payload(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::Trade { slot, trade, expires_at_us } => {
            out.push(KIND_TRADE);
            out.extend_from_slice(&slot.to_le_bytes());
            out.extend_from_slice(&trade.key.0);
            put_amount(out, Amount::new(trade.asked_minor, trade.currency));
            for number in [trade.at_us, trade.fee_minor, *expires_at_us] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            let reason = trade.reason.map_or(0, Reason::byte);
            let manual = u8::from(trade.manual);
            out.extend_from_slice(&[state_byte(trade.state), outcome_byte(trade.outcome)]);
            out.extend_from_slice(&[scene_byte(trade.scene), manual, reason]);
        }
        Record::Capture { slot, of, capture } => {
            let reason = capture.refused.map_or(0, Reason::byte);
            out.push(KIND_CAPTURE);
            put_part(out, *slot, *of, capture.key, capture.serial, capture.amount);
            out.extend_from_slice(&capture.at_us.to_le_bytes());
            out.extend_from_slice(&capture.fee_minor.to_le_bytes());
            out.push(reason);
        }
        Record::Refund { slot, of, refund } => {
            let reason = refund.reason.map_or(0, Reason::byte);
            out.push(KIND_REFUND);
            put_part(out, *slot, *of, refund.key, refund.serial, refund.amount);
            out.extend_from_slice(&refund.at_us.to_le_bytes());
            out.extend_from_slice(&refund.fee_back_minor.to_le_bytes());
            out.extend_from_slice(&[refund_state_byte(refund.state), reason]);
        }
        Record::Owed(parcel) => put_parcel(out, KIND_OWED, *parcel),
        Record::Done(parcel) => put_parcel(out, KIND_DONE, *parcel),
    }
}

fn put_amount(out: &mut Vec<u8>, amount: Amount) {
    out.extend_from_slice(&amount.minor().to_le_bytes());
    out.extend_from_slice(&amount.currency().numeric().to_le_bytes());
}

fn put_part(out: &mut Vec<u8>, slot: u32, of: Uid, key: Uid, serial: u32, amount: Amount) {
    out.extend_from_slice(&slot.to_le_bytes());
    out.extend_from_slice(&of.0);
    out.extend_from_slice(&key.0);
    out.extend_from_slice(&serial.to_le_bytes());
    put_amount(out, amount);
}

fn put_parcel(out: &mut Vec<u8>, kind: u8, parcel: Parcel) {
    out.push(kind);
    out.extend_from_slice(&parcel.slot.to_le_bytes());
    let (news, item) = match parcel.news {
        News::Trade => (1, Uid([0; 16])),
        News::Contradiction => (2, Uid([0; 16])),
        News::Refund(key) => (3, key),
    };
    out.push(news);
    out.extend_from_slice(&item.0);
}

/// Reads frames one after the other and knows how far it came.
pub(crate) struct FrameReader<R> {
    from: R,
    /// Bytes of whole, right frames read so far.
    pub good_bytes: u64,
}

impl<R: Read> FrameReader<R> {
    /// Starts at a frame.
    pub(crate) fn new(from: R) -> FrameReader<R> {
        FrameReader { from, good_bytes: 0 }
    }

    /// The next record; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, FrameFault> {
        let mut frame = [0u8; 256 + 4];
        let [length, rest @ ..] = &mut frame;
        match self.from.read_exact(std::slice::from_mut(length)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(FrameFault::Io(error)),
        }
        let payload_bytes = usize::from(*length);
        let body = rest.get_mut(..payload_bytes + 4).ok_or(FrameFault::Torn)?;
        self.from.read_exact(body).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => FrameFault::Torn,
            _ => FrameFault::Io(error),
        })?;
        let (hashed, rest) = frame.split_at(payload_bytes + 1);
        let crc = rest.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        if payload_bytes == 0 || crc != Some(crc32fast::hash(hashed)) {
            return Err(FrameFault::Torn);
        }
        let payload = hashed.get(1..).unwrap_or_default();
        let record = Cursor(payload).record().ok_or(FrameFault::Foreign)?;
        self.good_bytes += u64::from(*frame.first().unwrap_or(&0)) + 5;
        Ok(Some(record))
    }
}

/// What is left of a payload.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn uid(&mut self) -> Option<Uid> {
        self.take().map(Uid)
    }

    fn amount(&mut self) -> Option<Amount> {
        let minor = self.i64()?;
        let currency = Currency::from_stored_numeric(self.take().map(u16::from_le_bytes)?).ok()?;
        Some(Amount::new(minor, currency))
    }

    fn reason(&mut self) -> Option<Option<Reason>> {
        Reason::from_byte(self.u8()?).ok()
    }

    fn record(mut self) -> Option<Record> {
        let record = match self.u8()? {
            KIND_TRADE => self.trade()?,
            KIND_CAPTURE => self.capture()?,
            KIND_REFUND => self.refund()?,
            KIND_OWED => Record::Owed(self.parcel()?),
            KIND_DONE => Record::Done(self.parcel()?),
            _ => return None,
        };
        self.0.is_empty().then_some(record)
    }

    fn trade(&mut self) -> Option<Record> {
        let (slot, key, asked) = (self.u32()?, self.uid()?, self.amount()?);
        let (at_us, fee_minor, expires_at_us) = (self.i64()?, self.i64()?, self.i64()?);
        let trade = Trade {
            key,
            asked_minor: asked.minor(),
            at_us,
            fee_minor,
            currency: asked.currency(),
            state: state_of(self.u8()?)?,
            outcome: outcome_of(self.u8()?)?,
            scene: scene_of(self.u8()?)?,
            manual: self.u8()? == 1,
            reason: self.reason()?,
        };
        Some(Record::Trade { slot, trade, expires_at_us })
    }

    fn capture(&mut self) -> Option<Record> {
        let (slot, of) = (self.u32()?, self.uid()?);
        let capture = Capture {
            key: self.uid()?,
            serial: self.u32()?,
            amount: self.amount()?,
            at_us: self.i64()?,
            fee_minor: self.i64()?,
            refused: self.reason()?,
        };
        Some(Record::Capture { slot, of, capture })
    }

    fn refund(&mut self) -> Option<Record> {
        let (slot, of) = (self.u32()?, self.uid()?);
        let refund = Refund {
            key: self.uid()?,
            serial: self.u32()?,
            amount: self.amount()?,
            at_us: self.i64()?,
            fee_back_minor: self.i64()?,
            state: refund_state_of(self.u8()?)?,
            reason: self.reason()?,
        };
        Some(Record::Refund { slot, of, refund })
    }

    fn parcel(&mut self) -> Option<Parcel> {
        let (slot, news, item) = (self.u32()?, self.u8()?, self.uid()?);
        let news = match news {
            1 => News::Trade,
            2 => News::Contradiction,
            3 => News::Refund(item),
            _ => return None,
        };
        Some(Parcel { slot, news })
    }
}

/// Bytes of a closed set of words; a byte keeps its meaning for ever.
macro_rules! bytes {
    ($to:ident, $from:ident, $type:ident { $($name:ident = $byte:literal),* $(,)? }) => {
        fn $to(value: $type) -> u8 { match value { $($type::$name => $byte,)* } }
        fn $from(byte: u8) -> Option<$type> { match byte { $($byte => Some($type::$name),)* _ => None } }
    };
}

bytes!(state_byte, state_of, TradeState {
    Waiting = 1, Authorized = 2, Paid = 3, Settled = 4, Closed = 5, Declined = 6,
});
bytes!(refund_state_byte, refund_state_of, RefundState { Succeeded = 1, Accepted = 2, Failed = 3 });
bytes!(scene_byte, scene_of, Scene {
    QrCode = 1, BarCode = 2, MiniProgram = 3, App = 4, H5 = 5, Web = 6, Card = 7, Pos = 8,
});
bytes!(outcome_byte, outcome_of, SandboxOutcome {
    Succeed = 1, Decline = 2, NeedsPassword = 3, Timeout = 4, AnswerLate = 5, CallbackTwice = 6, CallbackFirst = 7,
    Contradict = 8, PayAfterClose = 9, OtherAmount = 10, OtherCurrency = 11, LoseAnswer = 12, Fail = 13,
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples() -> Vec<Record> {
        let key = Uid([7; 16]);
        let trade = Trade {
            key,
            asked_minor: 1250,
            at_us: 5,
            fee_minor: 8,
            currency: Currency::CNY,
            state: TradeState::Paid,
            outcome: SandboxOutcome::OtherCurrency,
            scene: Scene::Pos,
            manual: true,
            reason: Some(Reason::Released),
        };
        let amount = Amount::new(9, Currency::JPY);
        let capture = Capture { key, serial: 3, amount, at_us: 1, fee_minor: 2, refused: None };
        let refund = Refund {
            key,
            serial: 4,
            amount,
            at_us: -1,
            fee_back_minor: 2,
            state: RefundState::Failed,
            reason: Some(Reason::AccountAbnormal),
        };
        vec![
            Record::Trade { slot: 9, trade, expires_at_us: i64::MAX },
            Record::Capture { slot: 9, of: key, capture },
            Record::Refund { slot: 9, of: key, refund },
            Record::Owed(Parcel { slot: 1, news: News::Refund(key) }),
            Record::Done(Parcel { slot: u32::MAX, news: News::Contradiction }),
        ]
    }

    fn written(records: &[Record]) -> Vec<u8> {
        let mut out = Vec::new();
        records.iter().for_each(|record| encode(record, &mut out));
        out
    }

    #[test]
    fn reads_what_it_wrote() {
        let bytes = written(&samples());
        let mut reader = FrameReader::new(bytes.as_slice());
        for expected in samples() {
            assert_eq!(reader.next().unwrap(), Some(expected));
        }
        assert_eq!(reader.next().unwrap(), None);
        assert_eq!(reader.good_bytes, u64::try_from(bytes.len()).unwrap());
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = written(&samples()[..1]);
        for length in 1..bytes.len() {
            assert!(matches!(FrameReader::new(&bytes[..length]).next(), Err(FrameFault::Torn)));
        }
        for bit in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(FrameReader::new(wrong.as_slice()).next(), Err(FrameFault::Torn)), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut reader = FrameReader::new(bytes.as_slice());
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}
