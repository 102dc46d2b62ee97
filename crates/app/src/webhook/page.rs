//! The numbers on the pages about webhooks are those of the program.

use super::health::{DISABLED_AFTER_US, FAILING_AFTER};
use super::schedule::{JITTER_PERCENT, PAUSES_S};
use super::{CONNECT_TIMEOUT_MS, REQUEST_TIMEOUT_MS};
use crate::usecase::endpoint::OVERLAP_US;
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- schedule: rendered from the code, `make docs` writes it again -->";
const END: &str = "<!-- /schedule -->";

struct Words {
    page: &'static str,
    head: &'static str,
    at_once: &'static str,
    units: [&'static str; 3],
    jitter: &'static str,
    timeouts: &'static str,
    failing: &'static str,
    disabled: &'static str,
    overlap: &'static str,
}

const ENGLISH: Words = Words {
    page: "webhooks.md",
    head: "| try | after the one before | after the first |",
    at_once: "at once",
    units: [" h", " min", " s"],
    jitter: "Each pause is up to {} % longer or shorter. `Retry-After` is heeded, up to twice the pause.",
    timeouts: "Your program has {} s to take the connection and {} s to answer.",
    failing: "{} failures in a row: the endpoint is `failing`. The next success makes it `enabled` again.",
    disabled: "{} days of nothing but failures, or one answer 410: it is `disabled` and gets nothing until you enable it.",
    overlap: "After a rotation the secret before signs beside the new one for {} hours.",
};

const CHINESE: Words = Words {
    page: "webhooks.zh-CN.md",
    head: "| 第几次 | 距上一次 | 距第一次 |",
    at_once: "立即",
    units: [" 小时", " 分", " 秒"],
    jitter: "每个间隔会随机增减至多 {}%。应答中的 `Retry-After` 会被采纳，最多延长到间隔的两倍。",
    timeouts: "您的程序须在 {} 秒内接受连接，{} 秒内给出应答。",
    failing: "连续失败 {} 次，通知地址变为 `failing`；之后一旦成功即恢复为 `enabled`。",
    disabled: "连续 {} 天全部失败，或有一次应答 410，通知地址变为 `disabled`，在您重新启用之前不再投递。",
    overlap: "轮换密钥后的 {} 小时内，旧密钥与新密钥同时签名。",
};

/// A template with its numbers.
fn fill(template: &str, numbers: &[i128]) -> String {
    numbers.iter().fold(template.to_owned(), |text, number| text.replacen("{}", &number.to_string(), 1))
}

fn duration(seconds: i64, [hours, minutes, rest]: [&str; 3]) -> String {
    let parts = [(seconds / 3_600, hours), (seconds / 60 % 60, minutes), (seconds % 60, rest)];
    let shown =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}"));
    shown.collect::<Vec<_>>().join(" ")
}

fn block(words: &Words) -> String {
    let mut text = format!("{}\n| --- | --- | --- |\n| 1 | {} | |\n", words.head, words.at_once);
    let mut sum_s = 0;
    for (number, pause_s) in (2..).zip(PAUSES_S) {
        sum_s += pause_s;
        let _ = writeln!(
            text,
            "| {number} | {} | {} |",
            duration(pause_s, words.units),
            duration(sum_s, words.units)
        );
    }
    let day_us = 24 * 3_600 * 1_000_000;
    for line in [
        fill(words.jitter, &[JITTER_PERCENT.into()]),
        fill(words.timeouts, &[(CONNECT_TIMEOUT_MS / 1_000).into(), (REQUEST_TIMEOUT_MS / 1_000).into()]),
        fill(words.failing, &[FAILING_AFTER.into()]),
        fill(words.disabled, &[(DISABLED_AFTER_US / day_us).into()]),
        fill(words.overlap, &[(OVERLAP_US / 3_600 / 1_000_000).into()]),
    ] {
        let _ = write!(text, "\n* {line}");
    }
    text
}

#[test]
fn the_committed_pages_have_the_schedule_of_the_code() {
    for words in [ENGLISH, CHINESE] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(words.page);
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap_or_else(|| panic!("{} lacks {BEGIN}", words.page));
        let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{} lacks {END}", words.page));
        let wanted = format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", block(&words));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, wanted).unwrap();
        } else {
            assert!(page == wanted, "docs/{} differs from the code: run `make docs`", words.page);
        }
    }
}

#[test]
fn durations_are_told_in_units() {
    assert_eq!(duration(5, ENGLISH.units), "5 s");
    assert_eq!(duration(18_305, ENGLISH.units), "5 h 5 min 5 s");
}
