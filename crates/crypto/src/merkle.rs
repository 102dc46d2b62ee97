//! Tree hashing as in RFC 9162 section 2.1, over SHA-256: leaves and nodes are hashed under different prefixes,
//! so that no node can pass as a leaf.

use crate::hash::{sha256, sha256_parts};
use crate::secret::constant_time_eq;

/// A leaf's, node's or tree's hash.
pub type Hash = [u8; 32];

/// Hash of one leaf's canonical bytes.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256_parts(&[&[0x00], leaf])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256_parts(&[&[0x01], left, right])
}

/// Computes a root over leaves that come one at a time; memory grows with the logarithm of their number.
#[derive(Debug, Clone, Default)]
pub struct TreeHasher {
    leaves: u64,
    /// Roots of the complete subtrees so far, largest first; one for each bit set in `leaves`.
    peaks: Vec<Hash>,
}

impl TreeHasher {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf by its [`leaf_hash`].
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.leaves.trailing_ones() {
            // A set bit means a complete subtree of the same size waits to be joined.
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.peaks.push(hash);
        self.leaves += 1;
    }

    /// Leaves pushed so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.leaves
    }

    /// Whether no leaf was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves == 0
    }

    /// The root of the leaves so far; SHA-256 of nothing for none.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return sha256(b"") };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// The root over leaf hashes, in order.
pub fn root(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut tree = TreeHasher::new();
    for leaf in leaves {
        tree.push(leaf);
    }
    tree.root()
}

/// The path that proves leaf `index` (from 0) to be in the tree over `leaves`, leaf's sibling first. `None` when there
/// is no such leaf.
#[must_use]
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    let (mut index, mut level) = (index, leaves.to_vec());
    while level.len() > 1 {
        // The last node of an odd level has no sibling and rises as it is.
        if let Some(sibling) = level.get(index ^ 1) {
            path.push(*sibling);
        }
        level = level.chunks(2).filter_map(join).collect();
        index /= 2;
    }
    Some(path)
}

fn join(pair: &[Hash]) -> Option<Hash> {
    match pair {
        [left, right] => Some(node_hash(left, right)),
        [single] => Some(*single),
        _ => None,
    }
}

/// Whether `path` proves that `leaf` is number `index` (from 0) of the `size` leaves under `root` (RFC 9162
/// section 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && constant_time_eq(&hash, root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hex;

    /// The eight leaves used by the public test data of Certificate Transparency logs.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn known_leaves() -> Vec<Hash> {
        LEAVES.iter().map(|leaf| leaf_hash(leaf)).collect()
    }

    #[test]
    fn known_roots() {
        let mut tree = TreeHasher::new();
        assert!(tree.is_empty());
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(hex(&tree.root()), *expected, "{size} leaves");
            assert_eq!(tree.len(), size as u64);
            if let Some(leaf) = LEAVES.get(size) {
                tree.push(leaf_hash(leaf));
            }
        }
    }

    /// The definition in RFC 9162 section 2.1.1, by recursion: a second opinion for sizes beyond the vectors.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(b""),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(&root_by_definition(&leaves[..split]), &root_by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn every_leaf_of_every_size_is_provable_and_nothing_else() {
        let leaves: Vec<Hash> = (0_u32..40).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        for size in 1..=leaves.len() {
            let tree = &leaves[..size];
            let root = root(tree.iter().copied());
            assert_eq!(root, root_by_definition(tree));
            for (index, leaf) in tree.iter().enumerate() {
                let path = inclusion_proof(tree, index).unwrap();
                let verify = |leaf: &Hash, index: usize, path: &[Hash]| {
                    verify_inclusion(leaf, index as u64, size as u64, path, &root)
                };
                assert!(verify(leaf, index, &path), "leaf {index} of {size}");
                assert!(!verify(&leaf_hash(b"other"), index, &path));
                assert!(!verify(leaf, index + 1, &path));
                assert!(!verify(leaf, index, &[path.as_slice(), &[root]].concat()));
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!verify(leaf, index, shorter));
                }
            }
            assert_eq!(inclusion_proof(tree, size), None);
        }
    }

    #[test]
    fn a_known_path() {
        let leaves = known_leaves();
        let path = inclusion_proof(&leaves[..3], 2).unwrap();
        assert_eq!(path.iter().map(|hash| hex(hash)).collect::<Vec<_>>(), [ROOTS[2]]);
        assert!(!verify_inclusion(&leaves[0], 0, 0, &[], &leaves[0]));
    }
}
