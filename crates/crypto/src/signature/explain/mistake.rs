//! The mistakes that are known, by name and in words.

mod words;

use crate::key::Alg;

/// Something that a client does with the signature base and the server does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// A line end after the last line.
    TrailingLineEnd,
    /// `\r\n` between the lines.
    CarriageReturns,
    /// A backslash and an `n` between the lines.
    EscapedLineEnds,
    /// Spaces, or nothing at all, between the lines.
    LinesJoined,
    /// Component names without their quotes.
    NamesUnquoted,
    /// Component names in capitals.
    NamesCase,
    /// No space, or more than one character, after the colon.
    Colon,
    /// The method in lower case.
    MethodCase,
    /// `http` for `https`, or the other way.
    UriScheme,
    /// Another host than that of the public URL.
    UriHost,
    /// A port too many, too few, or another.
    UriPort,
    /// The path alone.
    UriWithoutHost,
    /// The query left out.
    UriQueryMissing,
    /// The query's parameters in another order.
    UriQueryOrder,
    /// Escapes resolved, added, or in another case.
    UriEncoding,
    /// A slash too many or too few.
    UriSlash,
    /// The digest's base64 alone, without `sha-256=:…:`.
    DigestBare,
    /// The hash as hexadecimal text.
    DigestHex,
    /// The digest of another text than the body; the number is its place in the bodies that were handed in.
    OtherBody(usize),
    /// `Idempotency-Key` with quotes where it was sent without, or the other way.
    KeyQuotes,
    /// The lines in another order than the components in `Signature-Input`.
    LineOrder,
    /// No line for a component that is listed.
    LineMissing(String),
    /// No last line `"@signature-params"`.
    ParamsMissing,
    /// The label (`sig1=`) signed with the parameters.
    ParamsLabel,
    /// The parameters as they were sent, with spaces that the canonical form has not.
    ParamsSpaces,
    /// The parameters in another order than sent.
    ParamsOrder,
    /// A parameter that was sent, but not signed.
    ParamsWithout(String),
    /// Text parameters without their quotes.
    ParamsUnquoted,
    /// `created` was read from the clock twice.
    CreatedTwice,
    /// A hash or an encoding of the base was signed in place of the base.
    Wrapped,
    /// The signature was made with another algorithm of the same key.
    Algorithm(Alg),
    /// The signature's bytes were written as hexadecimal or base64 text before they were put between the colons.
    SignatureTwice,
    /// The value of a component differs, in no way that is known.
    Value(String),
    /// The text differs in no way that is known.
    Text,
    /// The signature was not made over the base that the client shows.
    NotThisBase,
    /// No known mistake makes the signature valid: most likely another private key.
    OtherKey,
}

impl Mistake {
    /// A stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TrailingLineEnd => "trailing_line_end",
            Self::CarriageReturns => "carriage_returns",
            Self::EscapedLineEnds => "escaped_line_ends",
            Self::LinesJoined => "lines_joined",
            Self::NamesUnquoted => "names_unquoted",
            Self::NamesCase => "names_case",
            Self::Colon => "colon",
            Self::MethodCase => "method_case",
            Self::UriScheme => "uri_scheme",
            Self::UriHost => "uri_host",
            Self::UriPort => "uri_port",
            Self::UriWithoutHost => "uri_without_host",
            Self::UriQueryMissing => "uri_query_missing",
            Self::UriQueryOrder => "uri_query_order",
            Self::UriEncoding => "uri_encoding",
            Self::UriSlash => "uri_slash",
            Self::DigestBare => "digest_bare",
            Self::DigestHex => "digest_hex",
            Self::OtherBody(_) => "digest_of_other_body",
            Self::KeyQuotes => "key_quotes",
            Self::LineOrder => "line_order",
            Self::LineMissing(_) => "line_missing",
            Self::ParamsMissing => "params_missing",
            Self::ParamsLabel => "params_label",
            Self::ParamsSpaces => "params_spaces",
            Self::ParamsOrder => "params_order",
            Self::ParamsWithout(_) => "params_without",
            Self::ParamsUnquoted => "params_unquoted",
            Self::CreatedTwice => "created_twice",
            Self::Wrapped => "wrapped",
            Self::Algorithm(_) => "other_algorithm",
            Self::SignatureTwice => "signature_encoded_twice",
            Self::Value(_) => "value_differs",
            Self::Text => "text_differs",
            Self::NotThisBase => "not_this_base",
            Self::OtherKey => "other_key",
        }
    }
}
