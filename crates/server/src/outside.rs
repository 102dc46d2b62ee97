//! Readers of files that come from outside, callable with nothing but their bytes, for fuzz targets and their tests.

use crate::backup::manifest::Manifest;
use crate::commands::sign::sent::Sent;

/// Reads the manifest of a backup; answers the names of its files.
///
/// # Errors
/// What the operator is told.
pub fn manifest(text: &[u8]) -> Result<Vec<String>, String> {
    let manifest = Manifest::parse(text).map_err(|fault| format!("{fault:#}"))?;
    Ok(manifest.files.into_iter().map(|file| file.name).collect())
}

/// Reads a request as somebody pasted it for `sign explain`; answers the length of its body, where it shows one.
///
/// # Errors
/// What its owner is told.
pub fn pasted_request(text: &[u8]) -> Result<Option<usize>, String> {
    let sent = Sent::read(text).map_err(|fault| format!("{fault:#}"))?;
    Ok(sent.request.and_then(|request| request.body).map(|body| body.len()))
}
