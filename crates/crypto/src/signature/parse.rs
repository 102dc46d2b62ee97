//! Reading `Signature-Input` and `Signature` (RFC 9421 section 4).

use std::collections::HashSet;
use std::ops::RangeInclusive;

use http::{HeaderMap, HeaderName, header};
use sfv::visitor::{DictionaryVisitor, EntryVisitor};
use sfv::{BareItem, Dictionary, FieldType as _, InnerList, KeyRef, ListEntry, Parser};

use super::fault::{Problem, SignatureFault};
use crate::key::Alg;
use crate::key::check_ecdsa_shape;

/// Length of a nonce, in characters (WIRE, headers).
pub const NONCE_CHARS: RangeInclusive<usize> = 16..=64;

const COMPONENTS_MAX: usize = 32;
const FIELD_BYTES_MAX: usize = 8 * 1024;
const SIGNATURE_INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";
const DERIVED: [&str; 9] = [
    "@method",
    "@target-uri",
    "@authority",
    "@scheme",
    "@request-target",
    "@path",
    "@query",
    "@query-param",
    "@status",
];

/// One covered component.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Component {
    /// A field's name in lower case, or a derived component with its `@`.
    pub name: String,
    /// For `@query-param` only: the parameter's name as given, percent-encoded.
    pub query_name: Option<String>,
}

/// What the sender said about the algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlgParameter {
    /// Nothing: it follows from the key.
    Absent,
    /// One of the profile's.
    Known(Alg),
    /// Something else, to be refused once the key is known.
    Unknown(String),
}

/// A signature as it was sent, before any key is looked at.
#[derive(Debug, Clone)]
pub struct ParsedSignature {
    /// Covered components, in the sender's order.
    pub components: Vec<Component>,
    /// When it was made, unix seconds.
    pub created_s: Option<i64>,
    /// Until when it is meant to be used, unix seconds.
    pub expires_s: Option<i64>,
    /// The sender's key. Never empty after [`ParsedSignature::parse`].
    pub keyid: String,
    /// The nonce, where given.
    pub nonce: Option<String>,
    /// The algorithm.
    pub alg: AlgParameter,
    /// The signature's bytes.
    pub signature: Vec<u8>,
    /// Value of `@signature-params`: components and parameters, serialised.
    pub(super) params: String,
}

/// Whether a request of this method must carry a nonce: all that are not pure reads.
#[must_use]
pub fn needs_nonce(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS")
}

impl ParsedSignature {
    /// Reads a request's signature and holds it to the profile of WIRE as far as that is possible without the key:
    /// the whole of `signature_encoding` but for ECDSA signatures whose sender named no algorithm, which [`super::check`]
    /// looks at first.
    ///
    /// # Errors
    /// A [`SignatureFault`] of code [`super::FaultCode::Encoding`].
    pub fn parse(headers: &HeaderMap, method: &str) -> Result<Self, SignatureFault> {
        if headers.contains_key(header::AUTHORIZATION) {
            return Err(Problem::AuthorizationToo.into());
        }
        let parsed = Self::parse_fields(headers)?;
        parsed.hold_to_profile(method).map_err(|problem| parsed.fault(problem))?;
        Ok(parsed)
    }

    /// Reads the two fields by RFC 9421 alone: parameters that the profile needs may be absent, and the message may be
    /// a response.
    ///
    /// # Errors
    /// A [`SignatureFault`] of code [`super::FaultCode::Encoding`].
    pub fn parse_fields(headers: &HeaderMap) -> Result<Self, SignatureFault> {
        let input = one_member(headers, SIGNATURE_INPUT, "Signature-Input")?;
        let signature = one_member(headers, SIGNATURE, "Signature")?;
        if input.label != signature.label {
            return Err(Problem::LabelsDiffer.into());
        }
        let ListEntry::InnerList(list) = input.entry else { return Err(Problem::NotComponents.into()) };
        let bytes = match signature.entry {
            ListEntry::Item(item) => match item.bare_item {
                BareItem::ByteSequence(bytes) => bytes,
                _ => return Err(Problem::NotBytes.into()),
            },
            ListEntry::InnerList(_) => return Err(Problem::NotBytes.into()),
        };
        Ok(Self {
            components: components(&list)?,
            created_s: integer(&list, "created")?,
            expires_s: integer(&list, "expires")?,
            keyid: text(&list, "keyid")?.unwrap_or_default(),
            nonce: text(&list, "nonce")?,
            alg: match text(&list, "alg")? {
                None => AlgParameter::Absent,
                Some(name) => Alg::from_name(&name).map_or(AlgParameter::Unknown(name), AlgParameter::Known),
            },
            signature: bytes,
            params: vec![ListEntry::InnerList(list)].serialize().unwrap_or_default(),
        })
    }

