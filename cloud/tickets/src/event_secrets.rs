//! What opens an event's sealed names: made here, kept sealed, and wrapped for the event's gates. Owns which secret seals and which are
//! given out; refuses to know what is sealed with them.

use countermark_shared::documents::EventDocument;
use countermark_shared::id::{EventId, SealingGeneration};
use countermark_shared::sealing::EventSecret;
use sqlx::PgConnection;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::state::State;
use crate::store;

/// The keystore's name of them.
const ROLE: &str = "event-secret";

/// What an event's first secret is called, unless another was lost.
pub(crate) const FIRST: SealingGeneration = SealingGeneration(1);

/// Whether any ticket of the event has a sealed part.
pub(crate) fn are_needed(document: &EventDocument) -> bool {
    document.products.iter().any(|product| product.form.is_sealed())
}

/// Sees to it that the event has a secret: where it has none, one of that generation.
pub(crate) async fn ensure(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    generation: SealingGeneration,
) -> Result<(), Error> {
    if !store::event_secrets::of_event(connection, event).await?.is_empty() {
        return Ok(());
    }
    make(state, connection, event, generation).await
}

/// Makes the secret of a sealing generation, unless there is one: of several who make it at once, all have the one that is stored. The
/// generation after the newest is for when a gate was lost: it seals the tickets to come.
pub(crate) async fn make(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    generation: SealingGeneration,
) -> Result<(), Error> {
    let secret = Zeroizing::new(state.randomness.bytes::<32>());
    let sealed = state.keystore.seal_secret(ROLE, &subject(event, generation), &secret[..], &state.randomness)?;
    store::event_secrets::insert(connection, event, generation, &sealed, state.clock.now()).await
}

/// The secret that seals today. Made first for an event whose document came before there were any.
pub(crate) async fn newest(state: &State, connection: &mut PgConnection, event: EventId) -> Result<EventSecret, Error> {
    if let Some(newest) = all(state, connection, event).await?.pop() {
        return Ok(newest);
    }
    ensure(state, connection, event, FIRST).await?;
    all(state, connection, event).await?.pop().ok_or(Error::NoEventSecret)
}

/// Every secret of an event, by sealing generation: whoever opens names needs them all.
pub(crate) async fn all(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
) -> Result<Vec<EventSecret>, Error> {
    let stored = store::event_secrets::of_event(connection, event).await?;
    stored
        .into_iter()
        .map(|(generation, sealed)| {
            let secret = state.keystore.open_secret(ROLE, &subject(event, generation), &sealed)?;
            Ok(EventSecret::new(event, generation, secret))
        })
        .collect()
}

fn subject(event: EventId, generation: SealingGeneration) -> Vec<u8> {
    [&event.0.to_be_bytes()[..], &[generation.0]].concat()
}
