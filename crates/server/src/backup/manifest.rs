//! What a backup says of itself.

use super::DATABASE;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Its file.
pub(super) const FILE: &str = "manifest.json";
/// The one form so far.
const FORMAT: u32 = 1;
/// It is no larger.
const BYTES_MAX: u64 = 1 << 20;

/// The manifest. Times are real time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// `backup`.
    pub object: String,
    /// The form of the directory.
    pub format: u32,
    /// The moment whose state it holds, RFC 3339.
    pub books_of: String,
    /// The same in microseconds since 1970.
    pub books_of_us: i64,
    /// The program that made it.
    pub program: String,
    /// The schema of the database.
    pub schema: i64,
    /// How far the copy was proven: `full`, `quick` or `no`.
    pub proven: String,
    /// Check values of the master key's versions that its values are sealed with. They reveal nothing of the key.
    pub master_key: Vec<String>,
    /// Where each shard's chain of blocks ends.
    pub shards: Vec<ShardEnd>,
    /// Every file beside this one.
    pub files: Vec<FileEntry>,
    /// HMAC-SHA256 over all the above, under a secret of the installation.
    pub mac: String,
}

/// The end of a shard's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardEnd {
    pub shard: u16,
    pub world: String,
    /// Its last transaction.
    pub journal_seq: i64,
    /// Its last sealed block, and the root of the chain there.
    pub block: Option<i64>,
    pub root: Option<String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    pub name: String,
    pub size_bytes: u64,
    pub sha256: String,
}

impl Manifest {
    /// The usual words of a new one; the rest is filled in.
    pub(super) fn begin(books_of_us: i64) -> Result<Manifest> {
        Ok(Manifest {
            object: "backup".to_owned(),
            format: FORMAT,
            books_of: crate::output::instant(books_of_us)?,
            books_of_us,
            program: format!("feiqian {}", env!("CARGO_PKG_VERSION")),
            schema: store::sqlite::schema(),
            proven: "no".to_owned(),
            master_key: Vec::new(),
            shards: Vec::new(),
            files: Vec::new(),
            mac: String::new(),
        })
    }

    fn mac(&self, key: &[u8; 32]) -> Result<String> {
        let unsigned = Manifest { mac: String::new(), ..self.clone() };
        Ok(crypto::hex(&crypto::hmac_sha256(key, &serde_json::to_vec(&unsigned)?)))
    }

    /// Writes it into a directory, with its MAC, and brings it to disk.
    pub(super) fn write(&mut self, directory: &Path, key: &[u8; 32]) -> Result<()> {
        self.mac = self.mac(key)?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        crate::files::write_private(&directory.join(FILE), &text)
    }

    /// Whether the installation that has this key wrote it just so.
    pub(super) fn is_genuine(&self, key: &[u8; 32]) -> Result<bool> {
        Ok(crypto::secret::constant_time_eq(self.mac.as_bytes(), self.mac(key)?.as_bytes()))
    }

    /// Reads that of a backup and looks whether this program can restore it and the directory holds the files that it names,
    /// no more and no fewer.
    pub(super) fn read(directory: &Path) -> Result<Manifest> {
        let path = directory.join(FILE);
        let found = fs::metadata(&path).with_context(|| {
            format!(
                "{}: there is no {FILE}, so this is no backup, or one that was never finished",
                directory.display()
            )
        })?;
        ensure!(found.len() <= BYTES_MAX, "{FILE}: too long to be a manifest");
        let manifest = Manifest::parse(&fs::read(&path)?)?;
        manifest.check_names(directory)?;
        Ok(manifest)
    }

    /// Reads its text and looks whether this program can restore what it describes.
    pub(crate) fn parse(text: &[u8]) -> Result<Manifest> {
        let manifest: Manifest =
            serde_json::from_slice(text).with_context(|| format!("{FILE} can't be read"))?;
        ensure!(manifest.object == "backup", "{FILE} is not a backup's");
        let schema = store::sqlite::schema();
        if manifest.format > FORMAT || manifest.schema > schema {
            bail!(
                "{FILE}: made by {} with schema {}, this program knows {schema}: restore it with that program or a newer one",
                manifest.program,
                manifest.schema
            );
        }
        manifest.names()?;
        Ok(manifest)
    }

