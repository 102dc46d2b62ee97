//! Which database an installation of the benchmark gets.

/// A database that is empty so far.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file in the installation's own directory.
    File,
    /// One of a PostgreSQL server, by its URL.
    Postgres(String),
    /// One of a Citus cluster, by the coordinator's URL, and how many shards each world gets.
    Citus(String, u16),
}

impl Database {
    /// The section of the settings that names it.
    pub fn settings(&self) -> String {
        match self {
            Database::File => String::new(),
            Database::Postgres(url) => format!("\n[store]\nurl = \"{url}\"\n"),
            // A cluster of scripts/citus.sh does not wait for the disk.
            Database::Citus(url, _) => format!("\n[store]\nurl = \"{url}\"\naccept_fsync_off = true\n"),
        }
    }
    /// What `init` is told.
    pub fn init(&self) -> Vec<String> {
        match self {
            Database::File | Database::Postgres(_) => vec!["init".to_owned()],
            Database::Citus(_, shards) => {
                vec!["init".to_owned(), "--citus".to_owned(), "--shards".to_owned(), shards.to_string()]
            }
        }
    }
}
