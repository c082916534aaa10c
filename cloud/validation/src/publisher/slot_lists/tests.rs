//! Publications against a real database, and against a reader that takes them as a gate does.

use countermark_service::contract::ReportedState::{Issued, Revoked};
use countermark_service::contract::{ReportSlot, Unpublished, ValidationClient};
use countermark_service::serve::Shutdown;
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::KeyStatus;

use super::*;
use crate::publisher::{COALESCE, Failing, LONGEST_WAIT, Publisher};
use crate::state::Trusted;
use crate::testing::{self, Bench, EVENT, newest_slots};

fn publisher(bench: &Bench) -> Publisher<SlotLists> {
    Publisher::slot_lists(bench.state.clone())
}

/// What the next publication is numbered, once its time has come.
async fn next(bench: &Bench, publisher: &mut Publisher<SlotLists>) -> Option<u64> {
    bench.clock.advance(COALESCE);
    publisher.publish(EVENT).await.unwrap().map(|revision| revision.sequence)
}

async fn sequences(bench: &Bench, which: &'static str) -> Vec<i64> {
    let sql = match which {
        "deltas" => "SELECT sequence FROM slot_publications WHERE delta IS NOT NULL ORDER BY epoch, sequence",
        "snapshots" => "SELECT sequence FROM slot_publications WHERE snapshot IS NOT NULL ORDER BY epoch, sequence",
        _ => panic!("nothing else is published"),
    };
    sqlx::query_scalar(sql).fetch_all(&bench.state.pool).await.unwrap()
}

#[tokio::test]
async fn the_first_is_a_snapshot_and_a_changed_seat_makes_a_step() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    bench.report(1, 1, Issued).await;
    bench.report(2, 3, Issued).await;
    bench.report(3, 2, Revoked).await;
    assert_eq!(publisher.due().await.unwrap(), [EVENT].into());
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    let said = async |slot| {
        let entry = newest_slots(&bench).await.entry(Slot(slot));
        (entry.state, entry.least_generation.0)
    };
    assert_eq!(said(0).await, (SlotState::NotIssued, 0));
    assert_eq!(said(1).await, (SlotState::Good, 0));
    assert_eq!(said(2).await, (SlotState::Good, 3));
    assert_eq!(said(3).await, (SlotState::Revoked, 2));

    assert_eq!(publisher.due().await.unwrap(), [].into());
    assert_eq!(next(&bench, &mut publisher).await, None, "nothing has changed");
    bench.report(1, 2, Issued).await;
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(said(1).await, (SlotState::Good, 2));
    assert_eq!((sequences(&bench, "snapshots").await, sequences(&bench, "deltas").await), (vec![1], vec![2]));
}

#[tokio::test]
async fn what_was_revoked_stays_so_and_a_higher_generation_is_the_least() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    for (generation, state) in [(2, Issued), (2, Revoked), (3, Issued), (1, Issued)] {
        bench.report(5, generation, state).await;
        next(&bench, &mut publisher).await;
    }
    let entry = newest_slots(&bench).await.entry(Slot(5));
    assert_eq!((entry.state, entry.least_generation), (SlotState::Revoked, Generation(3)));
}

#[tokio::test]
async fn a_gate_that_enrolled_has_a_list_even_of_nothing() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    bench.create_gate().await;
    assert!(publisher.due().await.unwrap().is_empty(), "nobody listens yet");
    bench.gate().await;
    publisher.publish_all().await;
    assert_eq!(newest_slots(&bench).await.table().slots(), 0);
    assert!(publisher.due().await.unwrap().is_empty());
}

#[tokio::test]
async fn many_changes_make_few_publications() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    for slot in 0..3 {
        bench.report(slot, 1, Issued).await;
        publisher.publish_all().await;
    }
    assert_eq!(newest_slots(&bench).await.state(Slot(2)), SlotState::NotIssued);
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(newest_slots(&bench).await.state(Slot(2)), SlotState::Good);
}

/// Found in review: a restart read no list before a seat changed, and would have named one that nobody believes.
#[tokio::test]
async fn a_restart_reads_what_gates_listen_to_once() {
    let bench = Bench::new().await;
    bench.gate().await;
    publisher(&bench).publish_all().await;
    bench.clock.advance(COALESCE);
    let mut restarted = publisher(&bench);
    assert_eq!(restarted.due().await.unwrap(), [EVENT].into());
    restarted.publish_all().await;
    assert!(restarted.due().await.unwrap().is_empty());
    assert_eq!(sequences(&bench, "snapshots").await, [1]);
}

/// Found while writing: one publication by a clock that was ahead would have held back all others until that instant.
#[tokio::test]
async fn a_publication_from_the_future_holds_none_back() {
    let bench = Bench::new().await;
    bench.report(1, 1, Issued).await;
    assert_eq!(publisher(&bench).publish(EVENT).await.unwrap().map(|at| at.sequence), Some(1));
    sqlx::query("UPDATE slot_publications SET issued_at = issued_at + interval '1 hour'")
        .execute(&bench.state.pool)
        .await
        .unwrap();
    bench.report(2, 1, Issued).await;
    assert_eq!(publisher(&bench).publish(EVENT).await.unwrap().map(|at| at.sequence), Some(2));
}

