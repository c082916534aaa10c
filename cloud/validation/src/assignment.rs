//! What a gate is to do, for how long, and what it may open. Owns when that changes and the signing of it; refuses to know who asks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countermark_service::event_documents;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{
    Assignment, Authentic, Direction, Document, EventDocument, Lane, Lease, Product, Signed, TicketForm, WrappedSecret,
};
use countermark_shared::id::{EventId, GateId, LaneId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::journal::Served;
use crate::state::State;
use crate::store::gates::{self, Locked};
use crate::store::{assignments, publications};

/// How long after its event a gate may admit: late trains, long encores.
const LEASE: Duration = Duration::from_hours(12);
/// How long after its event a gate may keep names.
const NAMES: Duration = Duration::from_hours(1);

/// Names leave the box an hour after the event's last window, the right to admit after twelve.
pub(crate) fn lease(event: &EventDocument, suspended: bool) -> Lease {
    let until = |product: &Product| product.moved.map_or(product.until, |moved| moved.until);
    // An event has a product.
    let end = event.products.iter().map(until).max().unwrap_or(event.issued);
    Lease { until: end + LEASE, names_until: end + NAMES, suspended }
}

/// Whether tickets that are sold today seal something. Those sold before may, whatever the document says now.
pub(crate) fn seals_names(event: &EventDocument) -> bool {
    event.products.iter().map(|product| product.form).any(TicketForm::is_sealed)
}

/// The assignment with that lease and, where `names` are given, the secrets it has and those `offered`. Of a secret that the gate has
/// it keeps the wrapping: each is another, and says the same. A suspended gate is given none.
fn revised(current: &Assignment, lease: Lease, names: bool, offered: &[WrappedSecret]) -> Assignment {
    let given = names && !lease.suspended;
    let by_generation: BTreeMap<_, _> =
        offered.iter().chain(&current.secrets).filter(|_| given).map(|secret| (secret.generation, secret)).collect();
    let secrets = by_generation.into_values().cloned().collect();
    Assignment { lease, secrets, ..current.clone() }
}

/// Signs an assignment, as the gate will take it: what it would refuse is not stored.
pub(crate) fn sign(state: &State, assignment: &Assignment) -> Result<Authentic<Assignment>, Error> {
    let unsigned = |source| Error::Unsigned { source };
    let bytes = Signed::seal(assignment, &[&state.trust.list_key]).map_err(unsigned)?;
    let bundle = state.trust.bundle.document();
    Assignment::accept(&bytes, bundle, assignment.gate, None, assignment.issued).map_err(unsigned)
}

/// Brings a locked gate's assignment up to date with the event document in force, whether it is suspended, and the secrets that were
/// `offered` for it. The answer is the newest version.
pub(crate) async fn revise(
    state: &State,
    connection: &mut PgConnection,
    gate: &Locked,
    offered: &[WrappedSecret],
) -> Result<u32, Error> {
    let (bundle, now) = (state.trust.bundle.document(), state.clock.now());
    let in_force = in_force(state, connection, gate.gate).await?;
    let current = in_force.document();
    let event = event_documents::in_force(connection, gate.event, bundle, now).await?;
    let (lease, names) = match &event {
        Some(event) => (lease(event.document(), gate.suspended), event.document().names_at_gates),
        // Nobody believes its organiser any more: nothing new follows from what they said.
        None => (Lease { suspended: gate.suspended, ..current.lease }, true),
    };
    let next = revised(current, lease, names, offered);
    let list_keys = bundle.list_keys();
    let is_believed = in_force.signers().iter().any(|signer| list_keys.contains(signer));
    // Versions below the epoch may be among those that were lost with what they said.
    let epoch = publications::epoch(connection).await?;
    if is_believed && next == *current && current.version >= epoch {
        return Ok(current.version);
    }
    let version = current.version.saturating_add(1).max(epoch);
    let next = Assignment { version, issued: now, ..next };
    assignments::insert(connection, &sign(state, &next)?).await?;
    Ok(next.version)
}

/// Brings every gate's assignment up to date: one that was signed by a key which nobody believes any more is signed anew. One that
/// cannot be does not keep the others from it.
pub(crate) async fn revise_all(state: &State) -> Result<(), Error> {
    let gates = gates::all(&mut *state.pool.acquire().await?).await?;
    for gate in gates {
        let revised = transaction(&state.pool, "revise an assignment", |mut transaction| {
            Box::pin(async move {
                let gate = gates::lock(&mut transaction, gate).await?.ok_or(Error::GateUnknown)?;
                revise(state, &mut transaction, &gate, &[]).await
            })
        })
        .await;
        if let Err(error) = revised {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(%gate, error, "an assignment cannot be brought up to date");
        }
    }
    Ok(())
}

/// Has a locked gate serve an event at these lanes; of the event before it keeps no secret. The answer is the assignment that says so.
pub(crate) async fn reassign(
    state: &State,
    connection: &mut PgConnection,
    gate: &Locked,
    event: EventId,
    lanes: Vec<Lane>,
) -> Result<Assignment, Error> {
    let (bundle, now) = (state.trust.bundle.document(), state.clock.now());
    let current = in_force(state, connection, gate.gate).await?.into_document();
    let document = event_documents::in_force(connection, event, bundle, now).await?.ok_or(Error::EventUnknown)?;
    if (current.event, &current.lanes) == (event, &lanes) {
        return Ok(current);
    }
    let secrets = if current.event == event { current.secrets } else { Vec::new() };
    let version = current.version.saturating_add(1).max(publications::epoch(connection).await?);
    let lease = lease(document.document(), gate.suspended);
    let next = Assignment { version, issued: now, event, lanes, lease, secrets, ..current };
    next.check().map_err(|why| Error::GateRefused { why: why.to_owned() })?;
    assignments::insert(connection, &sign(state, &next)?).await?;
    Ok(next)
}

/// The events that the gate serves or served, by every version of its assignment.
pub(crate) async fn served(state: &State, connection: &mut PgConnection, gate: GateId) -> Result<Served, Error> {
    let mut served = Served::new();
    for bytes in assignments::all(connection, gate).await? {
        let assignment = opened(state, &bytes)?.into_document();
        served.entry(assignment.event).or_default().extend(exits_of(&assignment));
    }
    Ok(served)
}

/// The lanes at which people leave by an assignment.
pub(crate) fn exits_of(assignment: &Assignment) -> BTreeSet<LaneId> {
    let out = assignment.lanes.iter().filter(|lane| lane.direction == Direction::Exit);
    out.map(|lane| lane.lane).collect()
}

/// The newest assignment, whichever of this service's keys signed it.
pub(crate) async fn in_force(
    state: &State,
    connection: &mut PgConnection,
    gate: GateId,
) -> Result<Authentic<Assignment>, Error> {
    let newest = assignments::newest(connection, gate).await?.ok_or(Error::NotPublished { document: "assignment" })?;
    opened(state, &newest.bytes)
}

fn opened(state: &State, bytes: &[u8]) -> Result<Authentic<Assignment>, Error> {
    let opened = Signed::<Assignment>::decode(bytes).and_then(|signed| signed.open(&state.trust.own_keys, 1));
    opened.map_err(|source| Error::Unsigned { source })
}

#[cfg(test)]
mod tests;
