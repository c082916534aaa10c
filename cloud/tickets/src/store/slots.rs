//! Tables `slot_blocks` and `free_slots`: seats of an event, dense as a whole, random in their order.

use countermark_shared::id::{EventId, Slot};
use rand::CryptoRng;
use rand::seq::SliceRandom;
use sqlx::PgConnection;

use super::number;
use crate::error::Error;

/// Slots added at a time. A slot's number tells how many were sold before it only to within a block.
const BLOCK: u32 = 256;

/// Takes `count` slots that nobody had before.
pub(crate) async fn allocate(
    connection: &mut PgConnection,
    event: EventId,
    count: usize,
    generator: &mut impl CryptoRng,
) -> Result<Vec<Slot>, Error> {
    // One allocation at a time for each event, so that two never add a block for the same few slots.
    sqlx::query!(
        "INSERT INTO slot_blocks (event, next_slot) VALUES ($1, 0) ON CONFLICT (event) DO NOTHING",
        i64::from(event.0)
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("SELECT next_slot FROM slot_blocks WHERE event = $1 FOR UPDATE", i64::from(event.0))
        .fetch_one(&mut *connection)
        .await?;
    let mut slots = Vec::with_capacity(count);
    while slots.len() < count {
        let taken = take(connection, event, count - slots.len()).await?;
        if taken.is_empty() {
            add_block(connection, event, generator).await?;
        }
        slots.extend(taken);
    }
    Ok(slots)
}

/// The events of which slots were ever handed out.
pub(crate) async fn events(connection: &mut PgConnection) -> Result<Vec<EventId>, Error> {
    let events = sqlx::query_scalar!("SELECT event FROM slot_blocks ORDER BY event").fetch_all(connection).await?;
    events.into_iter().map(|event| Ok(EventId(number(event, "slot_blocks", "event")?))).collect()
}

/// Leaves out every slot that may have been handed out and is not known here any more: the rest of the block in use, whatever lies up to
/// `known`, and so many blocks after it. The answer is the next.
pub(crate) async fn skip(
    connection: &mut PgConnection,
    event: EventId,
    known: Option<Slot>,
    blocks: u32,
) -> Result<u64, Error> {
    let beyond = known.map_or(0, |Slot(slot)| (i64::from(slot / BLOCK) + 1) * i64::from(BLOCK));
    sqlx::query!("DELETE FROM free_slots WHERE event = $1", i64::from(event.0)).execute(&mut *connection).await?;
    let next = sqlx::query_scalar!(
        "INSERT INTO slot_blocks (event, next_slot) VALUES ($1, $2::bigint + $3)
         ON CONFLICT (event) DO UPDATE SET next_slot = greatest(slot_blocks.next_slot, $2) + $3
         RETURNING next_slot",
        i64::from(event.0),
        beyond,
        i64::from(blocks) * i64::from(BLOCK),
    )
    .fetch_one(connection)
    .await?;
    Ok(number(next, "slot_blocks", "next_slot")?)
}

async fn take(connection: &mut PgConnection, event: EventId, count: usize) -> Result<Vec<Slot>, Error> {
    let rows = sqlx::query_scalar!(
        "DELETE FROM free_slots WHERE (event, position) IN (
             SELECT event, position FROM free_slots WHERE event = $1 ORDER BY position LIMIT $2
         ) RETURNING slot",
        i64::from(event.0),
        i64::try_from(count).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|slot| Ok(Slot(number(slot, "free_slots", "slot")?))).collect()
}

async fn add_block(connection: &mut PgConnection, event: EventId, generator: &mut impl CryptoRng) -> Result<(), Error> {
    let next = sqlx::query_scalar!(
        "UPDATE slot_blocks SET next_slot = next_slot + $2 WHERE event = $1 RETURNING next_slot",
        i64::from(event.0),
        i64::from(BLOCK),
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut slots: Vec<i64> = (next - i64::from(BLOCK)..next).collect();
    slots.shuffle(generator);
    sqlx::query!(
        "INSERT INTO free_slots (event, slot) SELECT $1, slot FROM unnest($2::bigint[]) WITH ORDINALITY AS s(slot, place) ORDER BY place",
        i64::from(event.0),
        &slots,
    )
    .execute(connection)
    .await?;
    Ok(())
}
