//! The sandbox's callbacks: a JSON body, and two headers that authenticate it.

use aws_lc_rs::hmac;
use domain::channel::{AttemptFact, CaptureFact, Failure, RefundFact, Taken};
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};

use super::reason::Reason;
use super::trade::BillZone;
use crate::channel::{CallbackFault, Notice, NoticeFact};

/// Carries the real time of sending, whole seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "sandbox-timestamp";
/// Carries the lower-case hexadecimal HMAC-SHA256 of timestamp, a full stop and the body.
pub const SIGNATURE_HEADER: &str = "sandbox-signature";
/// A body above this is refused unread.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// What a callback tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackKind {
    /// The trade itself.
    Payment,
    /// One capture.
    Capture,
    /// One refund.
    Refund,
}

/// The state that it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackState {
    /// Payment: taken.
    Paid,
    /// Payment: held.
    Authorized,
    /// Payment: refused.
    Declined,
    /// Payment: closed unpaid.
    Closed,
    /// Capture or refund: done.
    Succeeded,
    /// Refund: on its way.
    Accepted,
    /// Capture or refund: refused or come back.
    Failed,
}

/// An amount on the channel's wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackAmount {
    /// Minor units.
    pub value: i64,
    /// Alphabetic code.
    pub currency: String,
}

/// A callback's body, in the order in which it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackBody {
    /// What it tells of.
    #[serde(rename = "type")]
    pub kind: CallbackKind,
    /// The attempt's id without prefix.
    pub request_no: String,
    /// The capture's id without prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_no: Option<String>,
    /// The refund's id without prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_no: Option<String>,
    /// The channel's number of the trade, capture or refund.
    pub trade_no: String,
    /// How it stands.
    pub state: CallbackState,
    /// What was taken, held or sent back.
    pub amount: CallbackAmount,
    /// Business time of the state, microseconds.
    pub at_us: i64,
    /// When captures end, business time in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_us: Option<i64>,
    /// Why it was refused: the channel's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl CallbackBody {
    /// "This trade was paid": what tests and benchmarks post, as the channel would.
    pub fn paid(request_no: &str, trade_no: &str, amount: Amount, paid_at_us: i64) -> CallbackBody {
        CallbackBody {
            kind: CallbackKind::Payment,
            request_no: request_no.to_owned(),
            capture_no: None,
            refund_no: None,
            trade_no: trade_no.to_owned(),
            state: CallbackState::Paid,
            amount: CallbackAmount { value: amount.minor(), currency: amount.currency().code().to_owned() },
            at_us: paid_at_us,
            expires_at_us: None,
            code: None,
            message: None,
        }
    }

    /// Adds why.
    pub(crate) fn because(mut self, reason: Reason) -> CallbackBody {
        self.code = Some(reason.channel_code().to_owned());
        self.message = Some(reason.message().to_owned());
        self
    }

    /// The bytes that are signed and sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and integers only: serialization has nothing to fail on.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn notice(self, zone: BillZone) -> Option<Notice> {
        let what = match self.kind {
            CallbackKind::Payment => NoticeFact::Attempt(self.attempt_fact(zone)?),
            CallbackKind::Capture => {
                NoticeFact::Capture { capture_no: self.capture_no.clone()?, fact: self.capture_fact(zone)? }
            }
            CallbackKind::Refund => {
                NoticeFact::Refund { refund_no: self.refund_no.clone()?, fact: self.refund_fact(zone)? }
            }
        };
        Some(Notice { request_no: self.request_no, what })
    }

    fn attempt_fact(&self, zone: BillZone) -> Option<AttemptFact> {
        match self.state {
            CallbackState::Paid => Some(AttemptFact::Paid(self.taken(zone)?)),
            CallbackState::Authorized => Some(AttemptFact::Authorized {
                channel_trade_no: self.trade_no.clone(),
                amount: self.amount()?,
                expires_at_us: self.expires_at_us?,
            }),
            CallbackState::Declined => Some(AttemptFact::Declined(self.failure()?)),
            CallbackState::Closed => Some(AttemptFact::Closed),
            CallbackState::Succeeded | CallbackState::Accepted | CallbackState::Failed => None,
        }
    }

    fn capture_fact(&self, zone: BillZone) -> Option<CaptureFact> {
        match self.state {
            CallbackState::Succeeded => Some(CaptureFact::Succeeded(self.taken(zone)?)),
            CallbackState::Failed => Some(CaptureFact::Failed(self.failure()?)),
            CallbackState::Paid
            | CallbackState::Authorized
            | CallbackState::Declined
            | CallbackState::Closed
            | CallbackState::Accepted => None,
        }
    }

    fn refund_fact(&self, zone: BillZone) -> Option<RefundFact> {
        let (channel_refund_no, bill_date) = (self.trade_no.clone(), zone.day(self.at_us));
        match self.state {
            CallbackState::Succeeded => {
                Some(RefundFact::Succeeded { channel_refund_no, bill_date, refunded_at_us: self.at_us })
            }
            CallbackState::Accepted => Some(RefundFact::Accepted { channel_refund_no }),
            CallbackState::Failed => Some(RefundFact::Failed { failure: self.failure()?, bill_date }),
            CallbackState::Paid
            | CallbackState::Authorized
            | CallbackState::Declined
            | CallbackState::Closed => None,
        }
    }

    fn amount(&self) -> Option<Amount> {
        let currency = Currency::parse(&self.amount.currency).ok()?;
        (self.amount.value > 0).then(|| Amount::new(self.amount.value, currency))
    }

    fn taken(&self, zone: BillZone) -> Option<Taken> {
        Some(Taken {
            channel_trade_no: self.trade_no.clone(),
            amount: self.amount()?,
            paid_at_us: self.at_us,
            bill_date: zone.day(self.at_us),
        })
    }

    fn failure(&self) -> Option<Failure> {
        let code = self.code.as_ref()?;
        if let Some(reason) = Reason::from_channel_code(code) {
            return Some(reason.failure());
        }
        Some(Failure {
            code: "channel_refused".to_owned(),
            message: "The channel refused.".to_owned(),
            channel_code: Some(code.clone()),
            channel_message: self.message.clone(),
            retryable: false,
        })
    }
}

