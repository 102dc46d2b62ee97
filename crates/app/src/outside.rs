//! What a node takes from outside besides database, channels and time: randomness and the way to merchants' receivers. Handed in,
//! so that a simulation can hold all of it and run the same history again.

use crate::webhook::Post;
use std::sync::Arc;

/// A source of random bytes for what is not secret: ids, numbers of batches and nodes, the spread of retries. Secrets come from
/// [`crypto::secret::random_bytes`] and from nowhere else.
pub trait Randomness: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The system's cryptographic generator.
struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(16) {
            let random = crypto::secret::random_bytes::<16>();
            for (slot, byte) in chunk.iter_mut().zip(random) {
                *slot = byte;
            }
        }
    }
}

/// A handle on randomness.
#[derive(Clone)]
pub struct Random(Arc<dyn Randomness>);

impl Default for Random {
    fn default() -> Random {
        Random::system()
    }
}

impl Random {
    /// The system's.
    pub fn system() -> Random {
        Random(Arc::new(SystemRandomness))
    }

    /// Another source.
    pub fn of(source: Arc<dyn Randomness>) -> Random {
        Random(source)
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// What ids are made from.
    pub(crate) fn seed(&self) -> u128 {
        u128::from_be_bytes(self.bytes())
    }
}

/// See the module. The default is what a server uses.
#[derive(Clone, Default)]
pub struct Outside {
    /// Randomness.
    pub random: Random,
    /// Who carries webhooks to their receivers; `None` is the HTTP client.
    pub webhooks: Option<Arc<dyn Post>>,
}
