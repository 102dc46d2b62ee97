//! Private keys, for clients, the command line and the bench. The server holds none of its merchants'.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA512, RsaEncoding,
};
use zeroize::Zeroizing;

use super::{Alg, KeyFault, KeyKind, PublicKey, VerifyFault, der, pem};

/// A key that signs requests.
pub struct PrivateKey {
    form: Form,
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

enum Form {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl PrivateKey {
    /// A new Ed25519 key.
    ///
    /// # Panics
    /// When the system's random generator fails.
    #[must_use]
    pub fn generate_ed25519() -> Self {
        Self::generate(KeyKind::Ed25519)
    }

    /// A new key of the given kind; RSA keys have 3072 bits.
    ///
    /// # Panics
    /// When the system's random generator fails.
    #[must_use]
    pub fn generate(kind: KeyKind) -> Self {
        let made = generate_pkcs8(kind).map_err(|Unspecified| KeyFault::Rejected);
        match made.and_then(|pkcs8| Self::from_pkcs8_der(&pkcs8)) {
            Ok(key) => key,
            // Nothing from outside is involved: only a broken machine comes here.
            Err(fault) => panic!("no key could be generated: {fault}"),
        }
    }

    /// Reads a `-----BEGIN PRIVATE KEY-----` block (PKCS#8, unencrypted).
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyFault> {
        Self::from_pkcs8_der(&pem::decode(text, pem::PRIVATE_KEY)?)
    }

    /// Reads a DER PrivateKeyInfo.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, KeyFault> {
        let (form, spki) = parse(pkcs8)?;
        Ok(Self { form, pkcs8: Zeroizing::new(pkcs8.to_vec()), public: PublicKey::from_spki_der(&spki)? })
    }

    /// The key as a `-----BEGIN PRIVATE KEY-----` block.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        pem::encode(&self.pkcs8, pem::PRIVATE_KEY)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The public half as a `-----BEGIN PUBLIC KEY-----` block.
    #[must_use]
    pub fn public_key_pem(&self) -> String {
        self.public.to_pem()
    }

    /// Which kind of key this is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// Signs `base`.
    ///
    /// # Errors
    /// [`VerifyFault::AlgorithmMismatch`] when the algorithm does not go with the kind of key;
    /// [`VerifyFault::Invalid`] when AWS-LC could not sign.
    pub fn sign(&self, alg: Alg, base: &[u8]) -> Result<Vec<u8>, VerifyFault> {
        let made = match (&self.form, alg) {
            (Form::Ed25519(key), Alg::Ed25519) => {
                key.try_sign(base).map(|signature| signature.as_ref().to_vec())
            }
            (Form::EcdsaP256(key), Alg::EcdsaP256Sha256) => {
                key.sign(&SystemRandom::new(), base).map(|signature| signature.as_ref().to_vec())
            }
            (Form::Rsa(key), Alg::RsaV15Sha256) => sign_rsa(key, &RSA_PKCS1_SHA256, base),
            (Form::Rsa(key), Alg::RsaPssSha512) => sign_rsa(key, &RSA_PSS_SHA512, base),
            (Form::Ed25519(_) | Form::EcdsaP256(_) | Form::Rsa(_), _) => {
                return Err(VerifyFault::AlgorithmMismatch);
            }
        };
        made.map_err(|Unspecified| VerifyFault::Invalid)
    }
}

fn generate_pkcs8(kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    Ok(Zeroizing::new(match kind {
        KeyKind::Ed25519 => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
        KeyKind::EcdsaP256 => {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec()
        }
        KeyKind::Rsa => {
            let der: Pkcs8V1Der<'_> = RsaKeyPair::generate(KeySize::Rsa3072)?.as_der()?;
            der.as_ref().to_vec()
        }
    }))
}

/// The key and its public half as SubjectPublicKeyInfo.
fn parse(pkcs8: &[u8]) -> Result<(Form, Vec<u8>), KeyFault> {
    use aws_lc_rs::encoding::PublicKeyX509Der;

    let rejected = |_| KeyFault::Rejected;
    let (form, spki): (Form, Result<PublicKeyX509Der<'_>, Unspecified>) = match der::private_key_kind(pkcs8)?
    {
        KeyKind::Ed25519 => {
            let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(rejected)?;
            let spki = key.public_key().as_der();
            (Form::Ed25519(key), spki)
        }
        KeyKind::EcdsaP256 => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(rejected)?;
            let spki = key.public_key().as_der();
            (Form::EcdsaP256(key), spki)
        }
        KeyKind::Rsa => {
            let key = RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
            let spki = key.public_key().as_der();
            (Form::Rsa(key), spki)
        }
    };
    Ok((form, spki.map_err(|_| KeyFault::Rejected)?.as_ref().to_vec()))
}

fn sign_rsa(
    key: &RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
    base: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), base, &mut signature)?;
    Ok(signature)
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({} ***)", self.kind())
    }
}
