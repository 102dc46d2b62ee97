//! Refusals as RFC 9457 documents.

mod code;
mod happened;
mod page;
mod refusal;

pub use code::Code;
pub use page::sources as pages;
pub use refusal::signature as signature_problem;

use crate::text::{Lang, Text};
use domain::rejection::Differing;
use serde::Serialize;
use utoipa::ToSchema;
use wire::Instant;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer into the body; `/query/…` and `/headers/…` for the other parts of a request.
    pub pointer: String,
    /// Its own code.
    pub code: Code,
    /// What is wrong with it.
    pub detail: Text,
    /// What would be right, where the set is closed.
    pub allowed: Option<Vec<String>>,
}

/// A refusal on its way out. Boxed, since every handler's result carries it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

/// What a refusal may carry.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The code.
    pub code: Code,
    /// More than the code's title.
    pub detail: Option<Text>,
    /// The faults of fields.
    pub errors: Vec<FieldError>,
    /// What differs from what is stored.
    pub differing: Vec<Differing>,
    /// The state that was found.
    pub found_status: Option<String>,
    /// When to come again.
    pub retry_after_s: Option<u64>,
    /// Sandbox only: the signature base that was computed.
    pub signature_base: Option<String>,
    /// The components that the sender signed.
    pub signature_components: Option<Vec<String>>,
    /// `Idempotency-Status`, where the refusal was decided at a commit.
    pub replayed: Option<bool>,
    /// The credentials are out of date: authenticate again.
    pub stale: bool,
}

impl Problem {
    /// A refusal with nothing but its code.
    pub fn new(code: Code) -> Problem {
        Problem(Box::new(Parts {
            code,
            detail: None,
            errors: Vec::new(),
            differing: Vec::new(),
            found_status: None,
            retry_after_s: None,
            signature_base: None,
            signature_components: None,
            replayed: None,
            stale: false,
        }))
    }

    /// A refusal that says more than its title.
    pub fn detailed(code: Code, detail: Text) -> Problem {
        Problem::new(code).with(|parts| parts.detail = Some(detail))
    }

    /// A refusal because of one field; the fault's own text is the detail.
    pub fn field(error: FieldError) -> Problem {
        Problem::fields(vec![error])
    }

    /// A refusal because of fields: the first code in the order of WIRE is the answer's.
    pub fn fields(mut errors: Vec<FieldError>) -> Problem {
        errors.sort_by_key(|error| error.code);
        let Some(first) = errors.first() else { return Problem::new(Code::Internal) };
        let (code, detail) = (first.code, first.detail.clone());
        Problem::detailed(code, detail).with(|parts| parts.errors = errors)
    }

    /// A defect; what it was goes to the log.
    pub fn internal(what: &str) -> Problem {
        tracing::error!(what, "defect");
        Problem::new(Code::Internal)
    }

    /// Changes its parts.
    pub fn with(mut self, change: impl FnOnce(&mut Parts)) -> Problem {
        change(&mut self.0);
        self
    }

    /// Its parts.
    pub fn parts(&self) -> &Parts {
        &self.0
    }

    /// The document.
    pub fn render(&self, about: &About<'_>) -> Vec<u8> {
        let (parts, row) = (&*self.0, self.0.code.row());
        let document = ProblemDocument {
            r#type: format!("{}/docs/errors/{}", about.public_url, row.code),
            title: row.title.pick(about.lang),
            status: row.status,
            detail: parts.detail.as_ref().unwrap_or(&row.title).pick(about.lang),
            instance: about.path,
            code: row.code,
            request_id: about.request_id,
            retryable: row.retryable,
            errors: parts.errors.iter().map(|error| ErrorMember::of(error, about.lang)).collect(),
            differing: parts.differing.iter().map(DifferingMember::of).collect(),
            found_status: parts.found_status.as_deref(),
            server_time: Instant(about.real_now_us),
            signature_base: parts.signature_base.as_deref(),
            signature_components: parts.signature_components.as_deref(),
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

/// What a rendered refusal says of its request.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The reader's language.
    pub lang: Lang,
    /// Base of the page of the code.
    pub public_url: &'a str,
    /// The request's path.
    pub path: &'a str,
    /// The request's id.
    pub request_id: &'a str,
    /// Real time, microseconds.
    pub real_now_us: i64,
}

/// A refusal (RFC 9457), as `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// The page that explains the code.
    r#type: String,
    /// The code in a sentence.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// This case in a sentence.
    detail: &'a str,
    /// The request's path.
    instance: &'a str,
    /// Stable name: decide by this one.
    code: &'static str,
    /// As in the header Request-Id.
    request_id: &'a str,
    /// True when the same request may succeed later.
    retryable: bool,
    /// What is wrong with fields.
    errors: Vec<ErrorMember<'a>>,
    /// What differs from what is stored under the same number.
    differing: Vec<DifferingMember<'a>>,
    /// The status that was found.
    found_status: Option<&'a str>,
    /// Real time.
    server_time: Instant,
    /// Sandbox only: the signature base that the server computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_base: Option<&'a str>,
    /// With refused signatures: the components that were signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_components: Option<&'a [String]>,
}

/// One thing that is wrong with a request.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
pub struct ErrorMember<'a> {
    /// JSON pointer into the body; /query/… and /headers/… for the other parts of a request.
    pointer: &'a str,
    /// Its code.
    code: &'static str,
    /// What is wrong.
    detail: &'a str,
    /// What would be right, where the set is closed.
    allowed: Option<&'a [String]>,
}

