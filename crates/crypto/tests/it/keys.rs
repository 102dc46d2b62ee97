//! Keys from other makers, signatures from other makers, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::key::{Alg, EcdsaShapeFault, KeyFault, KeyKind, PrivateKey, PublicKey, VerifyFault};

use crate::rfc9421::{ECC_P256_PUBLIC, ED25519_PUBLIC};

/// Made by `openssl genrsa 2048`; the signatures below by `openssl dgst -sign` over [`BASE`].
const RSA_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzWXASzmITc3mVuTpZK3Q\n\
L1Xu3Jz+vw9dNZtWuG5EBaR1UBTX0+cvXcYXVvYhkVk+zGZKVSw35TJu5BGpRjQL\n\
cgIoOGoIkqUN9vlrJ23rOAC8QkwDNQ+uk+/UqGNKRfR5jt2yAkVLW6AdkwqlbrqV\n\
mZSslOxvarUQN2gtvSX2eeDeqtOcjkrGEsTZU/kKaBIugYe4+GdQkuYXDf9p9NQb\n\
8ZY6gZU+wBQSaJbFJKjjxF5Fqgycm4Uw/yvW99ZKPHoCFWVXWojiJm3HYqBfDh+x\n\
mkmTWCNTGBVwWk4YzgJRS0+npRaoFHs1Ha5FYykAneYbB4NYyvZLp1dLYOxr4rUS\n\
fQIDAQAB\n\
-----END PUBLIC KEY-----\n";
const BASE: &[u8] = b"a base";
const RSA_V1_5_SIGNATURE: &str = "NMNwPEZQdqhajTHc5WWRD11BJSMBJSwDOqJqh7g97s2BMxgVdRQWWTlqEzrOK3f1djB1NZzUF91RyGo4TXG9XwiNApP/1q1ncEs63qDCdsyIF5u9fqiot8GyAcQMVmjHx/A0frV0MtJTMEJ3yY8mt1eJW0Z7PjyiYRCJMK9va7CBXfCsV0dxpXiMqxVmTJf7onXJZ/44Si0BRGSLXWOAf8cfVyA9jCW7LsSu4aaRpmwDUVkfILbfSKvxEasq8puKOFy4iBzcln3s1qxZ8pT4r1C6Y6st/w1TCTYm5YFQMUgiwK8JtmoqRh0pjbTcCZeJb+YQ4xuyh7k7PHDTjxRQcA==";
const RSA_PSS_SIGNATURE: &str = "nv61JgGCMnM5ZBECBFh/YCm5bQqn/9s1CJ6PozjcO4BmbKTYuH/ZrI2TLikQWtB3SK+pV4L85K6eKGEA5QFbjVuLNyh6DXxM2VKjfUENuebBUeiYGtbmrhZC7eYAkPf3A0gOk/BOMxMPB6/Zat9dhNltgU8043QJVqyePC0ipvylI2AcCEkHpqNbNeNdS6WjHwaEDN5n8mZKCR7QWPPeJNBcIbIEcwRIRrmmdzgAeY4fkeh32E8PPcz8b5LJyBfsTWACiyANJMEoM9NB9XvHCSJQIX0R+nYFjHPyXnZoDeJOy7rxKoAoWUuxgyhHspzrZ83h7/nclvcWLP5q25kcGg==";
/// By the private half of the key in RFC 9421 section B.1.3.
const ECDSA_DER_SIGNATURE: &str =
    "MEUCIQD7g6XJ0qxbqFuljUJtynJsZQePgQ/Q3S1VsyImK9O3uQIgZ1UMb4q7sH0g5uZlpYoxM/DgXLBLb7y7m3nl+t5M/JQ=";
const RSA_1024: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/HR8AD5UIXhEm2LTljxGE2zbH\n\
Z55Mz3LL0PYMaycgmzsNwT3xHpbsFwWf//8UWqh8zxcanq1GTDkp0uQc7hZfQ+Fk\n\
xurWNKyBuV68hdOSDCw52JxWyhiPYh1FMF6ZijdaLwqhgs2a18M2D4roSg6BzqXU\n\
EqfPkfVnzbTbrzVv0wIDAQAB\n\
-----END PUBLIC KEY-----\n";
const P_384: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEsTSyOkq9Zz5OD57cJarMao+izPBAYkvb
KDh2I0/3wOrllJL32kBU/MwFs7DnKtXehcKmCKg6VwCw6Lfe1xUPXydmVYmUgMSl
+ozN6mR7clG5MpVxCheRuEa2XQE8dvkG
-----END PUBLIC KEY-----";
const X25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEA8aRSqcT29GnE+z7t/Yp3jE3ZlOQb3fk5XK4lQM11llc=
-----END PUBLIC KEY-----";

fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

#[test]
fn signatures_made_by_openssl_verify() {
    let key = PublicKey::from_pem(RSA_PUBLIC).unwrap();
    assert_eq!(key.kind(), KeyKind::Rsa);
    for (alg, other, signature) in [
        (Alg::RsaV15Sha256, Alg::RsaPssSha512, decode(RSA_V1_5_SIGNATURE)),
        (Alg::RsaPssSha512, Alg::RsaV15Sha256, decode(RSA_PSS_SIGNATURE)),
    ] {
        assert_eq!(key.verify(alg, BASE, &signature), Ok(()));
        assert_eq!(key.verify_any(BASE, &signature), Ok(()));
        assert_eq!(key.verify(other, BASE, &signature), Err(VerifyFault::Invalid));
        assert_eq!(key.verify(alg, b"another base", &signature), Err(VerifyFault::Invalid));
        assert_eq!(key.verify_any(b"another base", &signature), Err(VerifyFault::Invalid));
    }
}

