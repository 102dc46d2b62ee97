//! Master keys that a program hands out.

use crypto::seal::{Aad, FileKeyProvider, KeyCommand, KeyPlace, KeyProvider, MasterKey, Sealer};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PLACE: Aad<'_> = Aad { table: "t", column: "c", row_id: b"1" };

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("feiqian-keys-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Base64 of 32 times the same byte.
fn line(version: u32, byte: u8) -> String {
    use base64::Engine as _;
    format!(
        "feiqian-master-key-v{version}:{}\n",
        base64::engine::general_purpose::STANDARD.encode([byte; 32])
    )
}

fn shell(script: &str, timeout_ms: u64) -> KeyCommand {
    KeyCommand { program: "/bin/sh".into(), arguments: vec!["-c".to_owned(), script.to_owned()], timeout_ms }
}

fn told(script: &str) -> String {
    shell(script, 5_000).load().unwrap_err().to_string()
}

#[test]
fn what_a_program_hands_out_opens_what_a_file_sealed() {
    let folder = scratch("same");
    let keys = folder.join("keys");
    fs::write(&keys, line(1, 7)).unwrap();
    let command = shell(&format!("cat {}", keys.display()), 5_000);
    let provider = Arc::new(command.load().unwrap());
    let sealed = Sealer::new(Arc::new(FileKeyProvider::in_memory(MasterKey::from_bytes([7; 32]))))
        .seal(PLACE, b"secret")
        .unwrap();
    let sealer = Sealer::new(Arc::clone(&provider) as Arc<dyn KeyProvider>);
    assert_eq!(sealer.open(PLACE, &sealed).unwrap().as_slice(), b"secret");
    // A version comes; a version that is another key than before does not.
    let place = KeyPlace::Command(command);
    let fault = place.add_version().unwrap_err().to_string();
    assert!(fault.contains("version 2") && fault.contains("start again"), "{fault}");
    fs::write(&keys, line(1, 7) + &line(2, 8)).unwrap();
    sealer.reload().unwrap();
    assert_eq!(provider.versions(), [1, 2]);
    fs::write(&keys, line(1, 9) + &line(2, 8)).unwrap();
    let fault = sealer.reload().unwrap_err().to_string();
    assert!(fault.contains("version 1 is not the key"), "{fault}");
    assert_eq!(sealer.open(PLACE, &sealed).unwrap().as_slice(), b"secret", "the keys stay as they were");
    assert!(!place.retires() && place.retire_below(2).unwrap().is_empty());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_program_that_does_not_do_its_work_is_told_so() {
    let missing = KeyCommand { program: "/nowhere/keys".into(), arguments: Vec::new(), timeout_ms: 1_000 };
    assert!(missing.load().unwrap_err().to_string().contains("/nowhere/keys: it can't be run"));
    assert!(told("exit 3").contains("exit status: 3"));
    assert!(told("echo hello").contains("line 1 of what it prints is no key"));
    assert!(told("true").contains("no key"));
    assert!(told("printf '\\377\\376'").contains("no text"));
    assert!(told("head -c 100000 /dev/zero").contains("more than"));
    let good = line(1, 7);
    assert!(told(&format!("printf '{good}{good}'")).contains("line 2"), "a version twice");
    assert!(
        told(&format!("printf '{good}'; exit 1")).contains("exit status: 1"),
        "keys and a fault are a fault"
    );
    let fault = told("echo secret-of-the-vault >&2; echo secret-of-the-vault; exit 1");
    assert!(!fault.contains("secret-of-the-vault"), "{fault}");
}

#[test]
fn a_program_that_hangs_or_talks_for_ever_is_ended() {
    for script in ["sleep 60", "yes", "exec >&-; sleep 60", "while :; do echo; sleep 0.01; done"] {
        let begun = Instant::now();
        let fault = shell(script, 300).load().unwrap_err().to_string();
        assert!(begun.elapsed() < Duration::from_secs(20), "{script} took {:?}", begun.elapsed());
        let expected = if script == "yes" { "more than" } else { "within 300 ms" };
        assert!(fault.contains(expected), "{script}: {fault}");
    }
}
