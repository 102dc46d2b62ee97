//! Mutations by a seeded generator: the same inputs on every machine.

/// Splitmix64.
pub struct Chance(u64);

/// What readers look for; put in at any place.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "-1",
    "0",
    "1e9",
    "9223372036854775808",
    "\0",
    "\r\n",
    "\n\n",
    "\u{1b}[2J",
    "%00",
    "%ff",
    "&",
    "=",
    ";",
    "::ffff:127.0.0.1",
    "@",
    "..",
    "/",
    "é",
    "\u{202e}",
    "Ａ",
    "=:",
    "sig1=",
    ";created=1",
    "-----BEGIN PUBLIC KEY-----",
    "-----END PUBLIC KEY-----",
];

/// An input is never longer.
const BYTES_MAX: usize = 64 * 1_024;

impl Chance {
    /// A generator that begins here.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which may be 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// One to four changes of an input.
    pub fn mutate(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, other);
        }
        bytes.truncate(BYTES_MAX);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        match self.below(8) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = self.next().to_le_bytes()[0];
                }
            }
            3 => bytes.truncate(at),
            4 => {
                let end = (at + self.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
            6 => {
                let piece = other[self.below(other.len() + 1)..].to_vec();
                bytes.splice(at.., piece);
            }
            _ => {
                let end = (at + self.below(32)).min(bytes.len());
                let twice = bytes[at..end].to_vec();
                bytes.splice(at..at, twice);
            }
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let run = |seed| {
        let mut chance = Chance::new(seed);
        (0..200).map(|_| chance.mutate(b"{\"a\":1}", b"[1,2]")).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    assert!(run(1).iter().filter(|input| input.as_slice() != b"{\"a\":1}").count() > 190);
}
