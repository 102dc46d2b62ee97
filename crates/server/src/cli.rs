//! The command line. The names are part of WIRE (COMMANDS).

use crate::commands::{explain, init, key, merchant, payment, price, sandbox, serve, verify};
use crate::demo;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Feiqian 飞钱: a self-hosted payment platform.
#[derive(Debug, Parser)]
#[command(name = "feiqian", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// Where the settings come from; every command takes it.
#[derive(Debug, Clone, Args)]
pub struct ConfigFile {
    /// Settings in TOML; the environment (FEIQIAN__LISTEN, FEIQIAN__LOG__LEVEL, …) wins over it. Without it: ./feiqian.toml, if there
    /// is one, else the defaults.
    #[arg(long, value_name = "FILE", env = "FEIQIAN_CONFIG", global = true)]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See the whole of it in a minute, on fresh data, with nothing to type. 一分钟演示
    Demo(demo::Options),
    /// Create an installation: data directory, database, master key, sandbox channel.
    Init(init::Options),
    /// Serve.
    Serve(serve::Options),
    /// Look at the settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Merchants.
    Merchant {
        #[command(subcommand)]
        command: merchant::Command,
    },
    /// Prices.
    Price {
        #[command(subcommand)]
        command: price::Command,
    },
    /// API keys.
    Key {
        #[command(subcommand)]
        command: key::Command,
    },
    /// Prove the books: every balance, every transaction, every sealed block.
    Verify(verify::Options),
    /// Say why a payment or refund is as it is: history, price, postings.
    Explain(explain::Options),
    /// Payments that wait for a person.
    Payment {
        #[command(subcommand)]
        command: payment::Command,
    },
    /// The sandbox channel.
    Sandbox {
        #[command(subcommand)]
        command: sandbox::Command,
    },
    /// Say how the benchmarks are run.
    Bench,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the settings and say what is wrong with them.
    Check {
        #[command(flatten)]
        file: ConfigFile,
        /// One line of JSON: the settings in force.
        #[arg(long)]
        json: bool,
    },
}
