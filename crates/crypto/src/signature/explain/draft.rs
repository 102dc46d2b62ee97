//! A signature base taken apart, so that mistakes can be made in it on purpose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::{hex, sha256};

/// The label of the last line.
pub(super) const PARAMS: &str = "\"@signature-params\"";

/// What is done to the text before it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// Nothing, as it should be.
    None,
    Sha256,
    Sha256Hex,
    Base64,
}

/// Lines and what holds them together.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Label with its quotes, value.
    pub lines: Vec<(String, String)>,
    pub quotes: bool,
    pub colon: &'static str,
    pub separator: &'static str,
    pub end: &'static str,
    pub wrapping: Wrapping,
}

impl Draft {
    /// Takes a right base apart: [`Draft::render`] makes the same one.
    pub fn of(base: &str) -> Self {
        let lines = base.split('\n').map(|line| {
            let (label, value) = line.split_once(": ").unwrap_or((line, ""));
            (label.to_owned(), value.to_owned())
        });
        Self {
            lines: lines.collect(),
            quotes: true,
            colon: ": ",
            separator: "\n",
            end: "",
            wrapping: Wrapping::None,
        }
    }

    pub fn render(&self) -> Vec<u8> {
        let line = |(label, value): &(String, String)| {
            let label = if self.quotes { label.clone() } else { label.replace('"', "") };
            format!("{label}{}{value}", self.colon)
        };
        let lines: Vec<String> = self.lines.iter().map(line).collect();
        let text = lines.join(self.separator) + self.end;
        match self.wrapping {
            Wrapping::None => text.into_bytes(),
            Wrapping::Sha256 => sha256(text.as_bytes()).to_vec(),
            Wrapping::Sha256Hex => hex(&sha256(text.as_bytes())).into_bytes(),
            Wrapping::Base64 => STANDARD.encode(text).into_bytes(),
        }
    }

    /// The value of a component's line.
    pub fn value(&self, component: &str) -> Option<&str> {
        let label = format!("\"{component}\"");
        self.lines.iter().find(|(known, _)| *known == label).map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, component: &str, value: &str) {
        let label = format!("\"{component}\"");
        for (known, old) in &mut self.lines {
            if *known == label {
                value.clone_into(old);
            }
        }
    }

    pub fn remove(&mut self, component: &str) {
        let label = format!("\"{component}\"");
        self.lines.retain(|(known, _)| *known != label);
    }

    /// The names of the lines but the last, in order.
    pub fn components(&self) -> Vec<String> {
        let labels = self.lines.iter().map(|(label, _)| label).filter(|label| *label != PARAMS);
        labels.map(|label| label.trim_matches('"').to_owned()).collect()
    }
}
