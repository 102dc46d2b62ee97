//! The command line. The names are part of WIRE (COMMANDS).

use crate::commands::{
    adjustment, archive, backup, channel, clock, copy, events, explain, health, hold, init, key, listen,
    master_key, merchant, migrate, partner, payment, price, proof, restore, resume, sandbox, serve, sign,
    statement, trigger, verify, waiting,
};
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
    /// Bring the schema of the database to this program's.
    Migrate(migrate::Options),
    /// Take an installation from its file over to PostgreSQL.
    Copy(copy::Options),
    /// Serve.
    Serve(serve::Options),
    /// Ask the serving process whether it takes commands.
    Health(health::Options),
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
    /// Partners 服务商, who act for merchants.
    Partner {
        #[command(subcommand)]
        command: partner::Command,
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
    /// Sign a request and show every step, or explain why one was refused.
    Sign(Box<sign::Options>),
    /// Prove the books: every balance, every transaction, every sealed block.
    Verify(verify::Options),
    /// Move the oldest part of the journal into Parquet files, proven before it is deleted. 归档旧流水
    Archive(archive::Options),
    /// Say why a payment or refund is as it is: history, price, postings.
    Explain(explain::Options),
    /// List what waits for a channel's or a person's word, the oldest first.
    Waiting(waiting::Options),
    /// Payments that wait for a person.
    Payment {
        #[command(subcommand)]
        command: payment::Command,
    },
    /// Money that was booked for the wrong merchant, moved when two people say so. 商户间调账
    Adjustment {
        #[command(subcommand)]
        command: adjustment::Command,
    },
    /// The sandbox channel.
    Sandbox {
        #[command(subcommand)]
        command: sandbox::Command,
    },
    /// Forward a sandbox merchant's events to a program on this machine, signed as webhooks. 转发沙箱事件到本机程序
    Listen(listen::Options),
    /// Produce an event by really doing what causes it. 触发事件
    Trigger(trigger::Options),
    /// A sandbox merchant's events: the last ones, those that come, and again. 事件
    Events {
        #[command(subcommand)]
        command: events::Command,
    },
    /// A sandbox merchant's business clock. 沙箱业务时钟
    Clock {
        #[command(subcommand)]
        command: clock::Command,
    },
    /// What channels told and did.
    Channel {
        #[command(subcommand)]
        command: channel::Command,
    },
    /// Copy the installation to a directory, also while it serves; proven, without the master key.
    Backup(backup::Options),
    /// Make a new installation from a backup. It starts held.
    Restore(restore::Options),
    /// Let nothing leave the installation until `resume`: no call to a channel, no webhook.
    Hold(hold::Options),
    /// Ask channels about everything that is open, then let calls leave again.
    Resume(resume::Options),
    /// The master key and its rotation.
    MasterKey {
        #[command(subcommand)]
        command: master_key::Command,
    },
    /// Statements of merchants' business days.
    Statement {
        #[command(subcommand)]
        command: statement::Command,
    },
    /// Inclusion proofs of balance lines.
    Proof {
        #[command(subcommand)]
        command: proof::Command,
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::builder::ValueParser;
    use clap::{Arg, CommandFactory};

    /// Words that stand in the names of secrets.
    const SECRET_WORDS: [&str; 9] =
        ["secret", "password", "passphrase", "token", "bearer", "private", "credential", "master", "key"];
    /// Options whose value is a name or number of something, not the thing itself.
    const PUBLIC: [&str; 3] = ["key_id", "keyid", "idempotency_key"];

    fn is_path(argument: &Arg) -> bool {
        format!("{:?}", argument.get_value_parser()) == format!("{:?}", ValueParser::path_buf())
    }

    /// Every option and argument of a command and those below it, with the command's name before it.
    fn arguments(command: &clap::Command, before: &str, found: &mut Vec<(String, Arg)>) {
        let name = format!("{before} {}", command.get_name());
        found.extend(command.get_arguments().map(|argument| (name.clone(), argument.clone())));
        for below in command.get_subcommands() {
            arguments(below, &name, found);
        }
    }

    /// A command line is seen by every user of the machine and kept by shells: a secret on it is lost. What is named like a
    /// secret takes the path of a file, or no value.
    #[test]
    fn no_option_takes_a_secret() {
        let mut all = Vec::new();
        let mut command = Cli::command();
        command.build();
        arguments(&command, "", &mut all);
        assert!(all.len() > 30, "the commands are not read");
        let wrong: Vec<String> = all
            .iter()
            .filter(|(_, argument)| argument.get_action().takes_values())
            .filter(|(_, argument)| {
                let id = argument.get_id().as_str().to_ascii_lowercase();
                SECRET_WORDS.iter().any(|word| id.contains(word)) && !PUBLIC.contains(&id.as_str())
            })
            .filter(|(_, argument)| !is_path(argument))
            .map(|(command, argument)| format!("{command} --{}", argument.get_id()))
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
        let paths = all.iter().filter(|(_, argument)| argument.get_id() == "public_key");
        assert!(paths.clone().count() > 0 && paths.clone().all(|(_, argument)| is_path(argument)));
    }
}
