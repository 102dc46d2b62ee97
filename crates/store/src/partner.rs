//! Control rows of partners.

use crate::StoreError;
use crate::db::{Db, params, statements};
use domain::partner::Partner;

statements! {
    INSERT = "INSERT INTO partner (id, parent, name, created_at_us) VALUES (?1, ?2, ?3, ?4)";
    SNAPSHOT = "SELECT id, parent, name, created_at_us FROM partner";
}

pub(crate) async fn insert(db: &Db, partner: &Partner) -> Result<(), StoreError> {
    let parent = partner.parent.map(|id| id.0.0);
    db.execute(INSERT, &params![partner.id.0.0, parent, &partner.name, partner.created_at_us]).await?;
    Ok(())
}

pub(crate) async fn all(db: &Db) -> Result<Vec<Partner>, StoreError> {
    let read = |c: &mut crate::db::Columns<'_>| {
        Ok(Partner { id: c.id()?, parent: c.opt_id()?, name: c.string()?, created_at_us: c.int()? })
    };
    db.all(SNAPSHOT, &[], read).await
}
