//! What can be wrong with a signature, named so that its sender can mend it.

mod zh;

use std::fmt;

use super::check::TIME_TOLERANCE_S;
use super::parse::NONCE_CHARS;
use crate::digest::DigestFault;
use crate::key::{EcdsaShapeFault, KeyKind};

/// The wire's error codes for signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultCode {
    /// `signature_encoding`
    Encoding,
    /// `algorithm_mismatch`
    AlgorithmMismatch,
    /// `signature_time`
    Time,
    /// `signature_component_missing`
    ComponentMissing,
    /// `digest_mismatch`
    DigestMismatch,
    /// `signature_invalid`
    Invalid,
}

impl FaultCode {
    /// The code as it stands in an answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "signature_encoding",
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::Time => "signature_time",
            Self::ComponentMissing => "signature_component_missing",
            Self::DigestMismatch => "digest_mismatch",
            Self::Invalid => "signature_invalid",
        }
    }
}

/// A refused signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFault {
    /// What is wrong.
    pub problem: Problem,
    /// The components the sender signed, in order; empty while they are not known.
    pub components: Vec<String>,
    /// The signature base that was computed, once there is one. For answers of the sandbox only: live answers never
    /// carry it.
    pub base: Option<String>,
}

impl SignatureFault {
    /// The error code.
    #[must_use]
    pub fn code(&self) -> FaultCode {
        self.problem.code()
    }

    /// The problem in an English sentence.
    #[must_use]
    pub fn detail(&self) -> String {
        self.problem.to_string()
    }

    /// The problem in a Chinese sentence.
    #[must_use]
    pub fn detail_zh(&self) -> String {
        self.problem.detail_zh()
    }
}

impl From<Problem> for SignatureFault {
    fn from(problem: Problem) -> Self {
        Self { problem, components: Vec::new(), base: None }
    }
}

impl fmt::Display for SignatureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code().as_str(), self.problem)
    }
}

impl std::error::Error for SignatureFault {}

/// What exactly is wrong with a signature. [`fmt::Display`] gives an English sentence, [`Problem::detail_zh`] a Chinese
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// `Authorization` beside a signature.
    AuthorizationToo,
    /// One of the two fields is absent.
    FieldAbsent {
        /// `Signature-Input` or `Signature`.
        field: &'static str,
    },
    /// The field is no structured-field dictionary, most often for want of quotes.
    FieldMalformed {
        /// `Signature-Input` or `Signature`.
        field: &'static str,
    },
    /// The field is longer than any signature needs.
    FieldTooLong {
        /// `Signature-Input` or `Signature`.
        field: &'static str,
    },
    /// Not exactly one label.
    Labels {
        /// `Signature-Input` or `Signature`.
        field: &'static str,
        /// How many there are.
        count: usize,
    },
    /// The two fields carry different labels.
    LabelsDiffer,
    /// `Signature-Input` is no parenthesised list of components.
    NotComponents,
    /// `Signature` is no byte sequence between colons.
    NotBytes,
    /// A component is not in double quotes.
    ComponentUnquoted,
    /// A component's name is not in lower case, or no field's name.
    ComponentName {
        /// The name given.
        name: String,
    },
    /// A derived component (`@…`) that requests do not have.
    ComponentUnknown {
        /// The name given.
        name: String,
    },
    /// A component stands twice in the list.
    ComponentRepeated {
        /// Its name.
        name: String,
    },
    /// A component carries a parameter this profile does not implement.
    ComponentParameter {
        /// The component's name.
        name: String,
        /// The parameter's name.
        parameter: String,
    },
    /// More components than any request needs.
    ComponentsTooMany,
    /// A needed parameter is absent.
    ParameterAbsent {
        /// Its name.
        name: &'static str,
    },
    /// A text parameter is not in double quotes.
    ParameterUnquoted {
        /// Its name.
        name: &'static str,
    },
    /// A time parameter is not a bare integer.
    ParameterNotInteger {
        /// Its name.
        name: &'static str,
    },
    /// The nonce's length is outside [`NONCE_CHARS`].
    NonceLength {
        /// Its length.
        chars: usize,
    },
    /// An ECDSA signature in DER, or not 64 bytes long.
    EcdsaShape(EcdsaShapeFault),
    /// A signed field holds bytes outside ASCII.
    ValueNotAscii {
        /// The field's name.
        name: String,
    },
    /// `alg` disagrees with the key, or is none of the profile's.
    AlgorithmMismatch {
        /// The algorithm named.
        alg: String,
        /// What the key is.
        key: KeyKind,
    },
    /// `created` counts milliseconds.
    CreatedMilliseconds,
    /// `created` is too far from now.
    CreatedOutside {
        /// The time given, unix seconds.
        created_s: i64,
        /// The server's time, unix seconds.
        now_s: i64,
    },
    /// `expires` has passed.
    Expired {
        /// The time given, unix seconds.
        expires_s: i64,
    },
    /// Components that must be signed are not.
    NotSigned {
        /// Their names.
        missing: Vec<String>,
    },
    /// There is a body, but no `Content-Digest`.
    DigestAbsent,
    /// A signed component is not in the request.
    ComponentAbsent {
        /// Its name.
        name: String,
    },
    /// The digest does not vouch for the body.
    Digest {
        /// Why.
        fault: DigestFault,
        /// The field that fits the body received.
        computed: String,
    },
    /// The signature was not made by this key over this base.
    Invalid {
        /// The `Host` sent and the one of the public URL, where they differ.
        host: Option<(String, String)>,
    },
}

