//! The one table of public error codes: code, status, whether a repeat can succeed, title and what to do, in both
//! languages. The pages under `/docs/errors` and the files in `docs/` are printed from it.

use crate::text::Text;

/// What is fixed about a code.
#[derive(Debug)]
pub struct Row {
    /// The code, `noun_condition`, never renamed.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// True when the same request may succeed later without being changed (signatures: signed again).
    pub retryable: bool,
    /// One sentence: what is wrong.
    pub title: Text,
    /// What the caller does about it.
    pub remedy: Text,
}

macro_rules! codes {
    ($($variant:ident $code:literal $status:literal $retryable:literal
        [$en:literal $zh:literal] [$do_en:literal $do_zh:literal];)*) => {
        /// Every public error code, in the order of WIRE.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // the table's titles say it
        pub enum Code { $($variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code's row.
            pub fn row(self) -> &'static Row {
                match self {
                    $(Code::$variant => {
                        static ROW: Row = Row {
                            code: $code,
                            status: $status,
                            retryable: $retryable,
                            title: Text::fixed($en, $zh),
                            remedy: Text::fixed($do_en, $do_zh),
                        };
                        &ROW
                    })*
                }
            }
        }
    };
}

impl Code {
    /// The code as it stands in an answer.
    pub fn as_str(self) -> &'static str {
        self.row().code
    }

    /// The code of this name.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

