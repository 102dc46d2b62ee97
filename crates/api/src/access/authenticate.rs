//! From credentials to a caller, in the order of WIRE: encoding, key, algorithm, time, components, digest, signature; the
//! nonce is judged by the command's own commit.

use super::address::listed_network;
use crate::pipeline::{Received, parse_id};
use crate::problem::{Code, Problem, signature_problem};
use crate::state::ApiState;
use crate::text::Text;
use app::config::KeyConfig;
use app::{Caller, Config};
use crypto::secret::BearerToken;
use crypto::signature::{ParsedSignature, RequestParts, check, needs_nonce};
use domain::Id;
use domain::api_key::{ApiKey, Life, Owner};
use domain::id::{KeyId, MerchantId, World};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::net::IpAddr;
use std::sync::Arc;

/// A caller who said who they are.
pub struct Access {
    /// For `app`: the merchant acted for. `None` for a partner's key whose request names no merchant.
    pub caller: Option<Caller>,
    /// The world of the key.
    pub world: World,
    /// The key.
    pub key: KeyId,
    /// The configuration in which the key stands.
    pub config: Arc<Config>,
    /// The signature's nonce, hashed, where the method needs one.
    pub nonce: Option<[u8; 16]>,
}

/// Finds out who is calling.
///
/// # Errors
/// The 401 and 403 codes of WIRE, the first that applies.
pub fn authenticate(state: &ApiState, request: &Received) -> Result<Access, Problem> {
    let config = state.app.config();
    let signed = request.headers.contains_key("signature") || request.headers.contains_key("signature-input");
    let (key, nonce) = if signed {
        by_signature(state, request, &config)?
    } else if request.headers.contains_key(AUTHORIZATION) {
        (by_bearer(state, request, &config)?, None)
    } else {
        return Err(Problem::new(Code::CredentialsMissing));
    };
    let (id, world) = (key.key.id, key.key.world());
    within_addresses(&key.key, request.address)?;
    let merchant = acted_for(&config, &key.key, named_merchant(&request.headers))?;
    let caller = merchant.map(|merchant| Caller {
        merchant,
        world,
        key: Some(id),
        key_epoch: config.key_epoch(merchant),
    });
    Ok(Access { caller, world, key: id, config: Arc::clone(&config), nonce })
}

/// A key that may be used now.
fn alive(key: &ApiKey, real_now_us: i64) -> Result<(), Problem> {
    match key.life(real_now_us) {
        Life::Alive => Ok(()),
        Life::NotYet => Err(Problem::new(Code::KeyNotYetValid)),
        Life::Expired => Err(Problem::new(Code::KeyExpired)),
        Life::Revoked => Err(Problem::new(Code::KeyRevoked)),
    }
}

/// Whether a key that was good when a request came still is, for a request that waited.
///
/// # Errors
/// `key_unknown`, `key_revoked`, `key_expired`.
pub fn still_alive(state: &ApiState, key: KeyId) -> Result<(), Problem> {
    let config = state.app.config();
    let known = config.key(key).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    alive(&known.key, state.real_now_us())
}

type Found<'c> = (&'c KeyConfig, Option<[u8; 16]>);

fn by_signature<'c>(state: &ApiState, request: &Received, config: &'c Config) -> Result<Found<'c>, Problem> {
    let method = request.method.as_str();
    let parsed =
        ParsedSignature::parse(&request.headers, method).map_err(|fault| signature_problem(fault, false))?;
    let id = KeyId::parse(&parsed.keyid.to_ascii_lowercase());
    let key = id.and_then(|id| config.key(id)).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    let real_now_us = state.real_now_us();
    alive(&key.key, real_now_us)?;
    let public_key = key.public_key.as_ref().ok_or_else(|| {
        Problem::detailed(
            Code::KeyUnknown,
            Text::fixed("This key has no public key: it can't sign.", "该密钥没有公钥，不能用于签名。"),
        )
    })?;
    let in_sandbox = key.key.world() == World::Sandbox;
    let target_uri = format!("{}{}", state.config.public_url, request.target);
    let parts = RequestParts { method, target_uri: &target_uri, headers: &request.headers };
    let checked = check(&parsed, public_key, &parts, &request.body, real_now_us.div_euclid(1_000_000))
        .map_err(|fault| signature_problem(fault, in_sandbox))?;
    let nonce = checked.nonce_hash.filter(|_| needs_nonce(method));
    if nonce.is_some() {
        signed_since_restore(parsed.created_s, config)?;
    }
    Ok((key, nonce))
}

