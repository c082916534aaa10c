//! The admission feed: what waits to be told, the rows and standings that are told, and what was published.

use std::collections::BTreeMap;

use countermark_shared::documents::{DocumentHash, FeedRow, GateStanding, Revision, Standing};
use countermark_shared::id::{EventId, GateId};
use countermark_shared::journal::JournalRow;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;

/// The newest publication of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Last {
    pub(crate) standing: Standing,
    pub(crate) issued: Timestamp,
    /// How many batches a reader takes from the newest snapshot to here.
    pub(crate) steps: u64,
}

/// One batch, or the beginning of an epoch.
pub(crate) struct Publication<'a> {
    pub(crate) standing: Standing,
    pub(crate) issued: Timestamp,
    pub(crate) batch: Option<&'a [u8]>,
    pub(crate) snapshot: Option<&'a [u8]>,
}

/// Rows that no batch tells yet, by gate; or only that its standing may have changed.
pub(crate) struct Change {
    pub(crate) gate: GateId,
    pub(crate) sequences: Vec<u64>,
}

/// Has the next batch tell these rows of the gate, and what is thought of it: in the feed of each event that it serves or served, as far as the
/// rows are that event's.
pub(crate) async fn mark_change(
    connection: &mut PgConnection,
    gate: GateId,
    sequences: &[u64],
    now: Timestamp,
) -> Result<(), Error> {
    let sequences: Vec<_> = sequences.iter().map(|sequence| sequence.cast_signed()).collect();
    sqlx::query!(
        "INSERT INTO feed_changes (event, gate, sequences, at)
         SELECT DISTINCT event, gate, $2::int8[], $3::timestamptz FROM assignments WHERE gate = $1",
        i64::from(gate.0),
        &sequences,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the changes that have committed by now, the first ones with `rows` rows together.
pub(crate) async fn take_changes(
    connection: &mut PgConnection,
    event: EventId,
    rows: usize,
) -> Result<Vec<Change>, Error> {
    let changes = sqlx::query!(
        "DELETE FROM feed_changes WHERE change IN (
             SELECT change FROM (
                 SELECT change, sum(cardinality(sequences)) OVER (ORDER BY change) AS rows
                 FROM feed_changes WHERE event = $1
             ) AS waiting WHERE rows <= $2
         ) RETURNING gate, sequences",
        i64::from(event.0),
        i64::try_from(rows).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    changes
        .into_iter()
        .map(|change| {
            let number = |sequence| column::number(sequence, "feed_changes.sequences");
            Ok(Change {
                gate: GateId(column::number(change.gate, "feed_changes.gate")?),
                sequences: change.sequences.into_iter().map(number).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Takes all of them: a snapshot is made, and tells them.
pub(crate) async fn forget_changes(connection: &mut PgConnection, event: EventId) -> Result<(), Error> {
    sqlx::query!("DELETE FROM feed_changes WHERE event = $1", i64::from(event.0)).execute(connection).await?;
    Ok(())
}

/// What is told of those rows, as far as they are believed and let somebody pass.
pub(crate) async fn passages(
    connection: &mut PgConnection,
    event: EventId,
    names: &[(GateId, u64)],
) -> Result<Vec<FeedRow>, Error> {
    let gates: Vec<_> = names.iter().map(|(gate, _)| i64::from(gate.0)).collect();
    let sequences: Vec<_> = names.iter().map(|(_, sequence)| sequence.cast_signed()).collect();
    let rows = sqlx::query_scalar!(
        "SELECT row FROM journal JOIN unnest($1::int8[], $2::int8[]) AS told (gate, sequence) USING (gate, sequence)
         WHERE believed",
        &gates,
        &sequences,
    )
    .fetch_all(connection)
    .await?;
    told(rows, event)
}

/// What is told of all rows that are believed.
pub(crate) async fn all_passages(connection: &mut PgConnection, event: EventId) -> Result<Vec<FeedRow>, Error> {
    let rows = sqlx::query_scalar!(
        "SELECT row FROM journal WHERE event = $1 AND believed AND slot IS NOT NULL",
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    told(rows, event)
}

fn told(rows: Vec<Vec<u8>>, event: EventId) -> Result<Vec<FeedRow>, Error> {
    let mut told = Vec::with_capacity(rows.len());
    for row in rows {
        let row = JournalRow::from_bytes(&row).map_err(|_| Error::Corrupt { column: "journal.row" })?;
        told.extend(FeedRow::of(&row, event));
    }
    Ok(told)
}

/// How far each journal that tells of the event is here without a gap. What is withheld is one: resumed, the gate tells it after all.
pub(crate) async fn whole_up_to(connection: &mut PgConnection, event: EventId) -> Result<BTreeMap<GateId, u64>, Error> {
    let rows = sqlx::query!(
        r#"SELECT gate AS "gate!", max(sequence) AS "last!" FROM (
               SELECT gate, sequence, row_number() OVER (PARTITION BY gate ORDER BY sequence) AS place
               FROM journal WHERE gate IN (SELECT gate FROM assignments WHERE event = $1) AND NOT withheld
           ) AS numbered
           WHERE sequence = place GROUP BY gate"#,
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let gate = GateId(column::number(row.gate, "journal.gate")?);
            Ok((gate, column::number(row.last, "journal.sequence")?))
        })
        .collect()
}

/// What is thought of each gate that serves the event, or served it.
pub(crate) async fn standings(
    connection: &mut PgConnection,
    event: EventId,
) -> Result<BTreeMap<GateId, GateStanding>, Error> {
    let gates = sqlx::query!(
        "SELECT gate, contested, retracted_from FROM gates WHERE gate IN (SELECT gate FROM assignments WHERE event = $1)",
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    gates
        .into_iter()
        .map(|row| {
            let standing = match (row.retracted_from, row.contested) {
                (Some(from), _) => GateStanding::Retracted { from: column::number(from, "gates.retracted_from")? },
                (None, true) => GateStanding::Contested,
                (None, false) => GateStanding::Trusted,
            };
            Ok((GateId(column::number(row.gate, "gates.gate")?), standing))
        })
        .collect()
}

/// The events of which something is to be published: a change waits, or the epoch has no feed of an event whose gates ask for one.
pub(crate) async fn due(connection: &mut PgConnection) -> Result<Vec<EventId>, Error> {
    let events = sqlx::query_scalar!(
        r#"SELECT DISTINCT event AS "event!" FROM feed_changes
           UNION
           SELECT DISTINCT event FROM gates
           WHERE enrolled_at IS NOT NULL AND NOT EXISTS (
               SELECT FROM feed_publications JOIN slot_list_epoch USING (epoch)
               WHERE feed_publications.event = gates.event
           )"#,
    )
    .fetch_all(connection)
    .await?;
    events.into_iter().map(|event| column::number(event, "event").map(EventId)).collect()
}

/// Whether this transaction alone may publish the event's feed until it ends.
pub(crate) async fn try_lock(connection: &mut PgConnection, event: EventId) -> Result<bool, Error> {
    let locked = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('feed_publications'), $1) AS "locked!""#,
        event.0.cast_signed(),
    )
    .fetch_one(connection)
    .await?;
    Ok(locked)
}

/// The newest publication of the event in the epoch.
pub(crate) async fn last(connection: &mut PgConnection, event: EventId, epoch: u32) -> Result<Option<Last>, Error> {
    let row = sqlx::query!(
        r#"SELECT sequence, issued_at, hash,
                  (SELECT max(sequence) FROM feed_publications
                   WHERE event = $1 AND epoch = $2 AND snapshot IS NOT NULL) AS "snapshot!"
           FROM feed_publications WHERE event = $1 AND epoch = $2 ORDER BY sequence DESC LIMIT 1"#,
        i64::from(event.0),
        i64::from(epoch),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let sequence = column::number(row.sequence, "feed_publications.sequence")?;
        Ok(Last {
            standing: Standing {
                revision: Revision { epoch, sequence },
                hash: DocumentHash(column::bytes(row.hash, "feed_publications.hash")?),
            },
            issued: row.issued_at.into(),
            steps: row.sequence.abs_diff(row.snapshot),
        })
    })
    .transpose()
}

/// The batches after a revision, in order; nothing where one of them is none.
pub(crate) async fn batches_after(
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let batches = sqlx::query_scalar!(
        "SELECT batch FROM feed_publications WHERE event = $1 AND epoch = $2 AND sequence > $3 ORDER BY sequence",
        i64::from(event.0),
        i64::from(revision.epoch),
        revision.sequence.cast_signed(),
    )
    .fetch_all(connection)
    .await?;
    Ok(batches.into_iter().collect())
}

/// The batch of that number.
pub(crate) async fn batch(
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
) -> Result<Option<Vec<u8>>, Error> {
    let Ok(sequence) = i64::try_from(revision.sequence) else { return Ok(None) };
    let batch = sqlx::query_scalar!(
        "SELECT batch FROM feed_publications WHERE event = $1 AND epoch = $2 AND sequence = $3",
        i64::from(event.0),
        i64::from(revision.epoch),
        sequence,
    )
    .fetch_optional(connection)
    .await?;
    Ok(batch.flatten())
}

/// The last snapshot up to a batch that was published: of one that is still to come it could not be said for ever.
pub(crate) async fn snapshot(
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
) -> Result<Option<Vec<u8>>, Error> {
    let Ok(sequence) = i64::try_from(revision.sequence) else { return Ok(None) };
    let snapshot = sqlx::query_scalar!(
        r#"SELECT snapshot AS "snapshot!" FROM feed_publications
           WHERE event = $1 AND epoch = $2 AND sequence <= $3 AND snapshot IS NOT NULL
             AND EXISTS (SELECT FROM feed_publications WHERE event = $1 AND epoch = $2 AND sequence = $3)
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
    let Publication { standing, issued, batch, snapshot } = *publication;
    sqlx::query!(
        "INSERT INTO feed_publications (event, epoch, sequence, issued_at, hash, batch, snapshot)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        i64::from(event.0),
        i64::from(standing.revision.epoch),
        standing.revision.sequence.cast_signed(),
        OffsetDateTime::from(issued),
        &standing.hash.0[..],
        batch,
        snapshot,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what came before the newest snapshot that was issued up to `until`: whatever stays can be read from a snapshot on.
pub(crate) async fn prune(connection: &mut PgConnection, event: EventId, until: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM feed_publications WHERE event = $1 AND (epoch, sequence) < (
             SELECT epoch, sequence FROM feed_publications
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
