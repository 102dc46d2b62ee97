//! Who is asking.

use crate::access::may;
use crate::pipeline::{Allowed, Reply};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use wire::{IdText, Instant, WhoAmI};

static WHOAMI: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/whoami",
    id: "whoami",
    summary: "Who is asking: merchant, world, key, permissions. The first call to sign.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("WhoAmI"),
    codes: &[],
};

pub fn routes(routes: &mut Routes) {
    routes.add(&WHOAMI, whoami);
}

async fn whoami(call: Allowed<may::WhoAmI>) -> Result<Reply, Problem> {
    let gone = || Problem::new(Code::KeyUnknown);
    let key = call.config.key(call.key).ok_or_else(gone)?;
    let merchant = call.config.merchant(call.caller.merchant).ok_or_else(gone)?;
    Ok(Reply::ok(&WhoAmI {
        object: "whoami",
        merchant: IdText::of(call.caller.merchant),
        world: call.world().as_str(),
        key: IdText::of(call.key),
        permissions: &key.key.permissions,
        server_time: Instant(call.state.real_now_us()),
        version: &call.state.config.version,
        business_zone: &merchant.merchant.zone,
        maturity_days: merchant.merchant.maturity_days,
    }))
}
