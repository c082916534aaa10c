//! The machine and a real ledger against a little model of validation, over a network that loses requests and replies.

mod documents;
mod guests;
mod pace;
mod properties;

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::clock::{Exchange, TimeQuestion, answer_time};
use countermark_shared::documents::{FeedRow, GateStanding, Passage, Remedy, SlotState};
use countermark_shared::id::{GateId, Generation, LaneId, Slot};
use countermark_shared::journal::{BootId, ChainHash};
use countermark_shared::wire::{Guest, GuestCursor, MAX_ROWS_PER_UPLOAD, RowOutcome, RowResult};

use super::back_off::Jitter;
use super::exchange::{Held, Request, Response, Step};
use super::machine::Machine;
use crate::clock::Moment;
use crate::cloud::Wanted;
use crate::documents::DocumentKind;
use crate::input::{RawScan, ScannedText, Source};
use crate::ledger::{Batch, Delivery, Failure, Ledger, Taken, TimeAnswered};
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
    /// Who is on the guest list.
    guests: BTreeMap<GuestCursor, Guest>,
    /// The guest list is answered with a failure.
    guests_fail: bool,
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

    /// Goes on from a backup: the last rows are gone, lists are published in the next epoch, and every session has ended.
    fn restore(&mut self, lost: usize) {
        let kept = self.rows.len().saturating_sub(lost);
        self.rows.truncate(kept);
        self.chain.truncate(kept);
        self.logged_in = false;
        self.publisher.as_mut().unwrap().raise_epoch();
    }
}

struct World {
    folder: tempfile::TempDir,
    ledger: Option<Ledger>,
    machine: Machine,
    validation: Validation,
    now: Duration,
    requests: Vec<&'static str>,
    /// Rows of another gate that the feed tells.
    told: u64,
    /// How long an exchange takes.
    exchange: Duration,
    /// A document that never gets through whole.
    never: Option<DocumentKind>,
    /// A line so slow that no upload of more rows gets through.
    widest: usize,
    /// Whether one that is larger is refused, and not lost.
    refuses: bool,
    /// The gate's disk is full.
    full: bool,
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
            told: 0,
            exchange: Duration::ZERO,
            never: None,
            widest: usize::MAX,
            refuses: false,
            full: false,
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
        let scan = RawScan { lane: LaneId(1), source: Source::Lines, text, at: self.now, in_sight_since: None };
        self.ledger().scan(&[scan], now);
    }

    /// Another gate let two persons in, and its row has come to the cloud.
    fn admitted_elsewhere(&mut self, slot: u32) {
        let (gate, at) = (GateId(9), self.moment().battery);
        self.told += 1;
        let row = FeedRow { gate, sequence: self.told, slot: Slot(slot), persons: 2, at, passage: Passage::Entry };
        self.publisher().tell(&[row], &[]);
    }

    fn moment(&self) -> Moment {
        Moment { battery: DOORS + self.now, uptime: self.now }
    }

    fn publisher(&mut self) -> &mut Publisher {
        self.validation.publisher.as_mut().unwrap()
    }

    fn held(&mut self) -> Held {
        Held::of(&self.ledger().report().unwrap())
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
        if self.full && matches!(delivery, Delivery::Document { .. }) {
            return Err(Failure { problem: "ledger.sqlite failed".into(), remedy: Remedy::None });
        }
        self.ledger().deliver(delivery, now)
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
                let known_up_to = u64::try_from(self.validation.rows.len()).unwrap();
                if fate != Fate::ReplyLost {
                    self.ledger().unsettle(known_up_to).unwrap();
                }
                Response::LoggedIn("session".into())
            }
            Request::Fetch { .. } | Request::Upload { .. } | Request::AskTime { .. } | Request::Guests { .. }
                if !self.validation.logged_in =>
            {
                Response::Unauthorised
            }
            Request::Fetch { wanted, .. } if self.never == Some(wanted.kind()) => lost(),
            Request::Fetch { wanted, session: _ } => {
                self.requests.push(wanted.kind().code());
                self.document(*wanted)
            }
            Request::AskTime { session: _ } => Response::Time(self.tell_time()),
            Request::Guests { .. } if self.validation.guests_fail => Response::Refused { problem: "500".into() },
            Request::Guests { after, session: _ } => {
                self.requests.push("guests");
                Response::Guests(samples::guest_page(&self.validation.guests, *after))
            }
            Request::Upload { session: _, most } if *most > self.widest && self.refuses => {
                Response::Refused { problem: "413".into() }
            }
            Request::Upload { session: _, most } if *most > self.widest => lost(),
            Request::Upload { session: _, most } => {
                self.requests.push("upload");
                let batch = self.ledger().batch(*most).unwrap().unwrap();
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
            && held.document.is_some()
            && held.slots.is_some_and(|slots| slots.in_force == publisher.slots_standing())
            && held.feed.is_some_and(|feed| feed.in_force == publisher.feed_standing())
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

    /// What is asked for in ten minutes, by kind.
    fn asked_in_ten_minutes(&mut self, kind: DocumentKind) -> usize {
        self.requests.clear();
        let end = self.now + Duration::from_mins(10);
        while self.now < end {
            assert!(self.requests.len() < 1000, "a hot loop: {:?}", self.machine);
            self.step(Fate::Arrives);
        }
        self.requests.iter().filter(|request| **request == kind.code()).count()
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
