//! Making slot lists. Owns when one is due and that it is made once; refuses to know who fetches it.

use std::time::Duration;

use countermark_service::contract::BlockReason;
use countermark_service::serve::Shutdown;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Authentic, Revision, Signed, SlotEntry, SlotList, SlotReason, SlotState};
use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use tokio::time::MissedTickBehavior;

use crate::error::Error;
use crate::state::State;
use crate::store::{seats, slot_lists};

/// Between two lists of an event, however many of its seats change meanwhile.
pub(crate) const COALESCE: Duration = Duration::from_millis(500);

/// A list no older than this is young: a gate that sees an older one knows that its network is to blame.
pub(crate) const REFRESH: Duration = Duration::from_mins(1);

/// How long an event's list is kept young after its last gate was heard of: past events cost nothing, and the first gate that comes
/// back has a fresh list within a second.
const LISTENING: Duration = Duration::from_hours(24);

/// How many lists of an event are kept: a gate that is still fetching one, and somebody who asks what was published.
const KEPT: u64 = 100;

/// Publishes what is due until the shutdown.
pub(crate) async fn run(state: State, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(COALESCE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => publish_all(&state).await,
            () = shutdown.requested() => return,
        }
    }
}

/// One failing event does not keep the others from their lists.
async fn publish_all(state: &State) {
    let due = match due(state).await {
        Ok(due) => due,
        Err(error) => return log(&error),
    };
    for event in due {
        if let Err(error) = publish(state, event).await {
            log(&error);
        }
    }
}

async fn due(state: &State) -> Result<Vec<EventId>, Error> {
    let mut connection = state.pool.acquire().await?;
    let now = state.clock.now();
    slot_lists::due(&mut connection, now - LISTENING, now - REFRESH).await
}

/// Publishes the event's list if one is due; the answer is its sequence.
pub(crate) async fn publish(state: &State, event: EventId) -> Result<Option<u64>, Error> {
    transaction(&state.pool, "publish a slot list", |mut transaction| {
        Box::pin(async move {
            // Another copy of the service is at it.
            if !slot_lists::try_lock(&mut transaction, event).await? {
                return Ok(None);
            }
            let now = state.clock.now();
            let previous = slot_lists::last(&mut transaction, event).await?;
            if !is_due(&mut transaction, event, previous, now).await? {
                return Ok(None);
            }
            let sequence = previous.map_or(0, |list| list.sequence) + 1;
            let list = sign(state, &mut transaction, event, sequence, now).await?;
            slot_lists::insert(&mut transaction, &list).await?;
            slot_lists::prune(&mut transaction, event, sequence.saturating_sub(KEPT)).await?;
            Ok(Some(sequence))
        })
    })
    .await
}

async fn is_due(
    connection: &mut PgConnection,
    event: EventId,
    previous: Option<slot_lists::Last>,
    now: Timestamp,
) -> Result<bool, Error> {
    let age = previous.map(|list| now.since(list.issued));
    if age.is_some_and(|age| age < COALESCE) {
        return Ok(false);
    }
    // Before the seats are read: a change that is not seen here is not forgotten either.
    let changed = seats::take_changes(connection, event).await?;
    Ok(changed || age.is_none_or(|age| age >= REFRESH))
}

async fn sign(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    sequence: u64,
    now: Timestamp,
) -> Result<Authentic<SlotList>, Error> {
    let known = seats::all(connection, event).await?.into_iter().map(listed);
    let list = SlotList::snapshot(event, Revision { epoch: 0, sequence }, now, known)?;
    let unsigned = |source| Error::Unsigned { source };
    let bytes = Signed::seal(&list, &[&state.trust.list_key]).map_err(unsigned)?;
    // As a gate will: what gates would refuse is not published.
    SlotList::open(&bytes, state.trust.bundle.document(), event, now).map_err(unsigned)
}

fn listed(seat: seats::Seat) -> (Slot, SlotEntry) {
    let seats::Seat { slot, generation, revoked, blocked } = seat;
    let state = match (revoked, blocked) {
        (true, _) => SlotState::Revoked,
        (false, Some(_)) => SlotState::Blocked,
        (false, None) => SlotState::Good,
    };
    // Generation 1 replaces none, and saying so for every seat would make the list ten times as long.
    let least_generation = if generation > Generation(1) && !revoked { generation } else { Generation(0) };
    let reason = blocked.filter(|_| !revoked).map_or(SlotReason::Unspecified, BlockReason::listed);
    (slot, SlotEntry { state, least_generation, reason })
}

