//! The last scans and the counts. Owns when the ledger is asked for them: after it wrote something, and a few times a second at most, so that no
//! scan waits for a strip of text.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use crate::ledger::{LedgerError, Recent, Report, Tally, Work};

/// Between two times; no eye is faster.
const PACE: Duration = Duration::from_millis(250);

/// The scans that the menu lists.
const SCANS: usize = 30;

/// What the screen shows of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Journal {
    /// The counts.
    pub(crate) tally: Tally,
    /// The last scans, the newest first.
    pub(crate) recent: Vec<Recent>,
}

/// Keeps it up to date, and there is none before the ledger was asked, until the ledger or the last reader is gone.
pub(crate) async fn keep(
    ledger: mpsc::Sender<Work>,
    mut report: watch::Receiver<Report>,
    journal: watch::Sender<Option<Journal>>,
) {
    loop {
        report.mark_unchanged();
        let so_far = journal.borrow().as_ref().map_or_else(Tally::default, |journal| journal.tally);
        let Some(next) = ask(&ledger, so_far).await else { return };
        // What failed is asked again after the next transaction, not at once.
        let is_all = next.as_ref().map_or(true, |next| next.tally == so_far);
        match next {
            Ok(next) => drop(journal.send_if_modified(|journal| {
                let next = Some(next);
                let is_news = *journal != next;
                *journal = next;
                is_news
            })),
            Err(error) => tracing::warn!(%error, "the last scans cannot be shown"),
        }
        tokio::time::sleep(PACE).await;
        if is_all && report.changed().await.is_err() {
            return;
        }
    }
}

/// None when there is no ledger any more.
async fn ask(ledger: &mpsc::Sender<Work>, so_far: Tally) -> Option<Result<Journal, LedgerError>> {
    let (reply, tally) = oneshot::channel();
    ledger.send(Work::Tally { so_far, reply }).await.ok()?;
    let tally = tally.await.ok()?;
    let (reply, recent) = oneshot::channel();
    ledger.send(Work::Recent { most: SCANS, reply }).await.ok()?;
    let recent = recent.await.ok()?;
    Some(tally.and_then(|tally| Ok(Journal { tally, recent: recent? })))
}
