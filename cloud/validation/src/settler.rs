//! Settling goes on: what uploads and reports have marked is held against the rules, and who is silent is missed. Owns when that is
//! done, that it is done once, and that a seat or a gate of which it cannot be done keeps it from no other; the rules are `reconcile`'s, what becomes of a finding is `findings`'.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::time::Duration;

use countermark_service::event_documents;
use countermark_service::serve::Shutdown;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Authentic, EventDocument, Product};
use countermark_shared::id::{EventId, GateId, Slot};
use countermark_shared::time::Timestamp;
use sqlx::{Connection, PgConnection};
use tokio::time::MissedTickBehavior;

use crate::assignment;
use crate::error::Error;
use crate::findings::changes;
use crate::reconcile::{Attendance, SILENCE, SeatHistory, lost};
use crate::state::State;
use crate::store::finding_marks::{self, Marked};
use crate::store::{findings, gates, histories};

/// Between two looks at what was marked.
const INTERVAL: Duration = Duration::from_secs(1);

/// Between two looks at who is silent.
const ROLL_CALL: Duration = Duration::from_mins(1);

/// How long an event rests that could not be settled, or a seat or a gate of one that was.
const REST: Duration = Duration::from_mins(1);

/// How many marked rows and seats one transaction looks at: eight uploads, some megabytes.
const MOST_ROWS: u32 = 8000;

/// How many seats are read at once.
const MOST_SEATS: usize = 1000;

/// Settles, and keeps nothing: what it needs is in the database, so that another copy may go on.
pub(crate) struct Settler {
    state: State,
    /// When each event failed that did.
    failed: BTreeMap<EventId, Timestamp>,
    called: Option<Timestamp>,
}

impl Settler {
    pub(crate) fn new(state: State) -> Self {
        Self { state, failed: BTreeMap::new(), called: None }
    }

    /// Settles what is marked until the shutdown.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.settle_all(&shutdown).await,
                () = shutdown.requested() => return,
            }
        }
    }

    /// One failing event does not keep the others from being settled.
    async fn settle_all(&mut self, shutdown: &Shutdown) {
        let now = self.state.clock.now();
        match self.due().await {
            Ok(due) => {
                for event in due {
                    if self.failed.get(&event).is_some_and(|failed| now >= *failed && now.since(*failed) < REST) {
                        continue;
                    }
                    if let Err(error) = self.settle(event, shutdown).await {
                        self.failed.insert(event, now);
                        let error: &(dyn std::error::Error + 'static) = &error;
                        tracing::error!(%event, error, "an event cannot be settled");
                    }
                }
            }
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(error, "it is not known which events are to be settled");
            }
        }
        if self.called.is_none_or(|called| now < called || now.since(called) >= ROLL_CALL) {
            self.called = Some(now);
            if let Err(error) = self.call_roll().await {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(error, "it is not known which gates are silent");
            }
        }
    }

    async fn due(&self) -> Result<BTreeSet<EventId>, Error> {
        finding_marks::due(&mut *self.state.pool.acquire().await?, self.state.clock.now()).await
    }

    /// All that is marked of the event; what a shutdown leaves is there at the next start.
    async fn settle(&self, event: EventId, shutdown: &Shutdown) -> Result<(), Error> {
        while !shutdown.is_requested() && self.settle_some(event).await? {}
        Ok(())
    }

    /// Settles the first of what is marked; whether there may be more.
    pub(crate) async fn settle_some(&self, event: EventId) -> Result<bool, Error> {
        let state = &self.state;
        transaction(&state.pool, "settle an event", |mut transaction| {
            Box::pin(async move { settle(state, &mut transaction, event).await })
        })
        .await
    }

    /// Misses the gates that are silent while the doors of their events are open, and those that were, until they are heard.
    pub(crate) async fn call_roll(&self) -> Result<(), Error> {
        let state = &self.state;
        let events = gates::events_on_roll(&mut *state.pool.acquire().await?).await?;
        for event in events {
            transaction(&state.pool, "miss gates", |mut transaction| {
                Box::pin(async move { miss(state, &mut transaction, event).await })
            })
            .await?;
        }
        Ok(())
    }
}

