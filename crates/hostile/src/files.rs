//! Files that people bring: proofs, manifests of backups, settings.

use std::collections::HashMap;

/// Nothing is proven under a root that nobody signed.
pub fn proof(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = app::seal::proof::read_hex(text);
    assert!(app::seal::proof::check(text, &[0; 32]).is_err(), "proven under a root of zeros");
}

/// The files of a manifest lie beside it and nowhere else.
pub fn manifest(data: &[u8]) {
    if let Ok(names) = server::outside::manifest(data) {
        for name in &names {
            let path = std::path::Path::new(name);
            assert!(path.components().count() == 1 && path.file_name().is_some(), "{name:?} leads elsewhere");
        }
    }
}

/// A text as the settings file, and as the value of each of a few variables.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = server::config::Config::read(Some(text), HashMap::new());
    for name in [
        "FEIQIAN__PUBLIC_URL",
        "FEIQIAN__LISTEN",
        "FEIQIAN__TRUSTED_PROXIES",
        "FEIQIAN__LIMITS__BODY_MAX_BYTES",
    ] {
        let variables = HashMap::from([(name.to_owned(), text.to_owned())]);
        let _ = server::config::Config::read(None, variables);
    }
}
