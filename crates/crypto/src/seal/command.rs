//! Master keys that a program hands out: one that asks a vault, decrypts with a smart card, or whatever the operator trusts. It prints
//! the text of a key file. It is run without a shell, and nothing secret is in its arguments.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use zeroize::Zeroizing;

use super::master_key::{FILE_BYTES_MAX, Known, MasterKeyFault, parse_keys};
use super::{KeyProvider, MasterKey, SealFault};

/// How often it is looked whether a program that has said all has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCommand {
    /// The program; a path, not a name to be searched for.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub timeout_ms: u64,
}

impl fmt::Display for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())
    }
}

impl KeyCommand {
    /// Runs it and takes the keys that it prints.
    ///
    /// # Errors
    /// [`MasterKeyFault::Command`].
    pub fn load(&self) -> Result<CommandKeyProvider, MasterKeyFault> {
        Ok(CommandKeyProvider { known: Known::of(self.keys()?), command: self.clone() })
    }

    fn keys(&self) -> Result<super::master_key::Keys, MasterKeyFault> {
        let text = self.run()?;
        parse_keys(&text).map_err(|line| {
            self.fault(format!("line {line} of what it prints is no key: a key file's text is expected, and each version once"))
        })
    }

    fn fault(&self, why: String) -> MasterKeyFault {
        MasterKeyFault::Command { program: self.program.clone(), why }
    }

    /// What it prints. Whatever it says of errors is not taken: it may hold what nobody else should see.
    fn run(&self) -> Result<Zeroizing<String>, MasterKeyFault> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| self.fault(format!("it can't be run: {source}")))?;
        let said = self.output_of(&mut child).and_then(|text| Ok((text, self.end_of(&mut child)?)));
        if said.is_err() {
            // Gone already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (text, status) = said?;
        if status.success() {
            return Ok(text);
        }
        Err(self.fault(format!("it ended with {status}: run it by hand, as this user, to see why")))
    }

    fn output_of(&self, child: &mut Child) -> Result<Zeroizing<String>, MasterKeyFault> {
        let out = child.stdout.take().ok_or_else(|| self.fault("it has no output".to_owned()))?;
        let (tell, told) = channel();
        // Ends with the program's output; one that outlives its time is killed.
        std::thread::spawn(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            let read = out.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
            // Nobody waits any more: the time was over.
            let _ = tell.send(read.map(|_| bytes));
        });
        let bytes = match told.recv_timeout(Duration::from_millis(self.timeout_ms)) {
            Ok(read) => read.map_err(|source| self.fault(format!("its output can't be read: {source}")))?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(self.too_slow()),
        };
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(
                self.fault(format!("it prints more than {FILE_BYTES_MAX} bytes, which is no key file"))
            );
        }
        let text =
            std::str::from_utf8(&bytes).map_err(|_| self.fault("what it prints is no text".to_owned()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Its end, which follows that of its output.
    fn end_of(&self, child: &mut Child) -> Result<ExitStatus, MasterKeyFault> {
        let looks = Duration::from_millis(self.timeout_ms).as_millis() / LOOK_EVERY.as_millis() + 1;
        for _ in 0..looks {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => std::thread::sleep(LOOK_EVERY),
                Err(source) => return Err(self.fault(format!("its end can't be seen: {source}"))),
            }
        }
        Err(self.too_slow())
    }

    fn too_slow(&self) -> MasterKeyFault {
        let ms = self.timeout_ms;
        self.fault(format!(
            "it did not end within {ms} ms: see what it waits for, or allow more in master_key.timeout_ms"
        ))
    }
}

/// Master keys that a program handed out; it is run again when they are to be read again.
#[derive(Debug)]
pub struct CommandKeyProvider {
    command: KeyCommand,
    known: Known,
}

impl CommandKeyProvider {
    /// The versions at hand, ascending.
    #[must_use]
    pub fn versions(&self) -> Vec<u32> {
        self.known.versions()
    }
}

impl KeyProvider for CommandKeyProvider {
    fn current_version(&self) -> u32 {
        self.known.newest()
    }

    fn key(&self, version: u32) -> Result<MasterKey, SealFault> {
        self.known.key(version)
    }

    fn reload(&self) -> Result<(), MasterKeyFault> {
        let keys = self.command.keys()?;
        self.known.replace(keys).map_err(|version| {
            self.command.fault(format!("version {version} is not the key that it handed out before"))
        })
    }
}