#[tokio::test]
async fn a_snapshot_follows_after_every_32_steps() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    for slot in 0..70 {
        bench.report(slot, 1, Issued).await;
        assert_eq!(next(&bench, &mut publisher).await, Some(u64::from(slot) + 1));
    }
    assert_eq!(sequences(&bench, "snapshots").await, [1, 33, 65]);
    assert_eq!(sequences(&bench, "deltas").await, (2..=70).collect::<Vec<_>>());
}

/// The steps never break off: what does not fit one is in the next.
#[tokio::test]
async fn more_changes_than_a_step_holds_make_two() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    bench.report(0, 1, Issued).await;
    next(&bench, &mut publisher).await;
    sqlx::query(
        "WITH sold AS (
             INSERT INTO seats (event, slot, generation, revoked, generation_told_at)
             SELECT 7, slot, 1, false, now() FROM generate_series(1, 60000) AS slot RETURNING event, slot
         )
         INSERT INTO seat_changes (event, slot, at) SELECT event, slot, now() FROM sold",
    )
    .execute(&bench.state.pool)
    .await
    .unwrap();
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(publisher.due().await.unwrap(), [EVENT].into());
    assert_eq!(next(&bench, &mut publisher).await, Some(3));
    assert!(publisher.due().await.unwrap().is_empty());
    let slots = newest_slots(&bench).await;
    assert!((0..=60_000).all(|slot| slots.state(Slot(slot)) == SlotState::Good));
    assert_eq!(sequences(&bench, "deltas").await, [2, 3]);
}

#[tokio::test]
async fn copies_of_the_service_make_each_revision_once() {
    let bench = Bench::new().await;
    let mut copies = [(); 4].map(|()| publisher(&bench));
    for sequence in 1..=40 {
        bench.report(sequence, 1, Issued).await;
        let running = copies.map(|mut copy| {
            tokio::spawn(async move {
                let published = copy.publish(EVENT).await.unwrap();
                (copy, published)
            })
        });
        let mut published = Vec::new();
        let mut back = Vec::new();
        for copy in running {
            let (copy, revision) = copy.await.unwrap();
            back.push(copy);
            published.extend(revision.map(|revision| revision.sequence));
        }
        copies = back.try_into().ok().unwrap();
        assert_eq!(published, [u64::from(sequence)]);
        bench.clock.advance(COALESCE);
    }
    assert_eq!(newest_slots(&bench).await.revision().sequence, 40);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was_whoever_published_meanwhile() {
    let bench = Bench::new().await;
    let (mut one, mut other) = (publisher(&bench), publisher(&bench));
    for slot in 0..80_u32 {
        bench.report(slot, 1, Issued).await;
        let turn = match slot % 5 {
            0 => &mut publisher(&bench),
            1 | 2 => &mut one,
            _ => &mut other,
        };
        assert_eq!(next(&bench, turn).await, Some(u64::from(slot) + 1));
    }
    assert_eq!(newest_slots(&bench).await.table().slots(), 80);
    assert_eq!(sequences(&bench, "snapshots").await, [1, 33, 65], "a restart needs no snapshot");
}

#[tokio::test]
async fn a_change_that_commits_while_a_list_is_made_is_in_the_next() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    let report = Bench::slot_report(1, 1, Issued);
    let mut late = bench.state.pool.begin().await.unwrap();
    seats::merge(&mut late, &report, bench.clock.now()).await.unwrap();
    bench.report(2, 1, Issued).await;
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    assert_eq!(newest_slots(&bench).await.state(Slot(1)), SlotState::NotIssued);
    late.commit().await.unwrap();
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(newest_slots(&bench).await.state(Slot(1)), SlotState::Good);
}

#[tokio::test]
async fn a_new_epoch_begins_with_a_snapshot_that_gates_take() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    bench.gate().await;
    for slot in 0..3 {
        bench.report(slot, 1, Issued).await;
        next(&bench, &mut publisher).await;
    }
    let before = newest_slots(&bench).await;
    // The backup knew neither seat 2 nor the lists that said so.
    sqlx::query("DELETE FROM seats WHERE slot = 2").execute(&bench.state.pool).await.unwrap();
    assert_eq!(publications::raise_epoch(&mut bench.state.pool.acquire().await.unwrap(), 0).await.unwrap(), 1);
    assert_eq!(publisher.due().await.unwrap(), [EVENT].into());
    bench.clock.advance(COALESCE);
    assert_eq!(publisher.publish(EVENT).await.unwrap(), Some(Revision { epoch: 1, sequence: 1 }));
    let mut connection = bench.state.pool.acquire().await.unwrap();
    let at = Revision { epoch: 1, sequence: 1 };
    let snapshot = publications::snapshot(&mut connection, EVENT, at).await.unwrap().unwrap();
    let after = Slots::accept(&snapshot, &testing::bundle(), EVENT, Some(&before), bench.clock.now()).unwrap();
    assert_eq!(after.state(Slot(2)), SlotState::NotIssued);
    bench.report(9, 1, Issued).await;
    bench.clock.advance(COALESCE);
    assert_eq!(publisher.publish(EVENT).await.unwrap(), Some(Revision { epoch: 1, sequence: 2 }));
}

