//! For `feiqian demo` only: one cent changed in a copy behind the program's back, so that everybody can see `verify` find it.
//! Nothing else may use this.

use super::db::SqliteDb;
use super::{OpenFault, SqliteConfig, connection};
use crate::db::{corrupt, params, statements};
use domain::id::Shard;
use std::sync::Arc;

statements! {
    PICK = "SELECT seq, line, amount_minor FROM journal_entry WHERE shard = ?1 AND code = ?2 AND seq >= 0 \
        ORDER BY shard, seq, line LIMIT 1";
    TAMPER = "UPDATE journal_entry SET amount_minor = ?4 WHERE shard = ?1 AND seq = ?2 AND line = ?3";
}

/// The line that was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TamperedLine {
    /// Its transaction.
    pub seq: i64,
    /// Its place there.
    pub line: i64,
    /// What stood there.
    pub before_minor: i64,
    /// What stands there now.
    pub after_minor: i64,
}

/// Adds one minor unit to the first journal line on accounts of `code` in a shard, past all rules. For copies that
/// [`super::copy`] made.
///
/// # Errors
/// [`OpenFault`], also when no such line exists.
pub fn tamper_for_demo(config: &SqliteConfig, shard: Shard, code: u16) -> Result<TamperedLine, OpenFault> {
    let connection = connection::open_writer(config)?;
    let db = SqliteDb::new(connection, Arc::clone(&config.sealer));
    let changed = db.write(|db| {
        Box::pin(async move {
            let read = |c: &mut crate::db::Columns<'_>| Ok((c.int()?, c.int()?, c.int()?));
            let picked = db.one(PICK, &params![shard.0, code], read).await?;
            let (seq, line, before_minor) =
                picked.ok_or_else(|| corrupt("no journal line on that account"))?;
            let after_minor = before_minor + 1;
            db.execute_one(TAMPER, &params![shard.0, seq, line, after_minor], "journal line").await?;
            Ok(TamperedLine { seq, line, before_minor, after_minor })
        })
    })?;
    Ok(changed)
}
