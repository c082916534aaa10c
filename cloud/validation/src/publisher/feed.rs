//! Admission feeds: what gates did, told to the other gates. Owns when a batch or a snapshot is due, and from where on rows are summed up.

use std::collections::BTreeMap;

use countermark_service::event_documents;
use countermark_shared::documents::{
    AdmissionFeed, DocumentHash, FeedBatch, FeedContent, FeedRow, FeedSnapshot, FeedState, GateStanding, MAX_STEPS,
    Refusal, Revision, Signed, Standing,
};
use countermark_shared::id::{EventId, GateId};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use super::{KEPT, Look, Series, is_time, sealed, unsigned};
use crate::error::Error;
use crate::state::State;
use crate::store::feed::{self, Change, Last, Publication};
use crate::store::publications;

/// Rows of a batch: 160 kB at most, and 8,000 rows a second.
const MOST_ROWS: usize = 4000;

/// With more rows in it, a snapshot sums up what it can. Besides the 32 batches until the next it is within what a reader holds.
const FOLD_FROM: usize = 64_000;

/// The feeds of all events.
pub(crate) struct Feeds;

impl Series for Feeds {
    type InForce = FeedState;

    const NAME: &'static str = "admission feed";

    async fn due(connection: &mut PgConnection) -> Result<Vec<EventId>, Error> {
        feed::due(connection).await
    }

    async fn advance(
        state: &State,
        connection: &mut PgConnection,
        event: EventId,
        held: Option<FeedState>,
    ) -> Result<Option<Look<FeedState>>, Error> {
        // Another copy of the service is at it.
        if !feed::try_lock(connection, event).await? {
            return Ok(None);
        }
        let now = state.clock.now();
        let epoch = publications::epoch(connection).await?;
        let Some(last) = feed::last(connection, event, epoch).await? else {
            return begin(state, connection, event, epoch, now).await.map(Some);
        };
        if !is_time(last.issued, now) {
            return Ok(None);
        }
        let Some(current) = in_force(state, connection, event, held, &last, now).await? else {
            return begin_again(state, connection, event, &last, now).await.map(Some);
        };
        let changes = feed::take_changes(connection, event, MOST_ROWS).await?;
        if changes.is_empty() {
            return Ok(Some(Look { in_force: current, published: None }));
        }
        let (rows, gates) = news(connection, event, &changes).await?;
        match current.following(rows, &gates, now) {
            Some(batch) => step(state, connection, &current, &batch, &last).await.map(Some),
            None => Ok(Some(Look { in_force: current, published: None })),
        }
    }
}

/// The first of an epoch: all that is known.
async fn begin(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    epoch: u32,
    now: Timestamp,
) -> Result<Look<FeedState>, Error> {
    // Before the rows are read: a change that is not seen here is not forgotten either.
    feed::forget_changes(connection, event).await?;
    let standing = Standing { revision: Revision { epoch, sequence: 0 }, hash: DocumentHash::NONE };
    let snapshot = whole(state, connection, event, standing, now).await?;
    publish(state, connection, standing, None, &snapshot).await
}

/// Nobody who is believed today vouches for what was published: a batch that says nothing, and a snapshot that goes on from anything. What
/// waits is told after it.
async fn begin_again(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    last: &Last,
    now: Timestamp,
) -> Result<Look<FeedState>, Error> {
    let Standing { revision: Revision { epoch, sequence }, hash } = last.standing;
    let content = FeedContent::Batch(FeedBatch { before: hash, rows: Vec::new(), gates: BTreeMap::new() });
    let batch = AdmissionFeed { event, epoch, sequence: sequence + 1, issued: now, content };
    let bytes = sealed(state, &batch)?;
    let standing = named(state, &bytes)?;
    let snapshot = whole(state, connection, event, standing, now).await?;
    publish(state, connection, standing, Some(&bytes), &snapshot).await
}

/// The next batch, and after so many a snapshot besides; and where a retraction reaches what is summed up already, since gates can then go on by a
/// snapshot alone.
async fn step(
    state: &State,
    connection: &mut PgConnection,
    current: &FeedState,
    batch: &AdmissionFeed,
    last: &Last,
) -> Result<Look<FeedState>, Error> {
    let (event, now) = (batch.event, batch.issued);
    let bytes = sealed(state, batch)?;
    let mut next = Some(current.clone());
    // As a gate will: what gates would refuse is not published.
    let reaches_sums = match FeedState::accept(&mut next, &bytes, state.trust.bundle.document(), event, now) {
        Ok(_) => false,
        Err(Refusal::RetractsFolded { .. }) => true,
        Err(refusal) => return Err(unsigned(refusal)),
    };
    let standing = named(state, &bytes)?;
    let snapshot = match next.filter(|_| !reaches_sums) {
        Some(in_force) if last.steps + 1 < MAX_STEPS => {
            let publication = Publication { standing, issued: now, batch: Some(&bytes), snapshot: None };
            feed::insert(connection, event, &publication).await?;
            return Ok(Look { in_force, published: Some(standing.revision) });
        }
        Some(next) if next.rows() <= FOLD_FROM => next.snapshot(now),
        Some(_) | None => whole(state, connection, event, standing, now).await?,
    };
    publish(state, connection, standing, Some(&bytes), &snapshot).await
}