/// The list key was stolen: what it signed is not believed any more, and a new one goes on.
#[tokio::test]
async fn what_a_revoked_key_signed_is_published_anew() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    bench.gate().await;
    bench.report(1, 1, Issued).await;
    next(&bench, &mut publisher).await;
    let mut bundle = testing::bundle();
    for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.key == testing::key(5).verifying_key()) {
        trusted.status = KeyStatus::Revoked;
    }
    bundle.version = 2;
    let bundle = testing::with_list_key(bundle, 6);
    let trusted = Trusted::new(testing::authentic(&bundle), testing::key(6), vec![]);
    let mut successor = Publisher::slot_lists(bench.state_with(trusted));
    // At the first look whose time has come, although no seat has changed.
    successor.publish_all().await;
    assert_eq!(sequences(&bench, "snapshots").await, [1]);
    bench.clock.advance(COALESCE);
    successor.publish_all().await;
    assert_eq!(sequences(&bench, "snapshots").await, [1, 2]);
    assert!(successor.due().await.unwrap().is_empty());
    bench.report(3, 1, Issued).await;
    bench.clock.advance(COALESCE);
    assert_eq!(successor.publish(EVENT).await.unwrap(), Some(Revision { epoch: 0, sequence: 3 }));
    assert_eq!(sequences(&bench, "snapshots").await, [1, 2]);
}

#[tokio::test]
async fn what_is_older_than_three_days_is_forgotten_from_a_snapshot_on() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    for slot in 0..64 {
        bench.report(slot, 1, Issued).await;
        next(&bench, &mut publisher).await;
    }
    bench.clock.advance(KEPT);
    bench.report(64, 1, Issued).await;
    next(&bench, &mut publisher).await;
    assert_eq!(sequences(&bench, "snapshots").await, [33, 65]);
    assert_eq!(sequences(&bench, "deltas").await, (33..=65).collect::<Vec<_>>());
}

/// Found in review: an event that cannot be published was tried twice a second for ever, and nobody could see which it was.
#[tokio::test]
async fn an_event_that_fails_is_tried_less_and_less_and_holds_up_no_other() {
    let bench = Bench::new().await;
    let mut publisher = publisher(&bench);
    bench.report(1, 1, Issued).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let waits = Unpublished { changes: 1, oldest: bench.clock.now() };
    assert_eq!(admin.admissions(EVENT).await.unwrap().unpublished, Some(waits));
    let broken =
        "ALTER TABLE seats DROP CONSTRAINT seats_block_reason; UPDATE seats SET blocked = 99, block_decided_at = now()";
    sqlx::raw_sql(broken).execute(&bench.state.pool).await.unwrap();
    let other = ReportSlot { event: EventId(8), ..Bench::slot_report(1, 1, Issued) };
    ValidationClient(bench.client(ServiceName::Tickets)).report_slot(&other).await.unwrap();

    let mut attempts = Vec::new();
    for tick in 0..600_u32 {
        let before = publisher.failing.get(&EVENT).copied();
        publisher.publish_all().await;
        if publisher.failing.get(&EVENT).copied() != before {
            attempts.push(tick);
        }
        bench.clock.advance(COALESCE);
    }
    assert_eq!(attempts, [0, 2, 6, 14, 30, 62, 126, 246, 366, 486]);
    assert_eq!(admin.admissions(EVENT).await.unwrap().unpublished, Some(waits));
    assert_eq!(admin.admissions(EventId(8)).await.unwrap().unpublished, None);

    sqlx::query("UPDATE seats SET blocked = NULL").execute(&bench.state.pool).await.unwrap();
    bench.clock.advance(LONGEST_WAIT);
    publisher.publish_all().await;
    assert_eq!(newest_slots(&bench).await.state(Slot(1)), SlotState::Good);
    assert_eq!((publisher.failing.len(), admin.admissions(EVENT).await.unwrap().unpublished), (0, None));
}

#[test]
fn a_clock_that_was_set_back_does_not_put_off_an_attempt() {
    let failing = Failing { failures: 1, last: testing::bundle().issued };
    assert!(!failing.is_over(failing.last) && failing.is_over(failing.last - COALESCE));
}

#[tokio::test]
async fn it_ends_when_asked() {
    let bench = Bench::new().await;
    let (switch, shutdown) = Shutdown::by_hand();
    let running = tokio::spawn(publisher(&bench).run(shutdown));
    switch.request();
    running.await.unwrap();
}
