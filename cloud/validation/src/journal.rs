//! What an uploaded piece of a journal is worth. Owns the chain's and the tickets' verification and the outcome of each row;
//! pure, refuses to know where rows are stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use countermark_shared::decision::{Passages, examine};
use countermark_shared::documents::{Direction, FeedRow};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot};
use countermark_shared::journal::{Act, ChainHash, Checkpoint, JournalRow, Subject, UNDO_WINDOW};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::Signature;
use countermark_shared::ticket::MAX_TEXT_LENGTH;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{MAX_ROWS_PER_UPLOAD, RowOutcome, RowResult, Upload, UploadedRow};

use crate::error::Error;
use crate::reconcile::jumps;
use crate::session::Gate;

/// How much longer than its five minutes an undo may be under way, counted from when its admission arrived: for so long nobody knows whether
/// the gate was cut off or is in other hands. Chosen: most networks are back by then.
const UNDO_UNDER_WAY: Duration = Duration::from_mins(10);

/// One issue of one seat: what a ticket proves and a row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seat {
    pub(crate) event: EventId,
    pub(crate) slot: Slot,
    pub(crate) generation: Generation,
}

/// The events that a gate serves or served, each with the lanes at which people leave. Rows of an evening may come long after the gate was moved.
pub(crate) type Served = BTreeMap<EventId, BTreeSet<LaneId>>;

/// Rows of a checkpoint that holds, each with what can be said of it alone.
pub(crate) struct Batch {
    rows: Vec<Offered>,
}

struct Offered {
    sequence: u64,
    bytes: Vec<u8>,
    before: ChainHash,
    after: ChainHash,
    content: Content,
}

enum Content {
    Unreadable { why: String },
    Row { row: JournalRow, ticket: Option<String>, proof: Option<Proof> },
}

/// What a ticket proves of its seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// For how many persons it is.
    pub(crate) places: u8,
    /// Of which kind; nothing where an earlier release did not write it down.
    pub(crate) product: Option<ProductId>,
}

/// What is stored at a number.
pub(crate) struct Link {
    pub(crate) row: Vec<u8>,
    pub(crate) chain: ChainHash,
    pub(crate) received: Timestamp,
}

/// What is stored of a gate's journal, as far as a batch's rows are judged by it.
pub(crate) struct Stored {
    /// What stands at the numbers that the batch [names](Batch::sequences).
    pub(crate) links: HashMap<u64, Link>,
    /// What the gate has proved of the batch's [seats](Batch::seats).
    pub(crate) proofs: HashMap<Seat, Proof>,
    /// The admissions of those that the batch [takes back](Batch::undone) whose arm turned.
    pub(crate) turned: BTreeSet<u64>,
    /// Of which events the gate tells.
    pub(crate) served: Served,
}

/// A row to store.
pub(crate) struct Entry {
    pub(crate) row: JournalRow,
    pub(crate) bytes: Vec<u8>,
    pub(crate) chain: ChainHash,
    pub(crate) after_gap: bool,
    pub(crate) told: Told,
    /// Persons who came in, or less than nothing: who left.
    pub(crate) passed: i16,
    /// The passage that counts for nothing by it: an admission that was taken back, or an exit by which nobody left.
    pub(crate) undoes: Option<u64>,
    /// What it says of the time is to be held against the rows beside it.
    pub(crate) clock_doubtful: bool,
}

/// What a row tells of a seat, and what that is worth.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) seat: Option<Seat>,
    /// The ticket's text that came with it.
    pub(crate) ticket: Option<String>,
    /// What that text proves.
    pub(crate) proof: Option<Proof>,
    /// Of which kind the seat's ticket is, by this text or an earlier one.
    pub(crate) product: Option<ProductId>,
    /// Whether nothing in it is left for the gate alone to say.
    pub(crate) proved: bool,
    /// Whether it counts: it is proved, and the gate is not suspended.
    pub(crate) believed: bool,
}

impl Told {
    /// Whether it counts once the gate is resumed.
    pub(crate) fn is_withheld(&self) -> bool {
        self.proved && !self.believed
    }
}

/// A row to keep aside.
pub(crate) struct Aside {
    pub(crate) sequence: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) reason: AsideReason,
    pub(crate) detail: String,
    pub(crate) told: Told,
}

/// Why a row cannot stand in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsideReason {
    Fork,
    Unreadable,
}

/// A claim that is over: what it was called, and about which seat.
pub(crate) struct ClaimEnded {
    pub(crate) attempt: [u8; 16],
    pub(crate) seat: Seat,
}

