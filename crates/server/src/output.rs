//! What commands write: answers on standard output, everything else on standard error. A reader that went away (a closed pipe)
//! is no fault.

use anyhow::Result;
use std::io::Write;

/// One line on standard output.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// One line on standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A failed command, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    note(&format!("feiqian: {error:#}"));
}

/// The command's answer: with `--json` one line of JSON, else the text for people.
pub(crate) fn answer(as_json: bool, json: &serde_json::Value, text: &str) -> Result<()> {
    if as_json {
        line(&serde_json::to_string(json)?);
    } else {
        line(text);
    }
    Ok(())
}

/// A time as WIRE writes it: UTC, three decimals.
pub(crate) fn instant(at_us: i64) -> Result<String> {
    let at = jiff::Timestamp::from_microsecond(at_us)?;
    Ok(format!("{at:.3}"))
}
