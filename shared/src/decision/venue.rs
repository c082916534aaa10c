//! The venue's side of a claim: how many persons a gate may let in, by what it and the others told. Refuses to know the list, windows,
//! zones and proofs, which the gate judges by itself before it asks and after it was answered.

use core::num::NonZeroU8;
use core::time::Duration;

use super::entries::Entries;
use super::narrow;
use super::passages::Passages;
use super::shown::Shown;
use crate::clock::{Clock, ClockState};
use crate::documents::EventDocument;
use crate::ticket::VerifiedTicket;
use crate::time::Timestamp;

/// How many of `asked` persons the gate may let in now; 0: nobody.
///
/// `own` is what passed at the gate that asks, by its own word: it may have told its journal nothing of it yet, and who left there has
/// room to enter again. `others` is what passed at all other gates, with what they were granted and have not told the end of. `now` is the
/// venue's time, by which a granted person entered.
pub fn grant(
    ticket: &VerifiedTicket,
    asked: NonZeroU8,
    own: Passages,
    others: Passages,
    event: &EventDocument,
    now: Timestamp,
) -> u8 {
    grant_shown(&Shown::of(ticket), asked, own, others, event, now)
}

pub(super) fn grant_shown(
    shown: &Shown<'_>,
    asked: NonZeroU8,
    own: Passages,
    others: Passages,
    event: &EventDocument,
    now: Timestamp,
) -> u8 {
    let clock = Clock { state: ClockState::Signed, now, error: Duration::ZERO };
    let room = Entries::of(shown, event, clock).count(own.and(others));
    narrow(room.persons).min(asked.get())
}
