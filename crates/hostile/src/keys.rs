//! Keys, certificates, and what is sealed with keys.

use crypto::key::{PresentedKey, PrivateKey, PublicKey};
use crypto::seal::{Aad, FileKeyProvider, MasterKey, MasterKeyFile, Sealer};
use crypto::secret::BearerToken;
use std::sync::{Arc, LazyLock};

/// A key that is read is read again from what is written of it, as the same key.
pub fn public_key(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = PresentedKey::from_pem(text);
    if let Ok(key) = PublicKey::from_pem(text) {
        let again = PublicKey::from_pem(&key.to_pem());
        assert!(again.is_ok_and(|again| again.fingerprint() == key.fingerprint()), "another key");
        assert!(key.verify_any(b"message", data).is_err(), "its own text is a signature");
    }
}

/// A private key that is read signs for the public key that it names.
pub fn private_key(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = PrivateKey::from_pkcs8_pem(text) {
        for alg in key.kind().algorithms() {
            let Ok(signature) = key.sign(*alg, b"message") else { continue };
            assert!(key.public_key().verify(*alg, b"message", &signature).is_ok(), "it signs for nobody");
        }
    }
}

/// A key has one fingerprint, however it was encoded (an ECDSA point may come in the hybrid form).
pub fn certificate_der(data: &[u8]) {
    let _ = crypto::certificate::validity(data);
    if let Ok(key) = PublicKey::from_spki_der(data) {
        let again = PublicKey::from_spki_der(key.spki_der());
        assert!(
            again.is_ok_and(|again| again.fingerprint() == key.fingerprint()),
            "two fingerprints for one key"
        );
    }
}

/// The versions of a key file stand once each.
pub fn master_key_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match MasterKeyFile::versions_in(text) {
        Ok(versions) => {
            assert!(!versions.is_empty() && versions.iter().all(|version| *version > 0));
            assert!(versions.windows(2).all(|pair| matches!(pair, [a, b] if a < b)));
        }
        Err(line) => assert!(line >= 1 && line <= text.lines().count().max(1), "line {line} of {text:?}"),
    }
}

static SEALER: LazyLock<Sealer> =
    LazyLock::new(|| Sealer::new(Arc::new(FileKeyProvider::in_memory(MasterKey::from_bytes([7; 32])))));

/// What was not sealed is not opened.
pub fn sealed_value(data: &[u8]) {
    let aad = Aad { table: "t", column: "c", row_id: &[1] };
    let _ = Sealer::version_of(data);
    assert!(SEALER.open(aad, data).is_err(), "opened what nobody sealed");
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Sealer::version_of_check(text);
        assert!(SEALER.verify_check_value(text).is_err(), "another key's check value");
    }
}

/// A token that can be one of ours is written as it was read.
pub fn bearer_token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(token) = BearerToken::parse(text) {
        assert_eq!(token.expose(), text);
        assert!(!format!("{token:?}{token}").contains(text.get(13..).unwrap_or("-")), "it prints");
    }
}
