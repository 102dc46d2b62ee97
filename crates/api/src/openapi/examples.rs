//! Examples: one of each object, taken from a running sandbox, and bodies of requests that `openapi/feiqian.http` sends.

/// What a route takes, as somebody would send it.
pub struct Input {
    /// The schema of the body.
    pub schema: &'static str,
    /// Its name among the examples of that schema.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// JSON.
    pub text: &'static str,
}

macro_rules! outputs {
    ($($schema:literal)*) => {
        /// Objects as they are answered: name of the schema, JSON.
        pub const OUTPUTS: &[(&str, &str)] = &[$(($schema, include_str!(concat!("examples/", $schema, ".json"))),)*];
    };
}

macro_rules! inputs {
    ($($schema:literal $name:literal $summary:literal)*) => {
        /// Bodies of requests. The first of a schema is the usual one.
        pub const INPUTS: &[Input] = &[$(Input {
            schema: $schema,
            name: $name,
            summary: $summary,
            text: include_str!(concat!("examples/", $schema, ".", $name, ".json")),
        },)*];
    };
}

outputs! {
    "ApiKey" "Attempt" "Balance" "BalanceTransaction" "Capture" "Delivery" "Event" "Explanation" "LedgerLine" "Payment" "Problem"
    "Refund" "SandboxClock" "WebhookEndpoint" "WhoAmI"
}

inputs! {
    "PaymentInput" "counter" "At the counter: the payer shows a code, the answer says how it went."
    "PaymentInput" "qr_code" "The payer scans: the answer's next_action holds the text of the QR code."
    "PaymentInput" "hold" "Hold now, take later: capture_mode manual."
    "AttemptInput" "again" "Another try in another scene."
    "CaptureInput" "part" "Take a part and give the rest up."
    "RefundInput" "part" "A part, by your own order number."
    "RefundInput" "all" "All that remains."
    "WebhookEndpointInput" "orders" "Payments and refunds."
    "WebhookEndpointPatch" "pause" "Send nothing more for now."
    "ApiKeyInput" "public_key" "A key that signs: register its public half."
    "ApiKeyInput" "bearer" "A bearer key for the sandbox."
    "ApiKeyRotation" "public_key" "The public half of the next key."
    "SandboxPayInput" "succeed" "The payer pays."
    "SandboxPayInput" "decline" "The payer's bank declines."
    "SandboxClockInput" "day" "A day later."
}

/// An object's example as text, its fields in the order of an answer.
pub fn output(schema: &str) -> Option<&'static str> {
    OUTPUTS.iter().find(|(known, _)| *known == schema).map(|(_, text)| *text)
}

/// The examples of a body.
pub fn inputs(schema: &str) -> impl Iterator<Item = &'static Input> {
    INPUTS.iter().filter(move |input| input.schema == schema)
}
