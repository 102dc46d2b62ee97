//! Sealed columns and the master key's file.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::hex;
use crypto::seal::{
    Aad, FileKeyProvider, KeyProvider as _, MasterKey, MasterKeyFault, MasterKeyFile, SealFault, Sealer,
    line_salt, rotation,
};
use crypto::secret::random_bytes;

const PLACE: Aad<'static> = Aad { table: "webhook_endpoint", column: "secret", row_id: b"whe_1" };

fn sealer(key: [u8; 32]) -> Sealer {
    Sealer::new(Arc::new(FileKeyProvider::in_memory(MasterKey::from_bytes(key))))
}

/// A directory of its own that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("crypto-{}", hex(&random_bytes::<8>())));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("master.key")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn what_is_sealed_opens_in_its_place_only() {
    let sealer = sealer([7; 32]);
    for plaintext in [&b""[..], b"whsec_planted", &[0; 10_000]] {
        let sealed = sealer.seal(PLACE, plaintext).unwrap();
        assert_eq!(sealed.len(), plaintext.len() + 45);
        assert_eq!(Sealer::version_of(&sealed), Some(1));
        assert_eq!(sealer.open(PLACE, &sealed).unwrap().as_slice(), plaintext);
        assert_ne!(sealer.seal(PLACE, plaintext).unwrap(), sealed);
        for place in [
            Aad { table: "api_key", ..PLACE },
            Aad { column: "old_secret", ..PLACE },
            Aad { row_id: b"whe_2", ..PLACE },
            Aad { table: "webhook_endpoints", column: "ecret", ..PLACE },
        ] {
            assert_eq!(sealer.open(place, &sealed), Err(SealFault::Unauthentic), "{place:?}");
        }
    }
}

#[test]
fn every_changed_bit_and_every_cut_is_noticed() {
    let sealer = sealer([7; 32]);
    let sealed = sealer.seal(PLACE, b"value").unwrap();
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        let expected = match position {
            0 => SealFault::Malformed,
            1..=4 => SealFault::KeyUnavailable { version: Sealer::version_of(&changed).unwrap() },
            _ => SealFault::Unauthentic,
        };
        assert_eq!(sealer.open(PLACE, &changed), Err(expected), "byte {position}");
        assert!(sealer.open(PLACE, &sealed[..position]).is_err());
    }
    assert_eq!(Sealer::version_of(b"plain"), None);
}

#[test]
fn another_master_key_is_recognised() {
    let (right, wrong) = (sealer([7; 32]), sealer([8; 32]));
    let stored = right.check_value().unwrap();
    assert_eq!(right.verify_check_value(&stored), Ok(()));
    assert_eq!(wrong.verify_check_value(&stored), Err(SealFault::WrongMasterKey));
    assert_eq!(right.verify_check_value("2:00"), Err(SealFault::KeyUnavailable { version: 2 }));
    assert_eq!(right.verify_check_value("nonsense"), Err(SealFault::Malformed));
    assert_eq!(wrong.open(PLACE, &right.seal(PLACE, b"value").unwrap()), Err(SealFault::Unauthentic));
}

/// Derived values are stored and compared over years: they must not change between versions of the program.
/// Computed with an independent HKDF and HMAC.
#[test]
fn derivations_are_fixed() {
    let sealer = sealer([7; 32]);
    let derived = sealer.derive("line salts").unwrap();
    assert_eq!(hex(derived.as_slice()), "6135011c10d519165de45fa58f9bfd04cb4ce891e8e4fc851eaedd6a16863c1f");
    assert_eq!(sealer.check_value().unwrap(), "1:6a918e727dbbf45941e577b8d7b2f066");
    assert_eq!(hex(&line_salt(&derived, 1, 2, 3)), "e4ecddce8e4adadf964a90500f7dc82e");
    assert_ne!(sealer.derive("callback secrets").unwrap(), derived);
    assert_ne!(line_salt(&derived, 1, 2, 3), line_salt(&derived, 1, 3, 2));
    // Written by the independent program as well.
    let sealed =
        STANDARD.decode("AQAAAAEAAQIDBAUGBwgJCgtkZWZnaGlqa2xtbm+umrsyvClvrBOOXRAYxhTdbqRIYvg=").unwrap();
    assert_eq!(sealer.open(PLACE, &sealed).unwrap().as_slice(), b"fixed");
}

#[test]
fn a_key_file_is_made_once_and_read_back() {
    let directory = Directory::new();
    let file = directory.file();
    assert!(matches!(MasterKeyFile::load(&file), Err(MasterKeyFault::Missing { .. })));
    let made = Sealer::new(Arc::new(MasterKeyFile::create(&file).unwrap()));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("feiqian-master-key-v1:"));
    assert!(matches!(MasterKeyFile::create(&file), Err(MasterKeyFault::Exists { .. })));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let read = MasterKeyFile::load(&file).unwrap();
    assert!(!format!("{read:?}").contains(text.trim().split(':').next_back().unwrap()));
    let read = Sealer::new(Arc::new(read));
    assert_eq!(read.verify_check_value(&made.check_value().unwrap()), Ok(()));
    assert_eq!(read.open(PLACE, &made.seal(PLACE, b"value").unwrap()).unwrap().as_slice(), b"value");
}

