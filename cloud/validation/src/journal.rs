//! What an uploaded piece of a journal is worth. Owns the chain's and the tickets' verification and the outcome of each row;
//! pure, refuses to know where rows are stored.

use std::collections::HashMap;

use countermark_shared::decision::{Passages, examine};
use countermark_shared::documents::FeedRow;
use countermark_shared::id::{EventId, GateId, Generation, Slot};
use countermark_shared::journal::{Act, ChainHash, Checkpoint, JournalRow, Subject};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::Signature;
use countermark_shared::ticket::MAX_TEXT_LENGTH;
use countermark_shared::wire::{MAX_ROWS_PER_UPLOAD, RowOutcome, RowResult, Upload, UploadedRow};

use crate::error::Error;
use crate::session::Gate;

/// One issue of one seat: what a ticket proves and a row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seat {
    pub(crate) event: EventId,
    pub(crate) slot: Slot,
    pub(crate) generation: Generation,
}

/// Rows of a checkpoint that holds, each with what can be said of it alone.
pub(crate) struct Batch {
    event: EventId,
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
    Row { row: JournalRow, ticket: Option<String>, proved_places: Option<u8> },
}

/// What is stored at a number.
pub(crate) struct Link {
    pub(crate) row: Vec<u8>,
    pub(crate) chain: ChainHash,
}

/// A row to store.
pub(crate) struct Entry {
    pub(crate) row: JournalRow,
    pub(crate) bytes: Vec<u8>,
    pub(crate) chain: ChainHash,
    pub(crate) after_gap: bool,
    pub(crate) seat: Option<Seat>,
    pub(crate) ticket: Option<String>,
    pub(crate) proved_places: Option<u8>,
    /// Persons who came in, or less than nothing: who left.
    pub(crate) passed: i16,
    pub(crate) believed: bool,
}

/// A row to keep aside.
pub(crate) struct Aside {
    pub(crate) sequence: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) reason: AsideReason,
    pub(crate) detail: String,
}

/// Why a row cannot stand in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsideReason {
    Fork,
    Unreadable,
}

/// What is to be stored of a batch, and what the gate is told.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) entries: Vec<Entry>,
    pub(crate) aside: Vec<Aside>,
    pub(crate) results: Vec<RowResult>,
    /// Whether some of it contradicts what is stored, or lacks its proof.
    pub(crate) doubtful: bool,
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
        Ok(Self { event: gate.event, rows })
    }

    /// The numbers whose stored rows [`settle`](Self::settle) wants to know: its own, and those before them.
    pub(crate) fn sequences(&self) -> Vec<u64> {
        let mut sequences: Vec<_> =
            self.rows.iter().flat_map(|row| [row.sequence.saturating_sub(1), row.sequence]).collect();
        sequences.sort_unstable();
        sequences.dedup();
        sequences
    }

    /// The seats whose earlier proofs it wants to know.
    pub(crate) fn seats(&self) -> Vec<Seat> {
        self.rows
            .iter()
            .filter_map(|offered| match &offered.content {
                Content::Row { row, .. } => Seat::of(&row.subject),
                Content::Unreadable { .. } => None,
            })
            .collect()
    }

    /// Decides each row, in order, each seeing those before it. `proofs` says for how many persons the gate has proved each seat. Of a
    /// suspended gate nothing is believed, whatever it proves: it may be stolen, and its clock says what the thief likes.
    pub(crate) fn settle(
        &self,
        mut stored: HashMap<u64, Link>,
        mut proofs: HashMap<Seat, u8>,
        suspended: bool,
    ) -> Settled {
        let mut settled = Settled::default();
        for offered in &self.rows {
            let outcome = match (&offered.content, stored.get(&offered.sequence)) {
                (Content::Unreadable { why }, _) => {
                    settled.set_aside(offered, AsideReason::Unreadable, why);
                    RowOutcome::Unreadable
                }
                (Content::Row { .. }, Some(link)) if link.row == offered.bytes => RowOutcome::Known,
                (Content::Row { .. }, Some(_)) => {
                    settled.set_aside(offered, AsideReason::Fork, "another row has this number");
                    RowOutcome::Fork
                }
                (Content::Row { row, ticket, proved_places }, None) => {
                    let seat = Seat::of(&row.subject);
                    let proved = is_believed(self.event, row, seat, *proved_places, &mut proofs);
                    settled.doubtful |= !proved;
                    let believed = proved && !suspended;
                    settled.entries.push(Entry {
                        row: row.clone(),
                        bytes: offered.bytes.clone(),
                        chain: offered.after,
                        after_gap: !continues(&stored, offered),
                        seat,
                        ticket: ticket.clone(),
                        proved_places: *proved_places,
                        passed: passed(row),
                        believed,
                    });
                    stored.insert(offered.sequence, Link { row: offered.bytes.clone(), chain: offered.after });
                    if believed { RowOutcome::Stored } else { RowOutcome::Unproved }
                }
            };
            settled.results.push(RowResult { sequence: offered.sequence, outcome });
        }
        settled
    }
}

