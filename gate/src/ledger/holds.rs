//! The end of a hold that staff put on a seat: once a newer list than there was then says itself that the seat is blocked or revoked, the
//! list alone has the word, and what it says later, too.

use countermark_shared::documents::SlotState;
use countermark_shared::journal::{Act, Actor};

use super::recorder::Recorder;
use super::{LedgerError, store};

/// Ends the holds that the list of the recorder's documents has taken over, each by a row.
pub(super) fn release_those_listed(recorder: Recorder<'_>) -> Result<(), LedgerError> {
    let connection = recorder.grounds.connection;
    let Some(slots) = recorder.grounds.documents.slots() else { return Ok(()) };
    for (event, slot) in store::seats_held(connection)? {
        let is_listed = match slots.state(slot) {
            SlotState::Blocked | SlotState::Revoked => true,
            SlotState::NotIssued | SlotState::Good => false,
        };
        if !is_listed || slots.table().event() != event {
            continue;
        }
        let history = store::history(connection, event, slot)?;
        if let Some(hold) = history.hold().filter(|hold| hold.documents.list() < slots.revision()) {
            recorder.act(hold, Actor::Gate, Act::Release)?;
        }
    }
    Ok(())
}
