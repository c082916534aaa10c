//! What staff may take back: the law of the gate that does it and of the cloud that is told. Owns what two rows must say for the one to take
//! the other back; refuses to know what else became of the admission.

use core::num::NonZeroU8;
use core::time::Duration;

use super::{Act, JournalRow};
use crate::documents::Direction;
use crate::verdict::Reason;

/// For how long an admission can be taken back. Chosen, by nobody's standard: after that, whoever it was about has gone on, and staff
/// would say of somebody what they have not seen.
pub const UNDO_WINDOW: Duration = Duration::from_mins(5);

impl JournalRow {
    /// How many persons it let in who count by this row: nobody who was let in again because they had not got through.
    pub fn admits(&self) -> Option<NonZeroU8> {
        let admits = self.direction == Direction::Entry && self.reason != Reason::Forgiven;
        NonZeroU8::new(self.persons).filter(|_| admits)
    }

    /// Whether it takes that admission back: whole, of the same ticket at the same gate, and within [`UNDO_WINDOW`]. A clock that was set
    /// back in between is no reason against it, as it is none at the gate.
    pub fn takes_back(&self, admission: &Self) -> bool {
        let Some(Act::Undo { of, persons }) = self.act else { return false };
        (self.gate, of, &self.subject) == (admission.gate, admission.sequence, &admission.subject)
            && admission.admits() == Some(persons)
            && self.at.since(admission.at) <= UNDO_WINDOW
    }
}
