//! Why a call came to nothing, in words that say what to do, and the exit code that scripts decide by.

use super::fields::text;
use api::Code;
use serde_json::Value;
use std::error::Error as _;
use std::fmt;
use std::process::ExitCode;

/// The server refused, or what was asked for did not come about.
const EXIT_REFUSED: u8 = 1;
/// No server could be reached.
const EXIT_UNREACHABLE: u8 = 3;
/// The key is missing or not accepted.
const EXIT_KEY: u8 = 4;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No answer.
    #[error(
        "no answer from {base}: {why}\n  what to do: start it (feiqian serve), or name the right server with --server URL or FEIQIAN_SERVER"
    )]
    Unreachable { base: String, why: String },
    /// An answer of something else.
    #[error(
        "{base} answered {status} with something that is not Feiqian's\n  what to do: name the right server with --server URL or FEIQIAN_SERVER"
    )]
    NotFeiqian { base: String, status: u16 },
    /// A refusal.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// There is no usable key.
    #[error(
        "{0}\n  what to do: put the key into the environment variable FEIQIAN_KEY, or into a file for --key-file FILE; a key for the sandbox is made by\n    feiqian key create --merchant mch_… --bearer"
    )]
    Key(String),
}

/// A refusal as the server wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub status: u16,
    pub code: String,
    pub detail: String,
    pub request_id: String,
    pub retry_after_s: Option<u64>,
    /// Pointer and words of each field at fault.
    pub fields: Vec<(String, String)>,
}

impl Problem {
    /// Reads a problem document; `None` when it is none.
    pub(super) fn read(status: u16, body: &Value, retry_after_s: Option<u64>) -> Option<Problem> {
        let code = text(body, "/code");
        if code.is_empty() {
            return None;
        }
        let errors = body.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Some(Problem {
            status,
            code: code.to_owned(),
            detail: text(body, "/detail").to_owned(),
            request_id: text(body, "/request_id").to_owned(),
            retry_after_s,
            fields: errors.iter().map(field).collect(),
        })
    }
}

fn field(error: &Value) -> (String, String) {
    let allowed = error.get("allowed").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    let mut words = text(error, "/detail").to_owned();
    if !allowed.is_empty() {
        words = format!("{words} ({})", allowed.join(", "));
    }
    (text(error, "/pointer").to_owned(), words)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.detail)?;
        for (pointer, words) in self.fields.iter().filter(|(pointer, _)| !pointer.is_empty()) {
            write!(f, "\n  {pointer}: {words}")?;
        }
        // The remedies are the table of this program: the pages under /docs/errors are printed from the same one.
        if let Some(code) = Code::parse(&self.code) {
            write!(f, "\n  what to do: {}", code.row().remedy.pick(super::language()))?;
        }
        write!(f, "\n  request {}", self.request_id)
    }
}

impl Fault {
    /// Whether the same call may succeed later without anybody doing anything about it.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Fault::Unreachable { .. } => true,
            // A proxy before a server that restarts.
            Fault::NotFeiqian { status, .. } => *status >= 500,
            Fault::Refused(problem) => problem.status >= 500 || problem.status == 429,
            Fault::Key(_) => false,
        }
    }

    /// How long the server asked to wait.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Fault::Refused(problem) => problem.retry_after_s,
            Fault::Unreachable { .. } | Fault::NotFeiqian { .. } | Fault::Key(_) => None,
        }
    }

    /// Whether it is this refusal.
    pub(crate) fn is(&self, code: Code) -> bool {
        matches!(self, Fault::Refused(problem) if problem.code == code.as_str())
    }

    /// One line of it.
    pub(crate) fn brief(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }

    fn exit_code(&self) -> u8 {
        match self {
            Fault::Unreachable { .. } | Fault::NotFeiqian { .. } => EXIT_UNREACHABLE,
            Fault::Refused(problem) if matches!(problem.status, 401 | 403) => EXIT_KEY,
            Fault::Refused(_) => EXIT_REFUSED,
            Fault::Key(_) => EXIT_KEY,
        }
    }
}

/// The exit code of a command that failed with this error.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let fault = error.chain().find_map(|cause| cause.downcast_ref::<Fault>());
    ExitCode::from(fault.map_or(EXIT_REFUSED, Fault::exit_code))
}

/// The innermost cause, without the URL that the outer ones repeat.
pub(super) fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "the connection broke".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problem(status: u16, code: &str) -> Fault {
        let body = json!({
            "code": code, "detail": "No.", "request_id": "req_1",
            "errors": [{"pointer": "/amount", "code": code, "detail": "Too much.", "allowed": ["a", "b"]}],
        });
        Fault::Refused(Box::new(Problem::read(status, &body, None).unwrap()))
    }

    #[test]
    fn a_refusal_says_code_sentence_field_and_remedy() {
        let text = problem(400, "field_invalid").to_string();
        assert!(
            text.starts_with("field_invalid (400): No.\n  /amount: Too much. (a, b)\n  what to do: "),
            "{text}"
        );
        assert!(text.ends_with("\n  request req_1"), "{text}");
        let newer = problem(409, "a_code_of_a_newer_server").to_string();
        assert!(!newer.contains("what to do") && newer.contains("(409)"), "{newer}");
    }

    #[test]
    fn exit_codes_tell_the_kinds_apart() {
        let unreachable = || Fault::Unreachable { base: "http://x".to_owned(), why: "refused".to_owned() };
        let cases = [
            (unreachable(), EXIT_UNREACHABLE, true),
            (Fault::NotFeiqian { base: String::new(), status: 502 }, EXIT_UNREACHABLE, true),
            (Fault::NotFeiqian { base: String::new(), status: 404 }, EXIT_UNREACHABLE, false),
            (problem(401, "key_unknown"), EXIT_KEY, false),
            (problem(403, "permission_missing"), EXIT_KEY, false),
            (Fault::Key("no key".to_owned()), EXIT_KEY, false),
            (problem(409, "payment_not_payable"), EXIT_REFUSED, false),
            (problem(429, "rate_limited"), EXIT_REFUSED, true),
            (problem(503, "overloaded"), EXIT_REFUSED, true),
        ];
        for (fault, code, passing) in cases {
            assert_eq!((fault.exit_code(), fault.is_passing()), (code, passing), "{fault}");
        }
        let wrapped = anyhow::Error::new(unreachable()).context("listening");
        assert_eq!(exit_code(&wrapped), ExitCode::from(EXIT_UNREACHABLE));
        assert_eq!(exit_code(&anyhow::anyhow!("other")), ExitCode::from(EXIT_REFUSED));
    }

    #[test]
    fn what_is_no_problem_document_is_not_read_as_one() {
        assert!(Problem::read(500, &json!({"error": "no"}), None).is_none());
    }
}
