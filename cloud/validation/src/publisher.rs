//! Publishing what is said of seats. Owns when a step or a snapshot is due and that each revision is made once; refuses to know who
//! fetches it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use countermark_service::contract::BlockReason;
use countermark_service::serve::Shutdown;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{
    Document, MAX_CHANGES, MAX_STEPS, Refusal, Revision, Signed, SlotDelta, SlotEntry, SlotList, SlotReason, SlotState,
    SlotTable, Slots,
};
use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use tokio::time::MissedTickBehavior;

use crate::error::Error;
use crate::state::State;
use crate::store::publications::{self, Last, Publication};
use crate::store::seats;

/// Between two publications of an event, however many of its seats change meanwhile.
pub(crate) const COALESCE: Duration = Duration::from_millis(500);

/// Between two attempts to publish an event's list that fails, at most.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How long a publication is kept at least: for a gate that is still fetching it, and for whoever asks what was published.
const KEPT: Duration = Duration::from_hours(3 * 24);

/// Publishes, and holds what it published, so that the next step costs what has changed and not what there is.
pub(crate) struct Publisher {
    state: State,
    held: HashMap<EventId, Slots>,
    failing: HashMap<EventId, Failing>,
}

/// An event whose list could not be published, so many times in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failing {
    failures: u32,
    last: Timestamp,
}

/// What is in force after a look at an event's list, and whether that was published just now.
struct Look {
    slots: Slots,
    is_new: bool,
}

impl Publisher {
    /// One that holds nothing yet: it reads what was published when it is first needed.
    pub(crate) fn new(state: State) -> Self {
        Self { state, held: HashMap::new(), failing: HashMap::new() }
    }

    /// Publishes what is due until the shutdown.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(COALESCE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.publish_all().await,
                () = shutdown.requested() => return,
            }
        }
    }

    /// One failing event does not keep the others from their lists.
    pub(crate) async fn publish_all(&mut self) {
        let due = match self.due().await {
            Ok(due) => due,
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                return tracing::error!(error, "it is not known which slot lists are due");
            }
        };
        let now = self.state.clock.now();
        for event in due {
            let failing = self.failing.get(&event).copied();
            if failing.is_some_and(|failing| !failing.is_over(now)) {
                continue;
            }
            match self.publish(event).await {
                Ok(_) => {
                    self.failing.remove(&event);
                }
                Err(error) => {
                    let failing = Failing { failures: failing.map_or(0, |failing| failing.failures) + 1, last: now };
                    let (failures, error): (_, &(dyn std::error::Error + 'static)) = (failing.failures, &error);
                    tracing::error!(%event, failures, error, "a slot list cannot be published");
                    self.failing.insert(event, failing);
                }
            }
        }
    }

    /// What has changed; and what gates listen to and was not read yet: it may be signed by a key that nobody believes any more.
    async fn due(&self) -> Result<BTreeSet<EventId>, Error> {
        let mut connection = self.state.pool.acquire().await?;
        let changed = publications::due(&mut connection).await?;
        let listened = publications::listened(&mut connection).await?;
        Ok(listened.into_iter().filter(|event| !self.held.contains_key(event)).chain(changed).collect())
    }

    /// Publishes the event's next revision if one is due; the answer is its number.
    pub(crate) async fn publish(&mut self, event: EventId) -> Result<Option<Revision>, Error> {
        let (state, held) = (&self.state, &self.held.get(&event).cloned());
        let look = transaction(&state.pool, "publish a slot list", |mut transaction| {
            Box::pin(async move { advance(state, &mut transaction, event, held.clone()).await })
        })
        .await?;
        // After the commit: what was rolled back was not published.
        let Some(Look { slots, is_new }) = look else { return Ok(None) };
        let revision = slots.revision();
        self.held.insert(event, slots);
        Ok(is_new.then_some(revision))
    }
}

impl Failing {
    /// Whether it is time to try again; a clock that was set back does not put that off.
    fn is_over(self, now: Timestamp) -> bool {
        let wait = COALESCE.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST_WAIT);
        now < self.last || now.since(self.last) >= wait
    }
}

/// Publishes the next revision if one is due. Nothing when it is not the time to look.
async fn advance(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    held: Option<Slots>,
) -> Result<Option<Look>, Error> {
    // Another copy of the service is at it.
    if !publications::try_lock(connection, event).await? {
        return Ok(None);
    }
    let now = state.clock.now();
    let epoch = publications::epoch(connection).await?;
    let Some(last) = publications::last(connection, event, epoch).await? else {
        let slots = snapshot(state, connection, event, Revision { epoch, sequence: 1 }, now).await?;
        return Ok(Some(Look { slots, is_new: true }));
    };
    // Not so where the last one was issued by a clock that is ahead of this one.
    if last.issued <= now && now.since(last.issued) < COALESCE {
        return Ok(None);
    }
    let revision = Revision { epoch, sequence: last.standing.revision.sequence + 1 };
    let Some(slots) = in_force(state, connection, event, held, &last, now).await? else {
        // Nobody who is believed today vouches for what was published: a snapshot goes on from anything.
        let slots = snapshot(state, connection, event, revision, now).await?;
        return Ok(Some(Look { slots, is_new: true }));
    };
    let next = step(state, connection, event, &slots, &last, revision, now).await?;
    Ok(Some(match next {
        Some(slots) => Look { slots, is_new: true },
        None => Look { slots, is_new: false },
    }))
}

