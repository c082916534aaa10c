//! One event of another gate's journal, and what is thought of that gate.

use minicbor::decode::Error;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::id::{GateId, Slot};
use crate::time::Timestamp;

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
    /// Persons left.
    Exit,
    /// An admission is taken back: nobody went through.
    Undo {
        /// The number of its row in the same journal.
        of: u64,
    },
    /// Persons were let in, in place of an admission after which nobody went through.
    Forgiven {
        /// The number of that admission's row in the same journal.
        of: u64,
    },
}

impl Passage {
    /// The row of an admission that no longer counts.
    pub(super) const fn cancels(self) -> Option<u64> {
        match self {
            Self::Undo { of } | Self::Forgiven { of } => Some(of),
            Self::Entry | Self::Exit => None,
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
            Passage::Forgiven { of } => (3, of),
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
            (3, of) => Passage::Forgiven { of },
            _ => return Err(Error::message("a passage is entry, exit, undo of a row, or forgiven for a row")),
        };
        Ok(Self { gate, sequence, slot, persons, at, passage })
    }
}

impl GateStanding {
    /// Whether the row of that number counts.
    pub(super) const fn counts(self, sequence: u64) -> bool {
        match self {
            Self::Trusted | Self::Contested => true,
            Self::Retracted { from } => sequence < from,
        }
    }
}
