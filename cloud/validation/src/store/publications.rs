//! What was published of an event's seats: snapshots and the steps between them.

use countermark_shared::documents::{ContentHash, Revision, Standing};
use countermark_shared::id::EventId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;

/// The newest publication of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Last {
    pub(crate) standing: Standing<ContentHash>,
    pub(crate) issued: Timestamp,
    /// How many steps a reader takes from the newest snapshot to here.
    pub(crate) steps: u64,
}

/// One revision, with at least one of the two ways to it.
pub(crate) struct Publication<'a> {
    pub(crate) standing: Standing<ContentHash>,
    pub(crate) issued: Timestamp,
    pub(crate) delta: Option<&'a [u8]>,
    pub(crate) snapshot: Option<&'a [u8]>,
}

/// The epoch in which lists are published.
pub(crate) async fn epoch(connection: &mut PgConnection) -> Result<u32, Error> {
    let epoch = sqlx::query_scalar!("SELECT epoch FROM slot_list_epoch").fetch_one(connection).await?;
    column::number(epoch, "slot_list_epoch.epoch")
}

/// Begins the next epoch, which has at least that number; the answer is the one it has.
pub(crate) async fn raise_epoch(connection: &mut PgConnection, least: u32) -> Result<u32, Error> {
    let epoch = sqlx::query_scalar!(
        "UPDATE slot_list_epoch SET epoch = greatest(epoch + 1, $1) RETURNING epoch",
        i64::from(least)
    )
    .fetch_one(connection)
    .await?;
    column::number(epoch, "slot_list_epoch.epoch")
}

/// The events of which something is to be published: a seat has changed, or the epoch has no list of an event whose gates ask for one.
pub(crate) async fn due(connection: &mut PgConnection) -> Result<Vec<EventId>, Error> {
    let events = sqlx::query_scalar!(
        r#"SELECT DISTINCT event AS "event!" FROM seat_changes
           UNION
           SELECT DISTINCT event FROM gates
           WHERE enrolled_at IS NOT NULL AND NOT EXISTS (
               SELECT FROM slot_publications JOIN slot_list_epoch USING (epoch)
               WHERE slot_publications.event = gates.event
           )"#,
    )
    .fetch_all(connection)
    .await?;
    events.into_iter().map(|event| column::number(event, "event").map(EventId)).collect()
}

/// The events whose gates ask for lists.
pub(crate) async fn listened(connection: &mut PgConnection) -> Result<Vec<EventId>, Error> {
    let events = sqlx::query_scalar!("SELECT DISTINCT event FROM gates WHERE enrolled_at IS NOT NULL")
        .fetch_all(connection)
        .await?;
    events.into_iter().map(|event| column::number(event, "gates.event").map(EventId)).collect()
}

/// Whether this transaction alone may publish the event's list until it ends.
pub(crate) async fn try_lock(connection: &mut PgConnection, event: EventId) -> Result<bool, Error> {
    let locked = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('slot_publications'), $1) AS "locked!""#,
        event.0.cast_signed(),
    )
    .fetch_one(connection)
    .await?;
    Ok(locked)
}

/// The newest publication of the event in the epoch.
pub(crate) async fn last(connection: &mut PgConnection, event: EventId, epoch: u32) -> Result<Option<Last>, Error> {
    let row = sqlx::query!(
        r#"SELECT sequence, issued_at, content,
                  (SELECT max(sequence) FROM slot_publications
                   WHERE event = $1 AND epoch = $2 AND snapshot IS NOT NULL) AS "snapshot!"
           FROM slot_publications WHERE event = $1 AND epoch = $2 ORDER BY sequence DESC LIMIT 1"#,
        i64::from(event.0),
        i64::from(epoch),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let sequence = column::number(row.sequence, "slot_publications.sequence")?;
        Ok(Last {
            standing: Standing {
                revision: Revision { epoch, sequence },
                hash: ContentHash(column::bytes(row.content, "slot_publications.content")?),
            },
            issued: row.issued_at.into(),
            steps: row.sequence.abs_diff(row.snapshot),
        })
    })
    .transpose()
}

/// The deltas after a revision, in order; nothing where one of them is none.
pub(crate) async fn deltas_after(
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let deltas = sqlx::query_scalar!(
        "SELECT delta FROM slot_publications WHERE event = $1 AND epoch = $2 AND sequence > $3 ORDER BY sequence",
        i64::from(event.0),
        i64::from(revision.epoch),
        revision.sequence.cast_signed(),
    )
    .fetch_all(connection)
    .await?;
    Ok(deltas.into_iter().collect())
}

/// The step that leads to a revision.
pub(crate) async fn delta(
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
) -> Result<Option<Vec<u8>>, Error> {
    let Ok(sequence) = i64::try_from(revision.sequence) else { return Ok(None) };
    let delta = sqlx::query_scalar!(
        "SELECT delta FROM slot_publications WHERE event = $1 AND epoch = $2 AND sequence = $3",
        i64::from(event.0),
        i64::from(revision.epoch),
        sequence,
    )
    .fetch_optional(connection)
    .await?;
    Ok(delta.flatten())
}

/// The last snapshot up to a revision that was published: of one that is still to come it could not be said for ever.
pub(crate) async fn snapshot(
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
) -> Result<Option<Vec<u8>>, Error> {
    let Ok(sequence) = i64::try_from(revision.sequence) else { return Ok(None) };
    let snapshot = sqlx::query_scalar!(
        r#"SELECT snapshot AS "snapshot!" FROM slot_publications
           WHERE event = $1 AND epoch = $2 AND sequence <= $3 AND snapshot IS NOT NULL
             AND EXISTS (SELECT FROM slot_publications WHERE event = $1 AND epoch = $2 AND sequence = $3)
           ORDER BY sequence DESC LIMIT 1"#,
        i64::from(event.0),
        i64::from(revision.epoch),
        sequence,
    )
    .fetch_optional(connection)
    .await?;
    Ok(snapshot)
}

/// Stores a publication.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    event: EventId,
    publication: &Publication<'_>,
) -> Result<(), Error> {
    let Publication { standing, issued, delta, snapshot } = *publication;
    sqlx::query!(
        "INSERT INTO slot_publications (event, epoch, sequence, issued_at, content, delta, snapshot)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        i64::from(event.0),
        i64::from(standing.revision.epoch),
        standing.revision.sequence.cast_signed(),
        OffsetDateTime::from(issued),
        &standing.hash.0[..],
        delta,
        snapshot,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what came before the newest snapshot that was issued up to `until`: whatever stays can be read from a snapshot on.
pub(crate) async fn prune(connection: &mut PgConnection, event: EventId, until: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM slot_publications WHERE event = $1 AND (epoch, sequence) < (
             SELECT epoch, sequence FROM slot_publications
             WHERE event = $1 AND snapshot IS NOT NULL AND issued_at <= $2
             ORDER BY epoch DESC, sequence DESC LIMIT 1
         )",
        i64::from(event.0),
        OffsetDateTime::from(until),
    )
    .execute(connection)
    .await?;
    Ok(())
}
