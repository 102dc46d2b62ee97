//! Several steps on one connection in one flight.

use crate::StoreError;
use futures::future::BoxFuture;
use std::future::poll_fn;
use std::task::Poll;

/// A step of a pipeline.
pub(crate) type Step<'a> = BoxFuture<'a, Result<(), StoreError>>;

/// Starts all steps in their order, then waits for all; answers the first failure in their order. What comes after it failed
/// because of it (PostgreSQL refuses everything in a failed transaction). A step that fails at once, before it waited for
/// anything, keeps later ones from being started, a COMMIT among them: the server does not know of that failure.
pub(crate) async fn in_order(steps: Vec<Step<'_>>) -> Result<(), StoreError> {
    let mut waiting: Vec<Option<Step<'_>>> = steps.into_iter().map(Some).collect();
    let mut failure: Option<(usize, StoreError)> = None;
    let mut is_first = true;
    poll_fn(move |context| {
        let (mut open, mut unstarted_from) = (0, None);
        for (at, slot) in waiting.iter_mut().enumerate() {
            let Some(step) = slot else { continue };
            match step.as_mut().poll(context) {
                Poll::Pending => open += 1,
                Poll::Ready(result) => {
                    *slot = None;
                    if let Err(error) = result {
                        if failure.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
                            failure = Some((at, error));
                        }
                        if is_first {
                            unstarted_from = Some(at + 1);
                            break;
                        }
                    }
                }
            }
        }
        is_first = false;
        if let Some(from) = unstarted_from {
            waiting.truncate(from);
        }
        match (open, failure.take()) {
            (0, Some((_, error))) => Poll::Ready(Err(error)),
            (0, None) => Poll::Ready(Ok(())),
            (_, kept) => {
                failure = kept;
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::channel::oneshot;
    use futures::executor::block_on;
    use std::sync::Mutex;

    fn conflict(what: &str) -> StoreError {
        StoreError::Conflict(what.to_owned())
    }

    fn text(result: Result<(), StoreError>) -> String {
        match result {
            Err(StoreError::Conflict(what)) => what,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_step_that_fails_at_once_keeps_later_ones_from_starting() {
        let started = Mutex::new(Vec::new());
        let step = |name: &'static str, result: Result<(), StoreError>| -> Step<'_> {
            let started = &started;
            Box::pin(async move {
                started.lock().unwrap().push(name);
                result
            })
        };
        let result =
            block_on(in_order(vec![step("a", Ok(())), step("b", Err(conflict("b"))), step("c", Ok(()))]));
        assert_eq!(text(result), "b");
        assert_eq!(*started.lock().unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_step_that_fails_at_once_keeps_a_commit_back_also_behind_one_that_waits() {
        let committed = Mutex::new(false);
        let (answer, answered) = oneshot::channel::<()>();
        let sent: Step<'_> = Box::pin(async move {
            answered.await.unwrap();
            Ok(())
        });
        let unencodable: Step<'_> = Box::pin(async move {
            answer.send(()).unwrap();
            Err(conflict("not sent"))
        });
        let commit: Step<'_> = Box::pin(async {
            *committed.lock().unwrap() = true;
            Ok(())
        });
        assert_eq!(text(block_on(in_order(vec![sent, unencodable, commit]))), "not sent");
        assert!(!*committed.lock().unwrap());
    }

    #[test]
    fn of_several_failures_the_first_in_order_is_the_cause() {
        let (later, after) = oneshot::channel::<()>();
        let (earlier, before) = oneshot::channel::<()>();
        let slow: Step<'_> = Box::pin(async move {
            before.await.unwrap();
            Err(conflict("cause"))
        });
        let quick: Step<'_> = Box::pin(async move {
            after.await.unwrap();
            earlier.send(()).unwrap();
            Err(conflict("consequence"))
        });
        later.send(()).unwrap();
        assert_eq!(text(block_on(in_order(vec![slow, quick]))), "cause");
        assert_eq!(text(block_on(in_order(Vec::new()))), "Ok(())");
    }
}
