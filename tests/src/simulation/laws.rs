//! What must be true of a row, and of rows beside one another, whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::Ruled;
use countermark_shared::documents::{Direction, Revision, SlotState};
use countermark_shared::id::{GateId, Slot};
use countermark_shared::journal::{Act, Actuation, ClockState, JournalRow, Subject, UNDO_WINDOW};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use countermark_validation::rehearsal::Row;

use super::cloud::Cloud;
use super::happening::Proof;
use super::venue::LIVE_WINDOW;

/// A clock that was signed is off by half of the slowest exchange that counts, and by what two crystals make of a night.
const SIGNED_WITHIN: Duration = Duration::from_secs(3);
/// Whether a row says what was shown of it.
pub(super) fn says(row: &JournalRow, ruled: &Ruled) -> bool {
    (row.reason, row.persons, row.at, slot(row)) == (ruled.reason, ruled.persons, ruled.at, ruled.slot)
}

/// How long after its admission an undo may reach validation and be believed: five minutes in which staff may say it, and ten under way.
const UNDO_BELIEVED: Duration = UNDO_WINDOW.saturating_add(Duration::from_mins(10));

/// A row's seat.
pub(super) fn slot(row: &JournalRow) -> Option<Slot> {
    match row.subject {
        Subject::Ticket { slot, .. } => Some(slot),
        Subject::Payload { .. } => None,
    }
}

/// A clock that the cloud has set tells the time.
pub(super) fn in_time(row: &JournalRow, when: Timestamp) -> anyhow::Result<()> {
    let off = row.at.since(when).max(when.since(row.at));
    ensure!(row.clock != ClockState::Signed || off <= SIGNED_WITHIN, "its clock is signed, and {off:?} off");
    Ok(())
}

/// A live ticket opens by a proof of now, and not without a clock; and who signs now is not told that it was another time.
pub(super) fn fresh(row: &JournalRow, proof: Proof) -> anyhow::Result<()> {
    if row.direction == Direction::Exit {
        return Ok(());
    }
    let tells_time = matches!(row.clock, ClockState::Signed | ClockState::Battery);
    // A moment is signed in whole seconds.
    let window = Duration::from_secs(u64::from(LIVE_WINDOW) + 1) + SIGNED_WITHIN;
    let (is_signed, by_itself) = (row.clock == ClockState::Signed, row.reason != Reason::Forgiven && row.persons > 0);
    match proof {
        Proof::None => ensure!(row.persons == 0, "it opened without a proof"),
        Proof::Picture { age } => {
            ensure!(!(is_signed && by_itself && age > window), "it opened by what is {age:?} old");
        }
        Proof::Signed { off: _ } => {
            let told = matches!(row.reason, Reason::LiveProofStale | Reason::LiveProofFromTheFuture);
            ensure!(!(is_signed && told), "its holder signed it then: {:?}", row.reason);
        }
    }
    ensure!(tells_time || !by_itself, "it opened by a clock that does not tell the time");
    Ok(())
}

/// Whether it is a live ticket's proof that was not believed.
pub(super) fn is_about_a_proof(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::LiveProofMissing | Reason::LiveProofStale | Reason::LiveProofFromTheFuture | Reason::ClockUnsure
    )
}

/// Of the gates that admitted one seat none had heard of another that had: so many were isolated from each other, and no more were let in by
/// themselves. What was ever taken back keeps nobody out.
pub(super) fn isolated(entries: &[&JournalRow], undone: &BTreeSet<(GateId, u64)>, cloud: &Cloud) -> anyhow::Result<()> {
    let by_itself = |row: &&&JournalRow| !matches!(row.reason, Reason::Forgiven | Reason::Overruled);
    let stands = |row: &&&JournalRow| !undone.contains(&(row.gate, row.sequence));
    for one in entries.iter().filter(by_itself) {
        for other in entries.iter().filter(stands).filter(|other| one.gate != other.gate) {
            let held = Revision { epoch: one.documents.feed_epoch, sequence: one.documents.feed_sequence };
            let knew = cloud.feed.had_told(held, (other.gate, other.sequence));
            let (gate, sequence) = (one.gate, one.sequence);
            ensure!(!knew, "row {sequence} of gate {gate} admits {:?}, and the gate knew of {}", slot(one), other.gate);
        }
    }
    Ok(())
}

/// What a gate takes back is an admission of the same seat, of at most five minutes before, whose arm did not turn; and what reached validation in
/// time is believed, and nothing else.
pub(super) fn undone_rightly<'a>(rows: impl Iterator<Item = &'a Row>) -> anyhow::Result<()> {
    let (mut admissions, mut turned) = (BTreeMap::new(), BTreeSet::new());
    for stored in rows {
        let row = &stored.row;
        if is_admission(row) {
            admissions.insert(row.sequence, stored);
        }
        if let Some(Act::Actuated { of, actuation: Actuation::Turned }) = row.act {
            turned.insert(of);
        }
        let Some(of) = row.undoes() else { continue };
        let (gate, sequence) = (row.gate, row.sequence);
        let admission = admissions.remove(&of);
        let admission = admission.with_context(|| format!("row {sequence} of gate {gate} undoes no admission"))?;
        ensure!(slot(row) == slot(&admission.row), "row {sequence} of gate {gate} undoes that of another seat");
        ensure!(!turned.contains(&of), "row {sequence} of gate {gate} undoes row {of}, whose arm had turned");
        let after = row.at.since(admission.row.at);
        ensure!(after <= UNDO_WINDOW, "row {sequence} of gate {gate} undoes row {of}, {after:?} later");
        let in_time = stored.received.since(admission.received) <= UNDO_BELIEVED;
        ensure!(stored.believed == in_time, "row {sequence} of gate {gate} is an undo; believed: {}", !in_time);
    }
    Ok(())
}

/// Whether a row lets somebody in.
pub(super) fn is_admission(row: &JournalRow) -> bool {
    row.direction == Direction::Entry && row.persons > 0
}

/// No gate admits what the list it held forbids.
pub(super) fn allowed(stored: &Row, cloud: &Cloud) -> anyhow::Result<()> {
    let row = &stored.row;
    let Subject::Ticket { slot, generation, .. } = row.subject else { return Ok(()) };
    if !is_admission(row) || row.documents.list_sequence == 0 {
        return Ok(());
    }
    let held = Revision { epoch: row.documents.list_epoch, sequence: row.documents.list_sequence };
    let said = cloud.list.said(slot, held);
    let by_itself = row.reason != Reason::Overruled;
    let good = match said.state {
        SlotState::Good => true,
        SlotState::Blocked => !by_itself,
        SlotState::NotIssued | SlotState::Revoked => false,
    };
    let may = good && generation >= said.least_generation;
    let (gate, sequence) = (row.gate, row.sequence);
    ensure!(may, "row {sequence} of gate {gate} admits seat {slot}, of which the list then said {said:?}");
    Ok(())
}
