//! Rows that a gate alone vouches for. Where the organiser has gates find seats by their order, somebody may be let in who shows no ticket: no
//! text proves these rows, and an honest gate writes them. Owns which they are; pure, refuses to know where they are kept.
//!
//! They are believed by no other gate, count in no figure, and put their gate in no doubt. Settling counts who passed by them, so that a ticket
//! that is used elsewhere afterwards is found, and accuses nobody of having passed so.

use std::collections::BTreeSet;

use countermark_shared::id::EventId;
use countermark_shared::journal::{Act, JournalRow};
use countermark_shared::verdict::Reason;
use countermark_shared::wire::RowOutcome;

use crate::journal::{Entry, Seat, Settled};

/// Such a row, and the seat that it names.
pub(crate) struct Vouched {
    pub(crate) sequence: u64,
    pub(crate) seat: Seat,
}

/// The earlier rows that new ones without a proof are of.
pub(crate) fn of(settled: &Settled) -> Vec<u64> {
    settled.entries.iter().filter(|entry| !entry.told.proved).filter_map(|entry| entry.row.act?.of()).collect()
}

/// The events of which new rows name seats without a proof.
pub(crate) fn events(settled: &Settled) -> BTreeSet<EventId> {
    let unproved = settled.entries.iter().filter(|entry| !entry.told.proved);
    unproved.filter_map(|entry| Some(entry.told.seat?.event)).collect()
}

/// Which of the new rows the gate vouches for at these `events`, `known` being those before them. They are stored as any other, and no longer what the batch is doubtful for.
pub(crate) fn take(settled: &mut Settled, events: &BTreeSet<EventId>, mut known: BTreeSet<u64>) -> Vec<Vouched> {
    let mut vouched = Vec::new();
    for Entry { row, told, .. } in &settled.entries {
        let seat = told.seat.filter(|seat| !told.proved && events.contains(&seat.event) && is_vouched(row, &known));
        if let Some(seat) = seat {
            known.insert(row.sequence);
            vouched.push(Vouched { sequence: row.sequence, seat });
        }
    }
    for result in &mut settled.results {
        if known.contains(&result.sequence) && result.outcome == RowOutcome::Unproved {
            // Nobody has to look into it.
            result.outcome = RowOutcome::Stored;
        }
    }
    let is_doubtful = |entry: &Entry| !entry.told.proved && !known.contains(&entry.row.sequence);
    settled.doubtful = !settled.aside.is_empty() || settled.entries.iter().any(is_doubtful);
    vouched
}

/// What follows on such a row is one. So nothing that a ticket proved is taken back by the gate's word.
fn is_vouched(row: &JournalRow, known: &BTreeSet<u64>) -> bool {
    match row.act {
        None => row.reason == Reason::FoundByOrder,
        Some(Act::Undo { of, .. } | Act::Actuated { of, .. } | Act::Overrule { of, .. }) => known.contains(&of),
        // They let nobody pass.
        Some(Act::Hold | Act::Release) => true,
        Some(Act::Claim { .. } | Act::Claimed { .. }) => false,
    }
}
