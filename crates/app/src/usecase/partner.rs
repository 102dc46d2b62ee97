//! Partners, as the operator's command line makes them: control rows only, beside a serving node or without one.

use crate::Refusal;
use domain::id::{IdMaker, PartnerId, Shard};
use domain::partner::{LEVELS_MAX, Partner, lineage};
use std::collections::HashMap;
use store::Store;

/// A partner to be made.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the options of `feiqian partner create`
pub struct NewPartner {
    pub name: String,
    pub parent: Option<PartnerId>,
}

/// Makes a partner.
///
/// # Errors
/// [`Refusal::FieldInvalid`] for a name without letters or too many levels, [`Refusal::NotFound`] for the parent.
pub async fn create_partner(
    store: &dyn Store,
    new: &NewPartner,
    real_now_us: i64,
) -> Result<Partner, Refusal> {
    if new.name.trim().is_empty() || new.name.chars().count() > 127 {
        return Err(invalid("/name", "1 to 127 characters"));
    }
    if let Some(parent) = new.parent {
        let partners = store.snapshot().await?.partners;
        let partners: HashMap<PartnerId, Partner> = partners.into_iter().map(|it| (it.id, it)).collect();
        if !partners.contains_key(&parent) {
            return Err(Refusal::NotFound("partner"));
        }
        if lineage(&partners, parent).count() >= LEVELS_MAX {
            return Err(invalid("/parent", &format!("partners nest at most {LEVELS_MAX} deep")));
        }
    }
    let seed = u128::from_be_bytes(crypto::secret::random_bytes::<16>());
    let partner = Partner {
        // A partner is above the worlds; the number in its id belongs to no shard of money.
        id: IdMaker::new(real_now_us, Shard(0), seed).next(),
        parent: new.parent,
        name: new.name.clone(),
        created_at_us: real_now_us,
    };
    store.create_partner(&partner).await?;
    Ok(partner)
}

fn invalid(pointer: &'static str, detail: &str) -> Refusal {
    Refusal::FieldInvalid { pointer, detail: detail.to_owned() }
}
