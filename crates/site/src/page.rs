//! A page before and after it is rendered.

use crate::text::{Lang, Text};
use std::borrow::Cow;

/// A part of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The first hour.
    Start,
    /// What a merchant's developer needs.
    Integrate,
    /// Statements, accounts.
    Money,
    /// What an operator needs.
    Operate,
    /// One page per alert.
    Runbook,
    /// The API, from the OpenAPI document.
    Reference,
}

impl Group {
    /// Every group, in the order of the navigation.
    pub const ALL: [Group; 6] =
        [Group::Start, Group::Integrate, Group::Money, Group::Operate, Group::Runbook, Group::Reference];

    /// Its heading.
    pub fn title(self) -> Text {
        match self {
            Group::Start => Text::fixed("Get started", "入门"),
            Group::Integrate => Text::fixed("Integrate", "接入"),
            Group::Money => Text::fixed("Money", "资金与对账"),
            Group::Operate => Text::fixed("Operate", "部署与运维"),
            Group::Runbook => Text::fixed("Runbook", "告警处理"),
            Group::Reference => Text::fixed("API reference", "接口文档"),
        }
    }
}

/// A page in one language, before it is rendered.
#[derive(Debug, Clone)]
pub struct Source {
    /// What its address ends with: `quick-start`, `errors/amount_invalid`.
    pub slug: String,
    /// Its language.
    pub lang: Lang,
    /// Where the navigation lists it.
    pub group: Group,
    /// Its name in the navigation; `None`: it is not listed.
    pub nav: Option<String>,
    /// The listed page that is marked while this one is read; `None`: itself.
    pub parent: Option<String>,
    /// The text, beginning with `# Title`.
    pub markdown: Cow<'static, str>,
}

impl Source {
    /// The Markdown file in the repository that the relative links of the text start from.
    pub(crate) fn folder(&self) -> String {
        match self.slug.rsplit_once('/') {
            Some((folder, _)) if self.group == Group::Runbook => format!("docs/{folder}"),
            _ => "docs".to_owned(),
        }
    }
}

/// A heading of a rendered page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Its `id`.
    pub anchor: String,
    /// Its text without markup.
    pub text: String,
}

/// A rendered page.
#[derive(Debug)]
pub struct Page {
    /// What its address ends with.
    pub slug: String,
    /// Its language.
    pub lang: Lang,
    /// Its first heading.
    pub title: String,
    /// Its first paragraph as plain text.
    pub lead: String,
    /// The whole HTML document.
    pub html: String,
    /// Its text as Markdown.
    pub markdown: Cow<'static, str>,
    /// Its headings.
    pub headings: Vec<Heading>,
}
