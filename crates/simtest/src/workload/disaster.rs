//! A backup while everything goes on, and later a machine that is lost with all that came after it. The operator restores the backup;
//! the channel goes on where it was; merchants repeat what they had asked for since.

use super::{Order, Phase, World, desk};
use crate::client::{Ask, By};
use crate::house::{Credential, Shop};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::Safekeeping as _;
use store::safekeeping::Restored;
use store::sqlite::{Copying, SqliteStore, copy};

/// One history in so many has a disaster.
const ONE_IN: u64 = 6;

/// What everybody knew when the backup was made.
pub(super) struct Backup {
    books_of_us: i64,
    orders: Vec<Order>,
    shops: Vec<Arc<Shop>>,
    price_versions: BTreeMap<(usize, &'static str), i64>,
    fixed_fees: BTreeMap<(usize, &'static str), i64>,
    former: Vec<(usize, Credential)>,
    between_partners: BTreeSet<usize>,
    pub(super) desk: desk::Copy,
    /// Requests since, as they were answered first.
    since: Vec<Ask>,
}

/// Where a history stands with it.
pub(super) enum Disaster {
    /// None in this history, or over.
    None,
    /// A backup is made when so many steps are left, the machine is lost when so many are.
    Planned(u64, u64),
    /// The backup is made.
    Waiting(u64, Box<Backup>),
}

impl Disaster {
    pub(super) fn planned(seed: u64, steps: u64) -> Disaster {
        if seed.is_multiple_of(ONE_IN) {
            Disaster::Planned(steps * 6 / 10, steps / 10)
        } else {
            Disaster::None
        }
    }
}

impl World {
    /// What is due with so many steps left. True: the machine is lost now.
    pub(super) fn disaster_due(&mut self, left: u64) -> Result<bool> {
        match &self.disaster {
            Disaster::Planned(at, lost_at) if left <= *at => {
                let lost_at = *lost_at;
                self.back_up(lost_at)?;
                Ok(false)
            }
            Disaster::Waiting(at, _) => Ok(left <= *at),
            Disaster::Planned(..) | Disaster::None => Ok(false),
        }
    }

    fn back_up(&mut self, lost_at: u64) -> Result<()> {
        copy(&self.house.sqlite(), &self.house.file("backup.db"), Copying::default()).context("backup")?;
        self.house.faults.count("backups");
        self.say(|| "a backup is made".to_owned());
        let backup = Backup {
            books_of_us: self.now_us(),
            orders: self.orders.clone(),
            shops: self.house.shops.clone(),
            price_versions: self.price_versions.clone(),
            fixed_fees: self.fixed_fees.clone(),
            former: self.former.clone(),
            between_partners: self.between_partners.clone(),
            desk: self.desk.copied(),
            since: self.unsettled.clone(),
        };
        self.disaster = Disaster::Waiting(lost_at, Box::new(backup));
        Ok(())
    }

    /// A request that did something or may have: its merchant remembers it whatever becomes of the books. What was refused is not
    /// asked for again: another try at paying would then be a second one, beside the first that the books have forgotten.
    pub(super) fn remember(&mut self, ask: &Ask) {
        let Disaster::Waiting(_, backup) = &mut self.disaster else { return };
        let target = ask.target.as_str();
        let moves = ["/v1/payments", "/v1/refunds"].contains(&target)
            || target.ends_with("/captures")
            || target.ends_with("/attempts");
        let same = |other: &Ask| other.key == ask.key && other.target == ask.target && other.body == ask.body;
        if moves && !backup.since.iter().any(same) {
            backup.since.push(Ask { by: By::Own, ..ask.clone() });
        }
    }

    /// The machine is gone; another one gets the backup. From here merchants only repeat.
    pub(super) fn restore(&mut self) -> Result<()> {
        let Disaster::Waiting(_, backup) = std::mem::replace(&mut self.disaster, Disaster::None) else {
            return Ok(());
        };
        self.house.power.replace_by(&self.house.file("backup.db"))?;
        // Versions that were retired since are put back, as the backup asks for.
        self.house.keys.bring_back();
        self.rotation = super::master_key::Rotation::default();
        let store = SqliteStore::open(&self.house.sqlite()).context("restore")?;
        let restored = Restored { at_us: self.now_us(), books_of_us: backup.books_of_us };
        futures::executor::block_on(store.hold(self.now_us(), Some(restored)))?;
        drop(store);
        self.held = true;
        self.orders = backup.orders;
        self.house.shops = backup.shops;
        self.price_versions = backup.price_versions;
        self.fixed_fees = backup.fixed_fees;
        self.former = backup.former;
        self.between_partners = backup.between_partners;
        self.desk.restored(backup.desk);
        (self.answered, self.used) = (Vec::new(), Vec::new());
        self.unsettled = backup.since;
        self.auditor.restored();
        let trades = self.house.bank.trades();
        self.taken_before =
            trades.iter().flat_map(|trade| trade.takings()).map(|(number, _)| number).collect();
        self.house.faults.count("restores from a backup");
        let repeated = self.unsettled.len();
        self.say(|| format!("restored from the backup; merchants repeat {repeated} requests"));
        self.phase = Phase::Working(0);
        Ok(())
    }
}
