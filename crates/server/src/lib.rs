//! The program `feiqian`: configuration, telemetry, assembly of the crates, one subcommand per file under [`commands`].
//!
//! `init` creates an installation, `serve` never does. Secrets come from files or the environment, never from a command line,
//! and are never logged. What a command means is decided elsewhere.

mod archive;
mod assemble;
mod backup;
mod cli;
mod client;
mod clock_watch;
pub mod commands;
pub mod config;
mod demo;
mod engine;
mod files;
mod host_watch;
mod inside;
mod live;
mod metrics_table;
mod operator;
mod output;
pub mod outside;
mod rotation;
mod secrets;
mod service;
mod telemetry;
mod tls;
mod verify_note;

use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line; answers the process's exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match cli::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; both print themselves.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    // Two TLS providers may be compiled in by dependencies' features: the choice is made here, before any handshake.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            client::exit_code(&error)
        }
    }
}
