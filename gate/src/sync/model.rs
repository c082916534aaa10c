//! The machine and a real ledger against a little model of validation, over a network that loses requests and replies.

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::documents::DocumentHash;
use countermark_shared::id::LaneId;
use countermark_shared::journal::{BootId, ChainHash};
use countermark_shared::wire::{MAX_ROWS_PER_UPLOAD, RowOutcome, RowResult};
use proptest::prelude::*;

use super::back_off::Jitter;
use super::machine::{Delivery, Held, Machine, Request, Response, Step};
use crate::clock::Moment;
use crate::documents::DocumentKind;
use crate::input::{RawScan, ScannedText, Source};
use crate::ledger::{Batch, Ledger};
use crate::samples::{self, DOORS, GATE};

const POLL: Duration = Duration::from_secs(30);

/// What becomes of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    RequestLost,
    ReplyLost,
    SessionEnds,
    Fails,
}

/// Stores rows as validation does.
#[derive(Default)]
struct Validation {
    documents: BTreeMap<DocumentKind, Vec<u8>>,
    rows: Vec<Vec<u8>>,
    chain: Vec<ChainHash>,
    logged_in: bool,
    /// Rows it stores of each upload, to leave the others without a result.
    patience: Option<usize>,
}

impl Validation {
    fn take(&mut self, batch: &Batch) -> Vec<RowResult> {
        assert!(batch.rows.len() <= MAX_ROWS_PER_UPLOAD);
        let mut chain = batch.previous;
        let before = usize::try_from(batch.rows[0].sequence).unwrap() - 1;
        assert!(before <= self.rows.len(), "a gap: {before} after {}", self.rows.len());
        assert_eq!(before.checked_sub(1).map_or(ChainHash::START, |last| self.chain[last]), batch.previous);
        let mut results = Vec::new();
        for row in batch.rows.iter().take(self.patience.unwrap_or(usize::MAX)) {
            chain = chain.next(&row.row.0);
            let index = usize::try_from(row.sequence).unwrap() - 1;
            let outcome = if let Some(known) = self.rows.get(index) {
                assert_eq!(known, &row.row.0, "row {} was changed", row.sequence);
                RowOutcome::Known
            } else {
                self.rows.push(row.row.0.clone());
                self.chain.push(chain);
                RowOutcome::Stored
            };
            results.push(RowResult { sequence: row.sequence, outcome });
        }
        results
    }
}