impl Problem {
    /// The error code this problem belongs to.
    #[must_use]
    pub fn code(&self) -> FaultCode {
        match self {
            Self::AuthorizationToo
            | Self::FieldAbsent { .. }
            | Self::FieldMalformed { .. }
            | Self::FieldTooLong { .. }
            | Self::Labels { .. }
            | Self::LabelsDiffer
            | Self::NotComponents
            | Self::NotBytes
            | Self::ComponentUnquoted
            | Self::ComponentName { .. }
            | Self::ComponentUnknown { .. }
            | Self::ComponentRepeated { .. }
            | Self::ComponentParameter { .. }
            | Self::ComponentsTooMany
            | Self::ParameterAbsent { .. }
            | Self::ParameterUnquoted { .. }
            | Self::ParameterNotInteger { .. }
            | Self::NonceLength { .. }
            | Self::EcdsaShape(_)
            | Self::ValueNotAscii { .. } => FaultCode::Encoding,
            Self::AlgorithmMismatch { .. } => FaultCode::AlgorithmMismatch,
            Self::CreatedMilliseconds | Self::CreatedOutside { .. } | Self::Expired { .. } => FaultCode::Time,
            Self::NotSigned { .. } | Self::DigestAbsent | Self::ComponentAbsent { .. } => {
                FaultCode::ComponentMissing
            }
            Self::Digest { .. } => FaultCode::DigestMismatch,
            Self::Invalid { .. } => FaultCode::Invalid,
        }
    }
}

impl Problem {
    /// A stable name, more exact than the code.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AuthorizationToo => "authorization_too",
            Self::FieldAbsent { .. } => "field_absent",
            Self::FieldMalformed { .. } => "field_malformed",
            Self::FieldTooLong { .. } => "field_too_long",
            Self::Labels { .. } => "labels",
            Self::LabelsDiffer => "labels_differ",
            Self::NotComponents => "not_components",
            Self::NotBytes => "not_bytes",
            Self::ComponentUnquoted => "component_unquoted",
            Self::ComponentName { .. } => "component_name",
            Self::ComponentUnknown { .. } => "component_unknown",
            Self::ComponentRepeated { .. } => "component_repeated",
            Self::ComponentParameter { .. } => "component_parameter",
            Self::ComponentsTooMany => "components_too_many",
            Self::ParameterAbsent { .. } => "parameter_absent",
            Self::ParameterUnquoted { .. } => "parameter_unquoted",
            Self::ParameterNotInteger { .. } => "parameter_not_integer",
            Self::NonceLength { .. } => "nonce_length",
            Self::EcdsaShape(EcdsaShapeFault::Der) => "ecdsa_der",
            Self::EcdsaShape(EcdsaShapeFault::Length { .. }) => "ecdsa_length",
            Self::ValueNotAscii { .. } => "value_not_ascii",
            Self::AlgorithmMismatch { .. } => "algorithm_mismatch",
            Self::CreatedMilliseconds => "created_milliseconds",
            Self::CreatedOutside { .. } => "created_outside",
            Self::Expired { .. } => "expired",
            Self::NotSigned { .. } => "not_signed",
            Self::DigestAbsent => "digest_absent",
            Self::ComponentAbsent { .. } => "component_absent",
            Self::Digest { fault: DigestFault::Mismatch, .. } => "digest_mismatch",
            Self::Digest { fault: DigestFault::Malformed, .. } => "digest_malformed",
            Self::Digest { fault: DigestFault::Unsupported, .. } => "digest_unsupported",
            Self::Invalid { .. } => "invalid",
        }
    }
}

