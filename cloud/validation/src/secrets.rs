//! How event secrets reach a gate: tickets is asked to wrap them, and the answer is in the next assignment. Owns the job behind the
//! outbox; refuses to know a secret, which only the gate can unwrap.

use countermark_service::contract::{WrapEventSecrets, WrappedEventSecret};
use countermark_service::event_documents;
use countermark_service::outbox::{EnqueueError, Retry, Worker, enqueue};
use countermark_service::transaction::transaction;
use countermark_shared::documents::WrappedSecret;
use countermark_shared::id::GateId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use crate::assignment;
use crate::error::Error;
use crate::state::State;
use crate::store::gates;

/// What the outbox calls the job, whose payload is the gate.
const WRAP: &str = "wrap-event-secrets";

/// Has tickets asked for the gate's secrets, once for each `occasion`. Within the transaction that gives the occasion; poke the outbox
/// after the commit.
pub(crate) async fn ask(
    connection: &mut PgConnection,
    gate: GateId,
    occasion: &str,
    now: Timestamp,
) -> Result<(), EnqueueError> {
    enqueue(connection, WRAP, &format!("{gate}/{occasion}"), &gate, now).await?;
    Ok(())
}

/// The worker that carries the service's outbox out.
pub(crate) fn worker(state: State) -> Worker {
    let State { outbox, pool, clock, randomness, .. } = state.clone();
    Worker::new(outbox, pool, clock, randomness, &[WRAP], move |entry| {
        let state = state.clone();
        async move { assign(&state, entry.payload()?).await }
    })
}

/// Has the gate's secrets wrapped and assigns them.
pub(crate) async fn assign(state: &State, gate: GateId) -> Result<(), Retry> {
    let Some(Question { request, has_answer }) = question(state, gate).await? else { return Ok(()) };
    let answer = state.tickets.wrap_event_secrets(&request).await?;
    if has_answer && answer.secrets.is_empty() {
        // The document that says so has not reached tickets yet.
        return Err(Retry::because("tickets knows no secret of the event yet"));
    }
    let offered: &Vec<_> = &answer.secrets.iter().map(wrapped).collect();
    transaction(&state.pool, "assign event secrets", |mut transaction| {
        Box::pin(async move {
            // Looked at again: by now the gate may be suspended, or the event give no names.
            let gate = gates::lock(&mut transaction, gate).await?.ok_or(Error::GateUnknown)?;
            if gate.event == request.event {
                assignment::revise(state, &mut transaction, &gate, offered).await?;
            }
            // Otherwise it was moved, and these are another event's; it has asked again since.
            Ok::<_, Error>(())
        })
    })
    .await?;
    Ok(())
}

struct Question {
    request: WrapEventSecrets,
    /// Whether there must be a secret, by the event's document.
    has_answer: bool,
}

/// What to ask; nothing for a gate that is to be given no secret.
async fn question(state: &State, gate: GateId) -> Result<Option<Question>, Error> {
    let bundle = state.trust.bundle.document();
    let now = state.clock.now();
    transaction(&state.pool, "ask for event secrets", |mut transaction| {
        Box::pin(async move {
            let locked = gates::lock(&mut transaction, gate).await?.ok_or(Error::GateUnknown)?;
            let event = event_documents::in_force(&mut transaction, locked.event, bundle, now).await?;
            let event = event.filter(|event| event.document().names_at_gates && !locked.suspended);
            let Some((event, wrapping_key)) = event.zip(locked.wrapping_key) else { return Ok::<_, Error>(None) };
            let request = WrapEventSecrets { event: locked.event, gate, wrapping_key };
            Ok(Some(Question { request, has_answer: assignment::seals_names(event.document()) }))
        })
    })
    .await
}

fn wrapped(secret: &WrappedEventSecret) -> WrappedSecret {
    WrappedSecret {
        generation: secret.generation.0,
        encapsulated: secret.encapsulated.0.into(),
        ciphertext: secret.ciphertext.0.into(),
    }
}

#[cfg(test)]
mod tests;
