//! Whoever carries a gate off: its disk, its key and its place in the journal. Owns what is done with them; what is believed of it, others say.

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{Reply, Request, View};
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Generation, Slot};
use countermark_shared::journal::{
    Actor, BootId, ChainHash, Checkpoint, ClockState, DocumentRevisions, JournalRow, Subject,
};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use countermark_shared::wire::{Base64, SignedCheckpoint, Upload, UploadedRow};
use rand::RngExt;

use super::entrance::End;
use super::venue::{ENTRY, EVENT, Kind, gate_key};
use super::world::World;

/// A journal that goes on without a gate.
pub(super) struct Thief {
    /// Whose.
    pub(super) gate: GateId,
    /// When it was seen last by those who own it.
    since: Timestamp,
    sequence: u64,
    chain: ChainHash,
}

/// An admission that never was.
struct Invented {
    slot: Slot,
    generation: Generation,
    /// Its text, where the thief took a picture of it.
    ticket: Option<String>,
}

impl Thief {
    /// With what lies on the gate's disk.
    fn of(gate: GateId, since: Timestamp, disk: &View) -> Self {
        Self { gate, since, sequence: disk.rows, chain: disk.chain }
    }

    /// Rows for these, as the gate would have written and signed them.
    fn invents(&mut self, invented: Vec<Invented>, now: Timestamp) -> Upload {
        let previous = self.chain;
        let rows = invented.into_iter().map(|invented| self.row(invented, now)).collect();
        let Self { gate, since: _, sequence, chain: hash } = *self;
        let signature = Base64(Checkpoint::new(gate, sequence, hash).sign(&gate_key(gate)).to_bytes());
        Upload { previous, rows, checkpoint: SignedCheckpoint { sequence, hash, signature } }
    }

    fn row(&mut self, Invented { slot, generation, ticket }: Invented, now: Timestamp) -> UploadedRow {
        self.sequence += 1;
        let row = JournalRow {
            gate: self.gate,
            sequence: self.sequence,
            boot: BootId::new([255; 16]),
            at: now,
            clock: ClockState::Signed,
            lane: ENTRY,
            direction: Direction::Entry,
            subject: Subject::Ticket { event: EVENT, slot, generation },
            persons: Kind::of(slot).places().get(),
            actor: Actor::Gate,
            reason: Reason::Admitted,
            proved: true,
            documents: DocumentRevisions::NONE,
            act: None,
        };
        let bytes = row.to_bytes();
        self.chain = self.chain.next(&bytes);
        UploadedRow { sequence: self.sequence, row: Base64(bytes), ticket }
    }
}

impl World<'_> {
    /// Somebody carries a box off, unless it is off just then.
    pub(super) fn steal(&mut self, at: usize) -> anyhow::Result<()> {
        let (now, when) = (self.now, self.time());
        let entrance = self.entrance(at)?;
        let id = entrance.id;
        let Some((gate, _)) = entrance.running(now) else { return Ok(()) };
        let disk = gate.view()?;
        entrance.is_here = false;
        entrance.end(End::Power, now)?;
        self.witness.lost(id, disk.rows);
        self.thief = Some(Thief::of(id, when, &disk));
        Ok(())
    }

    /// Sends admissions that never were, over a good line.
    pub(super) fn invent(&mut self, admissions: u32) -> anyhow::Result<()> {
        let Some(mut thief) = self.thief.take() else { return Ok(()) };
        let (when, seats) = (self.time(), self.cloud.slots());
        let mut invented = Vec::new();
        for _ in 0..admissions {
            let slot = *seats.get(self.random.random_range(0..seats.len())).context("there are seats")?;
            let generation = self.cloud.seat(slot).context("they are known")?.generation;
            let text = self.venue.ticket(Kind::of(slot), (slot, generation), None)?;
            let ticket = self.random.random_bool(0.5).then_some(text);
            self.witness.invented(slot, ticket.is_some());
            invented.push(Invented { slot, generation, ticket });
        }
        let upload = thief.invents(invented, when);
        let Reply::LoggedIn { session, known_up_to: _ } =
            self.cloud.answer(thief.gate, &Request::LogIn { written_up_to: None }, [0; 32], when)?
        else {
            anyhow::bail!("gate {} may not log in", thief.gate);
        };
        let reply = self.cloud.answer(thief.gate, &Request::Upload { upload, session }, [0; 32], when)?;
        ensure!(matches!(reply, Reply::Uploaded(_)), "gate {} may not send rows", thief.gate);
        self.tell(|| format!("gate {} was carried off, and invents {admissions} admissions", thief.gate));
        self.thief = Some(thief);
        self.publish_soon();
        Ok(())
    }

    /// It is missed: the administrator suspends it, and says when it was seen last.
    pub(super) fn miss(&mut self) -> anyhow::Result<()> {
        let Some((gate, since)) = self.thief.as_ref().map(|thief| (thief.gate, thief.since)) else { return Ok(()) };
        let when = self.time();
        self.cloud.suspend(gate, since, when)?;
        self.publish_soon();
        Ok(())
    }
}
