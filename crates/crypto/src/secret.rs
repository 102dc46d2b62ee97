//! Values that must not show: a masking wrapper, the source of randomness, bearer tokens.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use crate::hash::sha256;

/// A value that prints as `***` and is overwritten when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. Every call is a place where it may leak: keep them few.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<T: Zeroize> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `N` bytes from the system's cryptographic generator.
///
/// # Panics
/// When the generator fails: nothing secret can be made on such a machine, so going on would be worse.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    assert!(aws_lc_rs::rand::fill(&mut bytes).is_ok(), "the system's random generator failed");
    bytes
}

/// Compares in time that depends on the lengths only.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

const BEARER_PREFIX: &str = "fqsk_sandbox_";
const BEARER_RANDOM_CHARS: usize = 43;

/// A sandbox bearer token: `fqsk_sandbox_` and 32 random bytes in 43 characters of base64url (WIRE, secrets).
/// Shown once; only [`BearerToken::hash`] is stored.
#[derive(Clone)]
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// A new random token.
    #[must_use]
    pub fn generate() -> Self {
        let random = Zeroizing::new(random_bytes::<32>());
        Self(Zeroizing::new(format!("{BEARER_PREFIX}{}", URL_SAFE_NO_PAD.encode(random.as_slice()))))
    }

    /// Reads a token as a client sent it, without `Bearer `; `None` when it can't be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(BEARER_PREFIX)?;
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let well_formed = random.len() == BEARER_RANDOM_CHARS && random.bytes().all(is_base64url);
        well_formed.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What is stored and looked up: SHA-256 of the token's text. The token has 256 random bits, so a slow
    /// password hash would add nothing.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// The text to hand to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BEARER_PREFIX}***")
    }
}

impl fmt::Display for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BEARER_PREFIX}***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("planted".to_owned());
        assert_eq!(format!("{secret} {secret:?}"), "*** Secret(***)");
        assert_eq!(secret.expose(), "planted");
        let token = BearerToken::generate();
        let random = token.expose().strip_prefix(BEARER_PREFIX).unwrap();
        assert!(!format!("{token} {token:?}").contains(random));
    }

    #[test]
    fn tokens_are_read_back_and_others_refused() {
        let token = BearerToken::generate();
        assert_eq!(token.expose().len(), BEARER_PREFIX.len() + BEARER_RANDOM_CHARS);
        assert_eq!(BearerToken::parse(token.expose()).unwrap().hash(), token.hash());
        assert_ne!(BearerToken::generate().hash(), token.hash());
        let long = format!("{}A", token.expose());
        for bad in ["", "fqsk_sandbox_", "fqsk_live_abc", &long, &long.replace("fqsk_", "fqsk-"), "键"] {
            assert!(BearerToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn comparison_is_equality() {
        assert!(constant_time_eq(b"", b"") && constant_time_eq(b"ab", b"ab"));
        assert!(!constant_time_eq(b"ab", b"ac") && !constant_time_eq(b"ab", b"abc"));
    }
}
