//! As much DER (X.690) as it takes to tell which kind of key a structure holds. AWS-LC parses the key itself.

use super::{KeyFault, KeyKind, RSA_BITS};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

const ID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ID_EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ID_PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ID_RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Reads elements from the front of a byte string.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The contents of the next element, which must have the given tag.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => rest.split_first().map(|(&byte, rest)| (usize::from(byte), rest))?,
            0x82 => rest
                .split_first_chunk::<2>()
                .map(|(bytes, rest)| (usize::from(u16::from_be_bytes(*bytes)), rest))?,
            // Longer than any key.
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (found == tag).then_some(contents)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The kind of the key in a SubjectPublicKeyInfo (RFC 5280 section 4.1); RSA sizes are checked here because
/// AWS-LC checks them only when it verifies.
pub(super) fn public_key_kind(spki: &[u8]) -> Result<KeyKind, KeyFault> {
    let (algorithm, key) = public_key_parts(spki).ok_or(KeyFault::Malformed)?;
    let kind = algorithm_kind(algorithm)?;
    if kind == KeyKind::Rsa {
        let bits = rsa_modulus_bits(key).ok_or(KeyFault::Malformed)?;
        if !RSA_BITS.contains(&bits) {
            return Err(KeyFault::RsaSize { bits });
        }
    }
    Ok(kind)
}

/// The kind of the key in a PrivateKeyInfo (RFC 5208, RFC 5958).
pub(super) fn private_key_kind(pkcs8: &[u8]) -> Result<KeyKind, KeyFault> {
    let algorithm = || {
        let mut outer = Reader(pkcs8);
        let mut info = Reader(outer.element(SEQUENCE)?);
        outer.end()?;
        info.element(INTEGER)?;
        info.element(SEQUENCE)
    };
    algorithm_kind(algorithm().ok_or(KeyFault::Malformed)?)
}

fn public_key_parts(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = Reader(spki);
    let mut info = Reader(outer.element(SEQUENCE)?);
    outer.end()?;
    let algorithm = info.element(SEQUENCE)?;
    let (&unused_bits, key) = info.element(BIT_STRING)?.split_first()?;
    info.end()?;
    (unused_bits == 0).then_some((algorithm, key))
}

fn algorithm_kind(algorithm: &[u8]) -> Result<KeyKind, KeyFault> {
    let mut reader = Reader(algorithm);
    let id = reader.element(OBJECT_IDENTIFIER).ok_or(KeyFault::Malformed)?;
    if id == ID_ED25519 {
        Ok(KeyKind::Ed25519)
    } else if id == ID_RSA_ENCRYPTION {
        Ok(KeyKind::Rsa)
    } else if id == ID_EC_PUBLIC_KEY && reader.element(OBJECT_IDENTIFIER) == Some(ID_PRIME256V1) {
        Ok(KeyKind::EcdsaP256)
    } else {
        Err(KeyFault::Unsupported)
    }
}

fn rsa_modulus_bits(key: &[u8]) -> Option<usize> {
    let mut outer = Reader(key);
    let modulus = Reader(outer.element(SEQUENCE)?).element(INTEGER)?;
    // A leading zero only keeps the number positive.
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let leading_zeros = modulus.first()?.leading_zeros() as usize;
    Some(modulus.len() * 8 - leading_zeros)
}
