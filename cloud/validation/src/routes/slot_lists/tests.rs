//! Gates that follow their heads, against what is true of the seats.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use countermark_service::contract::BlockReason::Misconduct;
use countermark_service::contract::ReportedState::{Issued, Revoked};
use countermark_service::contract::{BlockSeat, UnblockSeat, ValidationClient};
use countermark_service::randomness::Randomness;
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{
    Authentic, Fetch, Head, Held, SlotEntry, SlotList, SlotReason, SlotState, SlotTable, Slots,
};
use countermark_shared::id::{Generation, Slot};

use super::*;
use crate::publisher::{COALESCE, Publisher};
use crate::testing::{self, Answer, Bench, EVENT, TestGate};

fn delta_path(event: EventId, revision: Revision) -> String {
    filled(paths::SLOT_DELTA, event, revision)
}

fn snapshot_path(event: EventId, revision: Revision) -> String {
    filled(paths::SLOT_SNAPSHOT, event, revision)
}

fn filled(path: &str, event: EventId, Revision { epoch, sequence }: Revision) -> String {
    let path = path.replace("{event}", &event.to_string());
    path.replace("{epoch}", &epoch.to_string()).replace("{sequence}", &sequence.to_string())
}

fn revision(sequence: u64) -> Revision {
    Revision { epoch: 0, sequence }
}

/// So many publications, each of another seat.
async fn published(bench: &Bench, count: u32) {
    let mut publisher = Publisher::slot_lists(bench.state.clone());
    for slot in 0..count {
        bench.report(slot, 1, Issued).await;
        bench.clock.advance(COALESCE);
        assert_eq!(publisher.publish(EVENT).await.unwrap(), Some(revision(u64::from(slot) + 1)));
    }
}

#[tokio::test]
async fn what_is_said_of_a_revision_is_for_ever_the_same() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    published(&bench, 34).await;
    let token = bench.log_in(&gate).await;
    let read = async |path: String| {
        let answer = bench.get(&path, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers[CONTENT_TYPE], "application/cbor");
        assert_eq!(answer.headers[CACHE_CONTROL], "private, max-age=31536000, immutable");
        answer.body
    };
    let (bundle, now) = (testing::bundle(), bench.clock.now());
    let first = read(snapshot_path(EVENT, revision(1))).await;
    for sequence in [2, 32] {
        assert_eq!(read(snapshot_path(EVENT, revision(sequence))).await, first, "{sequence}");
    }
    let second = read(snapshot_path(EVENT, revision(33))).await;
    assert_eq!(read(snapshot_path(EVENT, revision(34))).await, second);
    assert_eq!(Slots::accept(&second, &bundle, EVENT, None, now).unwrap().revision(), revision(33));
    let slots = Slots::accept(&first, &bundle, EVENT, None, now).unwrap();
    let step = read(delta_path(EVENT, revision(2))).await;
    assert_eq!(Slots::step(&step, &bundle, EVENT, Some(&slots), now).unwrap().revision(), revision(2));
}

#[tokio::test]
async fn what_was_not_published_and_what_is_anothers_is_not_found() {
    let bench = Bench::new().await;
    published(&bench, 2).await;
    let gate = bench.gate().await;
    let later = Revision { epoch: 1, sequence: 1 };
    for path in [
        // The first is a snapshot.
        delta_path(EVENT, revision(1)),
        delta_path(EVENT, revision(3)),
        delta_path(EVENT, revision(u64::MAX)),
        delta_path(EVENT, later),
        delta_path(EventId(8), revision(2)),
        // It could not be said for ever.
        snapshot_path(EVENT, revision(3)),
        snapshot_path(EVENT, revision(u64::MAX)),
        snapshot_path(EVENT, revision(0)),
        snapshot_path(EVENT, later),
        snapshot_path(EventId(8), revision(1)),
    ] {
        let answer = bench.get(&path, &gate.token).await;
        answer.is_problem(StatusCode::NOT_FOUND, "not-published");
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{path}");
    }
    let nonsense = snapshot_path(EVENT, revision(1)).replace("/0/", "/x/");
    bench.get(&nonsense, &gate.token).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
}

/// A gate's hold on the slot list.
struct Reader {
    gate: TestGate,
    slots: Option<Slots>,
    steps: usize,
    snapshots: usize,
}

impl Reader {
    fn new(gate: TestGate) -> Self {
        Self { gate, slots: None, steps: 0, snapshots: 0 }
    }

    /// Reads the head and fetches what it says, until it holds it.
    async fn sync(&mut self, bench: &Bench) {
        let (bundle, now) = (testing::bundle(), bench.clock.now());
        self.gate.token = bench.log_in(&self.gate).await;
        let head = self.read(bench, paths::HEAD).await;
        assert_eq!(head.status, StatusCode::OK);
        let head = Head::accept(&head.body, &bundle, self.gate.gate, None, now).unwrap();
        for _ in 0..3 {
            let needs = head.document().needs(&Held::of(
                Some(&bench.state.trust.bundle),
                None,
                None,
                self.slots.as_ref(),
                None,
            ));
            assert_eq!(needs.conflicts, []);
            for fetch in needs.fetch {
                match fetch {
                    Fetch::SlotDeltas { from, to } => {
                        for sequence in from.sequence..=to.sequence {
                            let at = Revision { sequence, ..from };
                            let step = self.read(bench, &delta_path(EVENT, at)).await;
                            assert_eq!(step.status, StatusCode::OK, "the steps of an epoch never break off");
                            self.slots =
                                Some(Slots::step(&step.body, &bundle, EVENT, self.slots.as_ref(), now).unwrap());
                            self.steps += 1;
                        }
                    }
                    Fetch::SlotSnapshot(standing) => {
                        let list = self.read(bench, &snapshot_path(EVENT, standing.revision)).await;
                        assert_eq!(list.status, StatusCode::OK);
                        self.slots = Some(Slots::accept(&list.body, &bundle, EVENT, self.slots.as_ref(), now).unwrap());
                        self.snapshots += 1;
                    }
                    Fetch::Bundle(_)
                    | Fetch::BundlesAfter(_)
                    | Fetch::Assignment(_)
                    | Fetch::EventDocument(_)
                    | Fetch::FeedSnapshot(_)
                    | Fetch::FeedBatches { .. } => {}
                }
            }
        }
        assert_eq!(self.slots.as_ref().map(Slots::standing), head.document().slots);
        self.confirm(&head);
    }

