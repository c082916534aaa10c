//! Validation as gates meet it, with its books in memory. The law of what it signs and what a row is worth is the real one; what PostgreSQL
//! keeps, maps keep, by the same keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{ClaimReply, Reply, Request, Wanted};
use countermark_service::contract::{ReportSlot, ReportedState};
use countermark_shared::clock::{TimeQuestion, answer_time};
use countermark_shared::documents::{
    Assignment, Authentic, GateStanding, Head, Held, MAX_STEPS, Revision, Signed, SlotDelta, SlotEntry, SlotList,
    SlotReason, SlotState, Slots,
};
use countermark_shared::id::{GateId, Generation, Slot};
use countermark_shared::journal::{JournalRow, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{AskClaim, Base64, ClaimAnswered, RowOutcome, TimeAnswer, Upload, Uploaded};
use countermark_validation::reconcile::{About, Attendance, SILENCE, lost};
use countermark_validation::rehearsal::{Claims, Journals};
use secrecy::{ExposeSecret, SecretString};

use super::feed::Feed;
use super::findings::Findings;
use super::venue::{EVENT, Venue, gate_key, hours};

/// How long a session lasts: short of the real hour, for many to end in a run.
const SESSION: Duration = Duration::from_mins(10);
/// How long a head says something, and how long it is served again unchanged: as validation has it.
const HEAD_LIVES: Duration = Duration::from_mins(15);
const HEAD_FRESH: Duration = Duration::from_mins(1);

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
    slots: Slots,
    steps: BTreeMap<Revision, Vec<u8>>,
    snapshots: BTreeMap<Revision, Vec<u8>>,
    /// What each revision said of a seat, from its sequence on.
    said: BTreeMap<Slot, BTreeMap<u64, SlotEntry>>,
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
        let first = Revision { epoch: 0, sequence: 1 };
        let known = seats.iter().map(|(slot, seat)| (*slot, seat.listed()));
        let list = Signed::seal(&SlotList::snapshot(EVENT, first, now, known.clone())?, &[&venue.list_key])?;
        let slots = Slots::accept(&list, venue.bundle.document(), EVENT, None, now)?;
        let said = known.map(|(slot, entry)| (slot, BTreeMap::from([(first.sequence, entry)]))).collect();
        let served = |gate| anyhow::Ok((gate, Served { assignment: venue.assignment(gate)?, head: None }));
        Ok(Self {
            gates: (1..=gates).map(|gate| served(GateId(gate))).collect::<anyhow::Result<_>>()?,
            changed: BTreeSet::new(),
            slots,
            steps: BTreeMap::new(),
            snapshots: BTreeMap::from([(first, list)]),
            said,
            sessions: BTreeMap::new(),
            seen: (1..=gates).map(|gate| (GateId(gate), now)).collect(),
            journals: Journals::default(),
            claims: Claims::default(),
            feed: Feed::begin(&venue, now)?,
            findings: Findings::default(),
            lost: None,
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

    /// Publishes the next step of the list and the next batch of the feed, where there is news, and after so many a snapshot.
    pub(super) fn publish(&mut self, now: Timestamp) -> anyhow::Result<()> {
        self.feed.publish(&self.venue, &self.journals, now)?;
        if let Some(lost) = self.lost.as_mut().filter(|lost| lost.told_by.is_none()) {
            let is_retracted = matches!(self.feed.standing_of(lost.gate), GateStanding::Retracted { from: _ });
            lost.told_by = is_retracted.then(|| self.feed.standing().revision);
        }
        let news = std::mem::take(&mut self.changed);
        let news: BTreeMap<_, _> =
            news.into_iter().filter_map(|slot| Some((slot, self.seat(slot)?.listed()))).collect();
        let last = self.slots.revision();
        let next = Revision { sequence: last.sequence + 1, ..last };
        let Some(delta) = SlotDelta::following(self.slots.table(), &news, next, now)? else { return Ok(()) };
        let (bytes, bundle) = (Signed::seal(&delta, &[&self.venue.list_key])?, self.venue.bundle.document());
        self.slots = Slots::step(&bytes, bundle, EVENT, Some(&self.slots), now)?;
        for (slot, entry) in delta.changes() {
            self.said.entry(*slot).or_default().insert(next.sequence, *entry);
        }
        self.steps.insert(next, bytes);
        if next.sequence.is_multiple_of(MAX_STEPS) {
            let snapshot = self.slots.table().snapshot(next, now);
            self.snapshots.insert(next, Signed::seal(&snapshot, &[&self.venue.list_key])?);
        }
        Ok(())
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

    /// What the list of that number said of a seat.
    pub(super) fn said(&self, slot: Slot, sequence: u64) -> SlotEntry {
        let said = self.said.get(&slot).and_then(|said| said.range(..=sequence).next_back());
        said.map_or(SlotEntry::NOT_ISSUED, |(_, entry)| *entry)
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
            Request::LogIn => return Ok(Reply::LoggedIn(self.log_in(gate, now))),
            Request::Fetch { session, .. } | Request::AskTime { session } | Request::Upload { session, .. } => session,
        };
        if !self.is_session(gate, session, now) {
            return Ok(Reply::Unauthorised);
        }
        self.seen.insert(gate, now);
        Ok(match request {
            Request::LogIn => Reply::Refused,
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
        ensure!(answer.is_some() || self.journals.is_suspended(gate), "row {row} of gate {gate} may not ask");
        self.arrived.push((now, Arrived::Claim { gate, ask: ask.clone(), answer }));
        Ok(answer.map_or(ClaimReply::Failed(row), |answer| ClaimReply::Answered(row, answer)))
    }

    fn is_session(&self, gate: GateId, session: &SecretString, now: Timestamp) -> bool {
        let known = self.sessions.get(session.expose_secret());
        known.is_some_and(|(of, until)| *of == gate && now < *until)
    }

    fn document(&mut self, gate: GateId, wanted: Wanted, now: Timestamp) -> anyhow::Result<Reply> {
        let bytes = match wanted {
            Wanted::NewestBundle => Some(self.venue.bundle.bytes()),
            // No bundle follows on the first.
            Wanted::BundlesAfter(_) => None,
            Wanted::Bundle(hash) => {
                Some(&self.venue.bundle).filter(|bundle| bundle.hash() == hash).map(Authentic::bytes)
            }
            Wanted::EventDocument(hash) => {
                Some(&self.venue.event).filter(|event| event.hash() == hash).map(Authentic::bytes)
            }
            Wanted::Assignment => self.gates.get(&gate).map(|served| served.assignment.bytes()),
            Wanted::Head { held } => {
                let head = self.head(gate, now)?;
                if held == Some(head.hash()) {
                    return Ok(Reply::Unchanged);
                }
                Some(head.bytes())
            }
            Wanted::SlotDelta { event, to } => self.steps.get(&to).filter(|_| event == EVENT).map(Vec::as_slice),
            Wanted::SlotSnapshot { event, up_to } => {
                let first = Revision { sequence: 0, ..up_to };
                let newest = self.snapshots.range(first..=up_to).next_back();
                newest.filter(|_| event == EVENT).map(|(_, bytes)| bytes.as_slice())
            }
            Wanted::FeedBatch { event, to } => self.feed.batch(to).filter(|_| event == EVENT),
            Wanted::FeedSnapshot { event, up_to } => self.feed.snapshot(up_to).filter(|_| event == EVENT),
        };
        Ok(bytes.map_or(Reply::Absent, |bytes| Reply::Document(bytes.to_vec())))
    }

    /// Signed where something changed, and otherwise each minute; each later than the one before.
    fn head(&mut self, gate: GateId, now: Timestamp) -> anyhow::Result<&Authentic<Head>> {
        let bundle = &self.venue.bundle;
        let served = self.gates.get_mut(&gate).with_context(|| format!("gate {gate} is not enrolled"))?;
        let issued =
            served.head.as_ref().map_or(now, |head| now.max(head.document().issued + Duration::from_millis(1)));
        let wanted = Head {
            gate,
            issued,
            not_after: issued + HEAD_LIVES,
            event: EVENT,
            roots: bundle.document().root_fingerprint(),
            bundle: bundle.standing(),
            assignment: served.assignment.standing(),
            document: Some(self.venue.event.standing()),
            slots: Some(self.slots.standing()),
            feed: Some(self.feed.standing()),
        };
        let still_says = |last: &Authentic<Head>| {
            let last = last.document();
            let same = Head { issued: last.issued, not_after: last.not_after, ..wanted.clone() } == *last;
            same && now.since(last.issued) < HEAD_FRESH
        };
        if let Some(last) = served.head.take().filter(still_says) {
            return Ok(served.head.insert(last));
        }
        let bytes = Signed::seal(&wanted, &[&self.venue.list_key])?;
        Ok(served.head.insert(Head::accept(&bytes, bundle.document(), gate, None, issued)?))
    }

    /// Whether that is what a gate should hold, or what is missing of it.
    pub(super) fn is_newest(&self, gate: GateId, held: &Held) -> anyhow::Result<()> {
        let served = self.gates.get(&gate).with_context(|| format!("gate {gate} is not enrolled"))?;
        ensure!(held.bundle.is_some_and(|(bundle, _)| bundle == self.venue.bundle.standing()), "another bundle");
        ensure!(held.assignment == Some(served.assignment.standing()), "another assignment");
        ensure!(
            held.document.is_some_and(|held| held.in_force == self.venue.event.standing()),
            "another event document"
        );
        ensure!(held.slots.is_some_and(|held| held.in_force == self.slots.standing()), "another slot list");
        ensure!(held.feed.is_some_and(|held| held.in_force == self.feed.standing()), "another admission feed");
        Ok(())
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

    /// What a list says of it, as validation's publisher has it.
    fn listed(self) -> SlotEntry {
        let state = match (self.revoked.is_some(), self.blocked) {
            (true, _) => SlotState::Revoked,
            (false, true) => SlotState::Blocked,
            (false, false) => SlotState::Good,
        };
        let least_generation = if self.generation > Generation(1) { self.generation } else { Generation(0) };
        SlotEntry { state, least_generation, reason: SlotReason::Unspecified }
    }
}
