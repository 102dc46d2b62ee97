//! What the machine under the process still gives: room on the data's disk, and the master key's file, which the next start
//! needs although this process holds the key in memory. Also what `feiqian verify`, run by a timer, noted beside the data.

use crate::verify_note::VerifyNote;
use crypto::seal::{KeyPlace, MasterKeyFile};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Keeps the metrics until the process stops.
pub(crate) async fn watch(data_dir: PathBuf, master_key: KeyPlace, stop: CancellationToken) {
    let mut complaint = None;
    while !stop.is_cancelled() {
        let (data, key) = (data_dir.clone(), master_key.clone());
        // Files may hang on a sick disk: not on a thread that serves requests.
        let looked =
            tokio::task::spawn_blocking(move || (disk(&data), key_fault(&key), VerifyNote::read(&data)))
                .await;
        if let Ok((disk, key, verified)) = looked {
            show_verified(verified);
            if let Some(Disk { free_bytes, size_bytes }) = disk {
                metrics::gauge!("feiqian_data_disk_free_bytes").set(as_gauge(free_bytes));
                metrics::gauge!("feiqian_data_disk_size_bytes").set(as_gauge(size_bytes));
            }
            metrics::gauge!("feiqian_master_key_file_usable").set(f64::from(u8::from(key.is_none())));
            if key != complaint {
                if let Some(error) = &key {
                    tracing::error!(
                        error,
                        "the master key's file can't be used any more: this process holds the key, the next start will not"
                    );
                }
                complaint = key;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn show_verified(note: Option<VerifyNote>) {
    let ended_at_us = note.map_or(0, |note| u64::try_from(note.ended_at_us).unwrap_or(0));
    metrics::gauge!("feiqian_verify_last_run_timestamp_seconds").set(as_gauge(ended_at_us / 1_000_000));
    let is_different = note.is_some_and(|note| !note.clean);
    metrics::gauge!("feiqian_verify_difference").set(f64::from(u8::from(is_different)));
}

struct Disk {
    /// What this user may still write.
    free_bytes: u64,
    size_bytes: u64,
}

fn disk(path: &Path) -> Option<Disk> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        size_bytes: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

/// What is wrong with the key file. A program or a token is not asked every few seconds: that would cost them, and their owner's log.
fn key_fault(place: &KeyPlace) -> Option<String> {
    match place {
        KeyPlace::File(path) => MasterKeyFile::load(path).err().map(|fault| fault.to_string()),
        KeyPlace::Command(_) | KeyPlace::Token(_) => None,
    }
}

#[allow(clippy::cast_precision_loss)] // a byte more or less on an exabyte
fn as_gauge(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_a_directory_has_a_size() {
        let scratch = tempfile::tempdir().unwrap();
        let found = disk(scratch.path()).unwrap();
        assert!(found.size_bytes > 0 && found.free_bytes <= found.size_bytes);
        assert!(disk(&scratch.path().join("missing")).is_none());
    }
}
