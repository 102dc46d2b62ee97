//! From credentials to a caller, in the order of WIRE: encoding, key, algorithm, time, components, digest, signature; the
//! nonce is judged by the command's own commit.

use crate::pipeline::Received;
use crate::problem::{Code, Problem, signature_problem};
use crate::state::ApiState;
use crate::text::Text;
use app::config::KeyConfig;
use app::{Caller, Config};
use crypto::secret::BearerToken;
use crypto::signature::{ParsedSignature, RequestParts, check, needs_nonce};
use domain::Id;
use domain::id::{KeyId, MerchantId, World};
use domain::merchant::ApiKey;
use http::header::AUTHORIZATION;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// A caller who said who they are.
pub struct Access {
    /// For `app`.
    pub caller: Caller,
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
    let world = world_of(&config, &key.key).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    within_addresses(&key.key, request.address)?;
    own_merchant_only(request, key.key.merchant)?;
    let caller = Caller { merchant: key.key.merchant, world, key: Some(key.key.id), key_epoch: key.epoch };
    let key = key.key.id;
    Ok(Access { caller, key, config: Arc::clone(&config), nonce })
}

fn world_of(config: &Config, key: &ApiKey) -> Option<World> {
    config.merchant(key.merchant).map(|merchant| merchant.merchant.world)
}

/// A key that may be used now.
fn alive(key: &ApiKey, real_now_us: i64) -> Result<(), Problem> {
    if key.revoked_at_us.is_some_and(|at_us| at_us <= real_now_us) {
        return Err(Problem::new(Code::KeyRevoked));
    }
    if key.expires_at_us.is_some_and(|at_us| at_us <= real_now_us) {
        return Err(Problem::new(Code::KeyExpired));
    }
    Ok(())
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
    let in_sandbox = world_of(config, &key.key) == Some(World::Sandbox);
    let target_uri = format!("{}{}", state.config.public_url, request.target);
    let parts = RequestParts { method, target_uri: &target_uri, headers: &request.headers };
    let checked = check(&parsed, public_key, &parts, &request.body, real_now_us.div_euclid(1_000_000))
        .map_err(|fault| signature_problem(fault, in_sandbox))?;
    Ok((key, checked.nonce_hash.filter(|_| needs_nonce(method))))
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
    if world_of(config, &key.key) == Some(World::Live) {
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
        key.ip_allow.iter().any(|entry| match entry.parse::<IpNet>() {
            Ok(net) => net.contains(&address),
            Err(_) => entry.parse::<IpAddr>().is_ok_and(|only| only.to_canonical() == address),
        })
    });
    if allowed { Ok(()) } else { Err(Problem::new(Code::IpNotAllowed)) }
}

/// `Feiqian-Merchant` is for partners' keys; there are none yet, so only one's own id passes. A merchant of the other world is
/// told apart: whoever mixes up two key files learns it at once.
fn own_merchant_only(request: &Received, own: MerchantId) -> Result<(), Problem> {
    for line in request.headers.get_all("feiqian-merchant") {
        let named = line.to_str().ok().and_then(|text| MerchantId::parse(&text.to_ascii_lowercase()));
        match named {
            Some(merchant) if merchant == own => {}
            Some(merchant) if merchant.0.shard().world() != own.0.shard().world() => {
                return Err(Problem::new(Code::KeyWrongWorld));
            }
            Some(_) | None => return Err(Problem::new(Code::MerchantNotPermitted)),
        }
    }
    Ok(())
}
