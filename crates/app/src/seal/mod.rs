//! Sealed blocks: which bytes of a journal line are hashed, the work that closes blocks behind the commits, and the check of a proof
//! that a line is in one.

pub mod leaf;
pub(crate) mod leaves;
pub mod line;
pub mod proof;
mod sealer;
mod source;

pub use sealer::{SealPolicy, seal_due, seal_on};
pub use source::BlockStore;

use crypto::merkle::Hash;

/// Bytes of a leaf's hash that a block keeps for each line, so that a changed line can be named.
pub const MARK_BYTES: usize = 8;

/// What stands before the first block's chained root: a label, so that the chain can be no other chain of hashes.
#[must_use]
pub fn chain_start() -> Hash {
    let mut bytes = b"feiqian journal chain v1".to_vec();
    bytes.extend_from_slice(&[0; 32]);
    crypto::sha256(&bytes)
}

/// The chained root of a block: SHA-256 over the chained root before it and its own Merkle root.
#[must_use]
pub fn chained(previous: &Hash, root: &Hash) -> Hash {
    let mut bytes = [0; 64];
    let (left, right) = bytes.split_at_mut(32);
    left.copy_from_slice(previous);
    right.copy_from_slice(root);
    crypto::sha256(&bytes)
}
