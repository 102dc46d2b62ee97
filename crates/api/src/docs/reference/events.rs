//! Every type of event and when it comes.

use crate::text::{Lang, Text};
use domain::event::Type;
use std::fmt::Write as _;

/// The section of a page that lists them.
pub(super) fn table(lang: Lang) -> String {
    let head = Text::fixed(
        "## Types of events {#types}\n\nA type is `noun.past_participle`. Endpoints subscribe to exact types, to `payment.*` or to `*`. \
         New types may be added: ignore those that you do not know.\n\n| type | when |\n| --- | --- |\n",
        "## 事件类型 {#types}\n\n事件类型的形式是 `名词.过去分词`。通知地址可订阅具体类型、`payment.*` 或 `*`。今后可能增加新的类型，\
         不认识的请忽略。\n\n| 类型 | 何时产生 |\n| --- | --- |\n",
    );
    let mut out = format!("\n{}", head.pick(lang));
    for kind in Type::ALL {
        let _ = writeln!(out, "| `{}` | {} |", kind.as_str(), meaning(*kind).pick(lang));
    }
    out
}

fn meaning(kind: Type) -> Text {
    let text = Text::fixed;
    match kind {
        Type::PaymentCreated => {
            text("A payment was made that waits for its payer.", "创建了一笔等待付款人操作的支付。")
        }
        Type::PaymentRequiresAction => text(
            "The payer must do something: scan, open a page, enter a password.",
            "需要付款人操作：扫码、打开页面或输入密码。",
        ),
        Type::PaymentProcessing => {
            text("The channel took the order and has not said how it ends.", "渠道已受理，尚未给出结果。")
        }
        Type::PaymentAuthorized => text("Money is held and can be captured.", "资金已冻结，可以请款。"),
        Type::PaymentSucceeded => text("The money is yours: deliver.", "款项已收到，可以发货。"),
        Type::PaymentFailed => text("A one-shot payment was declined.", "一次性场景的支付被拒绝。"),
        Type::PaymentClosed => text(
            "It ended unpaid: you closed it, it expired, or the hold was given up.",
            "支付未付款而结束：被关闭、已过期，或预授权被放弃。",
        ),
        Type::PaymentFlagged => text(
            "A fact without a change of status: money came late, twice or in another amount. `status_reason` says which.",
            "状态未变但出现了需要知晓的事实：款项迟到、重复或金额不符，见 `status_reason`。",
        ),
        Type::CaptureSucceeded => text("Held money was taken.", "请款成功。"),
        Type::CaptureFailed => text("The channel refused a capture.", "渠道拒绝了请款。"),
        Type::RefundCreated => text("A refund was made and is under way.", "退款已创建，正在处理。"),
        Type::RefundRequiresAttention => {
            text("The channel wants a person to act before it goes on.", "渠道需要人工处理后才能继续。")
        }
        Type::RefundSucceeded => text(
            "The channel took the refund; the payer gets the money.",
            "渠道已受理退款，款项将退回付款人。",
        ),
        Type::RefundFailed => text(
            "The channel refused the refund; its lines are turned back.",
            "渠道拒绝了退款，相应分录已冲回。",
        ),
        Type::StatementReady => text(
            "A business day's statement was formed; there is one of each kind.",
            "某个营业日的对账单已生成，每种对账单各通知一次。",
        ),
        Type::WebhookEndpointFailing => {
            text("Deliveries to an endpoint fail.", "向某个通知地址的投递持续失败。")
        }
        Type::WebhookEndpointDisabled => text(
            "An endpoint failed for too long and gets nothing more until it is enabled.",
            "某个通知地址失败过久，重新启用前不再投递。",
        ),
        Type::WebhookEndpointRecovered => text("An endpoint answers again.", "某个通知地址恢复正常。"),
        Type::WebhookEndpointTest => text(
            "You asked for it with `POST …/test`; to that endpoint only.",
            "由 `POST …/test` 触发，只发往该地址。",
        ),
        Type::ApiKeyExpiring => text(
            "An API key ends within 30 days, 7 days or a day; one event each. Rotate it.",
            "API 密钥将在 30 天、7 天或 1 天内到期，各通知一次。请及时轮换。",
        ),
        Type::ApiKeyRevoked => text("An API key was ended.", "一把 API 密钥被吊销。"),
    }
}