    fn confirm(&mut self, head: &Authentic<Head>) {
        if let Some(slots) = &mut self.slots {
            slots.confirm(head);
            assert_eq!(slots.confirmed(), head.document().issued);
        }
    }

    async fn read(&self, bench: &Bench, path: &str) -> Answer {
        bench.get(path, &self.gate.token).await
    }
}

/// What is true of a seat.
#[derive(Clone, Copy, Default)]
struct Seat {
    generation: u8,
    revoked: bool,
    blocked: bool,
}

fn content(truth: &BTreeMap<u32, Seat>) -> countermark_shared::documents::ContentHash {
    let known = truth.iter().map(|(slot, seat)| {
        let (state, reason) = match (seat.revoked, seat.blocked) {
            (true, _) => (SlotState::Revoked, SlotReason::Unspecified),
            (false, true) => (SlotState::Blocked, SlotReason::Misconduct),
            (false, false) => (SlotState::Good, SlotReason::Unspecified),
        };
        let least_generation = Generation(if seat.generation > 1 { seat.generation } else { 0 });
        (Slot(*slot), SlotEntry { state, least_generation, reason })
    });
    let list = SlotList::snapshot(EVENT, revision(1), testing::bundle().issued, known).unwrap();
    SlotTable::of(&list).content()
}

/// Random histories of seats, two publishers of which one is restarted now and then, epochs that are raised: whoever follows the head
/// holds what is true, one gate that asks often and one that asks seldom.
#[tokio::test]
async fn whoever_follows_the_head_holds_what_is_true() {
    for seed in 0..3 {
        let randomness = Randomness::seeded([seed; 32]);
        let bench = Bench::new().await;
        let (mut often, mut seldom) = (Reader::new(bench.gate().await), Reader::new(bench.gate().await));
        let mut publishers = [(); 2].map(|()| Publisher::slot_lists(bench.state.clone()));
        let mut truth = BTreeMap::<u32, Seat>::new();
        for round in 0..100 {
            let [slot, act, generation, turn] = randomness.bytes();
            let slot = u32::from(slot) * 40;
            change(&bench, &mut truth, slot, act, 1 + generation % 3).await;
            if round == 60 {
                publications::raise_epoch(&mut bench.state.pool.acquire().await.unwrap(), 0).await.unwrap();
            }
            bench.clock.advance(COALESCE);
            if turn % 8 == 0 {
                publishers[1] = Publisher::slot_lists(bench.state.clone());
            }
            if turn % 4 == 0 {
                let [one, other] = &mut publishers;
                let (one, other) = tokio::join!(one.publish(EVENT), other.publish(EVENT));
                assert!(!(one.unwrap().is_some() && other.unwrap().is_some()), "one revision was published twice");
            } else {
                publishers[usize::from(turn % 2)].publish(EVENT).await.unwrap();
            }
            if turn % 3 == 0 {
                often.sync(&bench).await;
            }
            if round % 45 == 44 {
                seldom.sync(&bench).await;
            }
        }
        bench.clock.advance(COALESCE);
        publishers[0].publish(EVENT).await.unwrap();
        for reader in [&mut often, &mut seldom] {
            reader.sync(&bench).await;
            assert_eq!(reader.slots.as_ref().unwrap().standing().hash, content(&truth), "seed {seed}");
        }
        assert!(often.steps > 20 && seldom.snapshots > 1, "{} {}", often.steps, seldom.snapshots);
    }
}

async fn change(bench: &Bench, truth: &mut BTreeMap<u32, Seat>, slot: u32, act: u8, generation: u8) {
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let (event, decided) = (EVENT, bench.clock.now());
    let known = truth.get(&slot).copied();
    match (act % 8, known) {
        (0, Some(seat)) if !seat.revoked => {
            admin.block(&BlockSeat { event, slot: Slot(slot), reason: Misconduct, decided }).await.unwrap();
            truth.insert(slot, Seat { blocked: true, ..seat });
        }
        (1, Some(seat)) if !seat.revoked => {
            admin.unblock(&UnblockSeat { event, slot: Slot(slot), decided }).await.unwrap();
            truth.insert(slot, Seat { blocked: false, ..seat });
        }
        (act, _) => {
            let state = if act == 2 { Revoked } else { Issued };
            bench.report(slot, generation, state).await;
            let seat = known.unwrap_or_default();
            let generation = seat.generation.max(generation);
            truth.insert(slot, Seat { generation, revoked: seat.revoked || state == Revoked, ..seat });
        }
    }
}
