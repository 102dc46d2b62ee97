//! Who is asking.

use crate::pipeline::{Anybody, Reply};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use wire::{IdText, Instant, WhoAmI};

static WHOAMI: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/whoami",
    id: "whoami",
    summary: "Who is asking: merchant or partner, world, key, permissions. The first call to sign.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("WhoAmI"),
    codes: &[],
};

pub fn routes(routes: &mut Routes) {
    routes.add_for_anybody(&WHOAMI, whoami);
}

async fn whoami(call: Anybody) -> Result<Reply, Problem> {
    let gone = || Problem::new(Code::KeyUnknown);
    let key = &call.config.key(call.key).ok_or_else(gone)?.key;
    let merchant = match call.caller {
        Some(caller) => Some(&call.config.merchant(caller.merchant).ok_or_else(gone)?.merchant),
        None => None,
    };
    Ok(Reply::ok(&WhoAmI {
        object: "whoami",
        merchant: merchant.map(|merchant| IdText::of(merchant.id)),
        partner: key.owner.partner().map(IdText::of),
        world: call.world.as_str(),
        key: IdText::of(key.id),
        permissions: &key.permissions,
        key_expires_at: key.ends_at_us().map(Instant),
        server_time: Instant(call.state.real_now_us()),
        version: &call.state.config.version,
        business_zone: merchant.map(|merchant| merchant.zone.as_str()),
        maturity_days: merchant.map(|merchant| merchant.maturity_days),
    }))
}
