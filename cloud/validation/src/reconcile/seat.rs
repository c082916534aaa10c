//! What is wrong with a seat's passages, over all gates.

use countermark_service::contract::findings::{About, Doubt, Evidence, MOST_ITEMS, Objection, Rule, Scan};
use countermark_shared::decision::{Passages, Terms, hindrance};
use countermark_shared::documents::EventDocument;
use countermark_shared::id::{Generation, Slot};
use countermark_shared::journal::{Act, JournalRow, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::passages::{Passage, TakenBack, held, passages};
use super::{CLOCKS_APART, Found};

/// All that is known of one seat.
#[derive(Clone, Debug)]
pub struct SeatHistory<'a> {
    /// The event in force, of whose number the rows are.
    pub event: &'a EventDocument,
    /// The seat.
    pub slot: Slot,
    /// Tickets' word about it; nothing where it said none.
    pub issued: Option<Issued>,
    /// Whether an administrator holds it back.
    pub blocked: bool,
    /// What gates told of it, in any order, as often as one likes.
    pub told: Vec<Told>,
}

/// Tickets' word about a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its newest issue.
    pub generation: Generation,
    /// When validation heard of that issue, or what tickets said when it was told again: from then on the one before is replaced.
    pub since: Timestamp,
    /// When validation heard that it is revoked, likewise.
    pub revoked: Option<Timestamp>,
}

/// A row that a gate told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The row.
    pub row: JournalRow,
    /// Whether it counts: its gate was in service, and has proved the seat or may vouch for the row.
    pub believed: bool,
    /// Whether another row stands in the journal under its number.
    pub aside: bool,
    /// What the ticket that came with it says of entries; nothing where none came that proves the seat.
    pub terms: Option<Terms>,
}

