//! Who made a key or a webhook endpoint, who changed it, and how a key ends.

use super::explain::{Happened, Keys, Told, finish};
use crate::assemble::real_now_us;
use anyhow::{Context, Result};
use domain::api_key::{ApiKey, Life, Owner};
use domain::id::{EndpointId, Id, KeyId};
use store::control::{Endpoint, Snapshot};

/// `None` for an id of another noun.
pub(super) fn tell(snapshot: &Snapshot, id: &str) -> Result<Option<Told>> {
    let keys = Keys::of(snapshot);
    if let Some(id) = KeyId::parse(id) {
        let key = keys.find(id).with_context(|| format!("there is no key {id}"))?;
        return tell_key(key, &keys).map(Some);
    }
    let Some(id) = EndpointId::parse(id) else { return Ok(None) };
    let found = snapshot.endpoints.iter().find(|endpoint| endpoint.id == id);
    tell_endpoint(found.with_context(|| format!("there is no webhook endpoint {id}"))?, &keys).map(Some)
}

fn tell_key(key: &ApiKey, keys: &Keys) -> Result<Told> {
    let owner = match key.owner {
        Owner::Merchant(merchant) => merchant.to_string(),
        Owner::Partner(partner) => format!("partner {partner}"),
    };
    let life = match key.life(real_now_us()) {
        Life::NotYet => "is not valid yet",
        Life::Alive => "may be used",
        Life::Expired => "has expired",
        Life::Revoked => "was revoked",
    };
    let mut history = vec![Happened {
        at_us: key.created_at_us,
        what: format!("made: {}", key.name),
        acting: keys.acting(key.created_by),
    }];
    if let Some(certificate) = &key.certificate {
        let what = format!("certificate {} (SHA-256 {}) begins", certificate.serial, certificate.fingerprint);
        history.push(Happened { at_us: certificate.begins_at_us, what, acting: None });
        history.push(Happened {
            at_us: certificate.ends_at_us,
            what: "certificate ends".to_owned(),
            acting: None,
        });
    }
    if let Some(at_us) = key.expires_at_us {
        let acting = keys.acting(key.changed_by).filter(|_| key.revoked_at_us.is_none());
        history.push(Happened { at_us, what: "ends".to_owned(), acting });
    }
    if let Some(at_us) = key.revoked_at_us {
        history.push(Happened { at_us, what: "revoked".to_owned(), acting: keys.acting(key.changed_by) });
    }
    let summary = format!("key of {owner} ({}) {life}", key.world().as_str());
    finish(key.id.to_string(), summary, history, None, Vec::new())
}

fn tell_endpoint(endpoint: &Endpoint, keys: &Keys) -> Result<Told> {
    let made = Happened {
        at_us: endpoint.created_at_us,
        what: "made".to_owned(),
        acting: keys.acting(endpoint.created_by),
    };
    let changed = Happened {
        at_us: endpoint.updated_at_us,
        what: format!("as it is now: {:?}", endpoint.status).to_lowercase(),
        acting: keys.acting(endpoint.changed_by),
    };
    let summary = format!("webhook endpoint of {}", endpoint.merchant);
    finish(endpoint.id.to_string(), summary, vec![made, changed], None, Vec::new())
}