/// What is to be stored of a batch, and what the gate is told.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) entries: Vec<Entry>,
    pub(crate) aside: Vec<Aside>,
    pub(crate) results: Vec<RowResult>,
    /// Whether some of it contradicts what is stored, or lacks its proof.
    pub(crate) doubtful: bool,
    /// The claims that its proved rows end.
    pub(crate) claims_ended: Vec<ClaimEnded>,
}

impl Settled {
    /// Whether anything of it was not known before; of what is kept aside that is not told.
    pub(crate) fn is_news(&self) -> bool {
        !self.entries.is_empty() || !self.aside.is_empty()
    }
}

impl Batch {
    /// Reads an upload: checks how far the gate says its journal goes, then reads each row and verifies each ticket by itself.
    pub(crate) fn read(upload: Upload, gate: &Gate, keys: &KeyRing) -> Result<Self, Error> {
        let Upload { previous, rows, checkpoint } = upload;
        let refused = |why| Err(Error::CheckpointRefused { why });
        let last = match rows.last() {
            Some(last) if rows.len() <= MAX_ROWS_PER_UPLOAD => last.sequence,
            _ => return Err(Error::UploadSize { rows: rows.len() }),
        };
        let end = rows.iter().fold(previous, |chain, row| chain.next(&row.row.0));
        if checkpoint.sequence != last {
            return refused("it is for another row than the last");
        }
        if checkpoint.hash != end {
            return refused("its hash is not the one these rows lead to");
        }
        let signature = Signature::from_bytes(&checkpoint.signature.0);
        if !Checkpoint::new(gate.gate, last, end).is_signed_by(gate.key, &signature) {
            return refused("the gate's key did not sign it");
        }
        let mut before = previous;
        let rows = rows
            .into_iter()
            .map(|row| {
                let offered = Offered::read(row, before, gate.gate, keys);
                before = offered.after;
                offered
            })
            .collect();
        Ok(Self { rows })
    }

    /// The numbers whose stored rows [`settle`](Self::settle) wants to know: its own, those beside them, and those that its rows are of.
    pub(crate) fn sequences(&self) -> Vec<u64> {
        let beside = |row: &Offered| [row.sequence.saturating_sub(1), row.sequence, row.sequence.saturating_add(1)];
        let mut sequences: Vec<_> =
            self.rows.iter().flat_map(beside).chain(self.readable().filter_map(rests_on)).collect();
        sequences.sort_unstable();
        sequences.dedup();
        sequences
    }

    /// The seats whose earlier proofs it wants to know.
    pub(crate) fn seats(&self) -> Vec<Seat> {
        self.readable().filter_map(|row| Seat::of(&row.subject)).collect()
    }

    /// The admissions that it takes back.
    pub(crate) fn undone(&self) -> Vec<u64> {
        self.readable().filter_map(JournalRow::undoes).collect()
    }

    /// Whether it tells of entries to that event alone: then nothing else that the gate served is asked for.
    pub(crate) fn is_of_entries_to(&self, event: EventId) -> bool {
        self.readable().all(|row| !is_exit(row) && Seat::of(&row.subject).is_none_or(|seat| seat.event == event))
    }

    fn readable(&self) -> impl Iterator<Item = &JournalRow> {
        self.rows.iter().filter_map(|offered| match &offered.content {
            Content::Row { row, .. } => Some(row),
            Content::Unreadable { .. } => None,
        })
    }

    /// The numbers of its rows, the first and the last.
    pub(crate) fn span(&self) -> (u64, u64) {
        let numbers = || self.rows.iter().map(|row| row.sequence);
        (numbers().min().unwrap_or_default(), numbers().max().unwrap_or_default())
    }

