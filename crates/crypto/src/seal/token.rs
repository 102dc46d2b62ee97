//! Master keys inside a token that speaks PKCS #11: a hardware module, or SoftHSM. The key is made there and never leaves it; what is
//! asked of it is HMAC-SHA256, from which the keys of tables follow (HKDF's second half, with the token's key as its first).

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

use super::master_key::{HeldKey, MasterKeyFault, read_private};
use super::{KeyProvider, MasterKey, SealFault};

/// Labels of keys in use, and of those that a rotation retired.
const LABEL: &str = "feiqian-master-key-v";
const RETIRED: &str = "feiqian-retired-master-key-v";
const KEY_BYTES: u64 = 32;
/// Versions that are looked at.
const VERSIONS_MAX: usize = 1_000;

/// Which token, and how to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPlace {
    /// The vendor's module, a shared library.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// A file with the user's PIN that only its owner can reach.
    pub pin_file: PathBuf,
}

impl fmt::Display for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.label)
    }
}

/// A module is initialized once in a process, and never ended: other users of it here would lose it.
static MODULES: LazyLock<Mutex<HashMap<PathBuf, Pkcs11>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn module(path: &Path) -> Result<Pkcs11, Error> {
    let mut modules = lock(&MODULES);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(fault) => return Err(fault),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

impl TokenPlace {
    /// Logs in and sees which versions are there.
    ///
    /// # Errors
    /// [`MasterKeyFault::Token`].
    pub fn load(&self) -> Result<TokenKeyProvider, MasterKeyFault> {
        let token = Arc::new(Token { place: self.clone(), session: Mutex::new(None) });
        let provider = TokenKeyProvider { versions: Mutex::new(Vec::new()), token };
        provider.look()?;
        Ok(provider)
    }

    /// The versions in it, ascending; none in a new one.
    ///
    /// # Errors
    /// [`MasterKeyFault::Token`].
    pub fn versions(&self) -> Result<Vec<u32>, MasterKeyFault> {
        Token { place: self.clone(), session: Mutex::new(None) }.versions()
    }

    /// Makes a key of this version inside the token.
    ///
    /// # Errors
    /// [`MasterKeyFault::Token`].
    pub fn make(&self, version: u32) -> Result<(), MasterKeyFault> {
        let token = Token { place: self.clone(), session: Mutex::new(None) };
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::ValueLen(KEY_BYTES.into()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Label(label(version)),
        ];
        token.with(|session| session.generate_key(&Mechanism::GenericSecretKeyGen, &template).map(|_| ()))
    }

    /// Takes the versions below `first` out of use; they stay in the token under another label.
    ///
    /// # Errors
    /// [`MasterKeyFault::Token`].
    pub fn retire_below(&self, first: u32) -> Result<Vec<u32>, MasterKeyFault> {
        let token = Token { place: self.clone(), session: Mutex::new(None) };
        let old: Vec<u32> = token.versions()?.into_iter().filter(|version| *version < first).collect();
        for version in &old {
            let retired = Attribute::Label(format!("{RETIRED}{version}").into_bytes());
            token.with(|session| match find(session, *version)? {
                Some(key) => session.update_attributes(key, std::slice::from_ref(&retired)),
                None => Ok(()),
            })?;
        }
        Ok(old)
    }
}

fn label(version: u32) -> Vec<u8> {
    format!("{LABEL}{version}").into_bytes()
}

fn find(session: &Session, version: u32) -> Result<Option<ObjectHandle>, Error> {
    let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label(version))];
    Ok(session.find_objects(&template)?.first().copied())
}

/// A session of one token, used by one at a time.
struct Token {
    place: TokenPlace,
    session: Mutex<Option<Session>>,
}

impl Token {
    fn fault(&self, why: &str) -> MasterKeyFault {
        MasterKeyFault::Token { label: self.place.label.clone(), why: why.to_owned() }
    }

    /// Does something in a session. One that ended, because the token was away, is begun again once.
    fn with<T>(&self, act: impl Fn(&Session) -> Result<T, Error>) -> Result<T, MasterKeyFault> {
        let mut held = lock(&self.session);
        if let Some(session) = held.as_ref()
            && let Ok(done) = act(session)
        {
            return Ok(done);
        }
        *held = None;
        let session = self.login()?;
        let done = act(&session).map_err(|fault| self.fault(&told(&fault)));
        *held = Some(session);
        done
    }