/// What was published last, as a reader has it who takes every step: from what is held, or else from the last snapshot.
async fn in_force(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    held: Option<Slots>,
    last: &Last,
    now: Timestamp,
) -> Result<Option<Slots>, Error> {
    let bundle = state.trust.bundle.document();
    let held = held.filter(|slots| slots.revision().epoch == last.standing.revision.epoch);
    if let Some(slots) = held
        && let Some(slots) = followed(state, connection, slots, last, now).await?
    {
        return Ok(Some(slots));
    }
    let Some(bytes) = publications::snapshot(connection, event, last.standing.revision).await? else { return Ok(None) };
    match Slots::accept(&bytes, bundle, event, None, now) {
        Ok(slots) => followed(state, connection, slots, last, now).await,
        Err(refusal) => {
            tracing::warn!(%event, %refusal, "the published slot list is not believed any more");
            Ok(None)
        }
    }
}

/// These slots after every step that was published since; nothing where that does not lead to the last.
async fn followed(
    state: &State,
    connection: &mut PgConnection,
    slots: Slots,
    last: &Last,
    now: Timestamp,
) -> Result<Option<Slots>, Error> {
    if slots.standing() == last.standing {
        return Ok(Some(slots));
    }
    let (bundle, event) = (state.trust.bundle.document(), slots.table().event());
    let Some(deltas) = publications::deltas_after(connection, event, slots.revision()).await? else { return Ok(None) };
    let followed = deltas.iter().try_fold(slots, |slots, bytes| Slots::step(bytes, bundle, event, Some(&slots), now));
    Ok(followed.ok().filter(|slots| slots.standing() == last.standing))
}

/// Publishes all seats as they are.
async fn snapshot(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    revision: Revision,
    now: Timestamp,
) -> Result<Slots, Error> {
    let nothing = SlotTable::of(&SlotList::snapshot(event, revision, now, [])?);
    let known: Vec<_> = seats::all(connection, event).await?.into_iter().map(listed).collect();
    let known = fitting(&nothing, &known);
    let list = SlotList::snapshot(event, revision, now, known)?;
    let (bytes, slots) = sealed_snapshot(state, event, &list, now)?;
    let publication =
        Publication { standing: slots.standing(), issued: now, delta: None, snapshot: Some(bytes.as_slice()) };
    publications::insert(connection, event, &publication).await?;
    Ok(slots)
}

/// Publishes the step that the changes make, and after so many steps a snapshot besides. More changes than a step holds are left for
/// the next: the steps of an epoch never break off.
async fn step(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    slots: &Slots,
    last: &Last,
    revision: Revision,
    now: Timestamp,
) -> Result<Option<Slots>, Error> {
    // Before the seats are read: a change that is not seen here is not forgotten either.
    let changed = seats::take_changes(connection, event, MAX_CHANGES).await?;
    let news: Vec<_> = seats::some(connection, event, &changed).await?.into_iter().map(listed).collect();
    let news: BTreeMap<_, _> = fitting(slots.table(), &news).into_iter().collect();
    let Some(delta) = SlotDelta::following(slots.table(), &news, revision, now).map_err(unsigned)? else {
        return Ok(None);
    };
    let bytes = sealed(state, &delta)?;
    // As a gate will: what gates would refuse is not published.
    let next = Slots::step(&bytes, state.trust.bundle.document(), event, Some(slots), now).map_err(unsigned)?;
    let snapshot = if last.steps + 1 < MAX_STEPS {
        None
    } else {
        let whole = next.table().snapshot(revision, now);
        Some(sealed_snapshot(state, event, &whole, now)?.0)
    };
    let publication = Publication {
        standing: next.standing(),
        issued: now,
        delta: Some(bytes.as_slice()),
        snapshot: snapshot.as_deref(),
    };
    publications::insert(connection, event, &publication).await?;
    if snapshot.is_some() {
        publications::prune(connection, event, now - KEPT).await?;
    }
    Ok(Some(next))
}

/// What finds room in a list; that something does not is for people to know.
fn fitting(table: &SlotTable, news: &[(Slot, SlotEntry)]) -> Vec<(Slot, SlotEntry)> {
    let fitting = table.within_bounds(news.to_vec());
    let seats = news.iter().zip(&fitting).filter(|(wanted, said)| wanted != said).count();
    if seats > 0 {
        let event = table.event();
        tracing::warn!(%event, seats, "the slot list has no room for all that is known of these seats");
    }
    fitting
}

fn sealed_snapshot(state: &State, event: EventId, list: &SlotList, now: Timestamp) -> Result<(Vec<u8>, Slots), Error> {
    let bytes = sealed(state, list)?;
    let slots = Slots::accept(&bytes, state.trust.bundle.document(), event, None, now).map_err(unsigned)?;
    Ok((bytes, slots))
}

fn sealed<D: Document>(state: &State, document: &D) -> Result<Vec<u8>, Error> {
    Signed::seal(document, &[&state.trust.list_key]).map_err(unsigned)
}

fn unsigned(source: Refusal) -> Error {
    Error::Unsigned { source }
}

/// What a list says of a seat. Of generation 1 it says nothing: it replaces none, and saying so for every seat would make the list ten
/// times as long.
fn listed(seat: seats::Seat) -> (Slot, SlotEntry) {
    let seats::Seat { slot, generation, revoked, blocked } = seat;
    let state = match (revoked, blocked) {
        (true, _) => SlotState::Revoked,
        (false, Some(_)) => SlotState::Blocked,
        (false, None) => SlotState::Good,
    };
    let least_generation = if generation > Generation(1) { generation } else { Generation(0) };
    let reason = blocked.filter(|_| !revoked).map_or(SlotReason::Unspecified, BlockReason::listed);
    (slot, SlotEntry { state, least_generation, reason })
}

#[cfg(test)]
mod tests;