    /// Decides each row, in order, each seeing those before it. Of a suspended gate nothing is believed, whatever it proves: it may be
    /// stolen, and its clock says what the thief likes.
    pub(crate) fn settle(&self, mut stored: Stored, suspended: bool, now: Timestamp) -> Settled {
        let mut settled = Settled::default();
        for offered in &self.rows {
            let outcome = match (&offered.content, stored.links.get(&offered.sequence)) {
                (Content::Unreadable { why }, _) => {
                    settled.set_aside(offered.aside(AsideReason::Unreadable, why, Told::default()));
                    RowOutcome::Unreadable
                }
                (Content::Row { .. }, Some(link)) if link.row == offered.bytes => RowOutcome::Known,
                (Content::Row { row, ticket, proof }, Some(_)) => {
                    // What stands was told first: nothing that is kept aside takes it back.
                    let proved = stored.proves_seat(row, *proof) && stored.has_lane(row);
                    let told = stored.told(row, ticket.as_ref(), *proof, proved && row.undoes().is_none(), suspended);
                    settled.set_aside(offered.aside(AsideReason::Fork, "another row has this number", told));
                    RowOutcome::Fork
                }
                (Content::Row { row, ticket, proof }, None) => {
                    let proved = stored.proves_seat(row, *proof) && stored.has_lane(row);
                    let proved = proved && stored.may_undo(row, now);
                    let told = stored.told(row, ticket.as_ref(), *proof, proved, suspended);
                    settled.doubtful |= !told.proved;
                    settled.claims_ended.extend(told.proved.then(|| stored.claim_ended(row)).flatten());
                    let outcome = if told.proved { RowOutcome::Stored } else { RowOutcome::Unproved };
                    settled.entries.push(Entry {
                        row: row.clone(),
                        bytes: offered.bytes.clone(),
                        chain: offered.after,
                        after_gap: !continues(&stored.links, offered),
                        told,
                        passed: passed(row),
                        undoes: stored.undoes(row),
                        clock_doubtful: is_clock_doubtful(&stored.links, row, now),
                    });
                    stored.keep(offered, row, now);
                    outcome
                }
            };
            settled.results.push(RowResult { sequence: offered.sequence, outcome });
        }
        settled
    }
}

impl Stored {
    /// Whether a ticket proves the seat that the row names, for as many persons. A row without a seat lets nobody in, and nothing in it needs
    /// proof. A gate reads tickets of the events that it serves or served: what it says of another's seats, with a key that somebody stole, is not believed.
    fn proves_seat(&mut self, row: &JournalRow, proof: Option<Proof>) -> bool {
        let Some(seat) = Seat::of(&row.subject) else { return true };
        if let Some(proof) = proof {
            self.proofs.insert(seat, proof);
        }
        self.served.contains_key(&seat.event) && self.proofs.get(&seat).is_some_and(|proof| row.persons <= proof.places)
    }

    /// Whether people leave where it says that somebody left. Where they only come in, an exit is the word of whoever has the key, and lets
    /// others come in by the same ticket.
    fn has_lane(&self, row: &JournalRow) -> bool {
        let exits = |(event, exits): (&EventId, &BTreeSet<LaneId>)| {
            Seat::of(&row.subject).is_none_or(|seat| seat.event == *event) && exits.contains(&row.lane)
        };
        !is_exit(row) || self.served.iter().any(exits)
    }

    /// Whether it takes nothing back, or what the gate could. An undo frees a seat at every gate, so that nobody's key alone may say it hours later: it is of an
    /// admission that stands, by the gate's own law, before anybody turned the arm, and soon after that admission was told here.
    fn may_undo(&self, row: &JournalRow, now: Timestamp) -> bool {
        let Some(of) = row.undoes() else { return true };
        let Some(link) = self.links.get(&of) else { return false };
        let takes_back = JournalRow::from_bytes(&link.row).is_ok_and(|admission| row.takes_back(&admission));
        takes_back && !self.turned.contains(&of) && now.since(link.received) <= UNDO_WINDOW + UNDO_UNDER_WAY
    }

    /// The passage that counts for nothing by the row. Only an exit does by its arm's word, whatever the row itself says of the way: of an entry
    /// that would be an undo that nobody held against the law.
    fn undoes(&self, row: &JournalRow) -> Option<u64> {
        let is_of_exit = |of: &u64| {
            let stopped = self.links.get(of).and_then(|link| JournalRow::from_bytes(&link.row).ok());
            stopped.is_some_and(|stopped| is_exit(&stopped))
        };
        row.undoes().or_else(|| row.stopped().filter(is_of_exit))
    }

    /// The claim that the row ends: the one that was asked about its seat by the row that it is of.
    fn claim_ended(&self, row: &JournalRow) -> Option<ClaimEnded> {
        let Act::Claimed { of } = row.act? else { return None };
        let question = JournalRow::from_bytes(&self.links.get(&of)?.row).ok()?;
        let Act::Claim { attempt, persons: _ } = question.act? else { return None };
        let seat = Seat::of(&row.subject).filter(|_| question.subject == row.subject)?;
        Some(ClaimEnded { attempt: attempt.into(), seat })
    }

    fn told(
        &self,
        row: &JournalRow,
        ticket: Option<&String>,
        proof: Option<Proof>,
        proved: bool,
        suspended: bool,
    ) -> Told {
        let seat = Seat::of(&row.subject);
        let product = seat.and_then(|seat| self.proofs.get(&seat)?.product);
        Told { seat, ticket: ticket.cloned(), proof, product, proved, believed: proved && !suspended }
    }

