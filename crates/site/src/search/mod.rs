//! Search over the sections of all pages of a language. A section is found by the words of its heading, by the terms that it
//! defines (code in a heading, code in the first column of a table: an error code, a field, an event type) and by its text, in
//! that order of weight. The index is small enough to live in memory and is built with the site.

mod index;
mod token;

pub(crate) use index::Index;

/// A heading and what stands under it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Section {
    pub anchor: String,
    pub heading: String,
    /// Code in the heading: what the section is about.
    pub codes: Vec<String>,
    /// Code in the first column of its tables: what it defines.
    pub terms: Vec<String>,
    pub text: String,
}

/// A section that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The page's title.
    pub page: String,
    /// The section's heading; empty for the head of the page.
    pub heading: String,
    /// The address.
    pub url: String,
    /// Some of the text, as pieces; those marked are what was searched for.
    pub excerpt: Vec<(String, bool)>,
}
