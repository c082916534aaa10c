//! Table `transfer_offers`.

use countermark_shared::id::{AccountId, EventId, Generation, Slot};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::narrow;
use crate::error::Error;
use crate::transfer_code::CodeHash;

/// A seat's issue that its owner would pass on.
#[derive(Clone, Copy)]
pub(crate) struct TransferOffer {
    pub(crate) event: EventId,
    pub(crate) slot: Slot,
    pub(crate) replaces: Generation,
    pub(crate) owner: AccountId,
    pub(crate) until: Timestamp,
}

/// Stores an offer in place of the seat's last. Under [`locks::seat`](super::locks::seat).
pub(crate) async fn put(
    connection: &mut PgConnection,
    offer: &TransferOffer,
    code: &CodeHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO transfer_offers (event, slot, replaces, owner, code, offered_at, until)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (event, slot) DO UPDATE
         SET (replaces, owner, code, offered_at, until)
           = (excluded.replaces, excluded.owner, excluded.code, excluded.offered_at, excluded.until)",
        i64::from(offer.event.0),
        i64::from(offer.slot.0),
        i16::from(offer.replaces.0),
        offer.owner.0,
        &code.0[..],
        OffsetDateTime::from(now),
        OffsetDateTime::from(offer.until),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The offer with that code, whether or not its time is over.
pub(crate) async fn by_code(connection: &mut PgConnection, code: &CodeHash) -> Result<Option<TransferOffer>, Error> {
    let row =
        sqlx::query!("SELECT event, slot, replaces, owner, until FROM transfer_offers WHERE code = $1", &code.0[..],)
            .fetch_optional(connection)
            .await?;
    row.map(|row| {
        Ok(TransferOffer {
            event: EventId(narrow("event", row.event)?),
            slot: Slot(narrow("slot", row.slot)?),
            replaces: Generation(narrow("replaces", row.replaces)?),
            owner: AccountId(row.owner),
            until: row.until.into(),
        })
    })
    .transpose()
}

/// The offers of an owner whose time is not over, the first to end first.
pub(crate) async fn open_of(
    connection: &mut PgConnection,
    owner: AccountId,
    now: Timestamp,
) -> Result<Vec<TransferOffer>, Error> {
    let rows = sqlx::query!(
        "SELECT event, slot, replaces, until FROM transfer_offers WHERE owner = $1 AND until > $2
         ORDER BY until, event, slot",
        owner.0,
        OffsetDateTime::from(now),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(TransferOffer {
                event: EventId(narrow("event", row.event)?),
                slot: Slot(narrow("slot", row.slot)?),
                replaces: Generation(narrow("replaces", row.replaces)?),
                owner,
                until: row.until.into(),
            })
        })
        .collect()
}

/// Ends an owner's offer of a seat; `false` when there is none. Under [`locks::seat`](super::locks::seat).
pub(crate) async fn delete(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
    owner: AccountId,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM transfer_offers WHERE event = $1 AND slot = $2 AND owner = $3",
        i64::from(event.0),
        i64::from(slot.0),
        owner.0,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