/// Signs a body as the channel does; the value of [`SIGNATURE_HEADER`]. `timestamp` is that of [`TIMESTAMP_HEADER`].
pub fn sign_callback(secret: &[u8; 32], timestamp: &str, body: &[u8]) -> String {
    sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), timestamp, body)
}

fn sign(key: &hmac::Key, timestamp: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body);
    context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The headers of a signed callback.
pub(crate) fn signed_headers(key: &hmac::Key, real_now_us: i64, body: &[u8]) -> Vec<(String, String)> {
    let timestamp = real_now_us.div_euclid(1_000_000).to_string();
    let signature = sign(key, &timestamp, body);
    vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        (TIMESTAMP_HEADER.to_owned(), timestamp),
        (SIGNATURE_HEADER.to_owned(), signature),
    ]
}

/// Authenticates and reads a callback as a channel with this secret and bills of this zone (seconds east of UTC) does.
///
/// # Errors
/// [`CallbackFault`].
pub fn read_callback(
    secret: &[u8; 32],
    bill_offset_s: i32,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Notice, CallbackFault> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    parse(&key, BillZone { offset_s: bill_offset_s }, headers, body)
}

/// Authenticates and reads a callback. Its age is not judged: a fact that comes again changes nothing.
pub(crate) fn parse(
    key: &hmac::Key,
    zone: BillZone,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Notice, CallbackFault> {
    if body.len() > BODY_MAX_BYTES {
        return Err(CallbackFault::Malformed);
    }
    let timestamp = only_header(headers, TIMESTAMP_HEADER).ok_or(CallbackFault::SignatureInvalid)?;
    let given =
        only_header(headers, SIGNATURE_HEADER).and_then(from_hex).ok_or(CallbackFault::SignatureInvalid)?;
    let signed = [timestamp.as_bytes(), b".", body].concat();
    hmac::verify(key, &signed, &given).map_err(|_| CallbackFault::SignatureInvalid)?;
    let body: CallbackBody = serde_json::from_slice(body).map_err(|_| CallbackFault::Malformed)?;
    body.notice(zone).ok_or(CallbackFault::Malformed)
}

/// A header that is there exactly once, whatever the case of its name.
fn only_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value.as_str())
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut out = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (slot, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let mut value = 0;
        for digit in pair {
            value = value * 16 + char::from(*digit).to_digit(16)?;
        }
        *slot = u8::try_from(value).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [9; 32];
    const ZONE: BillZone = BillZone { offset_s: 8 * 3600 };

    fn headers(timestamp: &str, signature: &str) -> Vec<(String, String)> {
        vec![
            ("Sandbox-Timestamp".to_owned(), timestamp.to_owned()),
            ("SANDBOX-SIGNATURE".to_owned(), signature.to_owned()),
        ]
    }

    fn read(headers: &[(String, String)], body: &[u8]) -> Result<Notice, CallbackFault> {
        parse(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), ZONE, headers, body)
    }

    fn paid() -> CallbackBody {
        CallbackBody::paid("0r", "SBX1", Amount::new(1250, Currency::CNY), 1_795_449_600_000_000)
    }

    #[test]
    fn a_signed_body_is_believed() {
        let body = paid().to_bytes();
        let notice = read(&headers("17", &sign_callback(&SECRET, "17", &body)), &body).unwrap();
        assert_eq!(notice.request_no, "0r");
        let NoticeFact::Attempt(AttemptFact::Paid(taken)) = notice.what else { panic!("{notice:?}") };
        assert_eq!(taken.amount, Amount::new(1250, Currency::CNY));
        assert_eq!(taken.bill_date.to_string(), "2026-11-24");
    }

    #[test]
    fn anything_else_is_not() {
        let body = paid().to_bytes();
        let right = sign_callback(&SECRET, "17", &body);
        let mut other = body.clone();
        other[60] ^= 1;
        let twice = [headers("17", &right), headers("17", &right)].concat();
        for (headers, body) in [
            (headers("18", &right), &body),
            (headers("17", &right), &other),
            (headers("17", &sign_callback(&[8; 32], "17", &body)), &body),
            (headers("17", ""), &body),
            (headers("17", &right[..62]), &body),
            (headers("17", &"g".repeat(64)), &body),
            (headers("17", &"é".repeat(32)), &body),
            (headers("17", &right)[..1].to_vec(), &body),
            (headers("17", &right)[1..].to_vec(), &body),
            (twice, &body),
        ] {
            assert_eq!(read(&headers, body), Err(CallbackFault::SignatureInvalid));
        }
    }

    #[test]
    fn signed_nonsense_is_malformed() {
        let no_code = CallbackBody { state: CallbackState::Declined, ..paid() };
        let refund_paid = CallbackBody { kind: CallbackKind::Refund, refund_no: Some("1".into()), ..paid() };
        let no_number =
            CallbackBody { kind: CallbackKind::Capture, state: CallbackState::Succeeded, ..paid() };
        let mut zero = paid();
        zero.amount.value = 0;
        let mut lower = paid();
        lower.amount.currency = "cny".to_owned();
        let bodies = [no_code, refund_paid, no_number, zero, lower].map(|body| body.to_bytes());
        let others = [b"".to_vec(), b"{}".to_vec(), b"[1]".to_vec(), vec![b' '; BODY_MAX_BYTES + 1]];
        for body in bodies.iter().chain(&others) {
            let signature = sign_callback(&SECRET, "17", body);
            assert_eq!(read(&headers("17", &signature), body), Err(CallbackFault::Malformed));
        }
    }

    #[test]
    fn a_declined_callback_brings_the_channels_words() {
        let body = CallbackBody { state: CallbackState::Declined, ..paid() }.because(Reason::PayerDeclined);
        let bytes = body.to_bytes();
        let notice = read(&headers("17", &sign_callback(&SECRET, "17", &bytes)), &bytes).unwrap();
        assert_eq!(notice.what, NoticeFact::Attempt(AttemptFact::Declined(Reason::PayerDeclined.failure())));
        let foreign = CallbackBody { code: Some("X".to_owned()), ..body }.to_bytes();
        let notice = read(&headers("17", &sign_callback(&SECRET, "17", &foreign)), &foreign).unwrap();
        let NoticeFact::Attempt(AttemptFact::Declined(failure)) = notice.what else { panic!("{notice:?}") };
        assert_eq!((failure.code.as_str(), failure.channel_code.as_deref()), ("channel_refused", Some("X")));
    }
}
