//! Keys that sign requests: Ed25519, ECDSA P-256 and RSA, in PEM.

mod certificate;
mod der;
mod pem;
mod private;
mod public;

use std::fmt;

use thiserror::Error;

pub use certificate::{CertificateFacts, PresentedKey};
pub use private::PrivateKey;
pub(crate) use public::check_ecdsa_shape;
pub use public::{EcdsaShapeFault, PublicKey, VerifyFault};

/// Smallest and largest RSA modulus accepted, in bits.
pub const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The kinds of keys that requests are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA over the curve P-256.
    EcdsaP256,
    /// RSA of 2048 to 8192 bits.
    Rsa,
}

impl KeyKind {
    /// The signature algorithms a key of this kind may be used with, the preferred one first.
    #[must_use]
    pub fn algorithms(self) -> &'static [Alg] {
        match self {
            Self::Ed25519 => &[Alg::Ed25519],
            Self::EcdsaP256 => &[Alg::EcdsaP256Sha256],
            Self::Rsa => &[Alg::RsaPssSha512, Alg::RsaV15Sha256],
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::EcdsaP256 => "ECDSA P-256",
            Self::Rsa => "RSA",
        })
    }
}

/// Signature algorithms, by their names in RFC 9421 section 6.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alg {
    /// `ed25519`
    Ed25519,
    /// `ecdsa-p256-sha256`: r and s of 32 bytes each
    EcdsaP256Sha256,
    /// `rsa-v1_5-sha256`
    RsaV15Sha256,
    /// `rsa-pss-sha512`: MGF1 over SHA-512, salt of 64 bytes
    RsaPssSha512,
}

impl Alg {
    /// The registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::RsaV15Sha256 => "rsa-v1_5-sha256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
        }
    }

    /// The algorithm of a registered name, if it is one of ours.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ed25519, Self::EcdsaP256Sha256, Self::RsaV15Sha256, Self::RsaPssSha512]
            .into_iter()
            .find(|alg| alg.name() == name)
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no key that we take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// No PEM block, or one whose base64 is broken.
    #[error("not a PEM file: expected -----BEGIN {expected}-----")]
    NotPem {
        /// The label that was wanted.
        expected: &'static str,
    },
    /// A private key where the public one belongs.
    #[error("this is a private key: keep it to yourself and send the public one (openssl pkey -pubout)")]
    PrivateGiven,
    /// A PEM block of another kind.
    #[error("PEM block {found}: expected {expected}; convert it with openssl pkey")]
    WrongLabel {
        /// The label that stands there.
        found: String,
        /// The label that was wanted.
        expected: &'static str,
    },
    /// Not the DER structure its label promises, or with bytes after it.
    #[error("the key's DER structure is malformed")]
    Malformed,
    /// An algorithm or curve other than Ed25519, P-256 and RSA.
    #[error("unsupported kind of key: use Ed25519, ECDSA P-256 or RSA (rsaEncryption)")]
    Unsupported,
    /// An RSA modulus outside [`RSA_BITS`].
    #[error("RSA key of {bits} bits: 2048 to 8192 are accepted")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// A certificate that can't be read.
    #[error("the certificate can't be read as X.509 (RFC 5280)")]
    CertificateMalformed,
    /// A certificate whose key usage leaves signing out.
    #[error("the certificate's key usage does not include digitalSignature")]
    CertificateNotForSigning,
    /// The parts do not make a valid key.
    #[error("the key is not valid")]
    Rejected,
    /// Longer than any key we take.
    #[error("the text is too long for a key")]
    TooLong,
}