    /// The names of its files: plain ones, each once, the database among them.
    fn names(&self) -> Result<BTreeSet<&str>> {
        let mut named = BTreeSet::new();
        for FileEntry { name, .. } in &self.files {
            let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
            ensure!(plain && name != FILE, "{FILE} names {name:?}, which is no file of a backup");
            ensure!(named.insert(name.as_str()), "{FILE} names {name} twice");
        }
        ensure!(named.contains(DATABASE), "{FILE} names no {DATABASE}");
        Ok(named)
    }

    fn check_names(&self, directory: &Path) -> Result<()> {
        let named = self.names()?;
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == FILE || is_left_by_a_reader(&name, entry.metadata()?.len()) {
                continue;
            }
            ensure!(
                named.contains(name.as_str()) && entry.file_type()?.is_file(),
                "{name} does not belong to the backup: {FILE} does not name it"
            );
            found.insert(name);
        }
        match named.into_iter().find(|name| !found.contains(*name)) {
            Some(missing) => bail!("{missing} is missing from the backup"),
            None => Ok(()),
        }
    }
}

/// SQLite makes these beside a database that somebody looks at, such as `verify --data-dir`. They hold nothing.
fn is_left_by_a_reader(name: &str, bytes: u64) -> bool {
    match name.strip_prefix(DATABASE) {
        Some("-shm") => true,
        Some("-wal") => bytes == 0,
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(directory: &Path) -> Manifest {
        let mut manifest = Manifest::begin(1_764_000_000_000_000).unwrap();
        manifest.files =
            vec![FileEntry { name: DATABASE.to_owned(), size_bytes: 1, sha256: "00".to_owned() }];
        manifest.write(directory, &[7; 32]).unwrap();
        manifest
    }

    #[test]
    fn it_is_read_back_and_known_as_genuine() {
        let scratch = tempfile::tempdir().unwrap();
        let manifest = written(scratch.path());
        fs::write(scratch.path().join(DATABASE), "x").unwrap();
        let read = Manifest::read(scratch.path()).unwrap();
        assert_eq!(read, manifest);
        assert!(read.is_genuine(&[7; 32]).unwrap() && !read.is_genuine(&[8; 32]).unwrap());
        let altered = Manifest { books_of_us: 1, ..read };
        assert!(!altered.is_genuine(&[7; 32]).unwrap());
    }

    #[test]
    fn what_can_not_be_restored_is_refused_by_name() {
        type Change = fn(&mut serde_json::Value, &Path);
        let cases: [(&str, Change); 12] = [
            ("newer", |m, _| m["schema"] = 999.into()),
            ("newer", |m, _| m["format"] = 2.into()),
            ("can't be read", |m, _| m["more"] = 1.into()),
            ("can't be read", |m, _| m["files"] = "none".into()),
            ("not a backup's", |m, _| m["object"] = "cat".into()),
            ("twice", |m, _| m["files"] = vec![m["files"][0].clone(), m["files"][0].clone()].into()),
            ("no file of a backup", |m, _| m["files"][0]["name"] = "../feiqian.db".into()),
            ("no file of a backup", |m, _| m["files"][0]["name"] = ".lock".into()),
            ("no file of a backup", |m, _| m["files"][0]["name"] = FILE.into()),
            ("names no feiqian.db", |m, _| m["files"] = serde_json::json!([])),
            ("feiqian.db is missing", |_, d| fs::remove_file(d.join(DATABASE)).unwrap()),
            ("extra.db does not belong", |_, d| fs::write(d.join("extra.db"), "x").unwrap()),
        ];
        for (words, change) in cases {
            let scratch = tempfile::tempdir().unwrap();
            let mut value = serde_json::to_value(written(scratch.path())).unwrap();
            fs::write(scratch.path().join(DATABASE), "x").unwrap();
            change(&mut value, scratch.path());
            fs::write(scratch.path().join(FILE), value.to_string()).unwrap();
            let fault = format!("{:#}", Manifest::read(scratch.path()).unwrap_err());
            assert!(fault.contains(words), "{words}: {fault}");
        }
        let scratch = tempfile::tempdir().unwrap();
        let fault = Manifest::read(scratch.path()).unwrap_err().to_string();
        assert!(fault.contains("no manifest.json"), "{fault}");
    }
}
