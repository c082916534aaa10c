//! What the service manager is told (`sd_notify(3)`): that the agent is ready, that it still answers, that it ends. Owns when; says nothing
//! where nobody supervises. The crate reads the manager's variables itself, which a unit sets and nobody types.

use std::future::pending;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::ledger::Work;

/// Scans are taken and shown from now on.
pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

/// The agent is about to end by itself.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Answers for the ledger as often as the service manager asks for it, so that a ledger that hangs is started anew. Returns when it is gone.
pub(crate) async fn answer(ledger: mpsc::Sender<Work>) {
    match sd_notify::watchdog_enabled() {
        // Half of it, as sd_watchdog_enabled(3) advises.
        Some(limit) => answer_for(ledger, limit / 2, || tell(NotifyState::Watchdog)).await,
        None => pending().await,
    }
}

async fn answer_for(ledger: mpsc::Sender<Work>, every: Duration, mut alive: impl FnMut()) {
    // A limit of nothing would be no interval.
    let mut interval = tokio::time::interval(every.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let (reply, reached) = oneshot::channel();
        if ledger.send(Work::Reach { reply }).await.is_err() || reached.await.is_err() {
            return;
        }
        alive();
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager was not told how it stands");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn the_agent_is_alive_as_often_as_its_ledger_answers() {
        let (ledger, mut work) = mpsc::channel(1);
        let alive = Cell::new(0);
        let answering = answer_for(ledger, Duration::from_millis(1), || alive.set(alive.get() + 1));
        let hanging = async {
            for answered in 0..3 {
                let Some(Work::Reach { reply }) = work.recv().await else {
                    panic!("it asks the ledger and nothing else")
                };
                // Asked, and not answered yet: nothing is said of it.
                assert_eq!(alive.get(), answered);
                reply.send(()).unwrap();
            }
            // The next question is taken and never answered, until the ledger is gone.
            let unanswered = work.recv().await;
            assert_eq!(alive.get(), 3);
            drop((unanswered, work));
        };
        tokio::join!(answering, hanging);
        assert_eq!(alive.get(), 3);
    }
}