/// Stores a batch and a snapshot that tells the same; the answer is what a reader has who takes the snapshot.
async fn publish(
    state: &State,
    connection: &mut PgConnection,
    standing: Standing,
    batch: Option<&[u8]>,
    snapshot: &AdmissionFeed,
) -> Result<Look<FeedState>, Error> {
    let AdmissionFeed { event, issued, .. } = *snapshot;
    let bytes = sealed(state, snapshot)?;
    let mut taken = None;
    FeedState::accept(&mut taken, &bytes, state.trust.bundle.document(), event, issued).map_err(unsigned)?;
    feed::insert(connection, event, &Publication { standing, issued, batch, snapshot: Some(&bytes) }).await?;
    feed::prune(connection, event, issued - KEPT).await?;
    let in_force = taken.ok_or(Error::NotPublished { document: Feeds::NAME })?;
    Ok(Look { in_force, published: Some(standing.revision) })
}

/// What was published last, as a reader has it who takes every batch: from what is held, or else from the last snapshot.
async fn in_force(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    held: Option<FeedState>,
    last: &Last,
    now: Timestamp,
) -> Result<Option<FeedState>, Error> {
    let held = held.filter(|held| held.revision().epoch == last.standing.revision.epoch);
    if let Some(held) = held
        && let Some(followed) = followed(state, connection, held, last, now).await?
    {
        return Ok(Some(followed));
    }
    let Some(bytes) = feed::snapshot(connection, event, last.standing.revision).await? else { return Ok(None) };
    let mut taken = None;
    match FeedState::accept(&mut taken, &bytes, state.trust.bundle.document(), event, now) {
        Ok(_) => {}
        Err(refusal) => tracing::warn!(%event, %refusal, "the published admission feed is not believed any more"),
    }
    match taken {
        Some(taken) => followed(state, connection, taken, last, now).await,
        None => Ok(None),
    }
}

/// This feed after every batch that was published since; nothing where that does not lead to the last.
async fn followed(
    state: &State,
    connection: &mut PgConnection,
    from: FeedState,
    last: &Last,
    now: Timestamp,
) -> Result<Option<FeedState>, Error> {
    if from.standing() == last.standing {
        return Ok(Some(from));
    }
    let (bundle, event) = (state.trust.bundle.document(), from.event());
    let Some(batches) = feed::batches_after(connection, event, from.revision()).await? else { return Ok(None) };
    let mut followed = Some(from);
    for batch in batches {
        if FeedState::accept(&mut followed, &batch, bundle, event, now).is_err() {
            return Ok(None);
        }
    }
    Ok(followed.filter(|feed| feed.standing() == last.standing))
}

/// What the changes are about. An undo is told of an admission that is told: of no other could every gate make the same.
async fn news(
    connection: &mut PgConnection,
    event: EventId,
    changes: &[Change],
) -> Result<(Vec<FeedRow>, BTreeMap<GateId, GateStanding>), Error> {
    let of_change = |change: &Change| {
        let gate = change.gate;
        change.sequences.iter().map(|sequence| (gate, *sequence)).collect::<Vec<_>>()
    };
    let marked: Vec<_> = changes.iter().flat_map(of_change).collect();
    let mut rows = feed::passages(connection, event, &marked).await?;
    let taken_back = |row: &FeedRow| row.passage.cancels().map(|of| (row.gate, of));
    let undone: Vec<_> = rows.iter().filter_map(taken_back).collect();
    let undone = feed::passages(connection, event, &undone).await?;
    let undone: BTreeMap<_, _> = undone.into_iter().map(|row| ((row.gate, row.sequence), row)).collect();
    rows.retain(|row| {
        taken_back(row).is_none_or(|name| undone.get(&name).is_some_and(|undone| undone.is_undone_by(row)))
    });
    let mut gates = feed::standings(connection, event).await?;
    gates.retain(|gate, _| changes.iter().any(|change| change.gate == *gate));
    Ok((rows, gates))
}

/// All that is known, from the journals themselves. It may know more than the batches up to there: a row counts once, however it comes.
async fn whole(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    standing: Standing,
    now: Timestamp,
) -> Result<AdmissionFeed, Error> {
    // In this order: no row is missing that is taken for summed up.
    let mut folded = feed::whole_up_to(connection, event).await?;
    let rows = feed::all_passages(connection, event).await?;
    let mut gates = feed::standings(connection, event).await?;
    gates.retain(|_, standing| *standing != GateStanding::Trusted);
    if rows.len() <= FOLD_FROM {
        folded.clear();
    }
    for (gate, standing) in &gates {
        if let (GateStanding::Retracted { from }, Some(last)) = (standing, folded.get_mut(gate)) {
            *last = (*last).min(from - 1);
        }
    }
    folded.retain(|_, last| *last > 0);
    let document = event_documents::in_force(connection, event, state.trust.bundle.document(), now).await?;
    let reset = document.and_then(|document| document.document().last_reset(now));
    let Standing { revision: Revision { epoch, sequence }, hash } = standing;
    let content = FeedContent::Snapshot(FeedSnapshot::of(rows, folded, gates, reset, hash));
    Ok(AdmissionFeed { event, epoch, sequence, issued: now, content })
}

/// What a batch is called.
fn named(state: &State, batch: &[u8]) -> Result<Standing, Error> {
    let key = state.trust.list_key.verifying_key();
    let opened = Signed::<AdmissionFeed>::decode(batch).and_then(|signed| signed.open(&[key], 1));
    opened.map(|batch| batch.standing()).map_err(unsigned)
}

#[cfg(test)]
mod tests;
