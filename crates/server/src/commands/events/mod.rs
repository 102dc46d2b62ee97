//! `feiqian events`: what happened, as it happens, and once more.

mod replay;
mod tail;

use clap::Subcommand;
use std::process::ExitCode;

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the last events, oldest first, and with --follow those that come.
    Tail(tail::Options),
    /// Send events again: to the endpoints that they were for, or to a program on this machine.
    Replay(replay::Options),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    crate::telemetry::warnings_only();
    match command {
        Command::Tail(options) => tail::run(options),
        Command::Replay(options) => replay::run(options),
    }
}