    /// Whether a component of this name is covered.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.components.iter().any(|component| component.name == name)
    }

    pub(super) fn fault(&self, problem: Problem) -> SignatureFault {
        let components = self.components.iter().map(|component| component.name.clone()).collect();
        SignatureFault { problem, components, base: None }
    }

    fn hold_to_profile(&self, method: &str) -> Result<(), Problem> {
        if self.covers("@status") {
            return Err(Problem::ComponentUnknown { name: "@status".to_owned() });
        }
        if self.created_s.is_none() {
            return Err(Problem::ParameterAbsent { name: "created" });
        }
        if self.keyid.is_empty() {
            return Err(Problem::ParameterAbsent { name: "keyid" });
        }
        match &self.nonce {
            None if needs_nonce(method) => return Err(Problem::ParameterAbsent { name: "nonce" }),
            None => {}
            // Structured-field text is ASCII: bytes are characters.
            Some(nonce) if NONCE_CHARS.contains(&nonce.len()) => {}
            Some(nonce) => return Err(Problem::NonceLength { chars: nonce.len() }),
        }
        if self.alg == AlgParameter::Known(Alg::EcdsaP256Sha256) {
            check_ecdsa_shape(&self.signature)?;
        }
        Ok(())
    }
}

struct Member {
    label: String,
    entry: ListEntry,
}

/// A dictionary that counts its members as sent: a repeated label would otherwise hide the first one.
struct Counted<'a> {
    dictionary: &'a mut Dictionary,
    members: &'a mut usize,
}

impl<'de> DictionaryVisitor<'de> for Counted<'_> {
    type Out = ();
    type Error = std::convert::Infallible;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Self::Error> {
        *self.members += 1;
        DictionaryVisitor::entry(self.dictionary, key)
    }

    fn finish(self) -> Result<Self::Out, Self::Error> {
        Ok(())
    }
}

fn one_member(headers: &HeaderMap, name: &str, field: &'static str) -> Result<Member, Problem> {
    let (mut dictionary, mut members, mut bytes) = (Dictionary::new(), 0, 0);
    for line in headers.get_all(name) {
        bytes += line.len();
        if bytes > FIELD_BYTES_MAX {
            return Err(Problem::FieldTooLong { field });
        }
        let visitor = Counted { dictionary: &mut dictionary, members: &mut members };
        Parser::new(line)
            .parse_dictionary_with_visitor(visitor)
            .map_err(|_| Problem::FieldMalformed { field })?;
    }
    match (members, dictionary.into_iter().next()) {
        (1, Some((label, entry))) => Ok(Member { label: label.as_str().to_owned(), entry }),
        (0, _) | (_, None) => Err(Problem::FieldAbsent { field }),
        (count, _) => Err(Problem::Labels { field, count }),
    }
}

fn components(list: &InnerList) -> Result<Vec<Component>, Problem> {
    if list.items.len() > COMPONENTS_MAX {
        return Err(Problem::ComponentsTooMany);
    }
    let mut components = Vec::with_capacity(list.items.len());
    let mut seen = HashSet::new();
    for item in &list.items {
        let name = item.bare_item.as_string().ok_or(Problem::ComponentUnquoted)?.as_str();
        let query_name = match item.params.iter().next() {
            None => None,
            Some((key, BareItem::String(value)))
                if name == "@query-param" && key.as_str() == "name" && item.params.len() == 1 =>
            {
                Some(value.as_str().to_owned())
            }
            Some((key, _)) => {
                let parameter = key.as_str().to_owned();
                return Err(Problem::ComponentParameter { name: name.to_owned(), parameter });
            }
        };
        check_name(name, query_name.is_some())?;
        let component = Component { name: name.to_owned(), query_name };
        if !seen.insert(component.clone()) {
            return Err(Problem::ComponentRepeated { name: component.name });
        }
        components.push(component);
    }
    Ok(components)
}

fn check_name(name: &str, has_query_name: bool) -> Result<(), Problem> {
    if name.starts_with('@') {
        let known = DERIVED.contains(&name) && (name == "@query-param") == has_query_name;
        return if known { Ok(()) } else { Err(Problem::ComponentUnknown { name: name.to_owned() }) };
    }
    // `from_lowercase` refuses upper case and whatever is no field name.
    let valid = HeaderName::from_lowercase(name.as_bytes()).is_ok();
    if valid { Ok(()) } else { Err(Problem::ComponentName { name: name.to_owned() }) }
}

fn text(list: &InnerList, name: &'static str) -> Result<Option<String>, Problem> {
    match list.params.get(name) {
        None => Ok(None),
        Some(BareItem::String(value)) => Ok(Some(value.as_str().to_owned())),
        Some(_) => Err(Problem::ParameterUnquoted { name }),
    }
}

fn integer(list: &InnerList, name: &'static str) -> Result<Option<i64>, Problem> {
    match list.params.get(name) {
        None => Ok(None),
        Some(BareItem::Integer(value)) => Ok(Some(i64::from(*value))),
        Some(_) => Err(Problem::ParameterNotInteger { name }),
    }
}
