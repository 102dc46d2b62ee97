//! A process that is killed: everything it answered is in the book.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use channels::Channel;
use domain::channel::AttemptFact;

use crate::support::{fresh_path, now, open, order, taken};

const BOOK: &str = "CHANNELS_KILLED_BOOK";

/// Pays one after the other and says each on its standard output, until it is killed.
#[tokio::test]
#[ignore = "the process that the next test kills"]
async fn pays_for_ever() {
    let path = std::env::var_os(BOOK).unwrap();
    let world = open(path.as_ref()).unwrap();
    for n in 0.. {
        taken(world.channel.prepare(order(n, "bar_code", 1250)).await);
        writeln!(std::io::stdout(), "paid {n}").unwrap();
    }
}

#[tokio::test]
async fn an_answered_payment_survives_a_kill() {
    let path = fresh_path("killed");
    let mut answered = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::pays_for_ever", "--ignored", "--nocapture"])
            .env(BOOK, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut said = lines.by_ref().filter_map(|line| line.strip_prefix("paid ")?.parse::<u64>().ok());
        // Each round pays anew what was paid before, which is the same charge, and then goes on.
        let target = round * 500;
        assert!(said.by_ref().any(|n| n >= target), "it ended by itself");
        child.kill().unwrap();
        answered = said.last().unwrap_or(target).max(answered);
        child.wait().unwrap();
        let world = open(&path).unwrap();
        for n in 0..=answered {
            taken(world.channel.query(&now(n)).await);
        }
        // At most the one that was under way is there besides.
        assert_eq!(world.channel.query(&now(answered + 2)).await, AttemptFact::NotFound);
    }
}
