//! TLS to the database, by the one provider of cryptography that is compiled in.

use super::OpenFault;
use super::config::{PostgresConfig, Tls};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What makes connections guarded; `None` in the clear.
pub(super) fn connector(config: &PostgresConfig) -> Result<Option<MakeRustlsConnect>, OpenFault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|fault| OpenFault::Tls(fault.to_string()))?;
    let client = match (config.tls, &config.root_ca_file) {
        (Tls::Disable, _) => return Ok(None),
        (Tls::Require | Tls::VerifyFull, Some(file)) => {
            builder.with_root_certificates(roots(file)?).with_no_client_auth()
        }
        (Tls::VerifyFull, None) => {
            let why =
                "the certificate of the database is judged by a file of roots: name it with root_ca_file";
            return Err(OpenFault::Tls(why.to_owned()));
        }
        (Tls::Require, None) => {
            let any = Arc::new(AnyCertificate { provider });
            builder.dangerous().with_custom_certificate_verifier(any).with_no_client_auth()
        }
    };
    Ok(Some(MakeRustlsConnect::new(client)))
}

fn roots(file: &Path) -> Result<RootCertStore, OpenFault> {
    let fault = |why: &str| OpenFault::Tls(format!("{}: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| fault(&error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| fault("it is no PEM of certificates"))?;
        roots.add(certificate).map_err(|error| fault(&error.to_string()))?;
    }
    if roots.is_empty() { Err(fault("it holds no certificate")) } else { Ok(roots) }
}

/// Takes whatever certificate the database shows: the way is encrypted, who stands at its end is not known. Only for
/// [`Tls::Require`] without roots.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
