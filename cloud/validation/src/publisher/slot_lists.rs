//! Slot lists: what is said of seats. Owns when a step or a snapshot is due.

use std::collections::BTreeMap;

use countermark_service::contract::BlockReason;
use countermark_shared::documents::{
    MAX_CHANGES, MAX_STEPS, Revision, SlotDelta, SlotEntry, SlotList, SlotReason, SlotState, SlotTable, Slots,
};
use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use super::{KEPT, Look, Series, is_time, sealed, unsigned};
use crate::error::Error;
use crate::state::State;
use crate::store::publications::{self, Last, Publication};
use crate::store::seats;

/// The lists of all events.
pub(crate) struct SlotLists;

impl Series for SlotLists {
    type InForce = Slots;

    const NAME: &'static str = "slot list";

    async fn due(connection: &mut PgConnection) -> Result<Vec<EventId>, Error> {
        publications::due(connection).await
    }

    async fn advance(
        state: &State,
        connection: &mut PgConnection,
        event: EventId,
        held: Option<Slots>,
    ) -> Result<Option<Look<Slots>>, Error> {
        // Another copy of the service is at it.
        if !publications::try_lock(connection, event).await? {
            return Ok(None);
        }
        let now = state.clock.now();
        let epoch = publications::epoch(connection).await?;
        let Some(last) = publications::last(connection, event, epoch).await? else {
            let first = Revision { epoch, sequence: 1 };
            return Ok(Some(published(snapshot(state, connection, event, first, now).await?)));
        };
        if !is_time(last.issued, now) {
            return Ok(None);
        }
        let revision = Revision { epoch, sequence: last.standing.revision.sequence + 1 };
        let Some(slots) = in_force(state, connection, event, held, &last, now).await? else {
            // Nobody who is believed today vouches for what was published: a snapshot goes on from anything.
            return Ok(Some(published(snapshot(state, connection, event, revision, now).await?)));
        };
        let next = step(state, connection, event, &slots, &last, revision, now).await?;
        Ok(Some(next.map_or(Look { in_force: slots, published: None }, published)))
    }
}

fn published(slots: Slots) -> Look<Slots> {
    let published = Some(slots.revision());
    Look { in_force: slots, published }
}

/// What was published last, as a reader has it who takes every step: from what is held, or else from the last snapshot.
async fn in_force(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    held: Option<Slots>,
    last: &Last,
    now: Timestamp,
) -> Result<Option<Slots>, Error> {
    let bundle = state.trust.bundle.document();
    let held = held.filter(|slots| slots.revision().epoch == last.standing.revision.epoch);
    if let Some(slots) = held
        && let Some(slots) = followed(state, connection, slots, last, now).await?
    {
        return Ok(Some(slots));
    }
    let Some(bytes) = publications::snapshot(connection, event, last.standing.revision).await? else { return Ok(None) };
    match Slots::accept(&bytes, bundle, event, None, now) {
        Ok(slots) => followed(state, connection, slots, last, now).await,
        Err(refusal) => {
            tracing::warn!(%event, %refusal, "the published slot list is not believed any more");
            Ok(None)
        }
    }
}

/// These slots after every step that was published since; nothing where that does not lead to the last.
async fn followed(
    state: &State,
    connection: &mut PgConnection,
    slots: Slots,
    last: &Last,
    now: Timestamp,
) -> Result<Option<Slots>, Error> {
    if slots.standing() == last.standing {
        return Ok(Some(slots));
    }
    let (bundle, event) = (state.trust.bundle.document(), slots.table().event());
    let Some(deltas) = publications::deltas_after(connection, event, slots.revision()).await? else { return Ok(None) };
    let followed = deltas.iter().try_fold(slots, |slots, bytes| Slots::step(bytes, bundle, event, Some(&slots), now));
    Ok(followed.ok().filter(|slots| slots.standing() == last.standing))
}