codes! {
    MalformedJson "malformed_json" 400 false
        ["The body is not one well-formed JSON object." "请求体不是一个格式正确的 JSON 对象。"]
        ["Send one JSON object in UTF-8, at most 16 levels deep, without repeated names and without text after it."
         "请发送一个 UTF-8 编码的 JSON 对象：嵌套不超过 16 层，字段名不重复，其后没有多余内容。"];
    UnknownField "unknown_field" 400 false
        ["The request has a field or query parameter that this route does not know." "请求含有本接口不认识的字段或查询参数。"]
        ["Remove it or correct its spelling; errors[].pointer names it, errors[].allowed lists the known names."
         "请删除或更正拼写；errors[].pointer 指出位置，errors[].allowed 列出可用名称。"];
    FieldMissing "field_missing" 400 false
        ["A required field is missing." "缺少必填字段。"]
        ["Send the field that errors[].pointer names; null counts as absent."
         "请补上 errors[].pointer 指出的字段；null 等同于未填。"];
    FieldInvalid "field_invalid" 400 false
        ["A field, header or query parameter has a value that is not allowed." "某个字段、请求头或查询参数的值不合法。"]
        ["Correct what errors[].pointer names; errors[].allowed lists the values where the set is closed."
         "请更正 errors[].pointer 指出之处；取值固定时 errors[].allowed 会列出全部可用值。"];
    AmountInvalid "amount_invalid" 400 false
        ["The amount is not a positive integer number of minor units." "金额必须是以最小货币单位表示的正整数。"]
        ["Send digits only, in minor units: CNY 12.50 is 1250. No quotes, no decimal point, no exponent, at most 9007199254740991."
         "请只用数字、以最小货币单位填写：人民币 12.50 元写作 1250。不加引号、小数点或指数，最大 9007199254740991。"];
    CurrencyUnknown "currency_unknown" 400 false
        ["The currency is not an active ISO 4217 code in upper case." "币种不是有效的 ISO 4217 大写代码。"]
        ["Send three upper-case letters, such as CNY." "请填写三个大写字母，例如 CNY。"];
    CursorInvalid "cursor_invalid" 400 false
        ["The cursor does not belong to this list." "游标不属于这个列表。"]
        ["Send next_cursor unchanged, to the same route with the same filters; or begin without a cursor."
         "请把 next_cursor 原样用于同一接口和相同的筛选条件；或不带游标从头开始。"];
    CursorExpired "cursor_expired" 400 false
        ["The cursor stands at an event that is no longer kept." "游标所在的事件已不再保留。"]
        ["Compare your objects with GET, then follow events anew: order=oldest_first without a cursor begins with the oldest that is kept."
         "请先用 GET 核对您的各个对象，再重新跟随事件：order=oldest_first 且不带游标时，从仍保留的最早一条开始。"];
    UnknownExpansion "unknown_expansion" 400 false
        ["expand names something that this route can't expand." "expand 含有本接口不支持展开的内容。"]
        ["Use the names in errors[].allowed, separated by commas." "请使用 errors[].allowed 中的名称，以逗号分隔。"];
    IdempotencyKeyMissing "idempotency_key_missing" 400 false
        ["This request needs an Idempotency-Key." "该请求必须带 Idempotency-Key。"]
        ["Send a header Idempotency-Key with a fresh random value, and the same value on every repeat."
         "请在请求头 Idempotency-Key 中放入新的随机值，重试时使用同一个值。"];
    CredentialsMissing "credentials_missing" 401 false
        ["The request carries no credentials that this service knows." "请求没有携带可识别的凭证。"]
        ["Sign the request (RFC 9421: Signature-Input and Signature); in the sandbox Authorization: Bearer is enough."
         "请对请求签名（RFC 9421：Signature-Input 与 Signature）；沙箱中可用 Authorization: Bearer。"];
    KeyUnknown "key_unknown" 401 false
        ["The credentials belong to no API key." "凭证不属于任何 API 密钥。"]
        ["Check keyid (key_…) or the bearer token against your list of keys, and the host that you call."
         "请核对 keyid（key_…）或 bearer 令牌是否在您的密钥列表中，并核对所调用的主机。"];
    KeyRevoked "key_revoked" 401 false
        ["The API key was revoked." "该 API 密钥已被吊销。"]
        ["Use another key; make one with POST /v1/api_keys, or ask the operator."
         "请改用其他密钥；可用 POST /v1/api_keys 创建，或请运营方创建。"];
    KeyExpired "key_expired" 401 false
        ["The API key has expired." "该 API 密钥已过期。"]
        ["Use another key; make the next one before a key expires." "请改用其他密钥，并在到期前准备好下一把。"];
    KeyNotYetValid "key_not_yet_valid" 401 false
        ["The API key's certificate is not valid yet." "该 API 密钥的证书尚未生效。"]
        ["Use another key until the certificate's notBefore." "在证书生效时间（notBefore）之前请使用其他密钥。"];
    KeyWrongWorld "key_wrong_world" 401 false
        ["The API key belongs to the other world." "该 API 密钥属于另一个环境。"]
        ["Use a live key for live money and a sandbox key for the sandbox." "正式环境请用正式密钥，沙箱请用沙箱密钥。"];
    SignatureInvalid "signature_invalid" 401 false
        ["The signature does not fit the request and the key." "签名与请求及密钥不符。"]
        ["Compare the signature base: the sandbox answers with the one that the server computed (signature_base). Sign the public URL, not an internal host name."
         "请比对待签名串：沙箱会返回服务器算出的待签名串（signature_base）。请对公开地址签名，不要用内部主机名。"];
    SignatureEncoding "signature_encoding" 401 false
        ["The signature fields can't be read or do not follow the profile." "签名相关请求头无法解析，或不符合规范。"]
        ["Send exactly one labelled signature and no Authorization beside it; ECDSA as 64 raw bytes, not DER; a nonce of 16 to 64 characters on POST, PATCH and DELETE."
         "请只发送一个带标签的签名，且不要同时发送 Authorization；ECDSA 用 64 字节原始格式而非 DER；POST、PATCH、DELETE 须带 16 至 64 个字符的 nonce。"];
    SignatureComponentMissing "signature_component_missing" 401 false
        ["The signature does not cover everything that must be signed." "签名没有覆盖全部必须签名的内容。"]
        ["Cover @method and @target-uri always, and content-digest, idempotency-key and feiqian-merchant where the request has them; a body needs Content-Digest."
         "必须覆盖 @method 与 @target-uri；请求中有 content-digest、idempotency-key、feiqian-merchant 时也须覆盖；有请求体就须带 Content-Digest。"];
    SignatureTime "signature_time" 401 false
        ["created is too far from the server's time." "签名时间 created 与服务器时间相差过大。"]
        ["Set the clock (the answer has server_time) and sign again; created is in seconds, at most 300 from now."
         "请校准时钟（应答中有 server_time）后重新签名；created 以秒计，误差不超过 300 秒。"];
    DigestMismatch "digest_mismatch" 401 false
        ["Content-Digest is not the hash of the body's bytes." "Content-Digest 与请求体字节的摘要不符。"]
        ["Hash the bytes that are sent, not a re-serialised copy of the JSON." "请对实际发送的字节计算摘要，不要重新序列化 JSON。"];
    NonceReused "nonce_reused" 401 true
        ["The nonce was used before." "nonce 已被使用过。"]
        ["Sign again with a fresh nonce and the same Idempotency-Key." "请换新的 nonce 重新签名，Idempotency-Key 保持不变。"];
    AlgorithmMismatch "algorithm_mismatch" 401 false
        ["alg disagrees with the key." "alg 与密钥类型不符。"]
        ["Leave alg out, or name the one that fits the key." "请省略 alg，或填写与密钥相符的算法。"];
    IpNotAllowed "ip_not_allowed" 403 false
        ["The key may not be used from this address." "该密钥不允许从此地址使用。"]
        ["Call from an address in the key's ip_allow, or change that list." "请从 ip_allow 中的地址调用，或修改该名单。"];
    PermissionMissing "permission_missing" 403 false
        ["The key may not do this." "该密钥没有此操作的权限。"]
        ["Use a key with the permission that errors[].allowed names." "请使用具有 errors[].allowed 所列权限的密钥。"];
    MerchantNotPermitted "merchant_not_permitted" 403 false
        ["The key may not act for this merchant." "该密钥不能代表此商户。"]
        ["With a partner's key, name one of its merchants in Feiqian-Merchant (mch_…) on every request; with a merchant's own key, leave it out."
         "使用服务商密钥时，请在每个请求的 Feiqian-Merchant 中填写其名下的一个商户（mch_…）；使用商户自己的密钥时，请不要发送该请求头。"];
    LicenceRequired "licence_required" 403 false
        ["The operator's licence profile does not allow this." "运营方的许可类型不允许此操作。"]
        ["Ask the operator of this installation; a repeat gets the same answer."
         "请联系本系统的运营方；重试会得到同样的回答。"];
    BearerNotInLive "bearer_not_in_live" 403 false
        ["Bearer tokens work in the sandbox only." "Bearer 令牌只能用于沙箱。"]
        ["Sign live requests with a key pair." "正式环境请使用密钥对签名。"];
    SandboxOnly "sandbox_only" 403 false
        ["Only the sandbox offers this." "仅沙箱提供此功能。"]
        ["Use a sandbox key, or leave the field out." "请使用沙箱密钥，或去掉该字段。"];
    PaymentNotFound "payment_not_found" 404 false
        ["There is no such payment." "没有这笔支付。"]
        ["Check the id and the key's world; GET /v1/payments?merchant_order_no=… finds it by your number."
         "请核对编号与密钥所属环境；可用 GET /v1/payments?merchant_order_no=… 按您的单号查找。"];
    RefundNotFound "refund_not_found" 404 false
        ["There is no such refund." "没有这笔退款。"]
        ["Check the id and the key's world; GET /v1/refunds?merchant_refund_no=… finds it by your number."
         "请核对编号与密钥所属环境；可用 GET /v1/refunds?merchant_refund_no=… 按您的单号查找。"];
    CaptureNotFound "capture_not_found" 404 false
        ["There is no such capture." "没有这笔请款。"]
        ["Check the id; GET /v1/payments/{id}/captures lists those of a payment."
         "请核对编号；GET /v1/payments/{id}/captures 会列出一笔支付的全部请款。"];
    EventNotFound "event_not_found" 404 false
        ["There is no such event." "没有这个事件。"]
        ["Check the id; events are kept 30 days or more. What it was about is still there: ask for the object."
         "请核对编号；事件至少保留 30 天。事件所涉及的对象仍在，可直接查询。"];
    WebhookEndpointNotFound "webhook_endpoint_not_found" 404 false
        ["There is no such webhook endpoint." "没有这个通知地址。"]
        ["Check the id; GET /v1/webhook_endpoints lists yours."
         "请核对编号；GET /v1/webhook_endpoints 会列出您的通知地址。"];
    DeliveryNotFound "delivery_not_found" 404 false
        ["There is no such webhook delivery." "没有这条通知投递记录。"]
        ["Check the id; GET /v1/webhook_deliveries lists yours."
         "请核对编号；GET /v1/webhook_deliveries 会列出您的投递记录。"];
    ApiKeyNotFound "api_key_not_found" 404 false
        ["There is no such API key." "没有这个 API 密钥。"]
        ["Check the id; GET /v1/api_keys lists yours."
         "请核对编号；GET /v1/api_keys 会列出您的密钥。"];
    StatementNotFound "statement_not_found" 404 false
        ["There is no such statement." "没有这份对账单。"]
        ["Check the id; GET /v1/statements lists yours by date."
         "请核对编号；GET /v1/statements 会按日期列出您的对账单。"];
    BalanceTransactionNotFound "balance_transaction_not_found" 404 false
        ["There is no such line of the balance." "没有这条余额流水。"]
        ["Check the id; GET /v1/balance_transactions lists yours, and so does the fund flow of a day."
         "请核对编号；GET /v1/balance_transactions 会列出您的流水，每日的资金流水对账单中也有。"];
    RouteNotFound "route_not_found" 404 false
        ["There is no such route." "没有这个接口。"]
        ["Check path and version against the reference under /docs." "请对照 /docs 中的接口文档核对路径与版本。"];
    MethodNotAllowed "method_not_allowed" 405 false
        ["The route does not take this method." "该接口不支持此方法。"]
        ["Use a method that the header Allow lists." "请使用响应头 Allow 列出的方法。"];
    BodyTimeout "body_timeout" 408 true
        ["The body did not arrive in time. Nothing was done." "请求体未能及时到达，未执行任何操作。"]
        ["Repeat the request; send the body right after its head."
         "请重发请求，并在请求头之后立即发送请求体。"];
    BodyTooLarge "body_too_large" 413 false
        ["The body is larger than 256 KiB." "请求体超过 256 KiB。"]
        ["Send less: long texts belong into your own database, their number into metadata."
         "请缩小请求体：长文本请存于您自己的数据库，metadata 中只放编号。"];
    MediaType "media_type" 415 false
        ["The body is not declared as plain application/json." "请求体没有声明为 application/json。"]
        ["Send Content-Type: application/json and no Content-Encoding." "请发送 Content-Type: application/json，且不要使用 Content-Encoding。"];
    PaymentExistsDiffers "payment_exists_differs" 409 false
        ["A payment with this merchant_order_no exists with other content." "该 merchant_order_no 已存在一笔内容不同的支付。"]
        ["Compare differing[]; use a new number for another payment." "请查看 differing[]；不同的支付请使用新的编号。"];
    RefundExistsDiffers "refund_exists_differs" 409 false
        ["A refund with this merchant_refund_no exists with other content." "该 merchant_refund_no 已存在一笔内容不同的退款。"]
        ["Compare differing[]; use a new number for another refund." "请查看 differing[]；不同的退款请使用新的编号。"];
    WebhookEndpointExists "webhook_endpoint_exists" 409 false
        ["There is an endpoint with this url already." "该地址已登记为通知地址。"]
        ["Change the existing endpoint: GET /v1/webhook_endpoints finds it, PATCH changes it."
         "请修改已有的通知地址：GET /v1/webhook_endpoints 查找，PATCH 修改。"];
    RequestInProgress "request_in_progress" 409 true
        ["The first request with this Idempotency-Key is not decided yet." "使用此 Idempotency-Key 的首个请求尚未处理完。"]
        ["Repeat a little later with the same key." "请稍后用同一个键重试。"];
    PaymentNotPayable "payment_not_payable" 409 false
        ["The payment can't be paid in its present state." "该支付当前状态不能付款。"]
        ["Look at found_status; make a new payment if this one has ended." "请查看 found_status；若已结束请创建新的支付。"];
    PaymentNotRefundable "payment_not_refundable" 409 false
        ["The payment can't be refunded in its present state." "该支付当前状态不能退款。"]
        ["Only succeeded payments can be refunded; look at found_status." "只有 succeeded 的支付可以退款；请查看 found_status。"];
    PaymentNotCapturable "payment_not_capturable" 409 false
        ["The payment can't be captured in its present state." "该支付当前状态不能请款。"]
        ["Only authorized payments can be captured; look at found_status." "只有 authorized 的支付可以请款；请查看 found_status。"];
    PaymentNotVoidable "payment_not_voidable" 409 false
        ["There is no authorization to give up." "没有可撤销的预授权。"]
        ["Only authorized payments can be voided; look at found_status." "只有 authorized 的支付可以撤销；请查看 found_status。"];
    PaymentNotClosable "payment_not_closable" 409 false
        ["The payment can't be closed in its present state." "该支付当前状态不能关闭。"]
        ["Look at found_status; refund a paid one." "请查看 found_status；已付款的请退款。"];
    AttemptUnresolved "attempt_unresolved" 409 false
        ["An earlier attempt may still take money." "先前的一次支付尝试仍可能扣款。"]
        ["Wait until the attempt has ended, or close the payment; then try again with a new Idempotency-Key."
         "请等待该次尝试结束，或关闭支付；之后用新的 Idempotency-Key 再试。"];
    StatementNotReady "statement_not_ready" 409 true
        ["The statement is not made yet." "对账单尚未生成。"]
        ["Ask again later, or wait for statement.ready." "请稍后再取，或等待 statement.ready 事件。"];
    ProofNotReady "proof_not_ready" 409 true
        ["The line is not sealed yet." "该流水尚未封存。"]
        ["Ask again in a minute: lines are sealed in blocks shortly after they are booked."
         "请一分钟后再试：流水入账后不久即按区块封存。"];
    LinesArchived "lines_archived" 410 false
        ["The lines rest in the operator's archive." "相关流水已归档，不再在线提供。"]
        ["Use the files and proofs that you fetched in time, or ask the operator, who can read the archive."
         "请使用您此前下载的文件与证明，或联系运营方查阅归档。"];
    IdempotencyKeyReused "idempotency_key_reused" 422 false
        ["The Idempotency-Key belongs to another request." "该 Idempotency-Key 已用于另一个请求。"]
        ["Use a new key for a new request; a repeat must have the same method, path and body bytes."
         "新请求请用新的键；重试必须保持方法、路径和请求体字节完全相同。"];
    RefundExceedsRemaining "refund_exceeds_remaining" 422 false
        ["More than what remains to be refunded." "超过可退余额。"]
        ["Refund at most what remains; pending refunds count." "退款不得超过剩余可退金额；处理中的退款也计入。"];
    CaptureExceedsAuthorized "capture_exceeds_authorized" 422 false
        ["More than what is authorized and not captured." "超过尚未请款的预授权金额。"]
        ["Capture at most what remains; pending captures count." "请款不得超过剩余金额；处理中的请款也计入。"];
    CurrencyDiffers "currency_differs" 422 false
        ["The currency is not the payment's." "币种与原支付不同。"]
        ["Use the payment's currency, or leave amount out for all that remains."
         "请使用原支付的币种，或省略 amount 表示全部剩余金额。"];
    InsufficientFunds "insufficient_funds" 422 false
        ["The merchant would owe more than its debt limit." "商户欠款将超过允许的额度。"]
        ["Wait for money to come in, or ask the operator for a higher limit; then send a new request."
         "请等待资金到账，或请运营方提高额度，然后发送新的请求。"];
    ChannelNotConfigured "channel_not_configured" 422 false
        ["No channel serves this method." "没有渠道支持该支付方式。"]
        ["Use another method, or ask the operator to attach a channel for this one."
         "请改用其他支付方式，或请运营方为该方式接入渠道。"];
    PriceNotConfigured "price_not_configured" 422 false
        ["There is no price for this method and currency." "该支付方式与币种尚未设定费率。"]
        ["Ask the operator to set it: feiqian price set --merchant … --method … --currency … --rate …."
         "请运营方设定：feiqian price set --merchant … --method … --currency … --rate …。"];
    UrlNotAllowed "url_not_allowed" 422 false
        ["The URL may not be called." "不允许通知该地址。"]
        ["Use http or https and a public host. On your own machine the sandbox allows private addresses with sandbox.allow_private_webhooks."
         "请使用 http 或 https 及公网主机。在自己的机器上，可为沙箱打开 sandbox.allow_private_webhooks。"];
    RateLimited "rate_limited" 429 true
        ["Too many requests." "请求过于频繁。"]
        ["Wait as long as Retry-After says, then repeat." "请等待 Retry-After 指定的时间后重试。"];
    Overloaded "overloaded" 503 true
        ["The service is at its limit. Nothing was done." "服务已满负荷，未执行任何操作。"]
        ["Repeat after Retry-After with the same Idempotency-Key." "请在 Retry-After 之后用同一个 Idempotency-Key 重试。"];
    StoreUnavailable "store_unavailable" 503 true
        ["The database can't be reached." "数据库暂时不可用。"]
        ["Repeat after Retry-After with the same Idempotency-Key or merchant number." "请在 Retry-After 之后用同一个 Idempotency-Key 或商户单号重试。"];
    InstallationHeld "installation_held" 503 true
        ["The service was restored from a backup and is being checked: nothing is sent to a channel yet. Nothing was done."
         "系统刚从备份恢复，正在核对，暂不向渠道发送任何请求；未执行任何操作。"]
        ["Reads answer as usual. Repeat after Retry-After with the same Idempotency-Key and the same merchant number."
         "查询照常可用。请在 Retry-After 之后用同一个 Idempotency-Key 和同一个商户单号重试。"];
    Internal "internal" 500 true
        ["A defect of ours." "系统内部缺陷。"]
        ["Repeat with the same Idempotency-Key or merchant number; report request_id if it stays."
         "请用同一个 Idempotency-Key 或商户单号重试；若仍出现请提供 request_id。"];
}
