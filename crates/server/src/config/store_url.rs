//! `store.url`: which database. It carries no secret, so that it may be shown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The database's name where nobody names another.
const FILE: &str = "feiqian.db";
const SQLITE: &str = "sqlite:";
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:NAME`: a file in `data_dir`, where backup and restore find it.
    Sqlite {
        /// Its name.
        file: String,
    },
    /// `postgres://user@host:port/database`: a database of its own, which several nodes may serve.
    Postgres {
        /// Without a password.
        url: String,
    },
}

impl Default for StoreUrl {
    fn default() -> StoreUrl {
        StoreUrl::Sqlite { file: FILE.to_owned() }
    }
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<StoreUrl, String> {
        StoreUrl::parse(text)
    }
}

impl StoreUrl {
    /// Reads one; `Err` says in a sentence what is wrong.
    fn parse(text: &str) -> Result<StoreUrl, String> {
        if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return match holds_a_password(text) {
                true => Err(
                    "store.url holds a password, and settings are shown: put it into a file of mode 0600 and name that in \
                     store.password_file"
                        .to_owned(),
                ),
                false => Ok(StoreUrl::Postgres { url: text.to_owned() }),
            };
        }
        let Some(file) = text.strip_prefix(SQLITE) else {
            return Err("store.url must be sqlite:NAME or postgres://user@host:port/database".to_owned());
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

    /// The file of a database that is one, or would be.
    pub(crate) fn file_in(&self, data_dir: &Path) -> PathBuf {
        match self {
            StoreUrl::Sqlite { file } => data_dir.join(file),
            StoreUrl::Postgres { .. } => data_dir.join(FILE),
        }
    }
}

/// Between user and host, or as a key behind the `?`. What can't be read is taken to hold one.
fn holds_a_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return true };
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    // Before the last @ of all: a password that is not written as it must be may hold a slash or a question mark.
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    let in_query = query.split('&').any(|pair| {
        let key = pair.split('=').next().unwrap_or(pair).to_ascii_lowercase();
        key.contains("pass") || key.contains('%')
    });
    user.contains(':') || in_query
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Sqlite { file } => write!(f, "{SQLITE}{file}"),
            StoreUrl::Postgres { url } => f.write_str(url),
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

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for url in [
            "postgres://u:PLANTED@h/d",
            "postgresql://u:PLANTED@h:5432/d",
            "postgres://u@h/d?password=PLANTED",
            "postgres://u:PLAN/TED@h/d",
            "postgres://u:PLAN?TED@h/d",
            "postgres://u@h/d?sslmode=require&passWord=PLANTED",
            "postgres://u@h/d?p%61ssword=PLANTED",
        ] {
            let fault = StoreUrl::parse(url).unwrap_err();
            assert!(fault.contains("password_file") && !fault.contains("PLAN"), "{fault}");
        }
    }
}