/// Publishes all seats as they are.
async fn snapshot(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
    now: Timestamp,
) -> Result<Slots, Error> {
    let nothing = SlotTable::of(&SlotList::snapshot(event, revision, now, [])?);
    let known: Vec<_> = seats::all(connection, event).await?.into_iter().map(listed).collect();
    let known = fitting(&nothing, &known);
    let list = SlotList::snapshot(event, revision, now, known)?;
    let (bytes, slots) = sealed_snapshot(state, event, &list, now)?;
    let publication =
        Publication { standing: slots.standing(), issued: now, delta: None, snapshot: Some(bytes.as_slice()) };
    publications::insert(connection, event, &publication).await?;
    Ok(slots)
}

/// Publishes the step that the changes make, and after so many steps a snapshot besides. More changes than a step holds are left for
/// the next: the steps of an epoch never break off.
async fn step(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    slots: &Slots,
    last: &Last,
    revision: Revision,
    now: Timestamp,
) -> Result<Option<Slots>, Error> {
    // Before the seats are read: a change that is not seen here is not forgotten either.
    let changed = seats::take_changes(connection, event, MAX_CHANGES).await?;
    let news: Vec<_> = seats::some(connection, event, &changed).await?.into_iter().map(listed).collect();
    let news: BTreeMap<_, _> = fitting(slots.table(), &news).into_iter().collect();
    let Some(delta) = SlotDelta::following(slots.table(), &news, revision, now).map_err(unsigned)? else {
        return Ok(None);
    };
    let bytes = sealed(state, &delta)?;
    // As a gate will: what gates would refuse is not published.
    let next = Slots::step(&bytes, state.trust.bundle.document(), event, Some(slots), now).map_err(unsigned)?;
    let snapshot = if last.steps + 1 < MAX_STEPS {
        None
    } else {
        let whole = next.table().snapshot(revision, now);
        Some(sealed_snapshot(state, event, &whole, now)?.0)
    };
    let publication = Publication {
        standing: next.standing(),
        issued: now,
        delta: Some(bytes.as_slice()),
        snapshot: snapshot.as_deref(),
    };
    publications::insert(connection, event, &publication).await?;
    if snapshot.is_some() {
        publications::prune(connection, event, now - KEPT).await?;
    }
    Ok(Some(next))
}

/// What finds room in a list; that something does not is for people to know.
fn fitting(table: &SlotTable, news: &[(Slot, SlotEntry)]) -> Vec<(Slot, SlotEntry)> {
    let fitting = table.within_bounds(news.to_vec());
    let seats = news.iter().zip(&fitting).filter(|(wanted, said)| wanted != said).count();
    if seats > 0 {
        let event = table.event();
        tracing::warn!(%event, seats, "the slot list has no room for all that is known of these seats");
    }
    fitting
}

fn sealed_snapshot(state: &State, event: EventId, list: &SlotList, now: Timestamp) -> Result<(Vec<u8>, Slots), Error> {
    let bytes = sealed(state, list)?;
    let slots = Slots::accept(&bytes, state.trust.bundle.document(), event, None, now).map_err(unsigned)?;
    Ok((bytes, slots))
}

/// What a list says of a seat. Of generation 1 it says nothing: it replaces none, and saying so for every seat would make the list ten
/// times as long.
fn listed(seat: seats::Seat) -> (Slot, SlotEntry) {
    let seats::Seat { slot, generation, revoked, blocked } = seat;
    let state = match (revoked, blocked) {
        (true, _) => SlotState::Revoked,
        (false, Some(_)) => SlotState::Blocked,
        (false, None) => SlotState::Good,
    };
    let least_generation = if generation > Generation(1) { generation } else { Generation(0) };
    let reason = blocked.filter(|_| !revoked).map_or(SlotReason::Unspecified, BlockReason::listed);
    (slot, SlotEntry { state, least_generation, reason })
}

#[cfg(test)]
mod tests;
