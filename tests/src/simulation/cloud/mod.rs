//! Validation as gates meet it, with its books in memory. The law of what it signs and what a row is worth is the real one; what PostgreSQL
//! keeps, maps keep, by the same keys.

mod backup;
mod documents;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{ClaimReply, Reply, Request};
use countermark_service::contract::{ReportSlot, ReportedState};
use countermark_shared::clock::{TimeQuestion, answer_time};
use countermark_shared::documents::{Assignment, Authentic, Head, Revision};
use countermark_shared::id::{GateId, Generation, Slot};
use countermark_shared::journal::{JournalRow, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{AskClaim, Base64, ClaimAnswered, RowOutcome, TimeAnswer, Upload, Uploaded};
use countermark_validation::reconcile::{About, Attendance, SILENCE, lost};
use countermark_validation::rehearsal::{Claims, Journals};
use secrecy::{ExposeSecret, SecretString};

use super::feed::Feed;
use super::findings::Findings;
use super::list::List;
use super::venue::{EVENT, Venue, gate_key, hours};

use self::backup::Backup;

/// How long a session lasts: short of the real hour, for many to end in a run.
const SESSION: Duration = Duration::from_mins(10);

/// What is known of a seat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    /// Its newest issue.
    pub(super) generation: Generation,
    /// Since when that is the newest.
    pub(super) since: Timestamp,
    /// Whether an administrator holds it back.
    pub(super) blocked: bool,
    /// Since when it is taken back for good.
    pub(super) revoked: Option<Timestamp>,
}

/// Validation's books.
pub(super) struct Cloud {
    venue: Arc<Venue>,
    seats: BTreeMap<Slot, Seat>,
    changed: BTreeSet<Slot>,
    /// What gates are told of seats.
    pub(super) list: List,
    gates: BTreeMap<GateId, Served>,
    sessions: BTreeMap<String, (GateId, Timestamp)>,
    /// When each was heard last.
    seen: BTreeMap<GateId, Timestamp>,
    /// What gates told.
    pub(super) journals: Journals,
    /// What gates asked before they admitted.
    claims: Claims,
    /// What other gates are told of that.
    pub(super) feed: Feed,
    /// What was found in it.
    pub(super) findings: Findings,
    /// The gate that was carried off.
    pub(super) lost: Option<Lost>,
    backup: Option<Backup>,
    /// Since when it answers, from a backup, having forgotten what came after that.
    pub(super) restored: Option<Timestamp>,
    /// What arrived, for whoever plays it again.
    pub(super) arrived: Vec<(Timestamp, Arrived)>,
}

/// A gate that is suspended since somebody carried it off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    /// Which.
    pub(super) gate: GateId,
    /// By which batch of the feed the others are told that its rows do not count.
    pub(super) told_by: Option<Revision>,
}

/// Something that validation was told.
#[derive(Clone)]
pub(super) enum Arrived {
    /// Tickets' word about a seat.
    Report(ReportSlot),
    /// A gate's rows, and what it was answered, whether or not it heard that.
    Upload { gate: GateId, upload: Upload, answer: Uploaded },
    /// A gate's question, and what it was answered; nothing where it was refused an answer.
    Claim { gate: GateId, ask: AskClaim, answer: Option<ClaimAnswered> },
    /// Admin's, that a gate was in known hands until then.
    Suspend { gate: GateId, believed_until: Timestamp },
}

struct Served {
    assignment: Authentic<Assignment>,
    head: Option<Authentic<Head>>,
}

