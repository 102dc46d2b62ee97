//! `store.url`: which database. It carries no secret, so that it may be shown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// The database's name where nobody names another.
const FILE: &str = "feiqian.db";
const SQLITE: &str = "sqlite:";

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:NAME`: a file in `data_dir`, where backup and restore find it.
    Sqlite {
        /// Its name.
        file: String,
    },
}

impl Default for StoreUrl {
    fn default() -> StoreUrl {
        StoreUrl::Sqlite { file: FILE.to_owned() }
    }
}

impl StoreUrl {
    /// Reads one; `Err` says in a sentence what is wrong.
    fn parse(text: &str) -> Result<StoreUrl, String> {
        let Some(file) = text.strip_prefix(SQLITE) else {
            return Err("store.url must be sqlite:NAME".to_owned());
        };
        let is_name = Path::new(file).file_name().is_some_and(|name| name == file);
        if !is_name || file.starts_with('.') {
            return Err(
                "store.url: sqlite: is followed by the name of a file in data_dir, such as sqlite:feiqian.db: name the \
                 directory with data_dir"
                    .to_owned(),
            );
        }
        Ok(StoreUrl::Sqlite { file: file.to_owned() })
    }

    /// The file of a database that is one.
    pub(crate) fn file_in(&self, data_dir: &Path) -> PathBuf {
        match self {
            StoreUrl::Sqlite { file } => data_dir.join(file),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Sqlite { file } => write!(f, "{SQLITE}{file}"),
        }
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StoreUrl, D::Error> {
        let text = String::deserialize(deserializer)?;
        StoreUrl::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_and_nothing_else() {
        assert_eq!(StoreUrl::parse("sqlite:feiqian.db"), Ok(StoreUrl::default()));
        assert_eq!(StoreUrl::default().to_string(), "sqlite:feiqian.db");
        for wrong in
            ["", "sqlite:", "sqlite:/srv/a.db", "sqlite:../a.db", "sqlite:a/b.db", "sqlite:.a", "mysql://x"]
        {
            assert!(StoreUrl::parse(wrong).unwrap_err().starts_with("store.url"), "{wrong}");
        }
    }
}