    fn login(&self) -> Result<Session, MasterKeyFault> {
        let pin = read_private(&self.place.pin_file)?;
        let pin = AuthPin::from(pin.trim_end_matches(['\r', '\n']).to_owned());
        let module = module(&self.place.module).map_err(|fault| {
            self.fault(&format!("{} can't be loaded: {}", self.place.module.display(), told(&fault)))
        })?;
        let mut found = None;
        for slot in module.get_slots_with_token().map_err(|fault| self.fault(&told(&fault)))? {
            let info = module.get_token_info(slot).map_err(|fault| self.fault(&told(&fault)))?;
            if info.label() == self.place.label {
                found = Some(slot);
                break;
            }
        }
        let slot = found
            .ok_or_else(|| self.fault("no token with this label is there: see master_key.token_label"))?;
        let session = module.open_rw_session(slot).map_err(|fault| self.fault(&told(&fault)))?;
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                Err(self.fault("the PIN in master_key.pin_file is not the token's: tokens lock themselves after a few wrong ones"))
            }
            Err(fault) => Err(self.fault(&told(&fault))),
        }
    }

    fn versions(&self) -> Result<Vec<u32>, MasterKeyFault> {
        let mut versions = self.with(|session| {
            let keys = session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)])?;
            let mut versions = Vec::new();
            for key in keys.into_iter().take(VERSIONS_MAX) {
                for attribute in session.get_attributes(key, &[AttributeType::Label])? {
                    let Attribute::Label(text) = attribute else { continue };
                    let text = String::from_utf8_lossy(&text).into_owned();
                    versions.extend(text.strip_prefix(LABEL).and_then(|number| number.parse::<u32>().ok()));
                }
            }
            Ok(versions)
        })?;
        versions.sort_unstable();
        if versions.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(self.fault(
                "a version of the key stands in it twice: remove the one that no value was sealed with",
            ));
        }
        Ok(versions)
    }
}

/// A fault of PKCS #11 in its own words, short.
fn told(fault: &Error) -> String {
    match fault {
        Error::Pkcs11(value, function) => format!("{function:?} answers {value:?}"),
        other => other.to_string(),
    }
}

/// Master keys inside a token.
pub struct TokenKeyProvider {
    token: Arc<Token>,
    versions: Mutex<Vec<u32>>,
}

impl TokenKeyProvider {
    /// The versions at hand, ascending.
    #[must_use]
    pub fn versions(&self) -> Vec<u32> {
        lock(&self.versions).clone()
    }

    fn look(&self) -> Result<(), MasterKeyFault> {
        let versions = self.token.versions()?;
        if versions.is_empty() {
            return Err(self.token.fault(
                "there is no master key in it: run init for a new installation, or put the right token back",
            ));
        }
        *lock(&self.versions) = versions;
        Ok(())
    }
}

impl KeyProvider for TokenKeyProvider {
    fn current_version(&self) -> u32 {
        lock(&self.versions).last().copied().unwrap_or(0)
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        if !lock(&self.versions).contains(&version) {
            return Err(SealFault::KeyUnavailable { version });
        }
        Ok(MasterKey::held(Arc::new(TokenKey { token: Arc::clone(&self.token), version })))
    }

    fn reload(&self) -> Result<(), MasterKeyFault> {
        self.look()
    }
}

struct TokenKey {
    token: Arc<Token>,
    version: u32,
}

impl HeldKey for TokenKey {
    fn hmac_sha256(&self, message: &[u8]) -> Result<[u8; 32], SealFault> {
        let signed = self.token.with(|session| match find(session, self.version)? {
            Some(key) => session.sign(&Mechanism::Sha256Hmac, key, message).map(Some),
            None => Ok(None),
        });
        match signed {
            Ok(Some(tag)) => tag.try_into().map_err(|_| SealFault::Failed),
            Ok(None) => Err(SealFault::KeyUnavailable { version: self.version }),
            Err(fault) => Err(SealFault::Token { why: fault.to_string() }),
        }
    }
}
