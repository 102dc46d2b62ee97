//! Keys as their owners hand them in: bare, or inside a certificate that another program made.

use crypto::certificate::Validity;
use crypto::key::{KeyFault, KeyKind, PresentedKey, PublicKey};
use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose, SignatureAlgorithm, date_time_ymd};

fn certificate(algorithm: &'static SignatureAlgorithm, usages: &[KeyUsagePurpose]) -> (String, KeyPair) {
    let pair = KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::new(vec!["till.shop.example".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2026, 1, 2);
    params.not_after = date_time_ymd(2056, 3, 4);
    params.key_usages = usages.to_vec();
    (params.self_signed(&pair).unwrap().pem(), pair)
}

#[test]
fn the_key_and_the_dates_of_a_certificate_are_taken() {
    for (algorithm, kind) in [
        (&rcgen::PKCS_ED25519, KeyKind::Ed25519),
        (&rcgen::PKCS_ECDSA_P256_SHA256, KeyKind::EcdsaP256),
        (&rcgen::PKCS_RSA_SHA256, KeyKind::Rsa),
    ] {
        for usages in [&[][..], &[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment]] {
            let (pem, pair) = certificate(algorithm, usages);
            let presented = PresentedKey::from_pem(&pem).unwrap();
            assert_eq!(presented.key.kind(), kind);
            let bare = PresentedKey::from_pem(&pair.public_key_pem()).unwrap();
            assert_eq!(presented.key.fingerprint(), bare.key.fingerprint(), "{kind}");
            assert_eq!(bare.certificate, None);
            let facts = presented.certificate.unwrap();
            // 2026-01-02 and 2056-03-04, midnight UTC.
            assert_eq!(facts.validity, Validity { not_before_s: 1_767_312_000, not_after_s: 2_719_353_600 });
            assert_eq!((facts.fingerprint.len(), facts.serial.is_empty()), (64, false));
            // What stands before the block, and a chain behind it.
            let bag = format!("Bag Attributes\n{pem}{pem}");
            assert_eq!(PresentedKey::from_pem(&bag).unwrap().certificate.unwrap(), facts);
        }
    }
}

#[test]
fn what_is_no_certificate_to_sign_with_is_refused_with_a_reason() {
    let fault = |pem: &str| PresentedKey::from_pem(pem).unwrap_err();
    let (pem, _) = certificate(&rcgen::PKCS_ED25519, &[KeyUsagePurpose::KeyCertSign]);
    assert_eq!(fault(&pem), KeyFault::CertificateNotForSigning);
    let (pem, _) = certificate(&rcgen::PKCS_ECDSA_P384_SHA384, &[]);
    assert_eq!(fault(&pem), KeyFault::Unsupported);

    let (good, pair) = certificate(&rcgen::PKCS_ED25519, &[]);
    assert_eq!(fault(&pair.serialize_pem()), KeyFault::PrivateGiven);
    assert!(matches!(fault("-----BEGIN PUBLIC KEY-----"), KeyFault::NotPem { .. }));
    assert!(matches!(fault("a certificate"), KeyFault::NotPem { .. }));
    let request = good.replace("CERTIFICATE", "CERTIFICATE REQUEST");
    assert!(matches!(fault(&request), KeyFault::WrongLabel { .. }), "{:?}", fault(&request));
    assert!(PublicKey::from_pem(&good).is_err(), "where a bare key is wanted");
    // Cut anywhere, and with something behind it, it is no certificate and no panic.
    let body: Vec<&str> = good.lines().filter(|line| !line.starts_with("-----")).collect();
    let text = body.concat();
    for length in (0..text.len()).step_by(4) {
        let cut = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", &text[..length]);
        assert_eq!(fault(&cut), KeyFault::CertificateMalformed, "{length}");
    }
    let key_inside = pair.public_key_pem().replace("PUBLIC KEY", "CERTIFICATE");
    assert_eq!(fault(&key_inside), KeyFault::CertificateMalformed);

    let mut params = CertificateParams::new(vec!["x".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2030, 1, 1), date_time_ymd(2029, 1, 1));
    let never = params.self_signed(&KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap()).unwrap();
    assert_eq!(fault(&never.pem()), KeyFault::CertificateMalformed, "it ends before it begins");
}
