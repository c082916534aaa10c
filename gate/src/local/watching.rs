//! What whoever watches in a terminal is told, a line of JSON each: verdicts as `run --json` writes them, and once a second how it stands. No name
//! of a guest is among it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use countermark_shared::id::LaneId;
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, timeout};

use crate::announcement::Ruling;
use crate::screen::{Heartbeat, Screen, Shown};

const PACE: Duration = Duration::from_secs(1);
/// A terminal that takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(5);

/// A line, as it is read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Glimpse {
    /// How it stands.
    Standing { standing: Box<Heartbeat> },
    /// So many verdicts were not told: the terminal was too slow.
    Missed { missed: u64 },
    /// A verdict.
    Verdict(Box<Told>),
}

/// A verdict, as it is read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The journal row; none when the ledger failed.
    pub(crate) sequence: Option<u64>,
    /// Where.
    pub(crate) lane: LaneId,
    /// By which input.
    pub(crate) source: String,
    /// When.
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) ruling: Ruling,
}

/// Tells until nobody hears it any more, or the ledger has ended.
pub(super) async fn tell(screen: &Arc<Screen>, listener: &mut OwnedWriteHalf) -> io::Result<()> {
    let mut verdicts = screen.verdicts.subscribe();
    let mut interval = tokio::time::interval(PACE);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut line = tokio::select! {
            verdict = verdicts.recv() => match verdict {
                Ok(announcement) => serde_json::to_vec(&*announcement)?,
                Err(RecvError::Lagged(missed)) => serde_json::to_vec(&Glimpse::Missed { missed })?,
                Err(RecvError::Closed) => return Ok(()),
            },
            _ = interval.tick() => match Arc::clone(screen).beat(Shown::ALL).await {
                Some(standing) => serde_json::to_vec(&Glimpse::Standing { standing: Box::new(standing) })?,
                None => return Ok(()),
            },
        };
        line.push(b'\n');
        match timeout(PATIENCE, listener.write_all(&line)).await {
            Ok(Ok(())) => {}
            // Whoever watched has seen enough.
            Ok(Err(_)) | Err(_) => return Ok(()),
        }
    }
}
