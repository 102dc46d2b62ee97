//! Control rows of webhook endpoints.

use crate::control::{Endpoint, EndpointStatus};
use crate::db::{Db, corrupt, guard, params, statements};
use crate::place::Place;
use crate::{StoreError, code, installation};
use domain::id::{EndpointId, MerchantId};

statements! {
    INSERT = "INSERT INTO endpoint (id, merchant, url, events, description, status, secret, old_secret, \
        old_secret_until_us, failing_since_us, failures, created_at_us, updated_at_us, sequence, created_by, changed_by) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    UPDATE = "UPDATE endpoint SET url = ?3, events = ?4, description = ?5, status = ?6, secret = ?7, \
        old_secret = ?8, old_secret_until_us = ?9, failing_since_us = ?10, failures = ?11, updated_at_us = ?12, \
        sequence = ?13, changed_by = ?14 WHERE id = ?1 AND sequence = ?2";
    HAS_URL = "SELECT 1 FROM endpoint INDEXED BY endpoint_url WHERE merchant = ?1 AND url = ?2";
    COUNT = "SELECT CAST(COUNT(*) AS BIGINT) FROM endpoint INDEXED BY endpoint_url WHERE merchant = ?1";
    DELETE = "DELETE FROM endpoint WHERE id = ?1 AND merchant = ?2";
    SNAPSHOT = "SELECT id, merchant, url, events, description, status, secret, old_secret, old_secret_until_us, \
        failing_since_us, failures, created_at_us, updated_at_us, sequence, created_by, changed_by FROM endpoint";
}

fn status_text(status: EndpointStatus) -> &'static str {
    match status {
        EndpointStatus::Enabled => "enabled",
        EndpointStatus::Failing => "failing",
        EndpointStatus::Disabled => "disabled",
    }
}

fn parse_status(text: &str) -> Option<EndpointStatus> {
    [EndpointStatus::Enabled, EndpointStatus::Failing, EndpointStatus::Disabled]
        .into_iter()
        .find(|status| status_text(*status) == text)
}

/// The secrets as they rest: the present one, the old one, until when.
type SealedSecrets = (Vec<u8>, Option<Vec<u8>>, Option<i64>);

async fn seal(db: &Db, endpoint: &Endpoint) -> Result<SealedSecrets, StoreError> {
    let (row, version) = (&endpoint.id.0.0, installation::key_version(db).await?);
    let secret = db.seal(version, Place::EndpointSecret, row, &endpoint.secret)?;
    match &endpoint.old_secret {
        Some((old, until_us)) => {
            Ok((secret, Some(db.seal(version, Place::EndpointOldSecret, row, old)?), Some(*until_us)))
        }
        None => Ok((secret, None, None)),
    }
}

pub(crate) async fn insert(db: &Db, endpoint: &Endpoint) -> Result<(), StoreError> {
    let (secret, old_secret, old_until_us) = seal(db, endpoint).await?;
    db.execute(
        INSERT,
        &params![
            endpoint.id.0.0,
            endpoint.merchant.0.0,
            &endpoint.url,
            code::texts(&endpoint.events),
            &endpoint.description,
            status_text(endpoint.status),
            secret,
            old_secret,
            old_until_us,
            endpoint.failing_since_us,
            endpoint.failures,
            endpoint.created_at_us,
            endpoint.updated_at_us,
            endpoint.sequence,
            endpoint.created_by.map(|id| id.0.0),
            endpoint.changed_by.map(|id| id.0.0),
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn update(db: &Db, endpoint: &Endpoint, expected_sequence: i64) -> Result<(), StoreError> {
    let (secret, old_secret, old_until_us) = seal(db, endpoint).await?;
    let values = params![
        endpoint.id.0.0,
        expected_sequence,
        &endpoint.url,
        code::texts(&endpoint.events),
        &endpoint.description,
        status_text(endpoint.status),
        secret,
        old_secret,
        old_until_us,
        endpoint.failing_since_us,
        endpoint.failures,
        endpoint.updated_at_us,
        endpoint.sequence,
        endpoint.changed_by.map(|id| id.0.0),
    ];
    let count = db.execute(UPDATE, &values).await?;
    guard(count, || format!("endpoint {} is not at sequence {expected_sequence}", endpoint.id))
}

pub(crate) async fn has_url(db: &Db, merchant: MerchantId, url: &str) -> Result<bool, StoreError> {
    Ok(db.one(HAS_URL, &params![merchant.0.0, url], |c| c.int()).await?.is_some())
}

/// How many a merchant has.
pub(crate) async fn count(db: &Db, merchant: MerchantId) -> Result<usize, StoreError> {
    let count = db.one(COUNT, &params![merchant.0.0], |c| c.int()).await?;
    Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX))
}

pub(crate) async fn delete(db: &Db, merchant: MerchantId, id: EndpointId) -> Result<(), StoreError> {
    let count = db.execute(DELETE, &params![id.0.0, merchant.0.0]).await?;
    guard(count, || format!("there is no endpoint {id}"))
}

pub(crate) async fn all(db: &Db) -> Result<Vec<Endpoint>, StoreError> {
    db.all(SNAPSHOT, &[], |c| {
        let id: EndpointId = c.id()?;
        Ok(Endpoint {
            id,
            merchant: c.id()?,
            url: c.string()?,
            events: code::read_texts(c.blob()?)
                .ok_or_else(|| corrupt("an endpoint's types can't be read"))?,
            description: c.opt_string()?,
            status: c.word(parse_status)?,
            secret: db.open(Place::EndpointSecret, &id.0.0, c.blob()?)?,
            old_secret: {
                let old = c.opt_blob()?;
                match old.zip(c.opt_int()?) {
                    Some((sealed, until_us)) => {
                        Some((db.open(Place::EndpointOldSecret, &id.0.0, sealed)?, until_us))
                    }
                    None => None,
                }
            },
            failing_since_us: c.opt_int()?,
            failures: c.int()?,
            created_at_us: c.int()?,
            updated_at_us: c.int()?,
            sequence: c.int()?,
            created_by: c.opt_id()?,
            changed_by: c.opt_id()?,
        })
    })
    .await
}
