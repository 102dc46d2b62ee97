//! What happened, for each code: why the service answers so, what it did and did not do. The pages of codes print it between
//! the title and the remedy of [`super::code`].

use super::Code;
use crate::text::Text;

macro_rules! happened {
    ($($code:ident [$en:literal $zh:literal];)*) => {
        /// What lies behind a code, in a few sentences.
        pub fn happened(code: Code) -> &'static Text {
            match code {
                $(Code::$code => {
                    static TEXT: Text = Text::fixed($en, $zh);
                    &TEXT
                })*
            }
        }
    };
}

happened! {
    MalformedJson
        ["The bytes were read as JSON and failed: a missing brace or quote, a trailing comma, a name that stands twice, a lone surrogate, bytes that are not UTF-8 (GBK is the usual one), more than 16 levels, or text after the object. `detail` says which, and at which byte. Nothing was stored."
         "请求体无法按 JSON 解析：缺少括号或引号、多余的逗号、字段名重复、孤立的代理字符、不是 UTF-8（常见的是 GBK）、嵌套超过 16 层，或对象之后还有内容。`detail` 会说明是哪一种、在第几个字节。没有保存任何内容。"];
    UnknownField
        ["Inputs are closed: a name that a route does not know is refused and never ignored, because a misspelt `amout` or `notify_ulr` that is ignored costs money later. Often it is a field of an output that was sent back. Nothing was stored."
         "输入字段是封闭的：不认识的名称会被拒绝，而不是悄悄忽略——被忽略的 `amout`、`notify_ulr` 之类的拼写错误迟早会造成损失。常见原因是把应答中的字段原样发回。没有保存任何内容。"];
    FieldMissing
        ["The route needs this field and it was not there, or it was `null`, which counts as absent. All faults of the request are listed in `errors`, not only the first. Nothing was stored."
         "接口需要该字段，但请求中没有，或者值为 `null`（等同于未填）。`errors` 会列出请求中的全部错误，而不只是第一个。没有保存任何内容。"];
    FieldInvalid
        ["The name is right and the value is not: too long, characters that are not allowed, not one of a closed set, a time without offset, a parameter that stands twice, an `Idempotency-Key` that is empty or above 255 characters. The pointer `/query/…` means the address, `/headers/…` a header. Nothing was stored."
         "字段名正确，但值不对：过长、含不允许的字符、不在取值范围内、时间缺少时区偏移、查询参数重复，或 `Idempotency-Key` 为空或超过 255 个字符。指针以 `/query/` 开头表示查询参数，以 `/headers/` 开头表示请求头。没有保存任何内容。"];
    AmountInvalid
        ["`value` was a string, a fraction, an exponent, zero, negative, or above the limit. Money is never rounded or guessed here: 12.50 could be twelve yuan fifty or a mistake for 1250, so it is refused. Nothing was stored."
         "`value` 是字符串、小数、指数形式、零、负数，或超过上限。系统绝不对金额取整或猜测：12.50 可能是 12.5 元，也可能是 1250 的误写，因此直接拒绝。没有保存任何内容。"];
    CurrencyUnknown
        ["The text is not an active code of ISO 4217: `cny`, `RMB` and `CNH` are the usual ones. Nothing was stored."
         "该文本不是有效的 ISO 4217 代码，常见的误写有 `cny`、`RMB`、`CNH`。没有保存任何内容。"];
    CursorInvalid
        ["A cursor is opaque and bound to its route, merchant and filters. This one was shortened, changed, made by another list, or used with other filters."
         "游标是不透明的，并与接口、商户和筛选条件绑定。该游标被截断或修改、来自另一个列表，或换了筛选条件。"];
    CursorExpired
        ["Events are kept 30 days or more, then they are removed. The cursor is older: the event at which it stands is gone, and so may be some behind it that you never read. Nobody who follows events steadily meets this."
         "事件至少保留 30 天，之后会被清除。该游标更旧：它所在的事件已不存在，其后您尚未读取的事件也可能已被清除。持续跟随事件的程序不会遇到这种情况。"];
    UnknownExpansion
        ["Only a few members can be expanded, and which ones depends on the route. The name given is not among those of this route."
         "只有少数成员可以展开，且因接口而异；给出的名称不在本接口的范围内。"];
    IdempotencyKeyMissing
        ["This route makes an object or moves money and has no number of yours that would show a repeat. Without a key a retry after a timeout could do it twice, so it is refused before anything is done."
         "该接口会创建对象或动用资金，又没有您自己的单号可以识别重试。没有幂等键，超时后的重试就可能执行两次，因此在做任何事之前拒绝。"];
    CredentialsMissing
        ["There was neither `Authorization: Bearer …` nor `Signature-Input` with `Signature`; or `Authorization` had another scheme, or an empty token. Proxies that drop headers they do not know are a frequent cause."
         "请求既没有 `Authorization: Bearer …`，也没有 `Signature-Input` 和 `Signature`；或 `Authorization` 使用了其他方案、令牌为空。常见原因是代理丢弃了不认识的请求头。"];
    KeyUnknown
        ["`keyid`, or the bearer token, names no key of this installation: a key of another server, a key id cut short, or a merchant's number in place of the key's (`key_…`)."
         "`keyid` 或 bearer 令牌在本系统中找不到：可能是另一台服务器的密钥、编号被截断，或误用了商户号而不是密钥编号（`key_…`）。"];
    KeyRevoked
        ["Somebody ended this key. From the commit of the revocation on, nothing that it signs is done; requests that were acknowledged before stay done."
         "该密钥已被吊销。自吊销提交之时起，它签名的任何请求都不会执行；此前已应答的请求不受影响。"];
    KeyExpired
        ["The time in the key's `expires_at` has passed, or the certificate it was made from has ended. Nothing was done."
         "已超过密钥的 `expires_at`，或生成该密钥所用的证书已到期。没有执行任何操作。"];
    KeyNotYetValid
        ["The key was made from an X.509 certificate whose validity begins later (`certificate.begins_at` of the key). Nothing was done. A machine's clock that is wrong can't cause it: the time is the server's, which the answer names."
         "该密钥由 X.509 证书创建，而证书的有效期尚未开始（见密钥的 `certificate.begins_at`）。没有执行任何操作。此处以服务器时间为准（见应答），与调用方时钟无关。"];
    KeyWrongWorld
        ["Live and sandbox are two worlds of one installation, and a key belongs to one. This one was used for an object or a merchant of the other. Nothing was done in either."
         "正式环境与沙箱是同一系统中的两个世界，每把密钥只属于其中一个；这次用到了另一个世界的对象或商户。两边都没有执行任何操作。"];
    SignatureInvalid
        ["Every part was readable and the key exists, but the signature is not that of the key over what arrived. Nearly always the two sides signed different text: an internal host name in place of the public URL, a query in another order or encoding, a header changed by a proxy, a body changed after its digest; or it was the wrong private key."
         "各部分都能读懂，密钥也存在，但签名与收到的内容对不上。几乎总是两边签的文本不同：用了内部主机名而不是公开地址、查询参数的顺序或编码不同、代理改了请求头、算完摘要后又改了请求体；也可能是用错了私钥。"];
    SignatureEncoding
        ["The fields could not be read as RFC 9421 has them, before any key was looked up: `Authorization` beside a signature, two labels, a component without quotes, an ECDSA signature in DER, a nonce that is missing, too short or too long. `detail` names it."
         "在查找密钥之前，签名字段就无法按 RFC 9421 读取：同时带了 `Authorization`、有两个标签、组件没有加引号、ECDSA 签名是 DER 格式，或 nonce 缺失、过短、过长。`detail` 会具体说明。"];
    SignatureComponentMissing
        ["Something that changes the meaning of the request was left out of the signature, so anyone on the way could change it. `signature_components` shows what was signed, `detail` what is missing."
         "某个会改变请求含义的部分没有被签名覆盖，途中任何人都可能篡改它。`signature_components` 是已签名的部分，`detail` 指出缺少的部分。"];
    SignatureTime
        ["`created` lies more than 300 seconds from the server's clock, or was given in milliseconds. `server_time` in the answer is the clock that counts. It keeps captured requests from being used later."
         "`created` 与服务器时钟相差超过 300 秒，或误用了毫秒。应答中的 `server_time` 是判断所依据的时钟。此限制使截获的请求无法在日后重放。"];
    DigestMismatch
        ["`Content-Digest` was made over other bytes than those that arrived. Mostly the JSON was serialised twice: once for the digest and again for sending, with other spaces or another order."
         "`Content-Digest` 所依据的字节与收到的不同。多半是 JSON 被序列化了两次：一次用于摘要，一次用于发送，空格或字段顺序不同。"];
    NonceReused
        ["A request with this key and nonce was carried out before. Either this is a captured copy, or a client repeated the signed bytes in place of signing again. Nothing was done a second time."
         "此密钥与 nonce 的请求此前已经执行过。要么这是被截获的副本，要么客户端原样重发了已签名的请求而没有重新签名。没有重复执行。"];
    AlgorithmMismatch
        ["`alg` names an algorithm of another type of key. The key decides: an Ed25519 key never checks RSA."
         "`alg` 写的是另一类密钥的算法。以密钥为准：Ed25519 密钥不会校验 RSA 签名。"];
    IpNotAllowed
        ["The key has an `ip_allow` list and the caller's address is not in it. Behind a proxy the address is the proxy's unless the operator lists it in `trusted_proxies`. Nothing was done."
         "该密钥设有 `ip_allow` 名单，而调用方地址不在其中。经过代理时，除非运营方在 `trusted_proxies` 中登记了该代理，否则看到的是代理的地址。没有执行任何操作。"];
    PermissionMissing
        ["The key is good, but was made with fewer permissions than this route needs. Nothing was done."
         "密钥有效，但创建时授予的权限不足以调用本接口。没有执行任何操作。"];
    MerchantNotPermitted
        ["`Feiqian-Merchant` asks to act for a merchant that this key does not serve: another partner's, one that does not exist (both look the same), or the key is a merchant's own and may act for nobody else. Or the key is a partner's and the request names no merchant."
         "`Feiqian-Merchant` 要求代表某个商户，但该密钥不服务于它：属于其他服务商、不存在（两者回答相同），或这是商户自己的密钥，不能代表他人；也可能是使用了服务商密钥却没有写明商户。"];
    LicenceRequired
        ["The operator runs this installation under a profile (own, aggregator or licensed) whose licence does not cover the operation, such as holding money or paying it out. It is refused for every merchant. Nothing was done."
         "运营方以某种类型（自用、聚合、持牌）运行本系统，其许可不覆盖该操作，例如沉淀或付出资金。对所有商户都会拒绝。没有执行任何操作。"];
    BearerNotInLive
        ["A bearer token is a secret that travels with each request; for real money a request must be signed, so that nobody on the way can repeat or change it."
         "Bearer 令牌是随每个请求传送的秘密；涉及真实资金时请求必须签名，途中的任何人才无法重放或篡改。"];
    SandboxOnly
        ["The route or the field, such as `sandbox_outcome` or the clock, exists to try things out. A live key may not use it. Nothing was done."
         "该接口或字段（如 `sandbox_outcome`、沙箱时钟）只用于试验，正式密钥不能使用。没有执行任何操作。"];
    PaymentNotFound
        ["The id names no payment of this merchant in this world: it is another merchant's, the sandbox's, cut short, or a refund's id (`rfd_…`). All of these look the same, so that ids tell nothing to strangers."
         "在当前商户和环境中没有这个编号的支付：可能属于其他商户、属于沙箱、编号被截断，或其实是退款编号（`rfd_…`）。这些情况回答相同，使外人无法由编号获得任何信息。"];
    RefundNotFound
        ["The id names no refund of this merchant in this world. A refund that was refused never existed: ask by `merchant_refund_no` whether your request arrived."
         "在当前商户和环境中没有这个编号的退款。被拒绝的退款从未存在；可用 `merchant_refund_no` 查询请求是否到达。"];
    CaptureNotFound
        ["The id names no capture of this merchant in this world, or it is the id of something else (captures begin with `cap_`)."
         "在当前商户和环境中没有这个编号的请款，或者它是其他对象的编号（请款编号以 `cap_` 开头）。"];
    EventNotFound
        ["The id names no event of this merchant, or the event is older than the time for which events are kept."
         "没有这个编号的事件，或事件已超过保留期限。"];
    WebhookEndpointNotFound
        ["The id names no endpoint of this merchant, or the endpoint was deleted."
         "没有这个编号的通知地址，或该地址已被删除。"];
    DeliveryNotFound
        ["The id names no delivery of this merchant. Deliveries live as long as their event."
         "没有这个编号的投递记录。投递记录与其事件的保留时间相同。"];
    ApiKeyNotFound
        ["The id names no API key of this merchant. Revoked keys are still found."
         "没有这个编号的 API 密钥。已吊销的密钥仍可查到。"];
    StatementNotFound
        ["The id names no statement of this merchant in this world; a day that has not ended has none yet."
         "在当前商户和环境中没有这个编号的对账单；尚未结束的营业日还没有对账单。"];
    BalanceTransactionNotFound
        ["The id names no line of this merchant's balance in this world. Lines of the platform's own accounts are nobody's to see."
         "在当前商户和环境中没有这个编号的余额流水。平台自身账户的流水不对任何商户开放。"];
    RouteNotFound
        ["The path leads nowhere: a missing `/v1`, a trailing slash, a plural left out, or a capability that this version does not have."
         "该路径不存在：漏写 `/v1`、末尾多了斜杠、少了复数形式，或当前版本没有这项功能。"];
    MethodNotAllowed
        ["The path exists, but not with this method. A POST that a proxy or a redirect turned into a GET ends here, too."
         "路径存在，但不支持此方法。POST 被代理或重定向变成 GET 时也会得到这个回答。"];
    BodyTimeout
        ["The head of the request came and its body did not within the time that the operator allows. The request was dropped before it was read."
         "请求头已到，但请求体没有在运营方允许的时间内到达；请求在读取之前就被放弃。"];
    BodyTooLarge
        ["No request of this API needs that much. The rest was not read, and nothing was stored."
         "本接口的任何请求都不需要这么大的请求体。其余部分未读取，也没有保存任何内容。"];
    MediaType
        ["The body came as a form, as text, with another charset, or compressed. Bytes are read as they are signed, so only plain JSON is taken."
         "请求体是表单、纯文本、其他字符集或经过压缩。请求体按签名时的字节读取，因此只接受普通 JSON。"];
    PaymentExistsDiffers
        ["Your number stands for one payment for ever, and this request differs from that payment in what counts: amount, currency, method, scene, subject, capture mode. Usually a new order got an old number. The existing payment is untouched and no second one was made."
         "您的单号永久对应一笔支付，而本次请求与它在关键内容上不同：金额、币种、支付方式、场景、商品描述、请款方式。多半是新订单用了旧单号。已有支付未受影响，也没有创建第二笔。"];
    RefundExistsDiffers
        ["Your number stands for one refund for ever, and this request differs from it in payment or amount. The existing refund is untouched and no second one was made."
         "您的退款单号永久对应一笔退款，而本次请求的支付或金额与它不同。已有退款未受影响，也没有创建第二笔。"];
    WebhookEndpointExists
        ["Two endpoints with one address would receive each event twice. The endpoint that exists is unchanged."
         "同一地址登记两次，每个事件就会收到两遍。已有的通知地址没有改变。"];
    RequestInProgress
        ["Two requests with one key arrived at nearly the same time, and the first is not committed. This one did nothing; repeated, it gets the answer of the first."
         "带同一个键的两个请求几乎同时到达，而第一个尚未提交。本次没有做任何事；稍后重试会得到第一个请求的结果。"];
    PaymentNotPayable
        ["A payer can pay only while the payment waits for it. This one is paid, failed, closed or expired (`found_status`), or there is nothing to resolve. No money moved."
         "只有等待付款的支付才能付款。该支付已付、失败、关闭或过期（见 `found_status`），或没有需要处理的内容。没有资金变动。"];
    PaymentNotRefundable
        ["Money can go back only after it was taken for good. An unpaid payment has nothing to give back, and an authorized one is only held. No money moved."
         "只有确实收到的钱才能退。未付款的支付没有可退的钱，预授权的只是冻结。没有资金变动。"];
    PaymentNotCapturable
        ["There is no hold to take money from: the payment was made with `capture_mode` automatic, is not yet authorized, or its authorization ended (captured, voided or expired). No money moved."
         "没有可请款的预授权：支付是以自动请款方式创建的、尚未授权，或预授权已结束（已请款、已撤销或已过期）。没有资金变动。"];
    PaymentNotVoidable
        ["Only money that is held can be let go. This payment holds none: it was captured, has ended, or was never authorized. No money moved."
         "只有冻结中的资金才能撤销。该支付没有冻结资金：已请款、已结束，或从未授权。没有资金变动。"];
    PaymentNotClosable
        ["Closing ends an unpaid payment. This one is paid or holds an authorization. No money moved."
         "关闭只用于结束未付款的支付；该支付已付款或持有预授权。没有资金变动。"];
    AttemptUnresolved
        ["A call to the channel is still open, or its answer was lost, so that the payer may have paid already. A second charge now could take the money twice; therefore none was made. The platform asks the channel until it knows."
         "对渠道的调用尚无结果，或结果丢失，付款人可能已经付款。此时再发起一次扣款可能重复收钱，因此没有发起。平台会持续向渠道查询，直到得到结果。"];
    StatementNotReady
        ["The business day has not ended, or its statement is being formed. It is there by 02:00 of the next day in the merchant's zone."
         "营业日尚未结束，或对账单正在生成；最迟在商户时区的次日 02:00 可取。"];
    ProofNotReady
        ["The line is booked and final, but its block is still open: blocks are closed once a minute, or sooner when they are full."
         "该流水已入账且不会改变，但所在区块尚未封存：区块每分钟封存一次，写满时更早。"];
    LinesArchived
        ["The operator moved the oldest lines of the books into archive files, which are proven and kept but not served: those of the live world after three months at the earliest. The payment, the refund or the statement itself is still here with its sums and hash, and so is every balance."
         "运营方已把最早的账目流水移入归档文件：经过校验并妥善保存，但不再在线提供（正式环境的流水至少保留三个月）。支付、退款和对账单本身及其合计与哈希仍可查询，各项余额也不受影响。"];
    IdempotencyKeyReused
        ["This key was stored with another method, path or body. A single different byte counts, such as another order of the fields. Neither the first request nor this one was carried out again."
         "该键此前与另一个方法、路径或请求体一起保存；哪怕只差一个字节（例如字段顺序不同）也算不同。第一个请求没有再次执行，本次也没有执行。"];
    RefundExceedsRemaining
        ["What was captured, less all refunds that are pending, need attention or succeeded, is less than what was asked for. `detail` says how much remains. No money moved."
         "已收金额减去全部处理中、待处理和成功的退款之后，小于本次申请的金额。`detail` 会说明还剩多少。没有资金变动。"];
    CaptureExceedsAuthorized
        ["What is held, less captures that succeeded or are under way, is less than what was asked for. `detail` says how much remains. No money moved."
         "冻结金额减去已成功和进行中的请款之后，小于本次申请的金额。`detail` 会说明还剩多少。没有资金变动。"];
    CurrencyDiffers
        ["A refund or capture is in the currency of its payment; nothing is converted. No money moved."
         "退款和请款必须使用原支付的币种，系统不做换汇。没有资金变动。"];
    InsufficientFunds
        ["The refund would be paid from the merchant's balance; together pending and available are less than it, and what would be missing is more than the merchant may owe. `detail` says by how much. The refund was not made and the payer got nothing."
         "退款从商户余额中支出；待结算与可用余额合计不足，差额超过商户允许的欠款额度。`detail` 会说明差多少。退款没有创建，付款人也没有收到钱。"];
    ChannelNotConfigured
        ["The operator has attached no channel for this method in this world. In live, a new installation has none at all; `sandbox` is a method of the sandbox only. No payment was made."
         "运营方没有在当前环境中为该支付方式接入渠道。新装系统的正式环境没有任何渠道；`sandbox` 方式只存在于沙箱。没有创建支付。"];
    PriceNotConfigured
        ["Every payment is charged by a price version, and this merchant has none for the method and currency. Without it the fee would be a guess, so no payment was made."
         "每笔支付都按某个费率版本计费，而该商户对此支付方式和币种没有费率。没有费率就只能猜测手续费，因此没有创建支付。"];
    UrlNotAllowed
        ["The address is not http or https, carries user and password, or its host is or resolves to a private, loopback or link-local address. The platform must not be used to reach inside somebody's network."
         "地址不是 http 或 https、带有用户名和密码，或其主机是（或解析为）内网、回环、链路本地地址。平台不能被用来访问他人的内网。"];
    RateLimited
        ["More requests came within a short time than the operator allows for this key and kind of route, or too many failed to authenticate from one address. This one was not looked at."
         "短时间内的请求超过运营方对该密钥和接口类别的限制，或同一地址的认证失败次数过多。本次请求未被处理。"];
    Overloaded
        ["A queue inside the service is full. It says so at once and does not let you wait; what is already under way goes on."
         "服务内部的队列已满，因此立即回答而不让您等待；已经在进行的工作照常继续。"];
    StoreUnavailable
        ["The service runs and its database does not answer. If a commit was under way, it may have been done: the repeat with the same number tells, and does nothing twice."
         "服务在运行，但数据库没有回应。若当时有提交正在进行，它可能已经完成：用同一单号重试即可得知，且不会重复执行。"];
    InstallationHeld
        ["The service was restored from a backup. Until its operator has asked every channel how open payments, captures and refunds stand, nothing is sent to a channel, so that nothing is paid or refunded twice. Requests that would need a channel are refused at once."
         "系统刚从备份恢复。在运营方向各渠道查清未完结的支付、请款和退款之前，不会向渠道发送任何请求，以免重复扣款或重复退款。需要调用渠道的请求会立即被拒绝。"];
    Internal
        ["Something that must not happen, happened: it is in the log of the server under the request id. Whether your request was carried out is not known from this answer."
         "发生了不该发生的情况，服务器日志以请求编号记录了它。仅凭此应答无法判断请求是否已执行。"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_more_than_its_title() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let (text, row) = (happened(*code), code.row());
            assert!(seen.insert(&text.en) && seen.insert(&text.zh), "{} has another's text", row.code);
            assert!(text.en.len() > 40 && text.zh.chars().count() > 15, "{} says little", row.code);
            assert!(text.en != row.title.en && text.zh != row.title.zh, "{} repeats its title", row.code);
            assert!(
                row.remedy.en.len() >= 20 && row.remedy.zh.chars().count() >= 8,
                "{}: what to do?",
                row.code
            );
        }
    }
}
