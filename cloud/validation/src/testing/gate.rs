//! A gate that writes its journal.

use std::num::NonZeroU8;
use std::time::Duration;

use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Generation, LaneId, Slot};
use countermark_shared::journal::{
    Act, Actor, BootId, ChainHash, Checkpoint, ClockState, DocumentRevisions, JournalRow, Subject,
};
use countermark_shared::keys::SigningKey;
use countermark_shared::verdict::Reason;
use countermark_shared::wire::{Base64, SignedCheckpoint, Upload, UploadedRow};

use super::{DOORS, EVENT};

/// A gate that has logged in, and its journal.
pub(crate) struct TestGate {
    pub(crate) gate: GateId,
    pub(crate) key: SigningKey,
    pub(crate) token: String,
    /// Written and not uploaded.
    pub(crate) rows: Vec<UploadedRow>,
    /// After the last row that was uploaded.
    pub(crate) chain: ChainHash,
    pub(crate) sequence: u64,
}

impl TestGate {
    /// The same gate with nothing to upload.
    pub(crate) fn like(gate: &Self) -> Self {
        let (token, key) = (gate.token.clone(), gate.key.clone());
        Self { gate: gate.gate, key, token, rows: Vec::new(), chain: gate.chain, sequence: gate.sequence }
    }

    pub(crate) fn admit(&mut self, slot: u32, ticket: Option<&str>) {
        self.admit_generation(slot, 1, ticket);
    }

    pub(crate) fn admit_generation(&mut self, slot: u32, generation: u8, ticket: Option<&str>) {
        let subject = Subject::Ticket { event: EVENT, slot: Slot(slot), generation: Generation(generation) };
        let row = JournalRow { subject, persons: 2, reason: Reason::Admitted, proved: true, ..self.next() };
        self.write(&row, ticket);
    }

    /// Lets so many persons of the seat through, in or out by the reason.
    pub(crate) fn pass(&mut self, slot: u32, persons: u8, reason: Reason, ticket: Option<&str>) {
        let subject = Subject::Ticket { event: EVENT, slot: Slot(slot), generation: Generation(1) };
        let (lane, direction) =
            if reason.leaves() { (LaneId(2), Direction::Exit) } else { (LaneId(1), Direction::Entry) };
        let row = JournalRow { subject, persons, lane, direction, reason, proved: true, ..self.next() };
        self.write(&row, ticket);
    }

    /// Does something about the seat's earlier row for two.
    pub(crate) fn act(&mut self, slot: u32, act: Act) {
        let subject = Subject::Ticket { event: EVENT, slot: Slot(slot), generation: Generation(1) };
        self.write(&JournalRow { subject, reason: Reason::Admitted, act: Some(act), ..self.next() }, None);
    }

    /// Takes an admission of two back.
    pub(crate) fn undo(&mut self, slot: u32, of: u64) {
        self.act(slot, Act::Undo { of, persons: NonZeroU8::new(2).unwrap() });
    }

    pub(crate) fn refuse(&mut self, text: &str) {
        let row = self.next();
        self.write(&JournalRow { subject: Subject::unverified(text), ..row }, None);
    }

    /// The next row, of something that was no ticket.
    pub(crate) fn next(&self) -> JournalRow {
        JournalRow {
            gate: self.gate,
            sequence: self.sequence + 1,
            boot: BootId::new([9; 16]),
            at: DOORS + Duration::from_secs(self.sequence),
            clock: ClockState::Signed,
            lane: LaneId(1),
            direction: Direction::Entry,
            subject: Subject::unverified("junk"),
            persons: 0,
            actor: Actor::Gate,
            reason: Reason::NotOurs,
            proved: false,
            documents: DocumentRevisions::NONE,
            act: None,
        }
    }

    pub(crate) fn write(&mut self, row: &JournalRow, ticket: Option<&str>) {
        self.sequence += 1;
        let ticket = ticket.map(str::to_owned);
        self.rows.push(UploadedRow { sequence: self.sequence, row: Base64(row.to_bytes()), ticket });
    }

    /// What was written since the last upload, with a checkpoint that holds.
    pub(crate) fn upload(&self) -> Upload {
        let hash = self.rows.iter().fold(self.chain, |chain, row| chain.next(&row.row.0));
        let sequence = self.rows.last().unwrap().sequence;
        let signature = Checkpoint::new(self.gate, sequence, hash).sign(&self.key);
        let checkpoint = SignedCheckpoint { sequence, hash, signature: Base64(signature.to_bytes()) };
        Upload { previous: self.chain, rows: self.rows.clone(), checkpoint }
    }
}
