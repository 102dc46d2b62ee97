//! Access to an object's fields that remembers what was asked for, so that the rest is unknown, and collects faults.

use super::Value;
use crate::problem::{Code, FieldError, Problem};
use crate::text::Text;
use std::borrow::Cow;

/// Faults reported at most; the rest adds nothing.
const FAULTS_MAX: usize = 20;

/// Why a field's value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code.
    pub code: Code,
    /// What is added to the field's pointer, such as `/value`.
    pub below: String,
    /// Why.
    pub detail: Text,
    /// What would be right, where the set is closed.
    pub allowed: Option<Vec<String>>,
}

impl Fault {
    /// A value that is not allowed.
    pub fn invalid(en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Fault {
        Fault::of(Code::FieldInvalid, en, zh)
    }

    /// A fault with a code of its own.
    pub fn of(code: Code, en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code, below: String::new(), detail: Text { en: en.into(), zh: zh.into() }, allowed: None }
    }

    /// The same, at a place inside the field.
    pub fn below(self, name: &str) -> Fault {
        Fault { below: format!("/{}{}", pointer_token(name), self.below), ..self }
    }

    /// The same, with the closed set.
    pub fn allowing<'a>(self, allowed: impl IntoIterator<Item = &'a str>) -> Fault {
        Fault { allowed: Some(allowed.into_iter().map(str::to_owned).collect()), ..self }
    }

    /// As a refusal of the whole request.
    pub fn at(self, pointer: &str) -> FieldError {
        FieldError {
            pointer: format!("{pointer}{}", self.below),
            code: self.code,
            detail: self.detail,
            allowed: self.allowed,
        }
    }
}

/// A reference token of a JSON pointer (RFC 6901).
fn pointer_token(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    short.replace('~', "~0").replace('/', "~1")
}

/// An object's fields.
pub struct Fields<'v, 'a> {
    members: &'v [(Cow<'a, str>, Value<'a>)],
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<'v, 'a> Fields<'v, 'a> {
    /// The fields of an object; of anything else, none.
    pub fn new(value: &'v Value<'a>) -> Fields<'v, 'a> {
        let members = match value {
            Value::Object(members) => members.as_slice(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => &[],
        };
        Fields { members, known: Vec::with_capacity(24), errors: Vec::new() }
    }

    /// True when the field is there and not null.
    pub fn has_value(&self, name: &str) -> bool {
        self.members.iter().any(|(known, value)| known == name && *value != Value::Null)
    }

    fn take(&mut self, name: &'static str) -> Option<&'v Value<'a>> {
        self.known.push(name);
        self.members
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
            .filter(|v| **v != Value::Null)
    }

    /// Adds a fault of a field.
    pub fn refuse(&mut self, name: &str, fault: Fault) {
        if self.errors.len() < FAULTS_MAX {
            self.errors.push(fault.at(&format!("/{}", pointer_token(name))));
        }
    }

    /// A field that may be absent or null.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value<'a>) -> Result<T, Fault>,
    ) -> Option<T> {
        let value = self.take(name)?;
        match read(value) {
            Ok(read) => Some(read),
            Err(fault) => {
                self.refuse(name, fault);
                None
            }
        }
    }

    /// A field that must be there.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value<'a>) -> Result<T, Fault>,
    ) -> Option<T> {
        if self.has_value(name) {
            return self.optional(name, read);
        }
        self.known.push(name);
        self.refuse(name, missing());
        None
    }

    /// The names asked for so far.
    #[cfg(test)]
    pub fn known(&self) -> &[&'static str] {
        &self.known
    }

    /// Ends the reading: what was never asked for is unknown.
    ///
    /// # Errors
    /// All faults together.
    pub fn finish(mut self) -> Result<(), Problem> {
        let members = self.members;
        for (name, _) in
            members.iter().filter(|(name, _)| !self.known.iter().any(|known| known == name)).take(8)
        {
            let fault = Fault::of(Code::UnknownField, "This field is not known.", "不认识的字段。");
            let fault = fault.allowing(self.known.iter().copied());
            // Beyond the bound on faults too: an unknown name must never pass.
            self.errors.push(fault.at(&format!("/{}", pointer_token(name))));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(self.errors)) }
    }
}

/// The fault of an absent field.
pub fn missing() -> Fault {
    Fault::of(Code::FieldMissing, "This field is required.", "此字段必填。")
}
