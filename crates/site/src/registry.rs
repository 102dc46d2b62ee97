//! Which pages of `docs/` the site has, in the order of the navigation, and which other files of the repository it serves
//! because pages link to them. A page that lands in `docs/` gets its row here; a test of `tidy` asks for it.

use crate::page::{Group, Source};
use crate::text::Lang;
use std::borrow::Cow;

/// A page of `docs/` in both languages.
struct Row {
    group: Group,
    slug: &'static str,
    /// Names in the navigation.
    nav: [&'static str; 2],
    /// English, Chinese.
    text: [&'static str; 2],
}

macro_rules! page {
    ($group:ident $slug:literal $en:literal $zh:literal) => {
        page!($group $slug $en $zh, concat!($slug, ".zh-CN.md"))
    };
    ($group:ident $slug:literal $en:literal $zh:literal, $chinese:expr) => {
        Row {
            group: Group::$group,
            slug: $slug,
            nav: [$en, $zh],
            text: [
                include_str!(concat!("../../../docs/", $slug, ".md")),
                include_str!(concat!("../../../docs/", $chinese)),
            ],
        }
    };
}

/// Every page, in the order of the navigation. The reference and the pages of error codes follow from the program.
const PAGES: &[Row] = &[
    page!(Start "index" "Overview" "概览"),
    page!(Start "quick-start" "Quick start" "快速开始"),
    page!(Start "faq" "FAQ" "常见问题"),
    page!(Integrate "signing" "Signing requests" "请求签名"),
    page!(Integrate "webhooks" "Webhooks" "Webhook"),
    page!(Integrate "keys" "Keys and partners" "密钥与服务商"),
    page!(Integrate "sandbox" "Sandbox" "沙箱"),
    page!(Integrate "local-development" "Local development" "本地开发"),
    page!(Reference "api" "API basics" "接口约定"),
    page!(Money "statements" "Statements" "对账单"),
    page!(Money "books" "Accounts and postings" "科目与分录"),
    page!(Operate "deploy" "Deploy and upgrade" "部署与升级"),
    page!(Operate "postgresql" "PostgreSQL and nodes" "PostgreSQL 与多节点"),
    page!(Operate "backup" "Backup and restore" "备份与恢复"),
    page!(Operate "abuse" "Under attack" "遭受攻击时"),
    page!(Operate "runbook" "Alerts" "告警一览"),
    page!(Runbook "runbook/down" "Down" "服务无应答"),
    page!(Runbook "runbook/not-ready" "Not ready" "服务未就绪"),
    page!(Runbook "runbook/held" "Held" "系统暂停外发"),
    page!(Runbook "runbook/internal-errors" "Answers 500" "出现 500 应答"),
    page!(Runbook "runbook/lane-panic" "Lane panic" "记账线程异常"),
    page!(Runbook "runbook/lane-queue-near-full" "Lane queue near full" "命令队列将满"),
    page!(Runbook "runbook/attempts-unknown" "Outcome unknown too long" "交易结果长时间未知"),
    page!(Runbook "runbook/payments-held" "Payments held" "支付待人工裁定"),
    page!(Runbook "runbook/refunds-attention" "Refunds need a person" "退款待人工处理"),
    page!(Runbook "runbook/callbacks-refused" "Callbacks refused" "回调验签失败"),
    page!(Runbook "runbook/callbacks-unknown" "Callbacks for unknown trades" "渠道通知了未知交易"),
    page!(Runbook "runbook/channel-unmatched" "Unmatched at a channel" "渠道有账上没有"),
    page!(Runbook "runbook/node-missing" "Node missing" "节点缺失"),
    page!(Runbook "runbook/calls-left" "Calls left" "调用被放弃"),
    page!(Runbook "runbook/webhooks-late" "Webhooks late" "Webhook 发送滞后"),
    page!(Runbook "runbook/webhooks-failing" "Webhooks failing" "Webhook 大量失败"),
    page!(Runbook "runbook/verify-failed" "Verify failed" "账目核验失败"),
    page!(Runbook "runbook/verify-overdue" "Verify overdue" "账目核验未运行"),
    page!(Runbook "runbook/adjustment-late" "Adjustment late" "调账在途过久"),
    page!(Runbook "runbook/sealing-behind" "Sealing behind" "封账滞后"),
    page!(Runbook "runbook/statements-failing" "Statements failing" "对账单生成失败"),
    page!(Runbook "runbook/statement-differs" "A statement differs" "对账单与账目不符"),
    page!(Runbook "runbook/disk-filling" "Disk filling" "磁盘将满"),
    page!(Runbook "runbook/clock-unsynchronized" "Clock not kept" "时钟未同步"),
    page!(Runbook "runbook/clock-jumped" "Clock jumped" "时钟跳变"),
    page!(Runbook "runbook/certificate-expiring" "Certificate expiring" "证书即将到期"),
    page!(Runbook "runbook/certificate-refused" "Certificate refused" "证书未被采用"),
    page!(Runbook "runbook/master-key-unusable" "Master key file unusable" "主密钥文件不可用"),
];

/// A file that is served as it is.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path in the repository.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! file {
    ($media_type:expr, $path:literal) => {
        File { path: $path, media_type: $media_type, bytes: include_bytes!(concat!("../../../", $path)) }
    };
}

const FILES: &[File] = &[
    file!("image/svg+xml", "docs/how-a-payment-travels.svg"),
    file!(TEXT, "feiqian.example.toml"),
    file!(TEXT, "deploy/container/Dockerfile"),
    file!(TEXT, "deploy/container/compose.yaml"),
    file!(TEXT, "deploy/grafana/feiqian.json"),
    file!(TEXT, "deploy/nginx/feiqian.conf"),
    file!(TEXT, "deploy/prometheus/alerts.yml"),
    file!(TEXT, "deploy/systemd/credential.conf"),
    file!(TEXT, "examples/sign.sh"),
    file!(TEXT, "examples/sign.py"),
    file!(TEXT, "examples/sign.mjs"),
    file!(TEXT, "examples/sign.php"),
    file!(TEXT, "examples/Sign.java"),
    file!(TEXT, "examples/receive.py"),
    file!(TEXT, "examples/proof_check.py"),
];

/// The file at a path of the repository, when the site serves it.
pub(crate) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// Every page of `docs/` in every language.
pub(crate) fn pages() -> Vec<Source> {
    let row = |row: &'static Row| {
        Lang::ALL.into_iter().zip(row.nav).zip(row.text).map(|((lang, nav), text)| Source {
            slug: row.slug.to_owned(),
            lang,
            group: row.group,
            nav: Some(nav.to_owned()),
            parent: None,
            markdown: Cow::Borrowed(text),
        })
    };
    PAGES.iter().flat_map(row).collect()
}
