//! The words of the site's frame.

use crate::text::Lang;

pub(crate) struct Words {
    pub site: &'static str,
    pub skip: &'static str,
    pub menu: &'static str,
    pub pages: &'static str,
    pub on_this_page: &'static str,
    pub search: &'static str,
    pub search_hint: &'static str,
    pub results: &'static str,
    pub no_results: &'static str,
    pub no_results_hint: &'static str,
    pub previous: &'static str,
    pub next: &'static str,
    pub as_markdown: &'static str,
    pub other_language: &'static str,
    pub not_found: &'static str,
    pub not_found_hint: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
}

pub(crate) fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::En => &ENGLISH,
        Lang::Zh => &CHINESE,
    }
}

static ENGLISH: Words = Words {
    site: "Feiqian documentation",
    skip: "Skip to the text",
    menu: "Menu",
    pages: "Pages",
    on_this_page: "On this page",
    search: "Search",
    search_hint: "Code, field, event, word",
    results: "Results for",
    no_results: "Nothing was found for",
    no_results_hint: "Try fewer words, an error code, a field or the type of an event.",
    previous: "Previous",
    next: "Next",
    as_markdown: "This page as Markdown",
    other_language: "中文",
    not_found: "There is no such page",
    not_found_hint: "Search for it, or choose a page of the menu.",
    copy: "Copy",
    copied: "Copied",
};

static CHINESE: Words = Words {
    site: "飞钱文档",
    skip: "跳到正文",
    menu: "菜单",
    pages: "页面",
    on_this_page: "本页目录",
    search: "搜索",
    search_hint: "错误码、字段、事件或关键词",
    results: "搜索结果：",
    no_results: "没有找到：",
    no_results_hint: "可以减少关键词，或搜索错误码、字段名、事件类型。",
    previous: "上一页",
    next: "下一页",
    as_markdown: "本页的 Markdown 版本",
    other_language: "English",
    not_found: "没有这个页面",
    not_found_hint: "请搜索，或从菜单中选择页面。",
    copy: "复制",
    copied: "已复制",
};