impl SeatHistory<'_> {
    /// What is wrong with it, at most one of each rule.
    pub fn findings(&self) -> Vec<Found> {
        let (passages, undone) = passages(self.event.event, self.slot, &self.told);
        let found = |rule, doubts: Vec<Doubt>| self.found(rule, doubts);
        [
            found(Rule::DoubleAdmission, self.too_often(&passages)),
            found(Rule::UsedAfterRevocation, self.withdrawn(&passages)),
            found(Rule::NeverIssued, self.unsold(&passages)),
            found(Rule::ExitWithoutEntry, unentered(&passages)),
            found(Rule::Overruled, overruled(&passages)),
            found(Rule::TakenBack, taken_back(&passages, &undone)),
            found(Rule::Held, self.held()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn found(&self, rule: Rule, mut scans: Vec<Doubt>) -> Option<Found> {
        let count = scans.len() as u64;
        scans.truncate(MOST_ITEMS);
        let evidence = Evidence::Scans { scans, count };
        (count > 0).then_some(Found { about: About::Seat { slot: self.slot }, rule, evidence })
    }

    /// Each admission that a gate would have refused had it known of all before, by the law that gates keep. Who was let in by a
    /// supervisor, or again because nobody had got through, is no admission too many, and counts for those that follow.
    fn too_often(&self, passages: &[Passage]) -> Vec<Doubt> {
        let Some(terms) = self.terms() else { return Vec::new() };
        let (mut count, mut reset, mut last_entry) = (Passages::NONE, None, None);
        let mut doubts = Vec::new();
        for passage in passages {
            let (row, scan) = (&passage.row, passage.scan);
            let last_reset = self.event.last_reset(row.at);
            if last_reset != reset {
                // Those who came before it have no part in the running period.
                (count.admitted_since_reset, reset) = (0, last_reset);
            }
            if let Some(before) = last_entry
                && passage.is_admission()
                && let Some(would_say) = hindrance(terms, self.event, count, row.persons, row.at)
            {
                let apart = milliseconds(scan.at, before);
                doubts.push(Doubt { scan, objection: Objection::PassedBefore { before, apart, would_say } });
            }
            count = count.after(row, last_reset);
            if !row.reason.leaves() {
                last_entry = Some(scan);
            }
        }
        doubts
    }

    fn withdrawn(&self, passages: &[Passage]) -> Vec<Doubt> {
        let Some(issued) = self.issued else { return Vec::new() };
        let objection = |passage: &Passage| {
            let (at, generation) = (passage.scan.at, passage.scan.generation);
            match issued.revoked {
                Some(since) if at > since => Some(Objection::Revoked { since }),
                Some(_) | None if generation < issued.generation && at > issued.since => {
                    Some(Objection::Replaced { since: issued.since })
                }
                Some(_) | None => None,
            }
        };
        doubts(passages, |passage| objection(passage).filter(|_| passage.is_admission()))
    }

    fn unsold(&self, passages: &[Passage]) -> Vec<Doubt> {
        let is_sold = |generation| self.issued.is_some_and(|issued| generation <= issued.generation);
        doubts(passages, |passage| {
            (passage.is_admission() && !is_sold(passage.scan.generation)).then_some(Objection::NotIssued)
        })
    }

    /// Where it is blocked or revoked, the lists of all gates say so.
    fn held(&self) -> Vec<Doubt> {
        if self.blocked || self.issued.is_some_and(|issued| issued.revoked.is_some()) {
            return Vec::new();
        }
        let held = held(self.event.event, self.slot, &self.told);
        held.into_iter().map(|scan| Doubt { scan, objection: Objection::Held }).collect()
    }

    /// Those of the newest issue that was proved.
    fn terms(&self) -> Option<Terms> {
        let proved = self.told.iter().filter_map(|told| match told.row.subject {
            Subject::Ticket { generation, .. } => Some((generation, told.terms?)),
            Subject::Payload { .. } => None,
        });
        proved
            .max_by_key(|(generation, terms)| (*generation, terms.places, terms.entries, terms.product))
            .map(|it| it.1)
    }
}

/// Exits of more persons than had come in by then. Who is said to have come in within a minute of it is given the benefit of the
/// doubt: it was another gate's clock.
fn unentered(passages: &[Passage]) -> Vec<Doubt> {
    let mut entries = passages.iter().filter(|passage| !passage.row.reason.leaves()).peekable();
    let (mut came, mut left) = (0_u64, 0_u64);
    doubts(passages, |passage| {
        let row = &passage.row;
        if !row.reason.leaves() {
            return None;
        }
        while let Some(entry) = entries.next_if(|entry| entry.row.at <= row.at + CLOCKS_APART) {
            came += if entry.row.reason == Reason::Forgiven { 0 } else { u64::from(entry.row.persons) };
        }
        left += u64::from(row.persons);
        (left > came).then_some(Objection::NoEntry)
    })
}

fn overruled(passages: &[Passage]) -> Vec<Doubt> {
    doubts(passages, |passage| match passage.row.act {
        Some(Act::Overrule { supervisor, why, .. }) => Some(Objection::Overruled { supervisor, why }),
        Some(
            Act::Undo { .. }
            | Act::Actuated { .. }
            | Act::Claim { .. }
            | Act::Claimed { .. }
            | Act::Hold
            | Act::Release,
        )
        | None => None,
    })
}

/// What staff took back by hand, where it happened more than once or the seat came in after it: one that stayed out is what it is for.
fn taken_back(passages: &[Passage], undone: &[TakenBack]) -> Vec<Doubt> {
    let next = |undo| passages.iter().find(|passage| passage.comes_in_after(undo)).map(|passage| passage.scan);
    let doubts: Vec<_> = undone.iter().map(|undo| (undo, next(undo))).collect();
    if doubts.len() < 2 && doubts.iter().all(|(_, then)| then.is_none()) {
        return Vec::new();
    }
    let doubt = |(undo, then): (&TakenBack, _)| {
        let TakenBack { scan, row, at } = *undo;
        Doubt { scan, objection: Objection::TakenBack { row, at, then } }
    };
    doubts.into_iter().map(doubt).collect()
}

fn doubts(passages: &[Passage], mut objection: impl FnMut(&Passage) -> Option<Objection>) -> Vec<Doubt> {
    let doubt = |passage: &Passage| Some(Doubt { scan: passage.scan, objection: objection(passage)? });
    passages.iter().filter_map(doubt).collect()
}

fn milliseconds(at: Timestamp, before: Scan) -> u64 {
    u64::try_from(at.since(before.at).as_millis()).unwrap_or(u64::MAX)
}