struct World {
    folder: tempfile::TempDir,
    ledger: Option<Ledger>,
    machine: Machine,
    validation: Validation,
    now: Duration,
    requests: Vec<&'static str>,
    /// How long an exchange takes.
    exchange: Duration,
    /// A document that never gets through whole.
    never: Option<DocumentKind>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let validation = Validation { documents: samples::documents().into_iter().collect(), ..Validation::default() };
        let mut world = Self {
            folder,
            ledger: None,
            machine: Machine::new(POLL),
            validation,
            now: Duration::ZERO,
            requests: Vec::new(),
            exchange: Duration::ZERO,
            never: None,
        };
        world.restart();
        world
    }

    fn restart(&mut self) {
        self.ledger = None;
        let file = self.folder.path().join("ledger.sqlite");
        let root = samples::bundle().root_fingerprint();
        self.ledger = Some(Ledger::open(&file, GATE, root, BootId::new([0; 16])).unwrap());
        self.machine = Machine::new(POLL);
    }

    fn ledger(&mut self) -> &mut Ledger {
        self.ledger.as_mut().unwrap()
    }

    fn scan(&mut self, text: &str) {
        let now = Moment { at: DOORS, uptime: self.now };
        let text = ScannedText::Whole(text.to_owned());
        let scan = RawScan { lane: LaneId(1), source: Source::Lines, text, at: self.now };
        self.ledger().scan(&[scan], now);
    }

    fn held(&mut self) -> Held {
        let report = self.ledger().report().unwrap();
        let documents = report.documents.iter().map(|(kind, standing)| (*kind, standing.hash)).collect();
        Held { documents, unsettled: report.unsettled }
    }

    /// One request, or the wait for the next.
    fn step(&mut self, fate: Fate) {
        let held = self.held();
        match self.machine.poll(self.now, &held) {
            Step::Wait { until } => {
                assert!(until > self.now, "a wait that does not pass");
                self.now = until;
            }
            Step::Send(request) => {
                let response = self.answer(&request, fate);
                self.now += self.exchange;
                if let Some(delivery) = self.machine.on(response, self.now, Jitter(0.5)) {
                    let outcome = match delivery {
                        Delivery::Document { kind, bytes } => {
                            self.ledger().take(kind, &bytes, DOORS).map_err(|error| error.to_string())
                        }
                        Delivery::Results(results) => {
                            self.ledger().settle(&results).map(drop).map_err(|error| error.to_string())
                        }
                    };
                    self.machine.delivered(outcome, self.now, Jitter(0.5));
                }
            }
        }
    }

    fn answer(&mut self, request: &Request, fate: Fate) -> Response {
        let lost = || Response::Lost { problem: "cut off".into() };
        match fate {
            Fate::RequestLost => return lost(),
            Fate::Fails => return Response::Refused { problem: "500".into() },
            Fate::SessionEnds => self.validation.logged_in = false,
            Fate::Arrives | Fate::ReplyLost => {}
        }
        let reply = match request {
            Request::LogIn => {
                self.requests.push("log-in");
                self.validation.logged_in = true;
                Response::LoggedIn("session".into())
            }
            Request::Fetch { .. } | Request::Upload { .. } if !self.validation.logged_in => Response::Unauthorised,
            Request::Fetch { kind, .. } if self.never == Some(*kind) => lost(),
            Request::Fetch { kind, held, session: _ } => {
                self.requests.push(kind.code());
                self.document(*kind, *held)
            }
            Request::Upload { session: _ } => {
                self.requests.push("upload");
                let batch = self.ledger().batch().unwrap().unwrap();
                Response::Uploaded(self.validation.take(&batch))
            }
        };
        if fate == Fate::ReplyLost { lost() } else { reply }
    }

    fn document(&mut self, kind: DocumentKind, held: Option<DocumentHash>) -> Response {
        let Some(bytes) = self.validation.documents.get(&kind).cloned() else { return Response::Absent };
        let in_force = self.ledger().report().unwrap().documents.get(&kind).map(|standing| standing.hash);
        assert_eq!(held, in_force);
        Response::Document(bytes)
    }

    fn settle(&mut self) {
        for _ in 0..1000 {
            if self.held().unsettled == 0 {
                return;
            }
            self.step(Fate::Arrives);
        }
        panic!("rows never arrived: {:?}", self.machine);
    }
}

#[test]
fn the_first_round_is_in_order_and_then_it_rests() {
    let mut world = World::new();
    while world.now < POLL {
        world.step(Fate::Arrives);
    }
    assert_eq!(world.requests, ["log-in", "trust-bundle", "assignment", "event-document", "slot-list"]);
    assert_eq!(world.held().documents.len(), 4);
}

#[test]
fn rows_travel_together_after_half_a_second() {
    let mut world = World::new();
    while world.requests.len() < 5 {
        world.step(Fate::Arrives);
    }
    let start = world.now;
    world.scan("a");
    world.step(Fate::Arrives);
    assert_eq!(world.now, start + Duration::from_millis(500));
    world.scan("b");
    world.step(Fate::Arrives);
    assert_eq!(world.requests.last(), Some(&"upload"));
    assert_eq!((world.validation.rows.len(), world.held().unsettled), (2, 0));
}

#[test]
fn a_backlog_goes_out_in_full_batches_without_a_pause() {
    let mut world = World::new();
    for row in 0..2500 {
        world.scan(&row.to_string());
    }
    world.settle();
    assert_eq!(world.requests.iter().filter(|request| **request == "upload").count(), 3);
    assert!(world.now <= Duration::from_secs(2), "{:?}", world.now);
}