impl Cloud {
    /// With so many gates enrolled, and so many seats issued.
    pub(super) fn new(venue: Arc<Venue>, gates: u32, seats: u32, now: Timestamp) -> anyhow::Result<Self> {
        let seat = Seat { generation: Generation(1), since: now, blocked: false, revoked: None };
        let seats: BTreeMap<_, _> = (0..seats).map(|slot| (Slot(slot), seat)).collect();
        let served = |gate| anyhow::Ok((gate, Served { assignment: venue.assignment(gate, 1)?, head: None }));
        let journals = Journals::default();
        Ok(Self {
            gates: (1..=gates).map(|gate| served(GateId(gate))).collect::<anyhow::Result<_>>()?,
            changed: BTreeSet::new(),
            list: List::begin(&venue, 0, &seats, now)?,
            sessions: BTreeMap::new(),
            seen: (1..=gates).map(|gate| (GateId(gate), now)).collect(),
            feed: Feed::begin(&venue, 0, &journals, now)?,
            journals,
            claims: Claims::default(),
            findings: Findings::default(),
            lost: None,
            backup: None,
            restored: None,
            arrived: seats.iter().map(|(slot, seat)| (now, seat.report(*slot))).collect(),
            seats,
            venue,
        })
    }

    /// What is known of a seat.
    pub(super) fn seat(&self, slot: Slot) -> Option<Seat> {
        self.seats.get(&slot).copied()
    }

