//! Checking an inclusion proof, offline: that a line stands in a sealed block, the block in its chain, and the block in the tree of
//! the day whose root a statement names. It needs the proof's file and a root that its reader trusts; no database, no secret.

use super::line::{self, SealedLine};
use super::{chained, leaf};
use crypto::merkle::{Hash, leaf_hash, verify_inclusion};
use domain::id::Id;
use serde::Deserialize;
use serde_json::Value;
use wire::{BalanceTransactionObject, LineFacts, LinePosition};

/// A file larger than this is no proof: a path has at most 64 hashes.
pub const FILE_BYTES_MAX: usize = 64 * 1024;

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// Not the JSON of a proof.
    #[error("this is not a proof as GET /v1/balance_transactions/{{id}}/proof answers it: {0}")]
    Unreadable(String),
    /// The bytes are no journal line.
    #[error("leaf.bytes is no journal line of a format that this program knows")]
    NoLine,
    /// What people read is not what is proven.
    #[error("balance_transaction is not the line that leaf.bytes holds: {0} differs")]
    LineDiffers(String),
    /// The path to the block's root.
    #[error(
        "the line is not in the block: leaf.bytes, salt, index, size, siblings and block.root do not belong together"
    )]
    NotInBlock,
    /// The chained root.
    #[error("block.chained is not made of block.previous and block.root")]
    NotChained,
    /// The path to the day's root.
    #[error(
        "the block is not in the day: statement.index, size, siblings and root do not belong to block.chained"
    )]
    NotInDay,
    /// The proof holds, for another root.
    #[error("the proof holds by itself, but none of its roots is the one given: it leads to {0}")]
    OtherRoot(String),
}

/// Which root a proof leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proven {
    /// The one that the day's statements name.
    Statement,
    /// The chained root of the line's block.
    Chained,
    /// The root of the line's block alone.
    Block,
}

#[derive(Deserialize)]
struct File {
    balance_transaction: Value,
    leaf: Leaf,
    block: Block,
    statement: Option<Day>,
}

#[derive(Deserialize)]
struct Leaf {
    bytes: Hex,
    salt: Hex,
    index: u64,
    size: u64,
    siblings: Vec<Hex>,
}

#[derive(Deserialize)]
struct Block {
    root: Hex,
    previous: Hex,
    chained: Hex,
}

#[derive(Deserialize)]
struct Day {
    index: u64,
    size: u64,
    siblings: Vec<Hex>,
    root: Hex,
}

/// Bytes that are written in hexadecimal.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hex, D::Error> {
        let text = String::deserialize(deserializer)?;
        read_hex(&text).map(Hex).ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
    }
}

/// Reads hexadecimal in any case.
#[must_use]
pub fn read_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

impl Hex {
    fn fixed<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.as_slice().try_into().ok()
    }
}

fn path(siblings: &[Hex]) -> Option<Vec<Hash>> {
    siblings.iter().map(Hex::fixed).collect()
}

/// Checks the text of a proof against a root. Answers the line that is proven, and to which of its roots the given one belongs.
///
/// # Errors
/// [`ProofFault`], the first one found.
pub fn check(text: &str, root: &Hash) -> Result<(SealedLine, Proven), ProofFault> {
    let file: File = serde_json::from_str(text).map_err(|error| ProofFault::Unreadable(error.to_string()))?;
    let line = line::read(&file.leaf.bytes.0).ok_or(ProofFault::NoLine)?;
    says_the_same(&file.balance_transaction, &line)?;
    let block_root = in_block(&file.leaf, &file.block).ok_or(ProofFault::NotInBlock)?;
    let chained_root = in_chain(&file.block, &block_root).ok_or(ProofFault::NotChained)?;
    let day_root = match &file.statement {
        Some(day) => Some(in_day(day, &chained_root).ok_or(ProofFault::NotInDay)?),
        None => None,
    };
    let proven = if day_root.as_ref() == Some(root) {
        Proven::Statement
    } else if chained_root == *root {
        Proven::Chained
    } else if block_root == *root {
        Proven::Block
    } else {
        return Err(ProofFault::OtherRoot(crypto::hex(&day_root.unwrap_or(chained_root))));
    };
    Ok((line, proven))
}

