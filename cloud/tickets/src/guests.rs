//! Who has tickets, as gates are told: halves of tickets, and the tags by which an order's are found. Owns what a guest is; refuses to know
//! who asks, and who a ticket is for, which stays sealed.

use std::collections::BTreeMap;

use countermark_shared::id::{EventId, SealingGeneration};
use countermark_shared::order_code::OrderCode;
use countermark_shared::sealing::EventSecret;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Base64, Guest, GuestCursor, GuestPage, MAX_GUESTS_PER_PAGE};
use sqlx::PgConnection;

use crate::error::Error;
use crate::event_secrets;
use crate::state::State;
use crate::store::guests::{self, Issued};

/// The guests of an event after one, from the first on where none is named.
pub(crate) async fn page(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    after: Option<GuestCursor>,
) -> Result<GuestPage, Error> {
    let secrets = event_secrets::all(state, connection, event).await?;
    let secrets: BTreeMap<_, _> = secrets.iter().map(|secret| (secret.generation(), secret)).collect();
    let after = after.unwrap_or(GuestCursor::before(Timestamp::from_unix_millis(0)));
    let issued = guests::after(connection, event, after, MAX_GUESTS_PER_PAGE).await?;
    let next = issued.last().filter(|_| issued.len() == MAX_GUESTS_PER_PAGE).map(cursor);
    Ok(GuestPage { guests: issued.iter().filter_map(|issued| guest(issued, &secrets)).collect(), next })
}

/// Nobody finds, or reads the name of, whom a secret sealed that was lost with a database.
fn guest(issued: &Issued, secrets: &BTreeMap<SealingGeneration, &EventSecret>) -> Option<Guest> {
    let secret = secrets.get(&issued.half.body().sealed?.generation)?;
    let tag = Base64(secret.order_tag(OrderCode::of(issued.order)));
    Some(Guest { issued: issued.at, tag, half: Base64(issued.half.to_bytes()) })
}

fn cursor(issued: &Issued) -> GuestCursor {
    let body = issued.half.body();
    GuestCursor { issued: issued.at, slot: body.slot, generation: body.generation }
}
