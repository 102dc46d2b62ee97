//! An installation on a Citus cluster: tables whose key begins with the shard are distributed by it and lie together, everything
//! else is a reference table, and the numbers of shards are chosen so that each worker gets as many. Statements are the same ones;
//! only their plans are made anew each time, because Citus routes by the shard's value.

use super::db::PgDb;
use super::{OpenFault, Shards};
use crate::StoreError;
use crate::db::{Columns, Db, Sql, params};
use domain::World;
use domain::id::Shard;
use std::collections::BTreeMap;

/// The table that all others lie beside.
const FIRST: &str = "shard_head";

/// One row where the server has the extension in this database.
const EXTENSION: Sql =
    Sql::new("SELECT CAST(COUNT(*) AS BIGINT) FROM pg_extension WHERE CAST(extname AS TEXT) = 'citus'");
/// Our tables that are not spread yet, partitions aside, and whether their key begins with the shard. The table of
/// migration steps stays where the schema is changed.
const LOCAL: Sql = Sql::new(
    "SELECT CAST(c.relname AS TEXT), CAST(CAST(EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a \
        ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisprimary \
        AND CAST(a.attname AS TEXT) = 'shard') AS INTEGER) AS BIGINT) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE CAST(n.nspname AS TEXT) = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
    AND CAST(c.relname AS TEXT) <> 'schema_migration' \
    AND NOT EXISTS (SELECT 1 FROM pg_dist_partition d WHERE d.logicalrelid = c.oid) \
    ORDER BY CAST(c.relname AS TEXT) = 'shard_head' DESC, 2 DESC, 1",
);
const SPREAD: Sql = Sql::new(
    "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_dist_partition d WHERE CAST(CAST(d.logicalrelid AS REGCLASS) AS TEXT) = ?1",
);
/// On which group of nodes each number's bucket lies.
const GROUPS: Sql = Sql::new(
    "SELECT CAST(s.number AS BIGINT), CAST(p.groupid AS BIGINT) FROM generate_series(0, ?1::bigint) AS s(number) \
    JOIN pg_dist_placement p ON p.shardid = get_shard_id_for_distribution_column('shard_head', CAST(s.number AS SMALLINT)) \
    ORDER BY 1, 2",
);

/// Whether the database is a Citus cluster's.
pub(super) async fn is_there(db: &PgDb) -> Result<bool, StoreError> {
    let db: &Db = db;
    Ok(db.one(EXTENSION, &[], |c| c.int()).await?.unwrap_or(0) > 0)
}

/// Spreads what a new installation has; a cluster is asked for by name, so its absence is a fault.
pub(super) async fn spread(db: &PgDb) -> Result<(), OpenFault> {
    if !is_there(db).await? {
        return Err(OpenFault::NoCitus);
    }
    Ok(spread_local(db).await?)
}

/// Spreads tables that a migration has added to an installation that is spread.
pub(super) async fn spread_added(db: &PgDb) -> Result<(), StoreError> {
    if is_there(db).await? && is_known(db, FIRST).await? {
        spread_local(db).await?;
    }
    Ok(())
}

async fn spread_local(db: &PgDb) -> Result<(), StoreError> {
    let each = |c: &mut Columns<'_>| Ok((c.string()?, c.int()? != 0));
    let tables = (db as &Db).all(LOCAL, &[], each).await?;
    for (table, is_of_shards) in tables {
        // Names of our own schema, from the catalogue.
        let words = match is_of_shards {
            true if table == FIRST => format!("SELECT create_distributed_table('{table}', 'shard')"),
            true => {
                format!("SELECT create_distributed_table('{table}', 'shard', colocate_with => '{FIRST}')")
            }
            false => format!("SELECT create_reference_table('{table}')"),
        };
        match db.say(&words).await {
            Ok(()) => tracing::info!(table, "spread over the cluster"),
            // Another node was quicker.
            Err(StoreError::Conflict(_)) if is_known(db, &table).await? => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a table is spread already.
async fn is_known(db: &PgDb, table: &str) -> Result<bool, StoreError> {
    let db: &Db = db;
    Ok(db.one(SPREAD, &params![table], |c| c.int()).await?.unwrap_or(0) > 0)
}

/// Numbers for new shards: of each world as many as asked for, in turn from the groups of nodes.
pub(super) async fn numbers(db: &PgDb, shards: Shards) -> Result<Vec<Shard>, OpenFault> {
    let each = |c: &mut Columns<'_>| Ok((Shard(c.small()?), c.int()?));
    let placed = (db as &Db).all(GROUPS, &params![i64::from(Shard::MAX)], each).await?;
    let mut chosen = in_turn(&placed, World::Live, shards.live);
    chosen.extend(in_turn(&placed, World::Sandbox, shards.sandbox));
    Ok(chosen)
}

/// The lowest numbers of a world, one from each group, then the next ones. The world's first shard is always among them: what belongs
/// to no shard is kept by it.
fn in_turn(placed: &[(Shard, i64)], world: World, count: u16) -> Vec<Shard> {
    let mut groups: BTreeMap<i64, Vec<Shard>> = BTreeMap::new();
    for (shard, group) in placed.iter().filter(|(shard, _)| shard.world() == world) {
        groups.entry(*group).or_default().push(*shard);
    }
    let mut groups: Vec<Vec<Shard>> = groups.into_values().collect();
    groups.sort_unstable_by_key(|of| of.first().copied());
    let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
    let rounds = (0..longest).flat_map(|round| groups.iter().filter_map(move |of| of.get(round).copied()));
    rounds.take(count.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_of_nodes_gets_as_many_shards() {
        // The first numbers all lie on one worker, the last one.
        let group = |number: u16| if number < 40 { 3 } else { i64::from(number % 3) + 1 };
        let placed: Vec<(Shard, i64)> = (0..400).map(|number| (Shard(number), group(number))).collect();
        for world in [World::Live, World::Sandbox] {
            let chosen = in_turn(&placed, world, 9);
            assert_eq!(chosen.len(), 9);
            for wanted in 1..=3 {
                let there = chosen.iter().filter(|shard| group(shard.0) == wanted && shard.world() == world);
                assert_eq!(there.count(), 3, "{chosen:?}");
            }
        }
        assert_eq!(in_turn(&placed, World::Live, 1), [World::Live.first_shard()]);
        assert_eq!(in_turn(&placed, World::Sandbox, 1), [World::Sandbox.first_shard()]);
    }
}
