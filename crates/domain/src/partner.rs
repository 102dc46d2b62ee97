//! Partners 服务商: whoever serves merchants and acts for them with keys of its own. Partners may nest; one acts for the merchants
//! of all below it.

use crate::id::PartnerId;
use std::collections::HashMap;

/// Levels of partners under each other, the topmost counted.
pub const LEVELS_MAX: usize = 5;

/// A partner. Above the worlds: it has merchants in both. Who is above it never changes, so there is no cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Its id.
    pub id: PartnerId,
    /// The partner above it, if there is one.
    pub parent: Option<PartnerId>,
    /// Its name.
    pub name: String,
    /// Real time of creation, microseconds.
    pub created_at_us: i64,
}

/// A partner and those above it, from below upwards, at most [`LEVELS_MAX`].
pub fn lineage(partners: &HashMap<PartnerId, Partner>, from: PartnerId) -> impl Iterator<Item = PartnerId> {
    std::iter::successors(Some(from), |id| partners.get(id).and_then(|partner| partner.parent))
        .take(LEVELS_MAX)
}

/// Whether `acting` serves a merchant whose partner is `serving`: it is that partner, or one above it.
pub fn serves(partners: &HashMap<PartnerId, Partner>, acting: PartnerId, serving: Option<PartnerId>) -> bool {
    serving.is_some_and(|from| lineage(partners, from).any(|id| id == acting))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{IdMaker, Shard};

    fn house(parents: &[Option<usize>]) -> (Vec<PartnerId>, HashMap<PartnerId, Partner>) {
        let mut maker = IdMaker::new(1, Shard(0), 3);
        let ids: Vec<PartnerId> = parents.iter().map(|_| maker.next()).collect();
        let partner = |(at, parent): (usize, &Option<usize>)| {
            let parent = parent.map(|parent| ids[parent]);
            (ids[at], Partner { id: ids[at], parent, name: at.to_string(), created_at_us: 1 })
        };
        let partners = parents.iter().enumerate().map(partner).collect();
        (ids, partners)
    }

    #[test]
    fn a_partner_serves_its_own_merchants_and_those_of_all_below_it() {
        // 0 ─ 1 ─ 2, 0 ─ 3, and 4 by itself.
        let (ids, partners) = house(&[None, Some(0), Some(1), Some(0), None]);
        let table = [(0, vec![0, 1, 2, 3]), (1, vec![1, 2]), (2, vec![2]), (3, vec![3]), (4, vec![4])];
        for (acting, served) in table {
            for (serving, id) in ids.iter().enumerate() {
                let expected = served.contains(&serving);
                assert_eq!(serves(&partners, ids[acting], Some(*id)), expected, "{acting} for {serving}");
            }
            assert!(!serves(&partners, ids[acting], None), "nobody's merchant is nobody's");
        }
    }

    #[test]
    fn a_walk_upwards_ends_whatever_the_rows_say() {
        let (ids, mut partners) = house(&[Some(1), Some(0)]);
        assert_eq!(lineage(&partners, ids[0]).count(), LEVELS_MAX, "a cycle");
        partners.clear();
        assert_eq!(lineage(&partners, ids[0]).count(), 1, "an unknown partner is above nobody");
    }
}
