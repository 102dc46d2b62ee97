//! API keys. Nobody hands out more than the key that asks may do.

use crate::access::{self, covers, covers_addresses, may};
use crate::json::read::{WORDS_MAX_CHARS, boolean, names, time_us, words};
use crate::json::{Fault, Fields, Value};
use crate::listing::{Listing, created};
use crate::pipeline::{Allowed, Call, Reply};
use crate::problem::{Code, FieldError, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use crate::text::Text;
use app::{KeyRotation, NewKey};
use domain::api_key::ApiKey;
use domain::id::KeyId;
use ipnet::IpNet;
use std::net::IpAddr;
use wire::{ApiKeyObject, List};

static CREATE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/api_keys",
    id: "createApiKey",
    summary: "A key: from a public key or certificate in PEM, or (sandbox) a bearer token, shown once.",
    body: Body::Required("ApiKeyInput"),
    key: KeyRule::Required,
    query: &[],
    answer: Answer::Made("ApiKey"),
    codes: &[Code::SandboxOnly],
};

static LIST: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/api_keys",
    id: "listApiKeys",
    summary: "Keys, newest first; revoked and expired ones too.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["limit", "cursor"],
    answer: Answer::Page("ApiKey"),
    codes: &[],
};

static ROTATE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/api_keys/{id}/rotate",
    id: "rotateApiKey",
    summary: "A new key with the same rights; the old one lives on for a day. Answers the new one.",
    body: Body::Optional("ApiKeyRotation"),
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("ApiKey"),
    codes: &[Code::ApiKeyNotFound],
};

static REVOKE: Spec = Spec {
    verb: Verb::Post,
    path: "/v1/api_keys/{id}/revoke",
    id: "revokeApiKey",
    summary: "End a key: nothing that it signed is committed after the answer.",
    body: Body::Empty,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("ApiKey"),
    codes: &[Code::ApiKeyNotFound],
};

static PLATFORM_KEYS: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/platform_keys",
    id: "listPlatformKeys",
    summary: "Public keys that the platform itself signs with; none yet.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::Page("ApiKey"),
    codes: &[],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&CREATE, create);
    routes.add(&LIST, list);
    routes.add(&ROTATE, rotate);
    routes.add(&REVOKE, revoke);
    routes.add(&PLATFORM_KEYS, platform_keys);
}

fn object<'k>(key: &'k ApiKey, bearer: Option<&'k str>, call: &Call) -> ApiKeyObject<'k> {
    wire::render::api_key(key, call.caller.merchant, bearer)
}

/// Characters of a public key or certificate in PEM: a certificate with its chain has some 8,000.
const PEM_MAX_CHARS: usize = 16_000;

fn permissions(value: &Value<'_>) -> Result<Vec<String>, Fault> {
    let wanted = names(value)?;
    match wanted.iter().position(|name| !access::permissions().any(|known| known == name)) {
        Some(index) => {
            let fault = Fault::invalid("This permission is not known.", "不认识的权限。");
            Err(fault.allowing(access::permissions()).below(&index.to_string()))
        }
        None => Ok(wanted),
    }
}

fn networks(value: &Value<'_>) -> Result<Vec<String>, Fault> {
    let wanted = names(value)?;
    let is_network = |text: &String| text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
    match wanted.iter().position(|text| !is_network(text)) {
        Some(index) => {
            let fault = Fault::invalid(
                "An address or network is expected, such as 203.0.113.7 or 203.0.113.0/24.",
                "此处应为地址或网段，如 203.0.113.7 或 203.0.113.0/24。",
            );
            Err(fault.below(&index.to_string()))
        }
        None => Ok(wanted),
    }
}

fn later_than(real_now_us: i64) -> impl Fn(&Value<'_>) -> Result<i64, Fault> {
    move |value| {
        let past = || Fault::invalid("The time must be later than now.", "时间须晚于现在。");
        time_us(value).and_then(|at_us| if at_us > real_now_us { Ok(at_us) } else { Err(past()) })
    }
}

/// What `POST /v1/api_keys/{id}/rotate` takes.
pub struct RotationIn;

impl RotationIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>, real_now_us: i64) -> KeyRotation {
        KeyRotation {
            public_key_pem: fields.optional("public_key", words(PEM_MAX_CHARS)),
            expires_at_us: fields.optional("expires_at", later_than(real_now_us)),
        }
    }
}

/// What `POST /v1/api_keys` takes.
pub struct KeyIn;

