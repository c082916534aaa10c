//! The machine and a real ledger against a little model of validation, over a network that loses requests and replies.

use std::time::Duration;

use countermark_shared::clock::{Exchange, TimeQuestion, answer_time};
use countermark_shared::documents::{Remedy, SlotState};
use countermark_shared::id::{LaneId, Slot};
use countermark_shared::journal::{BootId, ChainHash};
use countermark_shared::wire::{MAX_ROWS_PER_UPLOAD, RowOutcome, RowResult};
use proptest::prelude::*;

use super::back_off::Jitter;
use super::machine::{Delivery, Failure, Held, Machine, Request, Response, Step};
use super::shell::held;
use crate::carried::unpack;
use crate::clock::Moment;
use crate::cloud::Wanted;
use crate::documents::DocumentKind;
use crate::input::{RawScan, ScannedText, Source};
use crate::ledger::{Batch, Ledger, TakeError, Taken, TimeAnswered};
use crate::publisher::Publisher;
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
    publisher: Option<Publisher>,
    /// A head that a copy which lags behind still serves.
    lagging: Option<Vec<u8>>,
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
        let validation = Validation { publisher: Some(Publisher::new()), ..Validation::default() };
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
        self.ledger = Some(Ledger::open(&file, samples::owner(), BootId::new([0; 16]), self.now).unwrap());
        self.machine = Machine::new(POLL);
    }

    fn ledger(&mut self) -> &mut Ledger {
        self.ledger.as_mut().unwrap()
    }

    fn scan(&mut self, text: &str) {
        let now = self.moment();
        let text = ScannedText::Whole(text.to_owned());
        let scan = RawScan { lane: LaneId(1), source: Source::Lines, text, at: self.now };
        self.ledger().scan(&[scan], now);
    }

    fn moment(&self) -> Moment {
        Moment { battery: DOORS + self.now, uptime: self.now }
    }

    fn publisher(&mut self) -> &mut Publisher {
        self.validation.publisher.as_mut().unwrap()
    }

    fn held(&mut self) -> Held {
        held(&self.ledger().report().unwrap())
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
                    let outcome = self.deliver(delivery);
                    self.machine.delivered(outcome, self.now, Jitter(0.5));
                }
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) -> Result<Taken, Failure> {
        let now = self.moment();
        let failure = |error: TakeError| Failure { problem: error.to_string(), remedy: error.remedy() };
        match delivery {
            Delivery::Document { kind, bytes } => self.ledger().take(kind, &bytes, now).map_err(failure),
            Delivery::Bundles(set) => {
                let mut outcome = Ok(Taken::Held);
                for (kind, bytes) in unpack(&set).unwrap() {
                    outcome = self.ledger().take(kind, &bytes, now).map_err(failure);
                }
                outcome
            }
            Delivery::Time(answer) => {
                let outcome = self.ledger().set_clock(&answer, now);
                outcome
                    .map(|()| Taken::New)
                    .map_err(|error| Failure { problem: error.to_string(), remedy: Remedy::None })
            }
            Delivery::Results(results) => {
                self.ledger().settle(&results).unwrap();
                Ok(Taken::New)
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
            Request::Fetch { .. } | Request::Upload { .. } | Request::AskTime { .. } if !self.validation.logged_in => {
                Response::Unauthorised
            }
            Request::Fetch { wanted, .. } if self.never == Some(wanted.kind()) => lost(),
            Request::Fetch { wanted, session: _ } => {
                self.requests.push(wanted.kind().code());
                self.document(*wanted)
            }
            Request::AskTime { session: _ } => Response::Time(self.tell_time()),
            Request::Upload { session: _ } => {
                self.requests.push("upload");
                let batch = self.ledger().batch().unwrap().unwrap();
                Response::Uploaded(self.validation.take(&batch))
            }
        };
        if fate == Fate::ReplyLost { lost() } else { reply }
    }

    fn tell_time(&mut self) -> TimeAnswered {
        let question = TimeQuestion { gate: GATE, nonce: [5; 32] };
        let (at, asked) = (self.moment().battery, self.now);
        let signature = answer_time(&question, at, self.publisher().list_key());
        TimeAnswered { question, at, signature, exchange: Exchange { asked, answered: asked + self.exchange } }
    }

    fn document(&mut self, wanted: Wanted) -> Response {
        let now = self.moment().battery;
        let lagging = self.validation.lagging.clone().filter(|_| wanted.kind() == DocumentKind::Head);
        lagging.or_else(|| self.publisher().answer(wanted, now)).map_or(Response::Absent, Response::Document)
    }

    /// Whether the gate has what is true.
    fn is_in_step(&mut self) -> bool {
        let (held, publisher) = (self.ledger().documents_held(), self.publisher());
        held.bundle.is_some_and(|(bundle, _)| bundle.revision == publisher.bundle_version())
            && held.assignment.is_some_and(|assignment| assignment == publisher.assignment_standing())
            && held.slots.is_some_and(|slots| slots.in_force == publisher.slots_standing())
    }

    /// Goes on without a fault until the gate is in step, or says what keeps it.
    fn catch_up(&mut self) {
        for _ in 0..400 {
            if self.is_in_step() {
                return;
            }
            self.step(Fate::Arrives);
        }
        assert!(!self.machine.refused().is_empty(), "out of step, and says nothing: {:?}", self.machine);
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
    let documents: Vec<_> = world.requests.iter().copied().filter(|request| *request != "head").collect();
    assert_eq!(documents, ["log-in", "trust-bundle", "assignment", "event-document", "slot-list"]);
    assert!(world.is_in_step());
    assert!(world.requests.iter().filter(|request| **request == "head").count() <= 2);
}

#[test]
fn rows_travel_together_after_half_a_second() {
    let mut world = World::new();
    world.catch_up();
    // The time is asked for last.
    world.step(Fate::Arrives);
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
    world.publisher().junk.insert(DocumentKind::TrustBundle);
    world.scan("a");
    world.settle();
    assert!(world.machine.refused().contains_key(&DocumentKind::TrustBundle));
    assert_eq!(world.held().bundle, None);

    world.publisher().junk.clear();
    world.catch_up();
    assert!(world.is_in_step());
    world.step(Fate::Arrives);
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
    while !world.is_in_step() {
        world.step(Fate::Arrives);
        assert!(world.now < Duration::from_mins(5), "the documents never came");
    }
}

#[test]
fn a_document_that_never_gets_through_keeps_no_row_back() {
    for kind in DocumentKind::HELD {
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

#[test]
fn a_missing_step_is_got_round_by_the_snapshot_and_said_where_there_is_none() {
    let mut world = World::new();
    world.catch_up();
    world.publisher().say([(Slot(7), SlotState::Blocked)]);
    world.publisher().lose_last_step();
    world.catch_up();
    assert!(!world.is_in_step());
    assert!(world.machine.refused().contains_key(&DocumentKind::SlotList));
    assert!(world.held().bundle.is_some(), "what was in force stays");

    world.publisher().publish_snapshot();
    world.catch_up();
    assert!(world.is_in_step());
}

#[test]
fn steps_are_taken_one_by_one_and_a_raised_epoch_by_its_snapshot() {
    let mut world = World::new();
    world.catch_up();
    for slot in 100..110 {
        world.publisher().say([(Slot(slot), SlotState::Good)]);
    }
    world.requests.clear();
    world.catch_up();
    assert_eq!(world.requests.iter().filter(|request| **request == "slot-delta").count(), 10);
    assert!(world.is_in_step() && !world.requests.contains(&"slot-list"));

    world.publisher().raise_epoch();
    world.catch_up();
    assert!(world.is_in_step() && world.requests.contains(&"slot-list"));
}

/// The gate slept through two rotations, and none of the keys it knew signs anything any more.
#[test]
fn roots_and_list_keys_that_were_replaced_are_reached_step_by_step() {
    let mut world = World::new();
    world.catch_up();
    for _ in 0..2 {
        world.publisher().rotate_roots();
        world.publisher().replace_list_key();
    }
    world.catch_up();
    assert!(world.is_in_step());
}

/// A box that was enrolled, and stood in a cupboard while the roots were replaced.
#[test]
fn a_gate_without_a_bundle_finds_its_way_from_the_roots_its_code_named() {
    let mut world = World::new();
    world.publisher().rotate_roots();
    world.publisher().replace_list_key();
    world.catch_up();
    assert!(world.is_in_step());
}

#[test]
fn what_a_thief_published_falls_with_his_key() {
    let mut world = World::new();
    world.catch_up();
    let honest = world.publisher().slots_standing();
    for _ in 0..9 {
        world.publisher().raise_epoch();
    }
    world.publisher().say([(Slot(7), SlotState::Revoked)]);
    world.catch_up();
    assert!(world.is_in_step());

    world.publisher().restore(honest.revision);
    world.publisher().replace_list_key();
    world.catch_up();
    assert!(world.is_in_step(), "{:?}", world.machine.refused());
    assert_eq!(world.publisher().slots_standing().revision.epoch, 0);
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Scan(u8),
    Exchange(Fate),
    Restart,
    Say(u8, bool),
    Snapshot,
    RaiseEpoch,
    LoseStep,
    RotateRoots,
    ReplaceListKey,
    Suspend(bool),
    Lag(bool),
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
        6 => (0_u8..20).prop_map(Event::Scan),
        24 => fate.prop_map(Event::Exchange),
        2 => Just(Event::Restart),
        4 => (0_u8..120, any::<bool>()).prop_map(|(slot, blocked)| Event::Say(slot, blocked)),
        2 => Just(Event::Snapshot),
        1 => Just(Event::RaiseEpoch),
        1 => Just(Event::LoseStep),
        1 => Just(Event::RotateRoots),
        1 => Just(Event::ReplaceListKey),
        1 => any::<bool>().prop_map(Event::Suspend),
        1 => any::<bool>().prop_map(Event::Lag),
    ];
    proptest::collection::vec(event, 0..100)
}

impl World {
    fn happen(&mut self, event: Event) {
        let now = self.moment().battery;
        match event {
            Event::Scan(slot) => self.scan(&samples::ticket_of(slot.into(), 1).to_text()),
            Event::Exchange(fate) => self.step(fate),
            Event::Restart => self.restart(),
            Event::Say(slot, blocked) => {
                let state = if blocked { SlotState::Blocked } else { SlotState::Good };
                self.publisher().say([(Slot(slot.into()), state)]);
            }
            Event::Snapshot => self.publisher().publish_snapshot(),
            Event::RaiseEpoch => self.publisher().raise_epoch(),
            Event::LoseStep => self.publisher().lose_last_step(),
            Event::RotateRoots => self.publisher().rotate_roots(),
            Event::ReplaceListKey => self.publisher().replace_list_key(),
            Event::Suspend(suspended) => self.publisher().suspend(suspended),
            Event::Lag(lags) => {
                let head = self.publisher().answer(Wanted::Head { held: None }, now);
                self.validation.lagging = head.filter(|_| lags);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Every row arrives once and in order; and in the end the gate has what is true, or says what keeps it from it, and has it as soon as the
    /// cloud gives a list that leads there.
    #[test]
    fn rows_arrive_once_and_documents_end_in_what_is_true(events in events()) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
        }
        world.settle();
        let report = world.ledger().report().unwrap();
        prop_assert_eq!(u64::try_from(world.validation.rows.len()).unwrap(), report.rows);
        prop_assert_eq!(report.contested, 0);

        world.validation.lagging = None;
        world.catch_up();
        world.publisher().publish_snapshot();
        world.catch_up();
        prop_assert!(world.is_in_step(), "{:?}", world.machine.refused());
        world.restart();
        prop_assert!(world.is_in_step(), "a restart forgets nothing");
    }
}
