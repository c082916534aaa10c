//! What this gate's rows of one seat come to: who passed and was not taken back, how the last admission ended, whether staff hold it. Pure;
//! knows nothing of where rows are stored, or of what follows for a verdict.

use core::num::NonZeroU8;
use std::collections::BTreeMap;

use countermark_shared::decision::{Passages, Turn, Unfinished};
use countermark_shared::documents::Direction;
use countermark_shared::journal::{Act, Actuation, JournalRow};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::case::WINDOW;

/// The rows by which somebody passed with a seat, and what was done about it.
#[derive(Default)]
pub(super) struct History {
    rows: Vec<JournalRow>,
    unended: BTreeMap<u64, Unended>,
}

/// Why it is not known how a passage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unended {
    /// It will be told.
    UnderWay,
    /// The agent ended before it was told.
    CutOff,
}

impl History {
    /// Of rows in order, and of the passages among them of which nobody told yet how they ended.
    pub(super) fn new(rows: Vec<JournalRow>, unended: BTreeMap<u64, Unended>) -> Self {
        Self { rows, unended }
    }

    /// What they count to.
    pub(super) fn passages(&self, last_reset: Option<Timestamp>) -> Passages {
        Passages::of(&self.rows, last_reset)
    }

    /// What they count to where people come in, or go out. Who may still stand in the arm of an exit has left for whoever wants to go out by the same
    /// ticket, and not for whoever wants to come in.
    pub(super) fn passages_at(&self, direction: Direction, last_reset: Option<Timestamp>) -> Passages {
        let is_leaving = |row: &JournalRow| {
            row.direction == Direction::Exit && self.unended(row.sequence) == Some(Unended::UnderWay)
        };
        match direction {
            Direction::Entry => {
                let ended: Vec<_> = self.rows.iter().filter(|row| !is_leaving(row)).cloned().collect();
                Passages::of(&ended, last_reset)
            }
            Direction::Exit => self.passages(last_reset),
        }
    }

    /// Who would have passed by claims that no row has answered but for the one by that row.
    pub(super) fn asked_about(&self, but: Option<u64>, last_reset: Option<Timestamp>) -> Passages {
        let claims = self.rows.iter().filter(|row| Some(row.sequence) != but && !self.is_answered(row.sequence));
        let asked = claims.filter_map(|row| match row.act {
            Some(Act::Claim { attempt: _, persons }) => Some(Passages::granted(row.gate, persons, row.at, last_reset)),
            Some(
                Act::Undo { .. }
                | Act::Actuated { .. }
                | Act::Overrule { .. }
                | Act::Claimed { .. }
                | Act::Hold
                | Act::Release,
            )
            | None => None,
        });
        asked.fold(Passages::NONE, Passages::and)
    }

    /// Whether a claim has had its verdict.
    pub(super) fn is_answered(&self, sequence: u64) -> bool {
        self.acts().any(|act| matches!(act, Act::Claimed { of } if of == sequence))
    }

    /// The last row by which somebody passed, in or out, and which was not taken back, nor is an exit by which nobody left.
    pub(super) fn last(&self) -> Option<&JournalRow> {
        self.rows
            .iter()
            .rev()
            .find(|row| row.persons > 0 && !self.is_undone(row.sequence) && !self.is_stopped_exit(row))
    }

    fn is_stopped_exit(&self, row: &JournalRow) -> bool {
        row.direction == Direction::Exit && self.rows.iter().any(|told| told.stopped() == Some(row.sequence))
    }

    /// Whether an admission was taken back.
    pub(super) fn is_undone(&self, sequence: u64) -> bool {
        self.rows.iter().any(|row| row.undoes() == Some(sequence))
    }

    /// How often the seat was taken back.
    pub(super) fn undos(&self) -> usize {
        self.rows.iter().filter(|row| row.undoes().is_some()).count()
    }

    /// Whether somebody was let in though this row refused them.
    pub(super) fn is_overruled(&self, sequence: u64) -> bool {
        self.acts().any(|act| matches!(act, Act::Overrule { of, .. } if of == sequence))
    }

    /// How an admission ended, if an output or staff told: the last word, and when it was said.
    pub(super) fn told(&self, sequence: u64) -> Option<(Actuation, Timestamp)> {
        let told = |row: &JournalRow| row.actuated().filter(|(of, _)| *of == sequence).map(|(_, how)| (how, row.at));
        self.rows.iter().rev().find_map(told)
    }

    /// Why nobody told yet how a passage ended; none where it is known.
    pub(super) fn unended(&self, sequence: u64) -> Option<Unended> {
        self.unended.get(&sequence).copied()
    }

    /// The last admission, where nobody knows whether people passed.
    pub(super) fn in_doubt(&self, now: Timestamp) -> Option<&JournalRow> {
        self.last_admission().filter(|row| self.turn(row.sequence, now) == Some(Turn::Unknown))
    }

    /// The last admission, where it is not known that people passed. After an exit somebody was inside.
    pub(super) fn unfinished(&self, now: Timestamp) -> Option<Unfinished> {
        let row = self.last_admission()?;
        Some(Unfinished { at: row.at, persons: NonZeroU8::new(row.persons)?, turn: self.turn(row.sequence, now)? })
    }

    /// The row by which staff hold the seat back, while they do.
    pub(super) fn hold(&self) -> Option<&JournalRow> {
        let last = self.rows.iter().rev().find(|row| matches!(row.act, Some(Act::Hold | Act::Release)))?;
        (last.act == Some(Act::Hold)).then_some(last)
    }

    /// The last passage, where it is an entry and no forgiveness.
    fn last_admission(&self) -> Option<&JournalRow> {
        self.last().filter(|row| row.direction == Direction::Entry && row.reason != Reason::Forgiven)
    }

    /// What is known against an admission's having ended with people passing. Only the arm itself, or staff who stood there, can say that nobody did, and
    /// it is believed while the ticket may still be in the same hand. What was not opened as far as its device told may have opened all the same, or
    /// been opened by hand.
    fn turn(&self, sequence: u64, now: Timestamp) -> Option<Turn> {
        match (self.told(sequence), self.unended(sequence)) {
            (Some((Actuation::NotTurned, at)), _) if now.since(at) <= WINDOW => Some(Turn::NotTurned),
            (Some((Actuation::NotTurned | Actuation::NotOpened, _)), _) | (None, Some(Unended::CutOff)) => {
                Some(Turn::Unknown)
            }
            (Some((Actuation::Opened | Actuation::Turned, _)), _) | (None, Some(Unended::UnderWay) | None) => None,
        }
    }

    fn acts(&self) -> impl Iterator<Item = Act> {
        self.rows.iter().filter_map(|row| row.act)
    }
}
