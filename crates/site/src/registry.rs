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
    page!(Integrate "sandbox" "Sandbox" "沙箱"),
    page!(Reference "api" "API basics" "接口约定"),
    page!(Money "books" "Accounts and postings" "科目与分录"),
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
    file!(TEXT, "examples/sign.sh"),
    file!(TEXT, "examples/sign.py"),
    file!(TEXT, "examples/sign.mjs"),
    file!(TEXT, "examples/sign.php"),
    file!(TEXT, "examples/Sign.java"),
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
