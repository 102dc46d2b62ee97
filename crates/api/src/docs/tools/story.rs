//! In which order the requests of `feiqian.http` make sense: each finds what the ones before it have made. A route that is not in
//! the story comes at the end, with an id to be filled in.

/// A request of the story.
pub(super) struct Step {
    /// The operation.
    pub id: &'static str,
    /// Which example of its body; empty: none, or the only one.
    pub example: &'static str,
    /// Under which name later requests refer to its answer; empty: the operation's own.
    pub name: &'static str,
    /// Whose answer holds the id in the path, with the way to it.
    pub of: &'static str,
}

const fn step(id: &'static str, example: &'static str, name: &'static str, of: &'static str) -> Step {
    Step { id, example, name, of }
}

pub(super) const STORY: &[Step] = &[
    step("whoami", "", "", ""),
    step("createPayment", "counter", "", ""),
    step("showPayment", "", "", "createPayment.id"),
    step("listPayments", "", "", ""),
    step("listAttempts", "", "", "createPayment.id"),
    step("createRefund", "part", "", ""),
    step("showRefund", "", "", "createRefund.id"),
    step("listRefunds", "", "", ""),
    step("showPaymentLedger", "", "", "createPayment.id"),
    step("explainPayment", "", "", "createPayment.id"),
    step("showRefundLedger", "", "", "createRefund.id"),
    step("explainRefund", "", "", "createRefund.id"),
    step("listBalances", "", "", ""),
    step("listBalanceTransactions", "", "", ""),
    step("createPayment", "qr_code", "createQrPayment", ""),
    step("sandboxPay", "decline", "", "createQrPayment.id"),
    step("createAttempt", "again", "", "createQrPayment.id"),
    step("sandboxPay", "succeed", "sandboxPayAgain", "createQrPayment.id"),
    step("createPayment", "hold", "createHold", ""),
    step("createCapture", "part", "", "createHold.id"),
    step("listCaptures", "", "", "createHold.id"),
    step("createPayment", "hold", "createOtherHold", ""),
    step("voidPayment", "", "", "createOtherHold.id"),
    step("createPayment", "qr_code", "createUnpaid", ""),
    step("closePayment", "", "", "createUnpaid.id"),
    step("createWebhookEndpoint", "orders", "", ""),
    step("listWebhookEndpoints", "", "", ""),
    step("showWebhookEndpoint", "", "", "createWebhookEndpoint.id"),
    step("testWebhookEndpoint", "", "", "createWebhookEndpoint.id"),
    step("rotateWebhookSecret", "", "", "createWebhookEndpoint.id"),
    step("listEvents", "", "", ""),
    step("showEvent", "", "", "listEvents.data[0].id"),
    step("listWebhookDeliveries", "", "", ""),
    step("showWebhookDelivery", "", "", "listWebhookDeliveries.data[0].id"),
    step("replayWebhookDelivery", "", "", "listWebhookDeliveries.data[0].id"),
    step("updateWebhookEndpoint", "pause", "", "createWebhookEndpoint.id"),
    step("deleteWebhookEndpoint", "", "", "createWebhookEndpoint.id"),
    step("createApiKey", "bearer", "", ""),
    step("listApiKeys", "", "", ""),
    step("rotateApiKey", "", "", "createApiKey.id"),
    step("revokeApiKey", "", "", "createApiKey.id"),
    step("listPlatformKeys", "", "", ""),
    step("showSandboxClock", "", "", ""),
    step("moveSandboxClock", "day", "", ""),
];

/// What stands in an example and is something else each time the file is used: numbers that must be new, and numbers of what was
/// just made.
pub(super) const FRESH: &[(&str, &str)] = &[
    (
        "\"merchant_order_no\": \"TEA-20261125-0001\",\n  \"merchant_refund_no\"",
        "\"merchant_order_no\": \"{{createPayment.response.body.$.merchant_order_no}}\",\n  \"merchant_refund_no\"",
    ),
    ("\"TEA-20261125-0001\"", "\"TEA-{{$guid}}\""),
    ("\"TEA-20261125-0002\"", "\"TEA-{{$guid}}\""),
    ("\"ROOM-20261125-0001\"", "\"ROOM-{{$guid}}\""),
    ("\"BACK-20261125-0001\"", "\"BACK-{{$guid}}\""),
];