fn in_block(leaf: &Leaf, block: &Block) -> Option<Hash> {
    let (salt, root, siblings) = (leaf.salt.fixed()?, block.root.fixed()?, path(&leaf.siblings)?);
    let hash = leaf::leaf(&salt, &leaf.bytes.0);
    verify_inclusion(&hash, leaf.index, leaf.size, &siblings, &root).then_some(root)
}

fn in_chain(block: &Block, root: &Hash) -> Option<Hash> {
    let (previous, said) = (block.previous.fixed()?, block.chained.fixed()?);
    (chained(&previous, root) == said).then_some(said)
}

fn in_day(day: &Day, chained: &Hash) -> Option<Hash> {
    let (root, siblings) = (day.root.fixed()?, path(&day.siblings)?);
    verify_inclusion(&leaf_hash(chained), day.index, day.size, &siblings, &root).then_some(root)
}

/// The line as the API shows it; `None` for one that no merchant sees.
#[must_use]
pub fn shown(line: &SealedLine) -> Option<BalanceTransactionObject> {
    let entry = line.transaction.entries.first()?;
    let merchant = entry.merchant?;
    let position =
        LinePosition { shard: line.place.shard, seq: line.place.seq, line: i64::from(line.place.line) };
    let facts = LineFacts {
        position,
        kind: line.transaction.kind,
        source: line.transaction.source,
        posted_at_us: line.transaction.posted_at_us,
        entry,
    };
    BalanceTransactionObject::of(&facts, merchant, merchant.uid().shard().world())
}

