//! What the document says beside routes and types: about itself, its tags, and the operations that deserve more than a line.

/// The document as a whole.
pub(super) const ABOUT: &str = "Payments, refunds, balances and events of a merchant.\n\n\
    **Authentication.** Requests are signed (RFC 9421 with Content-Digest, RFC 9530); in the sandbox a bearer token suffices. The \
    key decides the merchant and the world, live or sandbox.\n\n\
    **Money** is an integer number of minor units with an ISO 4217 currency: CNY 12.50 is `{\"value\": 1250, \"currency\": \"CNY\"}`.\n\n\
    **Repeats** are safe: your `merchant_order_no` or `merchant_refund_no`, or an `Idempotency-Key`, stands for one effect.\n\n\
    **Refusals** are `application/problem+json` with a stable `code`; `type` leads to its page. A decline by the payer's bank is \
    not a refusal: it is a payment with `status` and `failure`.\n\n\
    **Versions.** `/v1` only grows: routes, optional inputs, fields, codes, types of events and values of statuses may be added. \
    Ignore fields that you do not know; a status that you do not know is not final.";

/// A tag: its name in paths, its name for people, what it is about.
pub(super) const TAGS: &[(&str, &str, &str)] = &[
    (
        "payments",
        "Payments",
        "A payment is an order to be paid, under your number. Each try at paying it is an attempt at a channel; money that was only \
         held is taken by captures.",
    ),
    (
        "refunds",
        "Refunds",
        "A refund gives money of a succeeded payment back, whole or in parts, under a number of yours. The fee goes back as the price \
         says.",
    ),
    (
        "balances",
        "Balances",
        "What you are owed and where it waits, and every line that moved it. The lines of a balance sum to the balance, always.",
    ),
    ("balance_transactions", "Balance transactions", "Every line that moved a balance."),
    ("statements", "Statements", "What happened on a business day, as a list and as files."),
    (
        "events",
        "Events",
        "What happened, in the order in which it was committed. Webhooks carry the same bodies; this list is the fallback when a \
         delivery was missed.",
    ),
    (
        "webhook_endpoints",
        "Webhooks",
        "Where events are sent, and what became of each delivery: every try with its status, its time and its error.",
    ),
    ("webhook_deliveries", "Webhook deliveries", "What became of each delivery."),
    (
        "whoami",
        "Keys",
        "Who is asking, and the keys that may ask. The first call to sign is `GET /v1/whoami`.",
    ),
    ("api_keys", "API keys", "Keys of a merchant."),
    ("platform_keys", "Platform keys", "Keys of the platform."),
    (
        "sandbox",
        "Sandbox",
        "What only the sandbox has: paying as the payer would, and a clock of business time that you may move forward.",
    ),
    ("objects", "Common objects", "Objects that many routes share, and the form of every refusal."),
];

/// More about an operation than its line.
pub(super) const OPERATIONS: &[(&str, &str)] = &[
    (
        "createPayment",
        "In the scenes `bar_code`, `card` and `pos` the answer waits for the channel and shows the outcome; when the channel is silent \
         for too long it shows `processing`, and an event tells the end. In the other scenes the answer's `next_action` says what the \
         payer must do. Never treat anything but `succeeded` as paid. Sent again with the same `merchant_order_no`, it answers the \
         payment in its present state, and nobody is charged twice.",
    ),
    ("showPayment", "With `expand=refunds,attempts,captures` the newest 100 of each are inside."),
    (
        "listPayments",
        "Filters are exact and combine. A row that is committed later never appears behind a cursor that you already have.",
    ),
    (
        "createAttempt",
        "After a declined try, or with another method or scene. While an attempt may still take money this is refused with \
         `attempt_unresolved`, so that nobody pays twice.",
    ),
    (
        "createCapture",
        "Only for payments with `capture_mode` manual. A capture that is not `final` leaves the rest held; what a final one leaves is \
         given up.",
    ),
    (
        "voidPayment",
        "Gives up what is held and not captured. A void that is repeated answers the payment unchanged.",
    ),
    (
        "closePayment",
        "Ends a payment that nobody has paid. If money comes all the same, it is sent back by itself and `payment.flagged` tells of it.",
    ),
    (
        "createRefund",
        "Name the payment by `payment` or by `merchant_order_no`. All refunds of a payment together never exceed what was captured; \
         pending ones count. Sent again with the same `merchant_refund_no`, it answers the refund in its present state, and nothing \
         goes back twice. With `dry_run=true` it answers what would happen and writes nothing.",
    ),
    (
        "listBalanceTransactions",
        "By `source` you get everything that a payment, refund or adjustment moved, fees too; by `category` one kind of line.",
    ),
    ("listEvents", "Ask with the last cursor that you have and you miss nothing."),
    (
        "createWebhookEndpoint",
        "`secret` signs every delivery and is shown in this answer only. Answer 2xx within a few seconds and do the work afterwards.",
    ),
    (
        "updateWebhookEndpoint",
        "`status` enabled also revives an endpoint that was disabled after failing for too long.",
    ),
    ("replayWebhookDelivery", "The body is the one of then; the object may have moved on since."),
    ("createApiKey", "A key never gets more permissions than the key that makes it."),
    (
        "rotateApiKey",
        "Both keys work for a day, so that no request fails while the new one is rolled out. Revoke the old one earlier when you are \
         done.",
    ),
    (
        "moveSandboxClock",
        "Payments expire and money matures by it. It moves your merchant only and never goes back.",
    ),
    ("sandboxPay", "Where a payer must act in the sandbox, this is the payer."),
    ("explainPayment", "Each step of the fee's arithmetic as it was taken, and why this channel."),
];

/// Headers of answers: name, meaning, and whether each answer has it.
pub(super) const HEADERS: &[(&str, &str)] = &[
    ("Request-Id", "The request's id; name it when you ask the operator."),
    ("Feiqian-World", "live or sandbox."),
    ("Feiqian-Version", "The server's version."),
    ("Idempotency-Status", "fresh: done now; replayed: done before, this is its present state."),
    ("Retry-After", "Seconds after which to try again."),
];