impl Settled {
    /// The new rows that other gates are told.
    pub(crate) fn told(&self, event: EventId) -> Vec<u64> {
        let is_told = |entry: &&Entry| entry.believed && FeedRow::of(&entry.row, event).is_some();
        self.entries.iter().filter(is_told).map(|entry| entry.row.sequence).collect()
    }

    /// The rows whose claims the new rows end, whatever these are worth.
    pub(crate) fn claims_ended(&self) -> Vec<u64> {
        let ended = |entry: &Entry| match entry.row.act? {
            Act::Claimed { of } => Some(of),
            Act::Undo { .. }
            | Act::Actuated { .. }
            | Act::Overrule { .. }
            | Act::Claim { .. }
            | Act::Hold
            | Act::Release => None,
        };
        self.entries.iter().filter_map(ended).collect()
    }

    fn set_aside(&mut self, offered: &Offered, reason: AsideReason, detail: &str) {
        self.aside.push(offered.aside(reason, detail));
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
                let proved_places = ticket.as_deref().and_then(|text| prove(&row, text, keys));
                Content::Row { row, ticket, proved_places }
            }
        };
        Self { sequence, before, after: before.next(&row.0), bytes: row.0, content }
    }

    fn aside(&self, reason: AsideReason, detail: &str) -> Aside {
        Aside { sequence: self.sequence, bytes: self.bytes.clone(), reason, detail: detail.to_owned() }
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
    if i64::try_from(sequence).is_err() {
        return Err("no journal counts so far".to_owned());
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

/// For how many persons `text` proves the seat that the row names.
fn prove(row: &JournalRow, text: &str, keys: &KeyRing) -> Option<u8> {
    let seat = Seat::of(&row.subject)?;
    let ticket = examine(text, seat.event, keys).ok()?;
    (Seat::of(&Subject::of(&ticket)) == Some(seat)).then(|| ticket.body().places.get())
}

/// A row without a seat lets nobody in, and nothing in it needs proof. A gate reads tickets of its own event alone: what it says of
/// another's seats, with a key that somebody stole, is not believed.
fn is_believed(
    event: EventId,
    row: &JournalRow,
    seat: Option<Seat>,
    proved: Option<u8>,
    proofs: &mut HashMap<Seat, u8>,
) -> bool {
    let Some(seat) = seat else { return true };
    if let Some(places) = proved {
        proofs.insert(seat, places);
    }
    seat.event == event && proofs.get(&seat).is_some_and(|places| row.persons <= *places)
}

/// Whether the row before is the one that the chain was at.
fn continues(stored: &HashMap<u64, Link>, offered: &Offered) -> bool {
    match offered.sequence {
        1 => offered.before == ChainHash::START,
        sequence => stored.get(&(sequence - 1)).is_some_and(|link| link.chain == offered.before),
    }
}