#[test]
fn an_ended_session_is_renewed() {
    let mut world = World::new();
    world.scan("a");
    while world.validation.rows.is_empty() {
        world.step(Fate::Arrives);
    }
    world.scan("b");
    world.step(Fate::Arrives);
    world.step(Fate::SessionEnds);
    assert_eq!(world.validation.rows.len(), 1);
    world.settle();
    assert_eq!(world.requests.iter().filter(|request| **request == "log-in").count(), 2);
}

#[test]
fn a_refused_document_is_said_and_does_not_hold_back_the_journal() {
    let mut world = World::new();
    let good = world.validation.documents.insert(DocumentKind::TrustBundle, b"junk".to_vec()).unwrap();
    world.scan("a");
    world.settle();
    assert!(world.machine.refused().contains_key(&DocumentKind::TrustBundle));
    assert!(world.held().documents.is_empty());

    world.validation.documents.insert(DocumentKind::TrustBundle, good);
    while world.held().documents.len() < 4 {
        world.step(Fate::Arrives);
    }
    assert!(world.machine.refused().is_empty());
}

#[test]
fn a_silent_cloud_is_asked_ever_more_rarely() {
    let mut world = World::new();
    let mut asked = 0;
    while world.now < Duration::from_mins(10) {
        let before = world.now;
        world.step(Fate::RequestLost);
        asked += u32::from(world.now == before);
    }
    assert!((10..25).contains(&asked), "{asked} requests in ten minutes");
}

/// The documents' round takes longer than their poll.
#[test]
fn a_slow_line_keeps_no_row_back() {
    let mut world = World::new();
    world.exchange = Duration::from_secs(10);
    world.scan("a");
    while world.held().unsettled > 0 {
        world.step(Fate::Arrives);
        assert!(world.now < Duration::from_mins(2), "the row never went");
    }
    while world.held().documents.len() < 4 {
        world.step(Fate::Arrives);
        assert!(world.now < Duration::from_mins(5), "the documents never came");
    }
}

#[test]
fn a_document_that_never_gets_through_keeps_no_row_back() {
    for kind in DocumentKind::ALL {
        let mut world = World::new();
        (world.exchange, world.never) = (Duration::from_secs(15), Some(kind));
        for row in 0..3 {
            world.scan(&row.to_string());
            while world.held().unsettled > 0 {
                world.step(Fate::Arrives);
                assert!(world.now < Duration::from_mins(20), "{kind:?} keeps row {row} back");
            }
        }
    }
}

#[test]
fn rows_without_a_result_are_sent_again() {
    let mut world = World::new();
    world.validation.patience = Some(2);
    for row in 0..5 {
        world.scan(&row.to_string());
    }
    world.settle();
    assert_eq!(world.validation.rows.len(), 5);
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Scan(u8),
    Exchange(Fate),
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let fate = prop_oneof![
        4 => Just(Fate::Arrives),
        2 => Just(Fate::RequestLost),
        2 => Just(Fate::ReplyLost),
        1 => Just(Fate::SessionEnds),
        1 => Just(Fate::Fails),
    ];
    let event = prop_oneof![
        3 => (0_u8..20).prop_map(Event::Scan),
        6 => fate.prop_map(Event::Exchange),
        1 => Just(Event::Restart),
    ];
    proptest::collection::vec(event, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_row_arrives_once_and_in_order(events in events()) {
        let mut world = World::new();
        for event in events {
            match event {
                Event::Scan(slot) => world.scan(&samples::ticket_of(slot.into(), 1).to_text()),
                Event::Exchange(fate) => world.step(fate),
                Event::Restart => world.restart(),
            }
        }
        world.settle();
        let report = world.ledger().report().unwrap();
        prop_assert_eq!(u64::try_from(world.validation.rows.len()).unwrap(), report.rows);
        prop_assert_eq!(report.contested, 0);
    }
}
