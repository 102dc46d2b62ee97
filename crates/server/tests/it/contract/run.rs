//! The served document, as it is.

use super::trial::{Counts, PATIENT, Report, Trial};
use crate::harness::on_own;

/// Cases that are drawn per operation and phase when no time is given: some two thousand in all, the same in every run.
const DRAWN: &str = "5";
/// With a time, in seconds, it draws until that is spent: `make contract` says so.
const SECONDS: &str = "FEIQIAN_CONTRACT_SECONDS";

#[allow(clippy::print_stdout)] // `make contract` shows it
fn print(what: &str, report: &Report) {
    let operations = &report.told["operations"];
    println!(
        "{what}: {} of {} operations, {} cases, {} failures",
        operations["tested"],
        operations["total"],
        report.cases(),
        report.complaints().len()
    );
    for (caller, answers) in &report.callers {
        println!("  {caller}: {answers:?}");
    }
}

fn judge(what: &str, report: &Report) {
    print(what, report);
    assert!(report.passed, "{what}: {:?}\n{}", report.complaints(), report.output);
    assert!(report.told["errors"].as_array().is_some_and(Vec::is_empty), "{}", report.output);
    for answers in report.answers.values().chain(report.callers.values()) {
        assert_eq!(Report::answered(answers, 5), 0, "{what}: {:?}", report.answers);
    }
}

/// Twice with the same seed: the second time every idempotency key and every number of the merchant's is known already.
#[test]
fn every_answer_is_as_the_served_document_says() {
    on_own(PATIENT, async |server| {
        let trial = Trial::new(server).await;
        let document = format!("{}/openapi.json", server.public_url());
        let seconds = std::env::var(SECONDS).ok();
        let options = match &seconds {
            Some(seconds) => vec!["--max-examples", "100", "--max-time", seconds.as_str()],
            None => vec!["--max-examples", DRAWN],
        };
        let first = trial.run(&document, &options).await;
        judge("first run", &first);
        // What the document's limits give away by themselves was tried by now: with no time to spend, what is drawn suffices.
        let drawn = ["--phases", "examples,fuzzing,stateful"];
        let further = if seconds.is_none() { &drawn[..] } else { &[] };
        let again = trial.run(&document, &[&options[..], further].concat()).await;
        judge("again, with what is known already", &again);

        // What passes because nothing came through proves nothing: each operation did its work and refused something.
        assert_eq!(first.told["operations"]["tested"], first.told["operations"]["total"]);
        assert_eq!(first.answers.len(), first.told["operations"]["total"], "{:?}", first.answers.keys());
        let both = |counts: fn(&Report) -> &Counts, name: &str, kind: u16| {
            [&first, &again].iter().map(|run| Report::answered(&counts(run)[name], kind)).sum::<u64>()
        };
        for operation in first.answers.keys() {
            let (done, refused) =
                (both(|run| &run.answers, operation, 2), both(|run| &run.answers, operation, 4));
            assert!(done > 0 && refused > 0, "{operation}: {done} done, {refused} refused");
        }
        for caller in ["signed", "bearer"] {
            let done = both(|run| &run.callers, caller, 2);
            assert!(done > 100, "{caller}: {done} done");
        }
        trial.merchant().client.get("/v1/whoami").await.expect(200);
    });
}
