//! One event of another gate's journal, and what is thought of that gate.

use minicbor::decode::Error;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::documents::Direction;
use crate::id::{EventId, GateId, Slot};
use crate::journal::{Act, JournalRow, Subject};
use crate::time::Timestamp;
use crate::verdict::Reason;

/// A passage through another gate, as its journal has it. It travels as an array of seven numbers, the fields in their order and the
/// passage as its code and the row it is `of`, which is 0 where it is of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// Whose journal.
    pub gate: GateId,
    /// The row's number there.
    pub sequence: u64,
    /// The seat.
    pub slot: Slot,
    /// How many persons it is about.
    pub persons: u8,
    /// When, by that gate's clock.
    pub at: Timestamp,
    /// What happened.
    pub passage: Passage,
}

/// What a row says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Persons were let in.
    Entry,
    /// Persons left who had entered.
    Exit,
    /// An admission is taken back whole: nobody went through. Its persons are those of that admission.
    Undo {
        /// The number of its row in the same journal.
        of: u64,
    },
    /// Persons were let in, in place of an admission after which nobody went through: that one counts, and this one is the last entry.
    Forgiven,
    /// Persons left of whom no entry was known: nobody is counted, and it is the last exit.
    ExitWithoutEntry,
}

impl FeedRow {
    /// What other gates are told of a journal's row: every one that let a ticket of this event pass, and what staff took back of it. Of what
    /// was forgiven or overruled nothing is taken back but the entry that counts: whether a row is `of` one, only its journal can say.
    pub fn of(row: &JournalRow, event: EventId) -> Option<Self> {
        let slot = match row.subject {
            Subject::Ticket { event: of, slot, .. } if of == event => slot,
            Subject::Ticket { .. } | Subject::Payload { .. } => return None,
        };
        let (passage, persons) = match (row.act, row.direction) {
            (Some(Act::Undo { of, persons }), _) => (Passage::Undo { of }, persons.get()),
            (_, Direction::Entry) if row.reason == Reason::Forgiven => (Passage::Forgiven, row.persons),
            (_, Direction::Entry) => (Passage::Entry, row.persons),
            (_, Direction::Exit) if row.reason == Reason::ExitWithoutEntry => (Passage::ExitWithoutEntry, row.persons),
            (_, Direction::Exit) => (Passage::Exit, row.persons),
        };
        (persons > 0).then_some(Self { gate: row.gate, sequence: row.sequence, slot, persons, at: row.at, passage })
    }
}

impl FeedRow {
    /// Its gate and number, which no other row has.
    pub(super) fn name(&self) -> (GateId, u64) {
        (self.gate, self.sequence)
    }

    /// Whether this is an entry as an undo that is `of` it says: of the same seat and as many persons. Where entries are held as sums
    /// nobody could tell, so that an undo which says otherwise would count in one way there and in another here.
    pub fn is_undone_by(&self, undo: &Self) -> bool {
        self.passage == Passage::Entry && (self.slot, self.persons) == (undo.slot, undo.persons)
    }
}

impl Passage {
    /// The row of an admission that no longer counts.
    pub const fn cancels(self) -> Option<u64> {
        match self {
            Self::Undo { of } => Some(of),
            Self::Entry | Self::Exit | Self::Forgiven | Self::ExitWithoutEntry => None,
        }
    }
}

/// What validation thinks of a gate's rows. A gate that is not named is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GateStanding {
    /// Its rows count.
    #[n(0)]
    Trusted,
    /// Its rows count, and staff decide where they alone would refuse: two machines write its journal, or its key may be stolen.
    #[n(1)]
    Contested,
    /// Its rows from this number on do not count, whenever they come.
    #[n(2)]
    Retracted {
        /// The first that does not.
        #[n(0)]
        from: u64,
    },
}

impl<C> Encode<C> for FeedRow {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let (code, of) = match self.passage {
            Passage::Entry => (0, 0),
            Passage::Exit => (1, 0),
            Passage::Undo { of } => (2, of),
            Passage::Forgiven => (3, 0),
            Passage::ExitWithoutEntry => (4, 0),
        };
        encoder.array(7)?.u32(self.gate.0)?.u64(self.sequence)?.u32(self.slot.0)?;
        encoder.u8(self.persons)?.encode(self.at)?.u8(code)?.u64(of)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for FeedRow {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        if decoder.array()? != Some(7) {
            return Err(Error::message("a row is seven numbers"));
        }
        let (gate, sequence, slot) = (GateId(decoder.u32()?), decoder.u64()?, Slot(decoder.u32()?));
        let (persons, at) = (decoder.u8()?, decoder.decode()?);
        let passage = match (decoder.u8()?, decoder.u64()?) {
            (0, 0) => Passage::Entry,
            (1, 0) => Passage::Exit,
            (2, of) => Passage::Undo { of },
            (3, 0) => Passage::Forgiven,
            (4, 0) => Passage::ExitWithoutEntry,
            _ => return Err(Error::message("a passage is one of five, and none but an undo is of a row")),
        };
        Ok(Self { gate, sequence, slot, persons, at, passage })
    }
}

impl GateStanding {
    /// What is thought of a gate once `said` was said of it: a retraction stays, and only grows.
    pub(super) fn then(self, said: Self) -> Self {
        match (self, said) {
            (Self::Retracted { from: earlier }, Self::Retracted { from }) => {
                Self::Retracted { from: earlier.min(from) }
            }
            (Self::Retracted { .. }, Self::Trusted | Self::Contested) => self,
            (Self::Trusted | Self::Contested, said) => said,
        }
    }

    /// Whether the row of that number counts.
    pub(super) const fn counts(self, sequence: u64) -> bool {
        match self {
            Self::Trusted | Self::Contested => true,
            Self::Retracted { from } => sequence < from,
        }
    }
}
