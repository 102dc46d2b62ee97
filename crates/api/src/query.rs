//! Query parameters, as strict as bodies: known names only, each once, readable.

use crate::json::Fault;
use crate::problem::{Code, FieldError, Problem};
use crate::text::parse_time_us;

/// Longest query that is looked at, and most parameters.
const QUERY_MAX_BYTES: usize = 4_096;

/// The parameters of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a raw query; `allowed` are the names that the route knows.
    ///
    /// # Errors
    /// `unknown_field`, `field_invalid` at `/query/{name}`.
    pub fn parse(raw: Option<&str>, allowed: &[&str]) -> Result<Query, Problem> {
        let mut query = Query::default();
        let raw = raw.unwrap_or("");
        if raw.len() > QUERY_MAX_BYTES {
            let fault = Fault::invalid("The query is too long.", "查询串过长。");
            return Err(Problem::field(fault.at("/query")));
        }
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                let fault = Fault::invalid(
                    "A parameter is not percent-encoded UTF-8.",
                    "参数不是合法的百分号编码 UTF-8。",
                );
                return Err(Problem::field(fault.at("/query")));
            };
            query.add(name, value, allowed)?;
        }
        Ok(query)
    }

    fn add(&mut self, name: String, value: String, allowed: &[&str]) -> Result<(), Problem> {
        if !allowed.contains(&name.as_str()) {
            let fault =
                Fault::of(Code::UnknownField, "This query parameter is not known.", "不认识的查询参数。");
            let token: String = name.chars().take(64).collect();
            return Err(Problem::field(fault.allowing(allowed.iter().copied()).at(&pointer(&token))));
        }
        if self.pairs.iter().any(|(known, _)| *known == name) {
            let fault = Fault::invalid("The parameter stands twice.", "参数重复。");
            return Err(Problem::field(fault.at(&pointer(&name))));
        }
        if value.contains('\0') {
            let fault = Fault::invalid("The text holds U+0000.", "文本中含有 U+0000。");
            return Err(Problem::field(fault.at(&pointer(&name))));
        }
        self.pairs.push((name, value));
        Ok(())
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads a parameter.
    ///
    /// # Errors
    /// The fault, at `/query/{name}`.
    pub fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<Option<T>, Problem> {
        self.get(name).map(read).transpose().map_err(|fault| Problem::field(fault.at(&pointer(name))))
    }

    /// Reads a time.
    ///
    /// # Errors
    /// `field_invalid`.
    pub fn time_us(&self, name: &str) -> Result<Option<i64>, Problem> {
        // An offset's plus sign that was not encoded arrives as a space, which no time has.
        self.read(name, |text| {
            parse_time_us(&text.replace(' ', "+")).ok_or_else(crate::json::read::time_fault)
        })
    }

    /// Whether a parameter was sent.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// What identifies the list: every parameter but the page's own, in order of names.
    pub fn filters(&self) -> Vec<(&str, &str)> {
        let pairs = self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let of_page = |name: &str| matches!(name, "limit" | "cursor" | "after" | "wait_ms");
        let mut filters: Vec<_> = pairs.filter(|(name, _)| !of_page(name)).collect();
        filters.sort_unstable();
        filters
    }
}

fn pointer(name: &str) -> FieldPointer {
    FieldPointer(format!("/query/{}", name.replace('~', "~0").replace('/', "~1")))
}

struct FieldPointer(String);

impl std::ops::Deref for FieldPointer {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// Percent-decoding with `+` as a space; `None` for broken escapes and what is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

/// The parameters of a form (`application/x-www-form-urlencoded`), unknown names kept out.
pub fn form_value(body: &[u8], wanted: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let pair = text.split('&').filter_map(|part| part.split_once('=')).find(|(name, _)| *name == wanted);
    pair.and_then(|(_, value)| decode(value))
}

/// The errors of a query as one refusal.
pub fn refuse(name: &str, fault: Fault) -> Problem {
    let error: FieldError = fault.at(&pointer(name));
    Problem::field(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_refuses() {
        let query = Query::parse(
            Some("status=a%20b&limit=5&&created_at_gte=1970-01-01T08:00:00+08:00"),
            &["status", "limit", "created_at_gte"],
        )
        .unwrap();
        assert_eq!(query.get("status"), Some("a b"));
        assert_eq!(query.time_us("created_at_gte").unwrap(), Some(0));
        assert_eq!(query.filters().len(), 2, "limit is the page's own");
        for (raw, code, pointer) in [
            ("x=1", Code::UnknownField, "/query/x"),
            ("status=1&status=2", Code::FieldInvalid, "/query/status"),
            ("status=%", Code::FieldInvalid, "/query"),
            ("status=%ff", Code::FieldInvalid, "/query"),
            ("status=%00", Code::FieldInvalid, "/query/status"),
        ] {
            let refused = Query::parse(Some(raw), &["status"]).unwrap_err();
            assert_eq!(refused.parts().code, code, "{raw}");
            assert_eq!(refused.parts().errors[0].pointer, pointer, "{raw}");
        }
    }
}
