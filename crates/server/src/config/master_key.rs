//! `[master_key]`: who keeps the master key.

use super::{Config, ConfigFault};
use crypto::seal::{KeyCommand, KeyPlace, TokenPlace};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// `[master_key]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MasterKeySettings {
    /// Who keeps it.
    pub provider: KeyKeeper,
    /// `command`: a program, by its whole path, and its arguments.
    pub command: Vec<String>,
    /// `command`: how long it may take, milliseconds.
    pub timeout_ms: u64,
    /// `pkcs11`: the vendor's module.
    pub module: Option<PathBuf>,
    /// `pkcs11`: the label of the token.
    pub token_label: Option<String>,
    /// `pkcs11`: a file with the user's PIN, mode 0600.
    pub pin_file: Option<PathBuf>,
}

impl Default for MasterKeySettings {
    fn default() -> MasterKeySettings {
        MasterKeySettings {
            provider: KeyKeeper::File,
            command: Vec::new(),
            timeout_ms: 10_000,
            module: None,
            token_label: None,
            pin_file: None,
        }
    }
}

/// Who keeps the master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKeeper {
    /// The file `master_key_file`.
    File,
    /// A program that prints it.
    Command,
    /// A token that never gives it away.
    Pkcs11,
}

/// Where the settings say that the master key is.
pub(super) fn place(config: &Config) -> Result<KeyPlace, ConfigFault> {
    let settings = &config.master_key;
    match settings.provider {
        KeyKeeper::File => Ok(KeyPlace::File(config.master_key_file.clone())),
        KeyKeeper::Command => {
            let Some((program, arguments)) = settings.command.split_first() else {
                return Err(fault(
                    "master_key.command",
                    "is empty: name the program by its whole path, then its arguments",
                ));
            };
            if !Path::new(program).is_absolute() {
                return Err(fault(
                    "master_key.command",
                    "does not begin with a whole path: nothing is searched for",
                ));
            }
            Ok(KeyPlace::Command(KeyCommand {
                program: PathBuf::from(program),
                arguments: arguments.to_vec(),
                timeout_ms: settings.timeout_ms,
            }))
        }
        KeyKeeper::Pkcs11 => {
            let missing = |key| fault(key, "is missing: master_key.provider is pkcs11");
            let pin_file = settings.pin_file.clone().ok_or_else(|| missing("master_key.pin_file"))?;
            if super::check::is_inside(&pin_file, &config.data_dir) {
                return Err(fault("master_key.pin_file", "lies inside data_dir: name a place outside of it"));
            }
            Ok(KeyPlace::Token(TokenPlace {
                module: settings.module.clone().ok_or_else(|| missing("master_key.module"))?,
                label: settings.token_label.clone().ok_or_else(|| missing("master_key.token_label"))?,
                pin_file,
            }))
        }
    }
}

fn fault(key: &'static str, why: &str) -> ConfigFault {
    ConfigFault::Value { key, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(toml: &str) -> Result<Config, String> {
        Config::read(Some(toml), HashMap::new()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn each_keeper_needs_its_settings() {
        for (toml, words) in [
            ("provider = 'command'", "master_key.command"),
            ("provider = 'command'\ncommand = ['vault']", "whole path"),
            ("provider = 'pkcs11'", "master_key.pin_file"),
            ("provider = 'pkcs11'\npin_file = '/p'", "master_key.module"),
            ("provider = 'pkcs11'\npin_file = '/p'\nmodule = '/m'", "master_key.token_label"),
            ("provider = 'pkcs11'\npin_file = 'feiqian-data/p'\nmodule = '/m'\ntoken_label = 't'", "outside"),
            ("provider = 'safe'", "provider"),
            ("timeout_ms = 1", "master_key.timeout_ms"),
        ] {
            let told = read(&format!("[master_key]\n{toml}\n")).unwrap_err();
            assert!(told.contains(words), "{toml}: {told}");
        }
        let config = read("[master_key]\nprovider = 'command'\ncommand = ['/bin/keys', '--all']\n").unwrap();
        let KeyPlace::Command(command) = config.key_place().unwrap() else { panic!("another keeper") };
        assert_eq!(
            (command.to_string(), command.arguments),
            ("/bin/keys".to_owned(), vec!["--all".to_owned()])
        );
    }
}