/// Takes marks and settles what they mark. Whoever fails leaves them where they were.
async fn settle(state: &State, connection: &mut PgConnection, event: EventId) -> Result<bool, Error> {
    // Another copy of the service is at it.
    if !finding_marks::try_lock(connection, event).await? {
        return Ok(false);
    }
    // Before anything is read: what commits later leaves a mark that is not taken.
    let now = state.clock.now();
    let Some(Marked { slots, gates }) = finding_marks::take(connection, event, MOST_ROWS, now).await? else {
        return Ok(false);
    };
    let document = document(state, connection, event, now).await?.ok_or(Error::EventUnknown)?;
    let slots: Vec<_> = slots.into_iter().collect();
    let mut unsettled = Marked::default();
    for slots in slots.chunks(MOST_SEATS) {
        if settle_apart(connection, &document, Subject::Seats(slots), now).await?.is_ok() {
            continue;
        }
        // One of them is the reason, and is found.
        for slot in slots {
            if let Err(error) = settle_apart(connection, &document, Subject::Seats(slice::from_ref(slot)), now).await? {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(%event, %slot, error, "a seat cannot be settled; the others are");
                unsettled.slots.insert(*slot);
            }
        }
    }
    for gate in gates {
        if let Err(error) = settle_apart(connection, &document, Subject::Gate(gate), now).await? {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(%event, %gate, error, "a gate cannot be settled; the others are");
            unsettled.gates.insert(gate);
        }
    }
    finding_marks::put_back(connection, event, &unsettled, now + REST).await?;
    Ok(true)
}

/// What is settled, or not, by itself.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Seats(&'a [Slot]),
    Gate(GateId),
}

/// Settles it in a savepoint: what fails leaves nothing of itself, and all that was settled before. The outer error is one by which the
/// transaction is over.
async fn settle_apart(
    connection: &mut PgConnection,
    document: &EventDocument,
    subject: Subject<'_>,
    now: Timestamp,
) -> Result<Result<(), Error>, Error> {
    let mut savepoint = connection.begin().await?;
    let settled = match subject {
        Subject::Seats(slots) => settle_seats(&mut savepoint, document, slots, now).await,
        Subject::Gate(gate) => settle_gate(&mut savepoint, document.event, gate, now).await,
    };
    match settled {
        Ok(()) => savepoint.commit().await?,
        Err(_) => savepoint.rollback().await?,
    }
    Ok(settled)
}

async fn settle_seats(
    connection: &mut PgConnection,
    document: &EventDocument,
    slots: &[Slot],
    now: Timestamp,
) -> Result<(), Error> {
    let histories = histories::seats(connection, document, slots).await?;
    let found = histories.iter().flat_map(SeatHistory::findings).collect();
    let known = findings::of_seats(connection, document.event, slots).await?;
    findings::write(connection, document.event, changes(known, found), now).await
}

async fn settle_gate(connection: &mut PgConnection, event: EventId, gate: GateId, now: Timestamp) -> Result<(), Error> {
    let found = histories::gate(connection, gate).await?.findings();
    let known = findings::of_journal(connection, gate).await?;
    findings::write(connection, event, changes(known, found), now).await
}

/// After the lease nobody is missed any more; who was, is until it is heard.
async fn miss(state: &State, connection: &mut PgConnection, event: EventId) -> Result<(), Error> {
    if !finding_marks::try_lock(connection, event).await? {
        return Ok(());
    }
    let now = state.clock.now();
    let Some(document) = document(state, connection, event, now).await? else { return Ok(()) };
    let Some((doors, last_entry)) = hours(&document) else { return Ok(()) };
    let lease_ended = assignment::lease(&document, false).until;
    let is_over = now >= lease_ended + SILENCE && !findings::misses_gates(connection, event).await?;
    if now < doors || is_over {
        return Ok(());
    }
    for heard in histories::heard(connection, event).await? {
        let attendance = Attendance { seen: heard.seen, doors, last_entry, last_row: heard.last_row };
        let found = lost(heard.gate, &attendance, now.min(lease_ended)).into_iter().collect();
        let known = findings::of_silence(connection, event, heard.gate).await?;
        findings::write(connection, event, changes(known, found), now).await?;
    }
    Ok(())
}

async fn document(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    now: Timestamp,
) -> Result<Option<EventDocument>, Error> {
    let document = event_documents::in_force(connection, event, state.trust.bundle.document(), now).await?;
    Ok(document.map(Authentic::into_document))
}

/// When the first may come in, and when the last.
fn hours(event: &EventDocument) -> Option<(Timestamp, Timestamp)> {
    let window = |product: &Product| {
        let policy = event.policy_of(product.product);
        let (from, until) = product.moved.map_or((product.from, product.until), |moved| (moved.from, moved.until));
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        (from - seconds(policy.tolerance_before_seconds), until + seconds(policy.tolerance_after_seconds))
    };
    let windows = || event.products.iter().map(window);
    Some((windows().map(|window| window.0).min()?, windows().map(|window| window.1).max()?))
}

#[cfg(test)]
mod tests;
