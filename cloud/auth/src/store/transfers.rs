//! Table `transfers`: append-only.

use countermark_shared::id::{AccountId, EventId, Generation, Slot, TransferId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{narrow, verifying_key};
use crate::error::Error;
use crate::transfer_code::CodeHash;

/// A transfer that was accepted.
pub(crate) struct Transfer {
    pub(crate) transfer: TransferId,
    pub(crate) event: EventId,
    pub(crate) slot: Slot,
    pub(crate) replaces: Generation,
    pub(crate) owner: AccountId,
    pub(crate) recipient: AccountId,
    /// The recipient's device that will hold the ticket; none: their account itself.
    pub(crate) holder: Option<VerifyingKey>,
    pub(crate) accepted: Timestamp,
}

/// A transfer as the table has it.
struct Row {
    transfer: Uuid,
    event: i64,
    slot: i64,
    replaces: i16,
    owner: Uuid,
    recipient: Uuid,
    holder: Option<Vec<u8>>,
    accepted_at: OffsetDateTime,
}

/// The transfer of that name.
pub(crate) async fn find(connection: &mut PgConnection, transfer: TransferId) -> Result<Option<Transfer>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT transfer, event, slot, replaces, owner, recipient, holder, accepted_at
         FROM transfers WHERE transfer = $1",
        transfer.0,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Transfer::try_from).transpose()
}

/// The transfer that was accepted with that code.
pub(crate) async fn by_code(connection: &mut PgConnection, code: &CodeHash) -> Result<Option<Transfer>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT transfer, event, slot, replaces, owner, recipient, holder, accepted_at
         FROM transfers WHERE code = $1",
        &code.0[..],
    )
    .fetch_optional(connection)
    .await?;
    row.map(Transfer::try_from).transpose()
}

/// The transfers from and to an account, the newest first, at most so many.
pub(crate) async fn of_account(
    connection: &mut PgConnection,
    account: AccountId,
    most: i64,
) -> Result<Vec<Transfer>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT transfer, event, slot, replaces, owner, recipient, holder, accepted_at
         FROM transfers WHERE owner = $1 OR recipient = $1 ORDER BY accepted_at DESC, transfer LIMIT $2",
        account.0,
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Transfer::try_from).collect()
}

/// Adds a transfer that was accepted with that code. Under [`locks::seat`](super::locks::seat).
pub(crate) async fn insert(connection: &mut PgConnection, new: &Transfer, code: &CodeHash) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO transfers (transfer, event, slot, replaces, owner, recipient, holder, code, accepted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.transfer.0,
        i64::from(new.event.0),
        i64::from(new.slot.0),
        i16::from(new.replaces.0),
        new.owner.0,
        new.recipient.0,
        new.holder.map(|key| key.to_bytes().to_vec()),
        &code.0[..],
        OffsetDateTime::from(new.accepted),
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl TryFrom<Row> for Transfer {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            transfer: TransferId(row.transfer),
            event: EventId(narrow("event", row.event)?),
            slot: Slot(narrow("slot", row.slot)?),
            replaces: Generation(narrow("replaces", row.replaces)?),
            owner: AccountId(row.owner),
            recipient: AccountId(row.recipient),
            holder: row.holder.map(verifying_key).transpose()?,
            accepted: row.accepted_at.into(),
        })
    }
}