    fn keep(&mut self, offered: &Offered, row: &JournalRow, now: Timestamp) {
        self.links.insert(offered.sequence, Link { row: offered.bytes.clone(), chain: offered.after, received: now });
        self.turned.extend(row.turned());
    }
}

impl Settled {
    /// The new rows that other gates are told.
    pub(crate) fn told(&self) -> Vec<u64> {
        let is_told = |entry: &&Entry| {
            let seat = entry.told.seat.filter(|_| entry.told.believed);
            seat.is_some_and(|seat| FeedRow::of(&entry.row, seat.event).is_some())
        };
        self.entries.iter().filter(is_told).map(|entry| entry.row.sequence).collect()
    }

    fn set_aside(&mut self, aside: Aside) {
        self.aside.push(aside);
        self.doubtful = true;
    }
}

impl Offered {
    fn read(uploaded: UploadedRow, before: ChainHash, gate: GateId, keys: &KeyRing) -> Self {
        let UploadedRow { sequence, row, ticket } = uploaded;
        let content = match readable(&row.0, gate, sequence) {
            Err(why) => Content::Unreadable { why },
            Ok(row) => {
                // Longer text is no ticket, and not worth keeping.
                let ticket = ticket.filter(|text| text.len() <= MAX_TEXT_LENGTH);
                let proof = ticket.as_deref().and_then(|text| prove(&row, text, keys));
                Content::Row { row, ticket, proof }
            }
        };
        Self { sequence, before, after: before.next(&row.0), bytes: row.0, content }
    }

    fn aside(&self, reason: AsideReason, detail: &str, told: Told) -> Aside {
        Aside { sequence: self.sequence, bytes: self.bytes.clone(), reason, detail: detail.to_owned(), told }
    }
}

impl Seat {
    pub(crate) fn of(subject: &Subject) -> Option<Self> {
        match *subject {
            Subject::Ticket { event, slot, generation } => Some(Self { event, slot, generation }),
            Subject::Payload { .. } => None,
        }
    }
}

impl AsideReason {
    /// As the database spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Unreadable => "unreadable",
        }
    }
}

fn readable(bytes: &[u8], gate: GateId, sequence: u64) -> Result<JournalRow, String> {
    let row = JournalRow::from_bytes(bytes).map_err(|error| error.to_string())?;
    if row.gate != gate {
        return Err(format!("it is a row of gate {}", row.gate));
    }
    if row.sequence != sequence {
        return Err(format!("it is row {}", row.sequence));
    }
    Ok(row)
}

/// Persons who came in by the row, less those who left: as a gate counts them, see
/// [`Passages::after`](countermark_shared::decision::Passages::after).
fn passed(row: &JournalRow) -> i16 {
    let passages = Passages::NONE.after(row, None);
    let count = |persons: u32| i16::try_from(persons).unwrap_or(i16::MAX);
    count(passages.admitted) - count(passages.left)
}

/// What `text` proves of the seat that the row names.
fn prove(row: &JournalRow, text: &str, keys: &KeyRing) -> Option<Proof> {
    let seat = Seat::of(&row.subject)?;
    let ticket = examine(text, seat.event, keys).ok()?;
    let body = ticket.body();
    let proof = Proof { places: body.places.get(), product: Some(body.product) };
    (Seat::of(&Subject::of(&ticket)) == Some(seat)).then_some(proof)
}

fn is_exit(row: &JournalRow) -> bool {
    row.persons > 0 && row.direction == Direction::Exit
}

/// The earlier row by which this one is judged.
fn rests_on(row: &JournalRow) -> Option<u64> {
    match row.act? {
        Act::Undo { of, .. } | Act::Actuated { of, .. } | Act::Claimed { of } => Some(of),
        Act::Overrule { .. } | Act::Claim { .. } | Act::Hold | Act::Release => None,
    }
}

/// Whether the clock jumps here, to it from the row before or from it to the row after. Both ways, since either may arrive first.
fn is_clock_doubtful(stored: &HashMap<u64, Link>, row: &JournalRow, now: Timestamp) -> bool {
    let beside = |sequence: Option<u64>| JournalRow::from_bytes(&stored.get(&sequence?)?.row).ok();
    let before = beside(row.sequence.checked_sub(1));
    let after = beside(row.sequence.checked_add(1));
    !jumps(row, before.as_ref(), now).is_empty() || after.is_some_and(|after| !jumps(&after, Some(row), now).is_empty())
}

/// Whether the row before is the one that the chain was at.
fn continues(stored: &HashMap<u64, Link>, offered: &Offered) -> bool {
    match offered.sequence {
        1 => offered.before == ChainHash::START,
        sequence => stored.get(&(sequence - 1)).is_some_and(|link| link.chain == offered.before),
    }
}
