//! Which database an installation of the benchmark gets.

/// A database that is empty so far.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file in the installation's own directory.
    File,
    /// One of a PostgreSQL server, by its URL.
    Postgres(String),
}

impl Database {
    /// The section of the settings that names it.
    pub fn settings(&self) -> String {
        match self {
            Database::File => String::new(),
            Database::Postgres(url) => format!("\n[store]\nurl = \"{url}\"\n"),
        }
    }
}
