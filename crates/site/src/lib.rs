//! The documentation site: the pages of `docs/` and those that `api` generates, rendered to HTML in both languages, with
//! navigation and search. No HTTP here and no I/O: pages are compiled in, a [`Site`] is built once and asked for pages.

mod highlight;
mod layout;
mod links;
mod markdown;
mod page;
mod registry;
mod search;
mod site;
mod text;
mod words;

pub use page::{Group, Heading, Page, Source};
pub use search::Hit;
pub use site::Site;
pub use text::{Lang, Text, escape};
