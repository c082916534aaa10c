//! How often the places of a slot passed: counts that add up, whoever counted.

use core::num::NonZeroU8;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::facts::Unfinished;
use crate::documents::Direction;
use crate::id::GateId;
use crate::journal::JournalRow;
use crate::time::Timestamp;
use crate::verdict::{Admission, Reason};

/// Persons who passed with the tickets of one (event, slot), over all generations. Admissions that were undone and exits by which nobody
/// left are not among them, and one that was forgiven counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Passages {
    /// Persons who entered, each entry counted.
    pub admitted: u32,
    /// Those of them who entered at or after the event's last reset.
    pub admitted_since_reset: u32,
    /// Persons who left after an entry: rows of reason `exit`. Those of `exit-without-entry` are not counted, or a second scan on the
    /// way out would buy a second entry.
    pub left: u32,
    /// The last entry.
    pub last_entry: Option<Admission>,
    /// The last exit, of either reason.
    pub last_exit: Option<Timestamp>,
}

impl Passages {
    /// Nobody passed.
    pub const NONE: Self = Self { admitted: 0, admitted_since_reset: 0, left: 0, last_entry: None, last_exit: None };

    /// What rows of one gate count to, all of one slot and in their order. What was taken back is not among it, nor an exit by which nobody
    /// left.
    pub fn of(rows: &[JournalRow], last_reset: Option<Timestamp>) -> Self {
        let undone: BTreeSet<u64> = rows.iter().filter_map(JournalRow::undoes).collect();
        let stopped: BTreeSet<u64> = rows.iter().filter_map(JournalRow::stopped).collect();
        let counts_for_nothing = |row: &JournalRow| {
            undone.contains(&row.sequence) || (row.direction == Direction::Exit && stopped.contains(&row.sequence))
        };
        let standing = rows.iter().filter(|row| !counts_for_nothing(row));
        standing.fold(Self::NONE, |passages, row| passages.after(row, last_reset))
    }

    /// The count after one more row of the slot's, whatever becomes of that row later. `last_reset` is the event's: [`EventDocument::last_reset`].
    ///
    /// [`EventDocument::last_reset`]: crate::documents::EventDocument::last_reset
    #[must_use]
    pub fn after(self, row: &JournalRow, last_reset: Option<Timestamp>) -> Self {
        if row.persons == 0 {
            return self;
        }
        let counts = if matches!(row.reason, Reason::Forgiven | Reason::ExitWithoutEntry) { 0 } else { row.persons };
        let one = match row.direction {
            Direction::Entry => Self::entered(row.gate, counts, row.at, last_reset),
            Direction::Exit => Self { left: counts.into(), last_exit: Some(row.at), ..Self::NONE },
        };
        self.and(one)
    }

    /// What a gate was allowed, and has not told the end of: they count as having entered when it was granted.
    pub fn granted(gate: GateId, persons: NonZeroU8, at: Timestamp, last_reset: Option<Timestamp>) -> Self {
        Self::entered(gate, persons.get(), at, last_reset)
    }

    fn entered(gate: GateId, persons: u8, at: Timestamp, last_reset: Option<Timestamp>) -> Self {
        Self {
            admitted: persons.into(),
            admitted_since_reset: if last_reset.is_none_or(|reset| at >= reset) { persons.into() } else { 0 },
            last_entry: Some(Admission { at, gate: Some(gate) }),
            ..Self::NONE
        }
    }

    /// Persons inside by this count; nobody where more left than entered.
    pub fn inside(&self) -> u32 {
        self.admitted.saturating_sub(self.left)
    }

    /// Both counts together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            admitted: self.admitted.saturating_add(other.admitted),
            admitted_since_reset: self.admitted_since_reset.saturating_add(other.admitted_since_reset),
            left: self.left.saturating_add(other.left),
            last_entry: later(self.last_entry, other.last_entry),
            last_exit: self.last_exit.max(other.last_exit),
        }
    }

    /// The greater of two counts of the same passages, in each field.
    #[must_use]
    pub(super) fn at_least(self, other: Self) -> Self {
        Self {
            admitted: self.admitted.max(other.admitted),
            admitted_since_reset: self.admitted_since_reset.max(other.admitted_since_reset),
            left: self.left.max(other.left),
            last_entry: later(self.last_entry, other.last_entry),
            last_exit: self.last_exit.max(other.last_exit),
        }
    }

    /// The exits alone, as far as they are of persons who entered by another count.
    #[must_use]
    pub(super) fn exits(self) -> Self {
        Self { left: self.left.saturating_sub(self.admitted), last_exit: self.last_exit, ..Self::NONE }
    }

    /// The count as it would be had the unfinished admission never happened. Of the entry before it nothing is known: whatever was
    /// asked of that one held when the unfinished one was admitted.
    #[must_use]
    pub(super) fn without(self, unfinished: &Unfinished, last_reset: Option<Timestamp>) -> Self {
        let persons = u32::from(unfinished.persons.get());
        let since_reset = if last_reset.is_none_or(|reset| unfinished.at >= reset) { persons } else { 0 };
        Self {
            admitted: self.admitted.saturating_sub(persons),
            admitted_since_reset: self.admitted_since_reset.saturating_sub(since_reset),
            last_entry: self.last_entry.filter(|entry| entry.at != unfinished.at),
            ..self
        }
    }
}

/// The later of two; of two at once, the first.
fn later(one: Option<Admission>, other: Option<Admission>) -> Option<Admission> {
    match (one, other) {
        (Some(a), Some(b)) => Some(if b.at > a.at { b } else { a }),
        (one, other) => one.or(other),
    }
}
