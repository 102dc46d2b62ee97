//! `feiqian proof check`: whether a line stands in the sealed journal, offline: it opens no database and asks nobody. Exit code 0: it
//! does; 1: what does not hold is on standard error.

use crate::output;
use anyhow::{Context, Result, bail};
use app::seal::proof::{self, FILE_BYTES_MAX, Proven, read_hex, shown};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What can be done with proofs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a proof against a root, such as the one that the day's statement names.
    Check(Options),
}

/// What `proof check` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The answer of GET /v1/balance_transactions/{id}/proof, saved; `-` reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The root, 64 hexadecimal digits: `root` of a statement, kept apart from the proof. The chained root of the block is taken
    /// too, as `feiqian verify` prints it.
    #[arg(long, value_name = "HEX")]
    root: String,
    /// One line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let Command::Check(options) = command;
    let root = read_hex(options.root.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let root = root.context("--root: expected 64 hexadecimal digits")?;
    let text = read(&options.file).with_context(|| options.file.display().to_string())?;
    let (line, proven) = match proof::check(&text, &root) {
        Ok(found) => found,
        Err(fault) => {
            output::note(&format!("feiqian: not proven: {fault}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let shown = shown(&line).context("the line is no merchant's")?;
    let of = match proven {
        Proven::Statement => "statement",
        Proven::Chained => "block_chained",
        Proven::Block => "block",
    };
    let json = json!({"object": "proof_check", "proven": true, "root_of": of, "balance_transaction": shown});
    let text = format!(
        "Proven. 证明成立\n  {} {}: {} {} on {}, {}\n  in block data under the root given ({of})",
        shown.category,
        shown.id,
        shown.amount.value,
        shown.amount.currency,
        shown.posted_at,
        shown.source.map_or("no source".to_owned(), |source| source.to_string()),
    );
    output::answer(options.json, &json, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// A proof is small: more is not read.
fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(limit).read_to_string(&mut text)?;
    }
    if text.len() > FILE_BYTES_MAX {
        bail!("larger than {FILE_BYTES_MAX} bytes: this is no proof");
    }
    Ok(text)
}
