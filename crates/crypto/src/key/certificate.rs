//! Public keys as their owners hand them in: a bare public key, or an X.509 certificate (RFC 5280) around one. A certificate is
//! taken for its key and its validity: it is not checked against any authority, because whoever hands it in has shown already
//! that it may.

use x509_cert::certificate::TbsCertificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::KeyUsage;

use super::{KeyFault, PublicKey, pem};
use crate::certificate::{Validity, validity_of};
use crate::hash::{hex, sha256};

/// A public key, and the certificate that it came in.
#[derive(Debug, Clone)]
pub struct PresentedKey {
    /// The key.
    pub key: PublicKey,
    /// The certificate around it, if there was one.
    pub certificate: Option<CertificateFacts>,
}

/// What is taken from a certificate beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The serial number, hexadecimal.
    pub serial: String,
    /// SHA-256 of the DER bytes, hexadecimal.
    pub fingerprint: String,
    /// When it is good.
    pub validity: Validity,
}

impl PresentedKey {
    /// Reads a `-----BEGIN PUBLIC KEY-----` or `-----BEGIN CERTIFICATE-----` block, the first one of a chain.
    ///
    /// # Errors
    /// [`KeyFault`], each kind with a sentence for whoever sent the text.
    pub fn from_pem(text: &str) -> Result<Self, KeyFault> {
        if pem::label(text) == Some(pem::CERTIFICATE) {
            return Self::from_certificate(&pem::decode(text, pem::CERTIFICATE)?);
        }
        Ok(Self { key: PublicKey::from_pem(text)?, certificate: None })
    }

    fn from_certificate(der: &[u8]) -> Result<Self, KeyFault> {
        let malformed = |_| KeyFault::CertificateMalformed;
        let certificate = x509_cert::Certificate::from_der(der).map_err(malformed)?;
        let body = certificate.tbs_certificate();
        may_sign(body)?;
        let spki = body.subject_public_key_info().to_der().map_err(malformed)?;
        let validity = validity_of(&certificate).ok_or(KeyFault::CertificateMalformed)?;
        if validity.not_after_s <= validity.not_before_s {
            return Err(KeyFault::CertificateMalformed);
        }
        let facts = CertificateFacts {
            serial: hex(body.serial_number().as_bytes()),
            fingerprint: hex(&sha256(der)),
            validity,
        };
        Ok(Self { key: PublicKey::from_spki_der(&spki)?, certificate: Some(facts) })
    }
}

/// A certificate that says what its key is for must say that it signs.
fn may_sign(body: &TbsCertificate) -> Result<(), KeyFault> {
    match body.get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) if !usage.digital_signature() => Err(KeyFault::CertificateNotForSigning),
        Ok(_) => Ok(()),
        Err(_) => Err(KeyFault::CertificateMalformed),
    }
}