fn log(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, "slot lists cannot be published");
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::ReportedState;
    use countermark_service::serve::Shutdown;
    use countermark_shared::documents::{Document, SlotTable};

    use super::*;
    use crate::testing::{Bench, EVENT, newest_list as newest};

    #[tokio::test]
    async fn a_changed_seat_is_published_and_an_unchanged_list_is_not_published_again() {
        let bench = Bench::new().await;
        bench.report(1, 1, ReportedState::Issued).await;
        bench.report(2, 3, ReportedState::Issued).await;
        bench.report(3, 2, ReportedState::Revoked).await;
        assert_eq!(due(&bench.state).await.unwrap(), [EVENT]);
        assert_eq!(publish(&bench.state, EVENT).await.unwrap(), Some(1));
        let list = newest(&bench).await;
        let table = SlotTable::of(list.document());
        let said = |slot| (table.state(Slot(slot)), table.least_generation(Slot(slot)).0);
        assert_eq!(
            [0, 1, 2, 3].map(said),
            [(SlotState::NotIssued, 0), (SlotState::Good, 0), (SlotState::Good, 3), (SlotState::Revoked, 0),]
        );

        bench.clock.advance(REFRESH);
        assert!(due(&bench.state).await.unwrap().is_empty(), "nobody fetches a list of an event without gates");
    }

    #[tokio::test]
    async fn lists_of_an_event_with_gates_stay_young() {
        let bench = Bench::new().await;
        bench.create_gate().await;
        assert!(due(&bench.state).await.unwrap().is_empty(), "nobody listens yet");
        let gate = bench.gate().await;
        publish_all(&bench.state).await;
        let first = newest(&bench).await;
        bench.clock.advance(REFRESH.saturating_sub(Duration::from_millis(1)));
        publish_all(&bench.state).await;
        assert_eq!(newest(&bench).await.hash(), first.hash());
        bench.clock.advance(Duration::from_millis(1));
        publish_all(&bench.state).await;
        let second = newest(&bench).await;
        assert_eq!(second.document().issued(), bench.clock.now());
        assert_eq!((first.document().revision().sequence, second.document().revision().sequence), (1, 2));

        bench.clock.advance(LISTENING);
        assert!(due(&bench.state).await.unwrap().is_empty(), "nobody listens any more");
        bench.log_in(&gate).await;
        assert_eq!(due(&bench.state).await.unwrap(), [EVENT]);
    }

    #[tokio::test]
    async fn many_changes_make_few_lists() {
        let bench = Bench::new().await;
        for slot in 0..3 {
            bench.report(slot, 1, ReportedState::Issued).await;
            publish_all(&bench.state).await;
        }
        assert_eq!(SlotTable::of(newest(&bench).await.document()).state(Slot(2)), SlotState::NotIssued);
        bench.clock.advance(COALESCE);
        publish_all(&bench.state).await;
        let list = newest(&bench).await;
        assert_eq!(list.document().revision().sequence, 2);
        assert_eq!(SlotTable::of(list.document()).state(Slot(2)), SlotState::Good);
    }

    #[tokio::test]
    async fn copies_of_the_service_make_each_list_once() {
        let bench = Bench::new().await;
        for sequence in 1..=20 {
            bench.report(sequence, 1, ReportedState::Issued).await;
            let copies = [(); 4].map(|()| {
                let state = bench.state.clone();
                tokio::spawn(async move { publish(&state, EVENT).await })
            });
            let mut published = Vec::new();
            for copy in copies {
                published.extend(copy.await.unwrap().unwrap());
            }
            assert_eq!(published, [u64::from(sequence)]);
            bench.clock.advance(COALESCE);
        }
    }

    #[tokio::test]
    async fn a_change_that_commits_while_a_list_is_made_is_in_the_next() {
        let bench = Bench::new().await;
        let report = Bench::slot_report(1, 1, ReportedState::Issued);
        let mut late = bench.state.pool.begin().await.unwrap();
        seats::merge(&mut late, &report).await.unwrap();
        bench.report(2, 1, ReportedState::Issued).await;
        assert_eq!(publish(&bench.state, EVENT).await.unwrap(), Some(1));
        assert_eq!(SlotTable::of(newest(&bench).await.document()).state(Slot(1)), SlotState::NotIssued);
        late.commit().await.unwrap();
        bench.clock.advance(COALESCE);
        assert_eq!(publish(&bench.state, EVENT).await.unwrap(), Some(2));
        assert_eq!(SlotTable::of(newest(&bench).await.document()).state(Slot(1)), SlotState::Good);
    }

    #[tokio::test]
    async fn the_last_hundred_lists_are_kept() {
        let bench = Bench::new().await;
        bench.gate().await;
        for _ in 0..KEPT + 3 {
            publish_all(&bench.state).await;
            bench.clock.advance(REFRESH);
        }
        let kept: (i64, i64) = sqlx::query_as("SELECT min(sequence), max(sequence) FROM slot_lists")
            .fetch_one(&bench.state.pool)
            .await
            .unwrap();
        assert_eq!(kept, (4, 103));
    }

    #[tokio::test]
    async fn it_ends_when_asked() {
        let bench = Bench::new().await;
        let (switch, shutdown) = Shutdown::by_hand();
        let running = tokio::spawn(run(bench.state.clone(), shutdown));
        switch.request();
        running.await.unwrap();
    }
}
