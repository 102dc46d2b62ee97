//! Public keys, parsed once and used for many verifications.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};
use thiserror::Error;

use super::{Alg, KeyFault, KeyKind, der, pem};
use crate::hash::{hex, sha256};

const ECDSA_P256_SIGNATURE_BYTES: usize = 64;
const DER_SEQUENCE: u8 = 0x30;

/// A public key in the form that verification needs, so that no request pays for parsing it.
#[derive(Clone)]
pub struct PublicKey {
    form: Form,
    spki: Vec<u8>,
    fingerprint: String,
}

#[derive(Clone)]
enum Form {
    Ed25519(ParsedPublicKey),
    EcdsaP256(ParsedPublicKey),
    Rsa { v1_5: ParsedPublicKey, pss: ParsedPublicKey },
}

/// Why a signature is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VerifyFault {
    /// The algorithm does not go with the kind of key.
    #[error("the algorithm does not go with the kind of key")]
    AlgorithmMismatch,
    /// An ECDSA signature in another shape than r and s.
    #[error(transparent)]
    EcdsaShape(#[from] EcdsaShapeFault),
    /// Well formed, but not made by this key over these bytes.
    #[error("the signature does not match")]
    Invalid,
}

/// An ECDSA P-256 signature that is not r and s of 32 bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EcdsaShapeFault {
    /// It is in DER, as most libraries make it.
    #[error("ECDSA signature in DER: send r and s of 32 bytes each, 64 bytes in all")]
    Der,
    /// It has another length.
    #[error("ECDSA signature of {bytes} bytes: send r and s of 32 bytes each, 64 bytes in all")]
    Length {
        /// Its length.
        bytes: usize,
    },
}

impl PublicKey {
    /// Reads a `-----BEGIN PUBLIC KEY-----` block.
    ///
    /// # Errors
    /// [`KeyFault`], each kind with a sentence for whoever sent the key.
    pub fn from_pem(text: &str) -> Result<Self, KeyFault> {
        Self::from_spki_der(&pem::decode(text, pem::PUBLIC_KEY)?)
    }

    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyFault> {
        let parse = |algorithm: &'static dyn VerificationAlgorithm| {
            ParsedPublicKey::new(algorithm, spki).map_err(|_| KeyFault::Rejected)
        };
        let form = match der::public_key_kind(spki)? {
            KeyKind::Ed25519 => Form::Ed25519(parse(&ED25519)?),
            KeyKind::EcdsaP256 => Form::EcdsaP256(parse(&ECDSA_P256_SHA256_FIXED)?),
            KeyKind::Rsa => Form::Rsa {
                v1_5: parse(&RSA_PKCS1_2048_8192_SHA256)?,
                pss: parse(&RSA_PSS_2048_8192_SHA512)?,
            },
        };
        // Written anew, so that one key has one fingerprint however it was encoded.
        let canonical: PublicKeyX509Der<'_> = form.any().as_der().map_err(|_| KeyFault::Rejected)?;
        let spki = canonical.as_ref().to_vec();
        let fingerprint = format!("sha256:{}", hex(&sha256(&spki)));
        Ok(Self { form, spki, fingerprint })
    }

    /// Which kind of key this is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.form {
            Form::Ed25519(_) => KeyKind::Ed25519,
            Form::EcdsaP256(_) => KeyKind::EcdsaP256,
            Form::Rsa { .. } => KeyKind::Rsa,
        }
    }

    /// `sha256:` and the hash of the canonical SubjectPublicKeyInfo in hexadecimal: equal for equal keys.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The canonical DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The canonical PEM block.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(&self.spki, pem::PUBLIC_KEY).to_string()
    }

    /// Verifies `signature` over `base`.
    ///
    /// # Errors
    /// [`VerifyFault`].
    pub fn verify(&self, alg: Alg, base: &[u8], signature: &[u8]) -> Result<(), VerifyFault> {
        let key = match (&self.form, alg) {
            (Form::Ed25519(key), Alg::Ed25519)
            | (Form::Rsa { v1_5: key, .. }, Alg::RsaV15Sha256)
            | (Form::Rsa { pss: key, .. }, Alg::RsaPssSha512) => key,
            (Form::EcdsaP256(key), Alg::EcdsaP256Sha256) => {
                check_ecdsa_shape(signature)?;
                key
            }
            (Form::Ed25519(_) | Form::EcdsaP256(_) | Form::Rsa { .. }, _) => {
                return Err(VerifyFault::AlgorithmMismatch);
            }
        };
        key.verify_sig(base, signature).map_err(|_| VerifyFault::Invalid)
    }

    /// Verifies a signature whose sender named no algorithm: by any that goes with the key.
    ///
    /// # Errors
    /// [`VerifyFault`], never [`VerifyFault::AlgorithmMismatch`].
    pub fn verify_any(&self, base: &[u8], signature: &[u8]) -> Result<(), VerifyFault> {
        let mut outcome = Err(VerifyFault::Invalid);
        for alg in self.kind().algorithms() {
            outcome = self.verify(*alg, base, signature);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// Tells the usual mistake, DER, from other lengths. A signature of 64 bytes is taken for r and s, whatever it
/// starts with.
pub(crate) fn check_ecdsa_shape(signature: &[u8]) -> Result<(), EcdsaShapeFault> {
    match (signature.len(), signature.first()) {
        (ECDSA_P256_SIGNATURE_BYTES, _) => Ok(()),
        (_, Some(&DER_SEQUENCE)) => Err(EcdsaShapeFault::Der),
        (bytes, _) => Err(EcdsaShapeFault::Length { bytes }),
    }
}

impl Form {
    fn any(&self) -> &ParsedPublicKey {
        match self {
            Self::Ed25519(key) | Self::EcdsaP256(key) | Self::Rsa { v1_5: key, .. } => key,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.kind(), self.fingerprint)
    }
}
