//! How long an X.509 certificate (RFC 5280) is good. Who issued it and whether to trust that is the TLS library's business.

use x509_cert::Certificate;
use x509_cert::der::Decode;

/// When a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// notBefore, seconds since 1970.
    pub not_before_s: i64,
    /// notAfter, seconds since 1970.
    pub not_after_s: i64,
}

/// The validity of a certificate in DER; `None` when it is none, or something follows it.
#[must_use]
pub fn validity(der: &[u8]) -> Option<Validity> {
    validity_of(&Certificate::from_der(der).ok()?)
}

/// The validity of a parsed certificate.
pub(crate) fn validity_of(certificate: &Certificate) -> Option<Validity> {
    let validity = certificate.tbs_certificate().validity();
    let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok();
    Some(Validity { not_before_s: seconds(validity.not_before)?, not_after_s: seconds(validity.not_after)? })
}
