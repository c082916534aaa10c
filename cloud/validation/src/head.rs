//! Heads: what each gate should hold, signed when it asks. Owns when a new one is due and that a gate's heads follow each other;
//! refuses to know how the documents they name are made.

use std::time::Duration;

use countermark_service::event_documents;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Authentic, Head, Signed};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use crate::error::Error;
use crate::session::Gate;
use crate::state::State;
use crate::store::{assignments, feed, gates, heads, publications};

/// How long a head says something: a gate that cannot ask for a new one knows after as long that its lists grow old.
const LIFE: Duration = Duration::from_mins(15);

/// How long an unchanged head is served again before it is signed anew: as young as a list's age needs to be, and neither a signature
/// nor a write for each question.
pub(crate) const FRESH: Duration = Duration::from_mins(1);

/// The gate's newest head, signed now if there was none that still says it all.
pub(crate) async fn newest(state: &State, gate: &Gate) -> Result<Authentic<Head>, Error> {
    let mut connection = state.pool.acquire().await?;
    if let Ok(head) = look(state, &mut connection, gate).await? {
        return Ok(head);
    }
    drop(connection);
    transaction(&state.pool, "sign a head", |mut transaction| {
        Box::pin(async move {
            gates::lock(&mut transaction, gate.gate).await?;
            // Looked at again: another request may have signed one meanwhile.
            let next = match look(state, &mut transaction, gate).await? {
                Ok(head) => return Ok(head),
                Err(next) => next,
            };
            let head = sign(state, &next)?;
            heads::put(&mut transaction, gate.gate, head.bytes()).await?;
            Ok(head)
        })
    })
    .await
}

/// The stored head if it still says it all, or else the one to follow on it.
async fn look(
    state: &State,
    connection: &mut PgConnection,
    gate: &Gate,
) -> Result<Result<Authentic<Head>, Head>, Error> {
    let now = state.clock.now();
    let wanted = wanted(state, connection, gate, now).await?;
    let Some(bytes) = heads::find(connection, gate.gate).await? else { return Ok(Err(wanted)) };
    let stored = Head::accept(&bytes, state.trust.bundle.document(), gate.gate, None, now);
    Ok(match stored {
        Ok(last) if still_says(last.document(), &wanted) => Ok(last),
        Ok(last) => Err(following(last.document(), &wanted)),
        // Expired, or signed by a key that nobody believes any more.
        Err(_) => Err(wanted),
    })
}

async fn wanted(state: &State, connection: &mut PgConnection, gate: &Gate, now: Timestamp) -> Result<Head, Error> {
    let bundle = &state.trust.bundle;
    let assignment = assignments::newest(connection, gate.gate).await?;
    let document = event_documents::in_force(connection, gate.event, bundle.document(), now).await?;
    let epoch = publications::epoch(connection).await?;
    let slots = publications::last(connection, gate.event, epoch).await?;
    let feed = feed::last(connection, gate.event, epoch).await?;
    Ok(Head {
        gate: gate.gate,
        issued: now,
        not_after: now + LIFE,
        event: gate.event,
        roots: bundle.document().root_fingerprint(),
        bundle: bundle.standing(),
        assignment: assignment.ok_or(Error::NotPublished { document: "assignment" })?.standing,
        document: document.map(|document| document.standing()),
        slots: slots.map(|last| last.standing),
        feed: feed.map(|last| last.standing),
    })
}

/// Whether a head that was signed before will do for the one that is wanted now.
fn still_says(last: &Head, wanted: &Head) -> bool {
    let age = wanted.issued.since(last.issued);
    let same = Head { issued: last.issued, not_after: last.not_after, ..wanted.clone() };
    last.issued <= wanted.issued && age < FRESH && same == *last
}

/// The wanted head, later than the last: two of one instant would contradict each other, and an earlier one is not taken.
fn following(last: &Head, wanted: &Head) -> Head {
    let issued = wanted.issued.max(last.issued + Duration::from_millis(1));
    Head { issued, not_after: issued + LIFE, ..wanted.clone() }
}

/// As the gate will take it: what it would refuse is not served.
fn sign(state: &State, head: &Head) -> Result<Authentic<Head>, Error> {
    let unsigned = |source| Error::Unsigned { source };
    let bytes = Signed::seal(head, &[&state.trust.list_key]).map_err(unsigned)?;
    Head::accept(&bytes, state.trust.bundle.document(), head.gate, None, head.issued).map_err(unsigned)
}

#[cfg(test)]
mod tests;