impl KeyIn {
    /// Reads all fields; faults stay with `fields`.
    pub fn read(fields: &mut Fields<'_, '_>, real_now_us: i64) -> NewKey {
        let new = NewKey {
            name: fields.required("name", words(WORDS_MAX_CHARS)).unwrap_or_default(),
            public_key_pem: fields.optional("public_key", words(PEM_MAX_CHARS)),
            generate_bearer: fields.optional("generate_bearer", boolean).unwrap_or(false),
            permissions: fields.optional("permissions", permissions).unwrap_or_default(),
            ip_allow: fields.optional("ip_allow", networks).unwrap_or_default(),
            expires_at_us: fields.optional("expires_at", later_than(real_now_us)),
        };
        let which = (
            "Send exactly one of public_key and generate_bearer: true.",
            "public_key 与 generate_bearer: true 须且只能填写一个。",
        );
        match (fields.has_value("public_key"), new.generate_bearer) {
            (true, false) | (false, true) => {}
            (true, true) => fields.refuse("generate_bearer", Fault::invalid(which.0, which.1)),
            (false, false) => fields.refuse("public_key", Fault::of(Code::FieldMissing, which.0, which.1)),
        }
        new
    }
}

/// Nobody hands out more than they have: no permission, and no address to come from.
fn hand_out(call: &Call, permissions: &[String], addresses: &[String]) -> Result<(), Problem> {
    let own = call.config.key(call.key).map(|key| &key.key).ok_or_else(|| Problem::new(Code::KeyUnknown))?;
    let refused = |field: &str, own: &[String], detail: Text| {
        Problem::field(FieldError {
            pointer: format!("/{field}"),
            code: Code::PermissionMissing,
            detail,
            allowed: Some(own.to_vec()),
        })
    };
    if !covers(&own.permissions, permissions) {
        let detail = Text::fixed(
            "A key hands out no permission that it does not have.",
            "密钥不能授出自己没有的权限。",
        );
        return Err(refused("permissions", &own.permissions, detail));
    }
    if !covers_addresses(&own.ip_allow, addresses) {
        let detail = Text::fixed(
            "A key that is limited to addresses makes keys for those only: name some of them in ip_allow.",
            "限定了来源地址的密钥只能授出这些地址：请在 ip_allow 中填写其中的地址。",
        );
        return Err(refused("ip_allow", &own.ip_allow, detail));
    }
    Ok(())
}

async fn create(call: Allowed<may::WriteKeys>) -> Result<Reply, Problem> {
    let new = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        let new = KeyIn::read(&mut fields, call.state.real_now_us());
        fields.finish()?;
        new
    };
    hand_out(&call, &new.permissions, &new.ip_allow)?;
    let answer = call.app().create_key(&call.caller, new, call.re_entry).await?;
    let (key, bearer) = &answer.object;
    Ok(Reply::made(&object(key, bearer.as_deref(), &call), answer.fresh))
}

async fn list(call: Allowed<may::ReadKeys>) -> Result<Reply, Problem> {
    let listing = Listing::of(&call)?;
    let rows = call.app().keys(&call.caller);
    let rows = listing.page_of_all(rows, |key| (key.created_at_us, key.id.0))?;
    let place = |key: &ApiKey| created(key.created_at_us, key.id);
    Ok(Reply::ok(&listing.page(&rows, place, |key| object(key, None, &call))))
}

async fn rotate(call: Allowed<may::WriteKeys>) -> Result<Reply, Problem> {
    let id: KeyId = call.id(Code::ApiKeyNotFound)?;
    let rotation = {
        let body = call.body()?;
        let mut fields = Fields::new(&body);
        let rotation = RotationIn::read(&mut fields, call.state.real_now_us());
        fields.finish()?;
        rotation
    };
    let old = call.app().key(&call.caller, id)?;
    hand_out(&call, &old.permissions, &old.ip_allow)?;
    let answer = call.app().rotate_key(&call.caller, id, rotation, call.re_entry).await?;
    let (key, bearer) = &answer.object;
    Ok(Reply::acted(&object(key, bearer.as_deref(), &call), answer.fresh))
}

async fn revoke(call: Allowed<may::WriteKeys>) -> Result<Reply, Problem> {
    let id: KeyId = call.id(Code::ApiKeyNotFound)?;
    call.no_inputs()?;
    let key = call.app().revoke_key(&call.caller, id, call.re_entry).await?;
    Ok(Reply::ok(&object(&key, None, &call)))
}

async fn platform_keys(_: Allowed<may::ReadKeys>) -> Result<Reply, Problem> {
    Ok(Reply::ok(&List::<ApiKeyObject<'_>> { data: Vec::new(), next_cursor: None }))
}