impl<'a> ErrorMember<'a> {
    fn of(error: &'a FieldError, lang: Lang) -> ErrorMember<'a> {
        ErrorMember {
            pointer: &error.pointer,
            code: error.code.as_str(),
            detail: error.detail.pick(lang),
            allowed: error.allowed.as_deref(),
        }
    }
}

/// A field that differs from what is stored under the same number.
#[derive(Serialize, ToSchema)]
#[schema(as = Differing)]
pub struct DifferingMember<'a> {
    /// JSON pointer of the field.
    pointer: &'a str,
    /// What is stored.
    stored: &'a str,
    /// What was given.
    given: &'a str,
}

impl<'a> DifferingMember<'a> {
    fn of(differing: &'a Differing) -> DifferingMember<'a> {
        DifferingMember { pointer: &differing.pointer, stored: &differing.stored, given: &differing.given }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rendered(problem: &Problem, lang: Lang) -> Value {
        let about = About {
            lang,
            public_url: "https://pay.example.com",
            path: "/v1/payments",
            request_id: "req_1",
            real_now_us: 0,
        };
        serde_json::from_slice(&problem.render(&about)).unwrap()
    }

    #[test]
    fn every_member_is_there() {
        let shown = rendered(&Problem::new(Code::PaymentNotFound), Lang::En);
        assert_eq!(
            shown,
            json!({
                "type": "https://pay.example.com/docs/errors/payment_not_found",
                "title": "There is no such payment.", "status": 404, "detail": "There is no such payment.",
                "instance": "/v1/payments", "code": "payment_not_found", "request_id": "req_1", "retryable": false,
                "errors": [], "differing": [], "found_status": null, "server_time": "1970-01-01T00:00:00.000Z",
            })
        );
        assert_eq!(rendered(&Problem::new(Code::PaymentNotFound), Lang::Zh)["detail"], "没有这笔支付。");
    }

    #[test]
    fn the_first_code_in_the_order_of_the_table_answers() {
        let error = |pointer: &str, code| FieldError {
            pointer: pointer.to_owned(),
            code,
            detail: Text::fixed("x", "x"),
            allowed: None,
        };
        let problem =
            Problem::fields(vec![error("/a", Code::AmountInvalid), error("/b", Code::FieldMissing)]);
        let shown = rendered(&problem, Lang::En);
        assert_eq!(shown["code"], "field_missing");
        assert_eq!(shown["errors"][1]["pointer"], "/a");
    }

    #[test]
    fn codes_are_unique_and_their_statuses_are_those_of_wire() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let row = code.row();
            assert!(seen.insert(row.code), "{} twice", row.code);
            assert_eq!(Code::parse(row.code), Some(*code));
            assert!(row.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", row.code);
            for text in [&row.title, &row.remedy] {
                assert!(text.en.ends_with('.') && text.zh.ends_with('。'), "{}: {text:?}", row.code);
            }
        }
        let expected = "400 malformed_json unknown_field field_missing field_invalid amount_invalid currency_unknown \
            cursor_invalid unknown_expansion idempotency_key_missing 401 credentials_missing key_unknown key_revoked \
            key_expired key_wrong_world signature_invalid signature_encoding signature_component_missing signature_time \
            digest_mismatch nonce_reused algorithm_mismatch 403 ip_not_allowed permission_missing \
            merchant_not_permitted licence_required bearer_not_in_live sandbox_only 404 payment_not_found \
            route_not_found 405 method_not_allowed 413 body_too_large 415 media_type 409 payment_exists_differs \
            refund_exists_differs webhook_endpoint_exists request_in_progress payment_not_payable \
            payment_not_refundable payment_not_capturable payment_not_voidable payment_not_closable attempt_unresolved \
            statement_not_ready 422 idempotency_key_reused refund_exceeds_remaining capture_exceeds_authorized \
            currency_differs insufficient_funds channel_not_configured price_not_configured url_not_allowed 429 \
            rate_limited 503 overloaded store_unavailable 500 internal";
        let mut status = 0;
        for word in expected.split_whitespace() {
            match word.parse::<u16>() {
                Ok(number) => status = number,
                Err(_) => assert_eq!(Code::parse(word).map(|code| code.row().status), Some(status), "{word}"),
            }
        }
    }
}