#[test]
fn ecdsa_in_der_is_told_from_a_wrong_signature() {
    let key = PublicKey::from_pem(ECC_P256_PUBLIC).unwrap();
    let verify = |signature: &[u8]| key.verify(Alg::EcdsaP256Sha256, BASE, signature);
    assert_eq!(verify(&decode(ECDSA_DER_SIGNATURE)), Err(EcdsaShapeFault::Der.into()));
    assert_eq!(verify(&[1; 63]), Err(EcdsaShapeFault::Length { bytes: 63 }.into()));
    assert_eq!(verify(&[0x30; 64]), Err(VerifyFault::Invalid));
    assert_eq!(verify(&[]), Err(EcdsaShapeFault::Length { bytes: 0 }.into()));
}

#[test]
fn every_kind_round_trips_and_signs_with_its_own_algorithms_only() {
    let all = [Alg::Ed25519, Alg::EcdsaP256Sha256, Alg::RsaV15Sha256, Alg::RsaPssSha512];
    for kind in [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Rsa] {
        let key = PrivateKey::generate(kind);
        let public = PublicKey::from_pem(&key.public_key_pem()).unwrap();
        let again = PrivateKey::from_pkcs8_pem(&key.to_pkcs8_pem()).unwrap();
        assert_eq!((key.kind(), public.kind()), (kind, kind));
        assert_eq!(again.public_key().fingerprint(), public.fingerprint());
        assert!(!format!("{key:?}").contains(key.to_pkcs8_pem().lines().nth(1).unwrap()));
        for alg in all {
            assert_eq!(Alg::from_name(alg.name()), Some(alg));
            if kind.algorithms().contains(&alg) {
                let signature = again.sign(alg, BASE).unwrap();
                assert_eq!(public.verify(alg, BASE, &signature), Ok(()), "{alg}");
            } else {
                assert_eq!(again.sign(alg, BASE), Err(VerifyFault::AlgorithmMismatch), "{alg}");
                assert_eq!(public.verify(alg, BASE, &[0; 64]), Err(VerifyFault::AlgorithmMismatch), "{alg}");
            }
        }
    }
}

#[test]
fn each_unusable_key_has_its_own_fault() {
    let private = PrivateKey::generate_ed25519().to_pkcs8_pem().to_string();
    let pkcs1 = RSA_PUBLIC.replace("PUBLIC KEY", "RSA PUBLIC KEY");
    let wrong = |found: &str| KeyFault::WrongLabel { found: found.to_owned(), expected: "PUBLIC KEY" };
    let not_pem = KeyFault::NotPem { expected: "PUBLIC KEY" };
    let cases = [
        ("", not_pem.clone()),
        ("key", not_pem.clone()),
        ("-----BEGIN PUBLIC KEY-----\n%%\n-----END PUBLIC KEY-----", not_pem.clone()),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END", not_pem),
        ("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", KeyFault::Malformed),
        ("-----BEGIN PUBLIC KEY-----\nMAUG\n-----END PUBLIC KEY-----", KeyFault::Malformed),
        (&private, KeyFault::PrivateGiven),
        (&pkcs1, wrong("RSA PUBLIC KEY")),
        ("-----BEGIN CERTIFICATE-----", wrong("CERTIFICATE")),
        (RSA_1024, KeyFault::RsaSize { bits: 1024 }),
        (P_384, KeyFault::Unsupported),
        (X25519, KeyFault::Unsupported),
        (&"A".repeat(20_000), KeyFault::TooLong),
    ];
    for (text, fault) in cases {
        assert_eq!(PublicKey::from_pem(text).unwrap_err(), fault, "{text}");
    }
}

#[test]
fn damaged_keys_are_refused() {
    let key = PublicKey::from_pem(ED25519_PUBLIC).unwrap();
    let mut longer = key.spki_der().to_vec();
    longer.push(0);
    assert_eq!(PublicKey::from_spki_der(&longer).unwrap_err(), KeyFault::Malformed);
    for end in 0..key.spki_der().len() {
        assert!(PublicKey::from_spki_der(&key.spki_der()[..end]).is_err(), "{end} bytes");
    }
    // A point that is not on the curve.
    let mut point = PublicKey::from_pem(ECC_P256_PUBLIC).unwrap().spki_der().to_vec();
    *point.last_mut().unwrap() ^= 1;
    assert_eq!(PublicKey::from_spki_der(&point).unwrap_err(), KeyFault::Rejected);
}

#[test]
fn the_fingerprint_hashes_the_canonical_form() {
    let key = PublicKey::from_pem(ED25519_PUBLIC).unwrap();
    assert_eq!(key.fingerprint(), format!("sha256:{}", crypto::hex(&crypto::sha256(key.spki_der()))));
    assert_eq!(key.to_pem().trim(), ED25519_PUBLIC.trim());
    let spaced = ED25519_PUBLIC.replace("MCow", "\r\n MC\now");
    assert_eq!(PublicKey::from_pem(&spaced).unwrap().fingerprint(), key.fingerprint());
}