#[test]
fn rotation_keeps_old_values_readable() {
    let directory = Directory::new();
    let file = directory.file();
    let old = Sealer::new(Arc::new(MasterKeyFile::create(&file).unwrap()));
    let (sealed, stored) = (old.seal(PLACE, b"value").unwrap(), old.check_value().unwrap());
    assert_eq!(rotation::add_version(&file).unwrap(), 2);
    let provider = MasterKeyFile::load(&file).unwrap();
    assert_eq!(provider.current_version(), 2);
    let new = Sealer::new(Arc::new(provider));
    assert_eq!(new.open(PLACE, &sealed).unwrap().as_slice(), b"value");
    assert_eq!(Sealer::version_of(&new.seal(PLACE, b"value").unwrap()), Some(2));
    assert_eq!(new.verify_check_value(&stored), Ok(()));
    assert_eq!(new.derive("label").unwrap(), old.derive("label").unwrap());
    // It seals with the version that it is told to, if it has it.
    assert_eq!(new.seal_with(3), Err(SealFault::KeyUnavailable { version: 3 }));
    new.seal_with(1).unwrap();
    assert_eq!(Sealer::version_of(&new.seal(PLACE, b"value").unwrap()), Some(1));
    assert_eq!(Sealer::version_of_check(&new.check_value().unwrap()), Some(1));
}

#[test]
fn a_running_program_reads_the_key_file_again() {
    let directory = Directory::new();
    let file = directory.file();
    let sealer = Sealer::new(Arc::new(MasterKeyFile::create(&file).unwrap()));
    let sealed = sealer.seal(PLACE, b"value").unwrap();
    rotation::add_version(&file).unwrap();
    assert_eq!(sealer.seal_with(2), Err(SealFault::KeyUnavailable { version: 2 }));
    sealer.reload().unwrap();
    assert_eq!(sealer.version(), 1, "reading the file changes nothing by itself");
    sealer.seal_with(2).unwrap();
    assert_eq!(Sealer::version_of(&sealer.seal(PLACE, b"value").unwrap()), Some(2));
    assert_eq!(sealer.open(PLACE, &sealed).unwrap().as_slice(), b"value");
    // Another key under a version that is in use is refused, and the keys stay.
    let text = fs::read_to_string(&file).unwrap();
    let other = format!("feiqian-master-key-v2:{}=\n", "A".repeat(43));
    let first = text.lines().next().unwrap();
    fs::write(&file, format!("{first}\n{other}")).unwrap();
    assert!(matches!(sealer.reload(), Err(MasterKeyFault::Changed { version: 2, .. })));
    fs::write(&file, &text).unwrap();
    sealer.reload().unwrap();
    assert_eq!(Sealer::version_of(&sealer.seal(PLACE, b"value").unwrap()), Some(2));
}

#[test]
fn retired_versions_are_kept_beside() {
    let directory = Directory::new();
    let file = directory.file();
    MasterKeyFile::create(&file).unwrap();
    let first = fs::read_to_string(&file).unwrap();
    assert_eq!(rotation::retire_below(&file, 1).unwrap(), [0u32; 0]);
    assert_eq!(rotation::retire_below(&file, 2).unwrap(), [0u32; 0], "the last version stays");
    rotation::add_version(&file).unwrap();
    assert_eq!(rotation::retire_below(&file, 2).unwrap(), [1]);
    assert_eq!(MasterKeyFile::load(&file).unwrap().versions(), [2]);
    assert_eq!(fs::read_to_string(rotation::retired_file(&file)).unwrap(), first);
    assert_eq!(rotation::add_version(&file).unwrap(), 3);
    // Left over by a process that was killed while it wrote.
    fs::write(directory.0.join("master.key.new"), "half a li").unwrap();
    assert_eq!(rotation::retire_below(&file, 3).unwrap(), [2]);
    assert_eq!(MasterKeyFile::load(&rotation::retired_file(&file)).unwrap().versions(), [1, 2]);
    assert_eq!(MasterKeyFile::load(&file).unwrap().versions(), [3]);
    assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 2);
}

#[test]
fn malformed_key_files_are_refused_with_the_line() {
    let directory = Directory::new();
    let file = directory.file();
    let good = format!("feiqian-master-key-v1:{}=\n", "A".repeat(43));
    MasterKeyFile::create(&file).unwrap();
    let cases = [
        (String::new(), 1),
        ("secret\n".to_owned(), 1),
        ("feiqian-master-key-v1:AAAA\n".to_owned(), 1),
        ("feiqian-master-key-v0:".to_owned() + &"A".repeat(43) + "=", 1),
        (format!("{good}\n{good}"), 3),
        (format!("{good}rubbish"), 2),
        ("x".repeat(20_000), 1),
    ];
    for (text, expected) in cases {
        fs::write(&file, &text).unwrap();
        match MasterKeyFile::load(&file) {
            Err(MasterKeyFault::Malformed { line, .. }) => assert_eq!(line, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_others_can_reach_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = Directory::new();
    let file = directory.file();
    MasterKeyFile::create(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    for (bits, accepted) in [(0o400, true), (0o600, true), (0o640, false), (0o604, false), (0o660, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(bits)).unwrap();
        match MasterKeyFile::load(&file) {
            Ok(_) => assert!(accepted, "{bits:o}"),
            Err(fault @ MasterKeyFault::Permissions { mode, .. }) => {
                assert!(!accepted && mode == bits, "{bits:o}");
                assert!(fault.to_string().contains("chmod 600"));
            }
            Err(other) => panic!("{other}"),
        }
    }
}