/// What people read in the file must be what its bytes say.
fn says_the_same(read: &Value, line: &SealedLine) -> Result<(), ProofFault> {
    let sealed = shown(line).ok_or(ProofFault::NoLine)?;
    let sealed = serde_json::to_value(&sealed).map_err(|error| ProofFault::Unreadable(error.to_string()))?;
    let (Value::Object(sealed), Value::Object(read)) = (&sealed, read) else {
        return Err(ProofFault::LineDiffers("its form".to_owned()));
    };
    // Members that a later version adds are not this one's to judge.
    match sealed.iter().find(|(name, value)| read.get(*name) != Some(value)) {
        Some((name, _)) => Err(ProofFault::LineDiffers(name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::leaf::{Place, canonical_bytes};
    use crypto::merkle;
    use domain::Uid;
    use domain::id::{MerchantId, Shard};
    use domain::rows::{Entry, Transaction};
    use ledger::{Account, Category, PostingKind};
    use money::Currency;
    use serde_json::json;

    /// A proof of line 2 of 5 in block 8 of the day's blocks 7 to 9, and the day's root.
    fn proof() -> (Value, Hash) {
        let merchant = MerchantId(Uid::new(5, Shard(1), 9));
        let entry = Entry {
            account: Account::MerchantAvailable { merchant: merchant.0.0 }.key(Currency::CNY),
            amount_minor: -1_250,
            category: Category::Payment,
            merchant: Some(merchant),
            account_seq: Some(1),
            balance_after_minor: Some(1_250),
        };
        let transaction = Transaction {
            kind: PostingKind::PaymentSucceeded,
            source: Uid::new(5, Shard(1), 10),
            merchant,
            posted_at_us: 1_795_595_400_000_000,
            booked_on: ledger::Day(20_782),
            corrects: None,
            entries: vec![entry.clone()],
        };
        let place = Place { shard: Shard(1), seq: 42, line: 0 };
        let bytes = canonical_bytes(place, &transaction, &entry);
        let salt = [0x5a; 16];
        let mut leaves: Vec<Hash> = (0..5_u8).map(|n| leaf_hash(&[n])).collect();
        leaves[2] = leaf::leaf(&salt, &bytes);
        let root = merkle::root(leaves.iter().copied());
        let previous = [3; 32];
        let of_block = chained(&previous, &root);
        let days = [[1; 32], of_block, [2; 32]].map(|chained: Hash| leaf_hash(&chained));
        let day_root = merkle::root(days);
        let texts = |path: Vec<Hash>| path.iter().map(|hash| crypto::hex(hash)).collect::<Vec<_>>();
        let line = SealedLine { place, transaction };
        let file = json!({
            "object": "proof",
            "balance_transaction": shown(&line).unwrap(),
            "leaf": {
                "bytes": crypto::hex(&bytes), "salt": crypto::hex(&salt), "index": 2, "size": 5,
                "siblings": texts(merkle::inclusion_proof(&leaves, 2).unwrap()),
            },
            "block": {
                "number": 8, "root": crypto::hex(&root), "previous": crypto::hex(&previous),
                "chained": crypto::hex(&of_block),
            },
            "statement": {
                "date": "2026-11-25", "index": 1, "size": 3, "root": crypto::hex(&day_root),
                "siblings": texts(merkle::inclusion_proof(&days, 1).unwrap()),
            },
        });
        (file, day_root)
    }

    #[test]
    fn a_proof_leads_to_each_of_its_roots() {
        let (file, day_root) = proof();
        let (line, proven) = check(&file.to_string(), &day_root).unwrap();
        assert_eq!((line.transaction.entries[0].amount_minor, proven), (-1_250, Proven::Statement));
        for (pointer, expected) in [("/block/chained", Proven::Chained), ("/block/root", Proven::Block)] {
            let root = read_hex(file.pointer(pointer).unwrap().as_str().unwrap()).unwrap();
            assert_eq!(check(&file.to_string(), &root.try_into().unwrap()).unwrap().1, expected);
        }
        let mut unformed = file.clone();
        unformed["statement"] = Value::Null;
        assert!(matches!(check(&unformed.to_string(), &day_root), Err(ProofFault::OtherRoot(_))));
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let (file, day_root) = proof();
        let other = json!(crypto::hex(&[7; 32]));
        let bytes = file["leaf"]["bytes"].as_str().unwrap();
        // The amount's last byte, by its place in the canonical bytes: 1250 becomes 1251.
        let amount = json!(bytes.replacen("fffffffffffffb1e", "fffffffffffffb1d", 1));
        assert_ne!(amount, file["leaf"]["bytes"]);
        let differs = |name: &str| ProofFault::LineDiffers(name.to_owned());
        for (pointer, changed, fault) in [
            ("/balance_transaction/amount/value", json!(1_251), differs("amount")),
            ("/balance_transaction/posted_at", json!("2026-11-25T08:30:01.000Z"), differs("posted_at")),
            ("/balance_transaction/merchant", json!("mch_0"), differs("merchant")),
            ("/leaf/bytes", amount, differs("amount")),
            ("/leaf/bytes", json!("00"), ProofFault::NoLine),
            ("/leaf/salt", json!("00".repeat(16)), ProofFault::NotInBlock),
            ("/leaf/salt", json!("00"), ProofFault::NotInBlock),
            ("/leaf/index", json!(3), ProofFault::NotInBlock),
            ("/leaf/index", json!(5), ProofFault::NotInBlock),
            ("/leaf/size", json!(2), ProofFault::NotInBlock),
            ("/leaf/size", json!(50), ProofFault::NotInBlock),
            ("/leaf/siblings/0", other.clone(), ProofFault::NotInBlock),
            ("/leaf/siblings", json!([]), ProofFault::NotInBlock),
            ("/block/root", other.clone(), ProofFault::NotInBlock),
            ("/block/previous", other.clone(), ProofFault::NotChained),
            ("/block/chained", other.clone(), ProofFault::NotChained),
            ("/statement/index", json!(0), ProofFault::NotInDay),
            ("/statement/size", json!(1), ProofFault::NotInDay),
            ("/statement/siblings/1", other.clone(), ProofFault::NotInDay),
            ("/statement/root", other, ProofFault::NotInDay),
        ] {
            let mut false_file = file.clone();
            *false_file.pointer_mut(pointer).unwrap() = changed;
            assert_eq!(check(&false_file.to_string(), &day_root), Err(fault), "{pointer}");
        }
        let refused = check(&file.to_string(), &[9; 32]).unwrap_err();
        assert_eq!(refused, ProofFault::OtherRoot(crypto::hex(&day_root)));
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        for text in ["", "{}", "[1]", "{\"balance_transaction\":{},\"leaf\":{\"bytes\":\"+f\"}}"] {
            assert!(matches!(check(text, &[0; 32]), Err(ProofFault::Unreadable(_))), "{text}");
        }
        assert_eq!(read_hex("0aFf"), Some(vec![0x0a, 0xff]));
        assert_eq!((read_hex("0"), read_hex("+f"), read_hex("zz")), (None, None, None));
    }
}
