//! The steps of the schema, one ordered list for both engines. A released one is never edited: add another.

/// One step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal;)*) => {
        /// All steps in order.
        pub(crate) const MIGRATIONS: &[Migration] = &[$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        },)*];
    };
}

migrations! {
    1 "0001_initial";
    2 "0002_partners";
    3 "0003_waiting";
    4 "0004_safekeeping";
    5 "0005_statements";
    6 "0006_handled";
    7 "0007_key_version";
    8 "0008_nodes";
    9 "0009_archive";
    10 "0010_adjustments";
}

/// The number of the last step: of the schema that this program brings databases to.
pub(crate) fn newest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |migration| migration.number)
}

/// Tells a step apart from an edited one.
pub(crate) fn checksum(sql: &str) -> String {
    crypto::hex(&crypto::sha256(sql.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_numbered_without_a_gap() {
        for (index, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.number, index);
            assert!(migration.name.starts_with(&format!("{index:04}_")));
        }
    }
}