    /// All seats.
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.seats.keys().copied().collect()
    }

    /// Changes what is known of a seat; gates hear of it by the next step.
    pub(super) fn change(&mut self, slot: Slot, now: Timestamp, change: impl FnOnce(&mut Seat)) -> anyhow::Result<()> {
        if let Some(seat) = self.seats.get_mut(&slot).filter(|seat| seat.revoked.is_none()) {
            change(seat);
            self.changed.insert(slot);
            self.arrived.push((now, seat.report(slot)));
        }
        self.findings.look_at_seat(&self.venue, slot, self.seats.get(&slot), &self.journals)
    }

    /// Suspends a gate that somebody carried off then.
    pub(super) fn suspend(&mut self, gate: GateId, believed_until: Timestamp, now: Timestamp) -> anyhow::Result<()> {
        self.journals.retract(gate, believed_until);
        self.lost = Some(Lost { gate, told_by: None });
        self.arrived.push((now, Arrived::Suspend { gate, believed_until }));
        for slot in self.slots() {
            self.findings.look_at_seat(&self.venue, slot, self.seats.get(&slot), &self.journals)?;
        }
        self.findings.look_at_gate(gate, &self.journals)
    }

    /// Ends every session, as a restart over another database would.
    pub(super) fn forget_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Answers one request, which came over a session of that gate or begins one. The nonce is the gate's, for the time.
    pub(super) fn answer(
        &mut self,
        gate: GateId,
        request: &Request,
        nonce: [u8; 32],
        now: Timestamp,
    ) -> anyhow::Result<Reply> {
        let session = match request {
            Request::LogIn { written_up_to } => {
                self.claims.settle(gate, *written_up_to, &self.journals);
                let known_up_to = Some(self.journals.known_up_to(gate));
                return Ok(Reply::LoggedIn { session: self.log_in(gate, now), known_up_to });
            }
            Request::Fetch { session, .. } | Request::AskTime { session } | Request::Upload { session, .. } => session,
        };
        if !self.is_session(gate, session, now) {
            return Ok(Reply::Unauthorised);
        }
        self.seen.insert(gate, now);
        Ok(match request {
            Request::LogIn { .. } => Reply::Refused,
            Request::Fetch { wanted, .. } => self.document(gate, *wanted, now)?,
            Request::AskTime { .. } => {
                let question = TimeQuestion { gate, nonce };
                let signature = Base64(answer_time(&question, now, &self.venue.list_key).to_bytes());
                Reply::Time(question, TimeAnswer { at: now, signature })
            }
            Request::Upload { upload, .. } => {
                let served = self.gates.get(&gate).with_context(|| format!("gate {gate} is not enrolled"))?;
                let told = (served.assignment.document(), gate_key(gate).verifying_key());
                let answer = self.journals.take(told, &self.venue.keys, upload.clone(), now)?;
                self.claims.settle(gate, None, &self.journals);
                let arrived = Arrived::Upload { gate, upload: upload.clone(), answer: answer.clone() };
                self.arrived.push((now, arrived));
                for result in answer.results.iter().filter(|result| result.outcome == RowOutcome::Stored) {
                    let stored = self.journals.row(gate, result.sequence).context("a stored row is there")?;
                    self.feed.tell(&stored.row);
                }
                self.look(gate, upload)?;
                Reply::Uploaded(answer)
            }
        })
    }

    /// Looks anew at whatever an upload names.
    fn look(&mut self, gate: GateId, upload: &Upload) -> anyhow::Result<()> {
        let rows = upload.rows.iter().filter_map(|row| JournalRow::from_bytes(&row.row.0).ok());
        let slots: BTreeSet<_> = rows
            .filter_map(|row| match row.subject {
                Subject::Ticket { slot, .. } => Some(slot),
                Subject::Payload { .. } => None,
            })
            .collect();
        for slot in slots {
            self.findings.look_at_seat(&self.venue, slot, self.seats.get(&slot), &self.journals)?;
        }
        self.findings.look_at_gate(gate, &self.journals)
    }

    /// Who is missed once the gate that was carried off has been silent for as long as any may be.
    pub(super) fn missed(&self) -> Vec<GateId> {
        let Some(heard) = self.lost.and_then(|lost| self.seen.get(&lost.gate)) else { return Vec::new() };
        let (doors, last_entry) = hours();
        let silent = |(gate, seen): (&GateId, &Timestamp)| {
            lost(*gate, &Attendance { seen: *seen, doors, last_entry, last_row: None }, *heard + SILENCE)
        };
        let about = self.seen.iter().filter_map(silent).map(|found| found.about);
        about
            .filter_map(|about| match about {
                About::Gate { gate, row: _ } => Some(gate),
                About::Seat { slot: _ } => None,
            })
            .collect()
    }

    /// What is found in all that was told, looked at as a whole.
    pub(super) fn found_at_once(&self) -> anyhow::Result<Findings> {
        Findings::of(&self.venue, &self.seats, &self.journals)
    }

    /// Whether it is away at that time, while its database is put back.
    pub(super) fn is_away(&self, now: Timestamp) -> bool {
        self.restored.is_some_and(|since| now < since)
    }

    /// Begins a session.
    pub(super) fn log_in(&mut self, gate: GateId, now: Timestamp) -> SecretString {
        let token = format!("{gate} at {now}");
        self.sessions.insert(token.clone(), (gate, now + SESSION));
        SecretString::from(token)
    }

    /// Answers what a row of a gate asks, over a session of that gate.
    pub(super) fn claim(
        &mut self,
        gate: GateId,
        row: u64,
        ask: &AskClaim,
        session: &SecretString,
        now: Timestamp,
    ) -> anyhow::Result<ClaimReply> {
        if !self.is_session(gate, session, now) {
            return Ok(ClaimReply::Unauthorised(row));
        }
        let (event, keys) = (self.venue.event.document(), &self.venue.keys);
        let answer = self.claims.answer(gate, ask, (event, keys), &self.journals, now);
        let is_refused = self.journals.is_suspended(gate) || !self.claims.owing(gate, &self.journals).is_empty();
        ensure!(answer.is_some() || is_refused, "row {row} of gate {gate} may not ask");
        self.arrived.push((now, Arrived::Claim { gate, ask: ask.clone(), answer }));
        Ok(answer.map_or(ClaimReply::Failed(row), |answer| ClaimReply::Answered(row, answer)))
    }

    fn is_session(&self, gate: GateId, session: &SecretString, now: Timestamp) -> bool {
        let known = self.sessions.get(session.expose_secret());
        known.is_some_and(|(of, until)| *of == gate && now < *until)
    }
}

impl Seat {
    /// What tickets say of it. Of a block they know nothing, and say the same again.
    fn report(self, slot: Slot) -> Arrived {
        let state = if self.revoked.is_some() { ReportedState::Revoked } else { ReportedState::Issued };
        Arrived::Report(ReportSlot {
            event: EVENT,
            slot,
            generation: self.generation,
            state,
            issued: None,
            revoked: None,
        })
    }
}
