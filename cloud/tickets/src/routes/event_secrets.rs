//! What opens an event's sealed names, for one of its gates.

use countermark_service::contract::{WrapEventSecrets, WrappedEventSecret, WrappedEventSecrets, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::id::EventId;
use countermark_shared::sealing::{EventSecret, Wrapped};
use countermark_shared::wire::Base64;
use sqlx::PgConnection;

use crate::error::Error;
use crate::event_secrets;
use crate::state::State;

/// Wraps all of an event's secrets for a gate, which alone can read them, if the organiser's document gives names to gates.
#[utoipa::path(
    post,
    path = paths::EVENT_SECRETS,
    operation_id = "wrap_event_secrets",
    request_body = WrapEventSecrets,
    responses(
        (status = 200, description = "The secrets; none when no ticket of the event is sealed, or when gates are given no names.", body = WrappedEventSecrets),
        (status = 404, description = "`event-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn wrap(
    state: State,
    Json(WrapEventSecrets { event, gate, wrapping_key }): Json<WrapEventSecrets>,
) -> Result<Json<WrappedEventSecrets>, Error> {
    let mut randomness = state.randomness.clone();
    let state = &state;
    let secrets = transaction(&state.pool, "read event secrets", |mut connection| {
        Box::pin(async move { of_event(state, &mut connection, event).await })
    })
    .await?;
    let wrapped = secrets.iter().map(|secret| {
        let Wrapped { encapsulated, ciphertext } = secret.wrap(gate, wrapping_key, &mut randomness)?;
        let (encapsulated, ciphertext) = (Base64(encapsulated), Base64(ciphertext));
        Ok(WrappedEventSecret { generation: secret.generation(), encapsulated, ciphertext })
    });
    Ok(Json(WrappedEventSecrets { secrets: wrapped.collect::<Result<_, Error>>()? }))
}

async fn of_event(state: &State, connection: &mut PgConnection, event: EventId) -> Result<Vec<EventSecret>, Error> {
    let document = event_documents::in_force(connection, event, &state.bundle, state.clock.now()).await?;
    let document = document.ok_or(Error::EventUnknown)?;
    if !document.document().names_at_gates {
        return Ok(Vec::new());
    }
    if event_secrets::are_needed(document.document()) {
        event_secrets::ensure(state, connection, event, event_secrets::FIRST).await?;
    }
    event_secrets::all(state, connection, event).await
}
