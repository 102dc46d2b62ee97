//! Kinds of callers, and how each must be answered. What stands here is the rule; that the server keeps it is tried on every route.

use crate::partners::routes::{Row, WHOAMI};
use serde_json::Value;

/// A kind of caller.
pub struct Kind {
    /// Who calls, in the table's words.
    pub who: &'static str,
    /// How it is answered.
    pub rule: Rule,
}

/// How a kind of caller must be answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Refused on every route alike.
    Refused(u16, &'static str),
    /// Refused on every route, and told who it is by whoami.
    RefusedButTold(u16, &'static str),
    /// It does what the route does, on its own objects; those of the other merchant are not found.
    OwnOnly,
    /// As far as live goes without a channel, about objects of the sandbox: not found.
    LiveAboutSandbox,
    /// As far as live goes without a channel, on its own objects.
    Live,
    /// What the route does.
    Allowed,
    /// What the route does, except handing out more than the key may do itself.
    AllowedNoWider,
}

const fn kind(who: &'static str, rule: Rule) -> Kind {
    Kind { who, rule }
}

/// Every kind. The order is the order of the table's columns; [`super::callers::Callers`] has a caller for each.
pub const KINDS: [Kind; 23] = [
    kind("nobody: no credentials", Rule::Refused(401, "credentials_missing")),
    kind("a bearer key that was never given out", Rule::Refused(401, "key_unknown")),
    kind("the operator's token as a bearer key", Rule::Refused(401, "key_unknown")),
    kind("a bearer key in the form of live", Rule::Refused(403, "bearer_not_in_live")),
    kind("the name of the merchant's key, signed by another key", Rule::Refused(401, "signature_invalid")),
    kind("a revoked bearer key of the merchant", Rule::Refused(401, "key_revoked")),
    kind("a revoked signing key of a live merchant", Rule::Refused(401, "key_revoked")),
    kind("an expired key of the merchant", Rule::Refused(401, "key_expired")),
    kind("a key of the merchant whose certificate begins tomorrow", Rule::Refused(401, "key_not_yet_valid")),
    kind("a key of the merchant, from outside the key's addresses", Rule::Refused(403, "ip_not_allowed")),
    kind(
        "a key of the merchant with every permission but the route's",
        Rule::RefusedButTold(403, "permission_missing"),
    ),
    kind("another merchant's key that names the merchant", Rule::Refused(403, "merchant_not_permitted")),
    kind("its partner's key that names no merchant", Rule::RefusedButTold(403, "merchant_not_permitted")),
    kind("another partner's key that names the merchant", Rule::Refused(403, "merchant_not_permitted")),
    kind("a live key that names the sandbox merchant", Rule::Refused(401, "key_wrong_world")),
    kind("a sandbox key that names a live merchant", Rule::Refused(401, "key_wrong_world")),
    kind("another merchant's key, about the merchant's objects", Rule::OwnOnly),
    kind("a live merchant's signing key, about objects of the sandbox", Rule::LiveAboutSandbox),
    kind("a live merchant's signing key, about its own objects", Rule::Live),
    kind("the merchant's bearer key (sandbox)", Rule::Allowed),
    kind("the merchant's signing key (sandbox)", Rule::Allowed),
    kind("a key of the merchant with the route's permission only", Rule::AllowedNoWider),
    kind("its partner's key that names the merchant", Rule::Allowed),
];

/// A status and, with a refusal, its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// The code, or nothing.
    pub code: String,
}

/// The code about the route's own noun, or the only one.
fn not_found(codes: &str, path: &str) -> Option<String> {
    let codes = || codes.split('`').filter(|code| code.ends_with("_not_found"));
    let of_path = |code: &&str| path.contains(code.trim_end_matches("_not_found").trim_end_matches('y'));
    codes().find(of_path).or_else(|| codes().next()).map(str::to_owned)
}

fn told(status: u16, code: &str) -> Told {
    Told { status, code: code.to_owned() }
}

/// What the document says of a route's permission and of what it does not find.
pub struct Documented {
    /// The permission that a key needs.
    pub permission: String,
    not_found: Option<String>,
}

impl Documented {
    /// Of a row's route.
    pub fn of(document: &Value, row: &Row) -> Documented {
        let operation = &document["paths"][row.path][row.method.to_lowercase()];
        let described = operation["description"].as_str().unwrap_or_default();
        let permission = described.rsplit_once("Permission: `").and_then(|(_, rest)| rest.split_once('`'));
        let missing = operation["responses"]["404"]["description"].as_str().unwrap_or_default();
        Documented {
            permission: permission.unwrap_or_else(|| panic!("{}: no permission", row.path)).0.to_owned(),
            not_found: not_found(missing, row.path),
        }
    }

    fn not_found(&self, row: &Row) -> Told {
        let code = self.not_found.as_ref();
        told(404, code.unwrap_or_else(|| panic!("{} names no code of 404", row.path)))
    }

    /// How a caller of a kind must be answered on this route.
    pub fn expected(&self, row: &Row, rule: Rule) -> Told {
        let refunds = (row.method, row.path) == ("POST", "/v1/refunds");
        let sandbox = row.path.starts_with("/v1/sandbox/");
        let of_keys = row.path.starts_with("/v1/api_keys") || row.path.starts_with("/v1/webhook_endpoints");
        let pays = (row.method, row.path) == ("POST", "/v1/payments");
        match rule {
            Rule::Refused(status, code) => told(status, code),
            Rule::RefusedButTold(_, _) if row.path == WHOAMI => told(200, ""),
            Rule::RefusedButTold(status, code) => told(status, code),
            Rule::LiveAboutSandbox | Rule::Live if sandbox => told(403, "sandbox_only"),
            Rule::LiveAboutSandbox | Rule::Live if pays => told(422, "channel_not_configured"),
            Rule::OwnOnly | Rule::LiveAboutSandbox if row.has_object() || refunds => self.not_found(row),
            // Without a channel there are no payments, and nothing that comes of them.
            Rule::Live if (row.has_object() && !of_keys) || refunds => self.not_found(row),
            Rule::AllowedNoWider if row.path == "/v1/api_keys/{id}/rotate" => told(403, "permission_missing"),
            Rule::OwnOnly | Rule::LiveAboutSandbox | Rule::Live | Rule::Allowed | Rule::AllowedNoWider => {
                told(row.status, "")
            }
        }
    }
}