impl From<EcdsaShapeFault> for Problem {
    fn from(fault: EcdsaShapeFault) -> Self {
        Self::EcdsaShape(fault)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (NONCE_CHARS.start(), NONCE_CHARS.end());
        match self {
            Self::AuthorizationToo => f.write_str("send either Authorization or a signature, not both"),
            Self::FieldAbsent { field } => {
                write!(f, "{field} is absent: a signature needs Signature-Input and Signature")
            }
            Self::FieldMalformed { field } => write!(
                f,
                "{field} is not a structured-field dictionary: put component names, keyid, nonce and alg in \
                 double quotes, and the signature between colons"
            ),
            Self::FieldTooLong { field } => write!(f, "{field} is too long"),
            Self::Labels { field, count } => {
                write!(f, "{field} holds {count} labels: send exactly one signature")
            }
            Self::LabelsDiffer => f.write_str("Signature-Input and Signature carry different labels"),
            Self::NotComponents => f.write_str("Signature-Input needs a list of components in parentheses"),
            Self::NotBytes => f.write_str("Signature must be base64 between colons, as in sig1=:…:"),
            Self::ComponentUnquoted => f.write_str("each component name must be in double quotes"),
            Self::ComponentName { name } => write!(f, "component {name:?} is no field name in lower case"),
            Self::ComponentUnknown { name } => write!(f, "component {name:?} does not exist for requests"),
            Self::ComponentRepeated { name } => write!(f, "component {name:?} is listed twice"),
            Self::ComponentParameter { name, parameter } => {
                write!(f, "component {name:?} has the parameter {parameter:?}, which is not supported")
            }
            Self::ComponentsTooMany => f.write_str("too many components are listed"),
            Self::ParameterAbsent { name: "nonce" } => {
                write!(
                    f,
                    "the parameter nonce is absent: POST, PATCH and DELETE need {min} to {max} characters"
                )
            }
            Self::ParameterAbsent { name } => write!(f, "the parameter {name} is absent"),
            Self::ParameterUnquoted { name } => {
                write!(f, "the parameter {name} must be text in double quotes, as in {name}=\"…\"")
            }
            Self::ParameterNotInteger { name } => {
                write!(f, "the parameter {name} must be unix seconds, an integer without quotes")
            }
            Self::NonceLength { chars } => write!(f, "the nonce has {chars} characters: send {min} to {max}"),
            Self::EcdsaShape(EcdsaShapeFault::Der) => {
                f.write_str("the ECDSA signature is in DER: send r‖s of 64 bytes (IEEE P1363), 32 bytes each")
            }
            Self::EcdsaShape(EcdsaShapeFault::Length { bytes }) => {
                write!(f, "the ECDSA signature has {bytes} bytes: send r‖s of 64 bytes, 32 bytes each")
            }
            Self::ValueNotAscii { name } => write!(f, "the signed field {name} holds bytes outside ASCII"),
            Self::AlgorithmMismatch { alg, key } => write!(
                f,
                "alg {alg:?} does not go with the key, which is {key}: use {}",
                names(key.algorithms().iter().map(|alg| alg.name()))
            ),
            Self::CreatedMilliseconds => f.write_str("created is in milliseconds: send unix seconds"),
            Self::CreatedOutside { created_s, now_s } => write!(
                f,
                "created is {} s away from the server's time {now_s}: at most {TIME_TOLERANCE_S} s are allowed",
                created_s.abs_diff(*now_s)
            ),
            Self::Expired { expires_s } => write!(f, "the signature expired at {expires_s}"),
            Self::NotSigned { missing } => {
                write!(f, "these components must be signed: {}", names(missing.iter().map(String::as_str)))
            }
            Self::DigestAbsent => f.write_str("a request with a body needs Content-Digest, and must sign it"),
            Self::ComponentAbsent { name } => {
                write!(f, "the signed component {name:?} is not in the request")
            }
            Self::Digest { fault: DigestFault::Mismatch, computed } => write!(
                f,
                "Content-Digest is not the hash of the bytes received, which is {computed}: hash the bytes you \
                 send, not re-serialised JSON"
            ),
            Self::Digest { fault: fault @ (DigestFault::Malformed | DigestFault::Unsupported), .. } => {
                write!(f, "{fault}")
            }
            Self::Invalid { host: None } => {
                f.write_str("the signature does not match: compare your signature base with the server's")
            }
            Self::Invalid { host: Some((sent, public)) } => write!(
                f,
                "the signature does not match; the request names the host {sent}, but @target-uri is built from \
                 the public URL's {public}"
            ),
        }
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" ")
}
