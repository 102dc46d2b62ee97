//! The readers of bytes from outside, callable with nothing but the bytes. Requests go through the same functions; fuzz targets
//! and their tests come in here.

use crate::access;
use crate::inputs::INPUTS;
use crate::json::{Fields, parse};
use crate::pipeline;
use crate::problem::{About, Problem};
use crate::query::{Query, form_value};
use crate::text::{self, Lang};
use http::HeaderMap;
use ipnet::IpNet;
use std::net::IpAddr;

/// What a client is answered that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The document in English and in Chinese.
    pub documents: [Vec<u8>; 2],
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        let about = |lang| About {
            lang,
            public_url: "https://pay.example",
            path: "/v1/payments",
            request_id: "req_0",
            real_now_us: 0,
        };
        Refused {
            status: problem.parts().code.row().status,
            documents: [problem.render(&about(Lang::En)), problem.render(&about(Lang::Zh))],
        }
    }
}

/// Reads a JSON body; answers it as compact text.
///
/// # Errors
/// [`Refused`].
pub fn json(body: &[u8]) -> Result<String, Refused> {
    Ok(parse(body)?.to_compact())
}

/// The names of the request bodies, in the order of [`input`].
pub fn inputs() -> impl ExactSizeIterator<Item = &'static str> {
    INPUTS.iter().map(|(name, _)| *name)
}

/// Reads a body as the input of this place in [`inputs`], as far as that goes without the platform's state.
///
/// # Errors
/// [`Refused`].
pub fn input(which: usize, body: &[u8]) -> Result<(), Refused> {
    let value = parse(body)?;
    let mut fields = Fields::new(&value);
    if let Some((_, read)) = INPUTS.get(which) {
        read(&mut fields);
    }
    Ok(fields.finish()?)
}

/// Reads a query of a list; answers what was read.
///
/// # Errors
/// [`Refused`].
pub fn query(raw: &str) -> Result<Vec<(String, String)>, Refused> {
    let query = Query::parse(Some(raw), &["status", "merchant_order_no", "created_at_gte", "object_id"])?;
    query.time_us("created_at_gte")?;
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Ok(query.filters().iter().map(owned).collect())
}

/// The value of a form's field.
pub fn form(body: &[u8], wanted: &str) -> Option<String> {
    form_value(body, wanted)
}

/// Reads a cursor of the list with this hash; answers it as it would be written again.
pub fn cursor(list: [u8; 8], text: &str) -> Option<String> {
    crate::cursor::decode(list, text).map(|place| crate::cursor::encode(list, place))
}

/// Reads a time, to microseconds since 1970.
pub fn time_us(text: &str) -> Option<i64> {
    text::parse_time_us(text)
}

/// Reads an `Idempotency-Key`.
pub fn idempotency_key(line: &[u8]) -> Option<&[u8]> {
    pipeline::key_text(line)
}

/// The client's address, by its peer, the headers and the proxies that are trusted.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    access::client_address(Some(peer), headers, trusted)
}

/// The language that a client asks for, as a tag.
pub fn language(headers: &HeaderMap) -> &'static str {
    Lang::of(headers).tag()
}
