//! How many came, left and were turned away at this gate: a fold over the journal, as far as it was folded. Each row is read once, so that a count
//! costs the ledger nothing that grows with the evening.

use countermark_shared::decision::Passages;
use countermark_shared::documents::Direction;
use countermark_shared::id::EventId;
use countermark_shared::journal::{Act, JournalRow, Subject};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, store};

/// Rows that are read in one go, some milliseconds' worth: scans go before the rest.
const STEP: usize = 1024;

/// The counts of the event that the gate is assigned to, as validation counts this gate's rows of it; and those who were found by their order,
/// whom validation counts in no figure because no ticket proves them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Whose.
    #[serde(skip)]
    event: Option<EventId>,
    /// The last row that is in it.
    #[serde(skip)]
    up_to: u64,
    /// Persons let in here, less those whose admission was taken back.
    pub(crate) entered: u64,
    /// Persons let out here who are known to have come in, less those whose arm did not turn.
    pub(crate) left: u64,
    /// Scans of the event's tickets that let nobody through. Of what is no ticket of it nobody knows on which night it was shown.
    pub(crate) refused: u64,
}

impl Tally {
    /// Adds the next row, `stopped` being the one after which it says that nobody went through.
    fn add(&mut self, row: &JournalRow, stopped: Option<&JournalRow>) {
        self.up_to = row.sequence;
        match row.subject {
            Subject::Ticket { event, .. } if Some(event) == self.event => {}
            Subject::Ticket { .. } | Subject::Payload { .. } => return,
        }
        match row.act {
            Some(Act::Undo { of: _, persons }) => {
                let count = match row.direction {
                    Direction::Entry => &mut self.entered,
                    Direction::Exit => &mut self.left,
                };
                *count = count.saturating_sub(u64::from(persons.get()));
            }
            Some(Act::Actuated { .. }) => {
                // An entry stays: the same ticket is let in once more, and is not counted then.
                let exit = stopped.filter(|row| row.direction == Direction::Exit);
                let left = exit.map_or(0, |exit| Passages::NONE.after(exit, None).left);
                self.left = self.left.saturating_sub(u64::from(left));
            }
            Some(Act::Claim { .. } | Act::Hold | Act::Release) => {}
            None | Some(Act::Overrule { .. } | Act::Claimed { .. }) => {
                let passed = Passages::NONE.after(row, None);
                self.entered += u64::from(passed.admitted);
                self.left += u64::from(passed.left);
                self.refused += u64::from(row.persons == 0);
            }
        }
    }
}

impl Ledger {
    /// What was counted so far with the next rows; the same again where there are none.
    pub(crate) fn tally(&self, so_far: Tally) -> Result<Tally, LedgerError> {
        let event = self.documents.event_assigned();
        let mut tally = if so_far.event == event { so_far } else { Tally { event, ..Tally::default() } };
        for stored in store::rows_from(&self.connection, tally.up_to + 1, STEP)? {
            match JournalRow::from_bytes(&stored.row) {
                Ok(row) => {
                    let stopped = row.stopped().map(|of| store::row(&self.connection, of)).transpose()?.flatten();
                    tally.add(&row, stopped.as_ref());
                }
                // Every row was read when the ledger was opened: this is a disk that fails, of which others speak louder than a count.
                Err(_) => tally.up_to = stored.sequence,
            }
        }
        Ok(tally)
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU8;
    use std::time::Duration;

    use countermark_shared::id::{Generation, LaneId, Slot};
    use countermark_shared::journal::{Actor, Actuation, BootId, ClockState};
    use countermark_shared::verdict::Reason;

    use super::*;
    use crate::clock::Moment;
    use crate::input::{RawScan, ScannedText, Source};
    use crate::samples::{self, DOORS};

    fn scan(lane: u8, text: &str) -> RawScan {
        RawScan {
            lane: LaneId(lane),
            source: Source::Lines,
            text: ScannedText::Whole(text.to_owned()),
            at: Duration::ZERO,
            in_sight_since: None,
        }
    }

    #[test]
    fn each_row_is_counted_once_whenever_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.sqlite");
        let mut ledger = Ledger::open(&file, samples::owner(), BootId::new([0; 16]), Duration::ZERO).unwrap();
        let now = Moment { battery: DOORS, uptime: Duration::ZERO };
        for (kind, bytes) in samples::documents() {
            ledger.take(kind, &bytes, now).unwrap();
        }
        let nothing = ledger.tally(Tally::default()).unwrap();
        let (first, second) = (samples::ticket_of(1, 1).to_text(), samples::ticket_of(2, 1).to_text());
        ledger.scan(&[scan(1, &first), scan(1, "wine label"), scan(1, &second)], now);
        let early = ledger.tally(nothing).unwrap();
        assert_eq!((early.entered, early.left, early.refused), (4, 0, 0), "two places each, and what is no ticket");
        assert_eq!(ledger.tally(early).unwrap(), early);
        // Out, and once more: whoever that was did not come in here.
        ledger.scan(&[scan(1, &first), scan(2, &first), scan(2, &first)], now);
        let late = ledger.tally(early).unwrap();
        assert_eq!((late.entered, late.left, late.refused), (4, 2, 1));
        ledger.tell(5, Actuation::NotTurned);
        ledger.tell(1, Actuation::NotTurned);
        ledger.write_outcomes(now).unwrap();
        let late = ledger.tally(late).unwrap();
        assert_eq!((late.entered, late.left, late.refused), (4, 0, 1), "nobody went out");
        assert_eq!(ledger.tally(Tally::default()).unwrap(), late, "a restart counts the same");
    }

    #[test]
    fn what_was_taken_back_or_forgiven_is_not_counted_and_what_the_output_told_is_no_scan() {
        let row = |sequence, persons, act| JournalRow {
            gate: samples::GATE,
            sequence,
            boot: BootId::new([0; 16]),
            at: DOORS,
            clock: ClockState::Signed,
            lane: LaneId(1),
            direction: Direction::Entry,
            subject: Subject::Ticket { event: samples::EVENT, slot: Slot(1), generation: Generation(1) },
            persons,
            actor: Actor::Gate,
            reason: Reason::Admitted,
            proved: false,
            documents: samples::no_documents().revisions(),
            act,
        };
        let mut tally = Tally { event: Some(samples::EVENT), ..Tally::default() };
        let two = NonZeroU8::new(2).unwrap();
        let actuation = Actuation::NotTurned;
        for row in [
            row(1, 2, None),
            row(2, 0, Some(Act::Actuated { of: 1, actuation })),
            row(3, 0, Some(Act::Undo { of: 1, persons: two })),
            row(4, 0, Some(Act::Hold)),
            row(5, 1, None),
            row(6, 0, Some(Act::Actuated { of: 5, actuation })),
            JournalRow { reason: Reason::Forgiven, ..row(7, 1, None) },
            JournalRow { reason: Reason::AlreadyUsed, ..row(8, 0, None) },
            JournalRow { subject: Subject::unverified("of last week"), reason: Reason::NotOurs, ..row(9, 0, None) },
            JournalRow {
                subject: Subject::Ticket { event: EventId(8), slot: Slot(1), generation: Generation(1) },
                ..row(10, 3, None)
            },
        ] {
            tally.add(&row, None);
        }
        assert_eq!((tally.entered, tally.left, tally.refused, tally.up_to), (1, 0, 1, 10));
    }
}