/// Books that were restored from a backup have forgotten the nonces used since: what was signed before the restore is not taken.
fn signed_since_restore(created_s: Option<i64>, config: &Config) -> Result<(), Problem> {
    let restored_at_s = config.restored.map(|restored| restored.at_us.div_euclid(1_000_000));
    if created_s >= restored_at_s {
        return Ok(());
    }
    let detail = Text::fixed(
        "This service was restored from a backup after the request was signed: sign it again, with the same Idempotency-Key.",
        "该请求签名之后系统已从备份恢复：请重新签名，Idempotency-Key 保持不变。",
    );
    Err(Problem::detailed(Code::SignatureTime, detail))
}

fn by_bearer<'c>(state: &ApiState, request: &Received, config: &'c Config) -> Result<&'c KeyConfig, Problem> {
    let mut lines = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(Problem::new(Code::CredentialsMissing));
    };
    let token = line
        .to_str()
        .ok()
        .and_then(|line| line.split_once(' '))
        .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()));
    let token = token.ok_or_else(|| Problem::new(Code::CredentialsMissing))?;
    if token.starts_with("fqsk_live_") {
        return Err(Problem::new(Code::BearerNotInLive));
    }
    let token = BearerToken::parse(token).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    let key = config.key_by_bearer(&token.hash()).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    if key.key.world() == World::Live {
        return Err(Problem::new(Code::BearerNotInLive));
    }
    alive(&key.key, state.real_now_us())?;
    Ok(key)
}

/// An entry that can't be read allows nobody.
fn within_addresses(key: &ApiKey, address: Option<IpAddr>) -> Result<(), Problem> {
    if key.ip_allow.is_empty() {
        return Ok(());
    }
    let allowed = address.is_some_and(|address| {
        key.ip_allow.iter().filter_map(|entry| listed_network(entry)).any(|net| net.contains(&address))
    });
    if allowed { Ok(()) } else { Err(Problem::new(Code::IpNotAllowed)) }
}

/// What `Feiqian-Merchant` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// It is not there.
    Nobody,
    /// One merchant's id.
    Merchant(MerchantId),
    /// No id, or several lines.
    Unreadable,
}

fn named_merchant(headers: &HeaderMap) -> Named {
    let mut lines = headers.get_all("feiqian-merchant").iter();
    match (lines.next(), lines.next()) {
        (None, _) => Named::Nobody,
        (Some(line), None) => {
            let id = line.to_str().ok().and_then(parse_id);
            id.map_or(Named::Unreadable, Named::Merchant)
        }
        (Some(_), Some(_)) => Named::Unreadable,
    }
}

/// The merchant that the request is about. A merchant that the key may not act for, one that does not exist and no id at all look
/// the same. A merchant of the other world is told apart, by its id alone: whoever mixes up two key files learns it at once.
fn acted_for(config: &Config, key: &ApiKey, named: Named) -> Result<Option<MerchantId>, Problem> {
    let refused = || Problem::new(Code::MerchantNotPermitted);
    if let Named::Merchant(merchant) = named
        && merchant.0.shard().world() != key.world()
    {
        return Err(Problem::new(Code::KeyWrongWorld));
    }
    match (key.owner, named) {
        (Owner::Merchant(own), Named::Nobody) => Ok(Some(own)),
        (Owner::Merchant(own), Named::Merchant(merchant)) if merchant == own => Ok(Some(own)),
        (Owner::Partner(_), Named::Nobody) => Ok(None),
        (Owner::Partner(partner), Named::Merchant(merchant)) if config.serves(partner, merchant) => {
            Ok(Some(merchant))
        }
        (Owner::Merchant(_) | Owner::Partner(_), Named::Merchant(_) | Named::Unreadable) => Err(refused()),
    }
}
