//! What a ticket would be told that nobody shows, from half of it: for staff, who find its seat by its order's code. Nobody passes by it.

use super::decide_shown;
use super::facts::{Facts, SealedPart};
use super::policy::Policy;
use super::shown::Shown;

use crate::clock::Clock;
use crate::ticket::VerifiedHalf;
use crate::verdict::{Admission, Reason};

/// How it stands with a seat whose ticket is not there. It is no [`Verdict`](crate::verdict::Verdict): it lets nobody through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// What the ticket would be told.
    pub reason: Reason,
    /// The last admission of the seat that is known.
    pub earlier: Option<Admission>,
}

/// What would be said of the ticket were it shown now as it should be: a live one with a proof of this moment, a sealed one by a gate that
/// reads its name.
pub fn outlook(half: &VerifiedHalf, facts: &Facts, policy: &Policy<'_>, clock: Clock) -> Outlook {
    let facts = Facts { sealed_part: SealedPart::Opened, ..*facts };
    let verdict = decide_shown(&Shown::well(half, clock.now), &facts, policy, clock);
    Outlook { reason: verdict.reason, earlier: verdict.earlier }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::decision::{Listing, Passages, decide};
    use crate::documents::{Direction, Lane, SlotState};
    use crate::id::{Generation, LaneId, Zones};
    use crate::journal::ClockState;
    use crate::samples::{self, DOORS, body, live, sealed, shown, sign};
    use crate::ticket::{HalfTicket, TicketBody, UnverifiedTicket};
    use core::time::Duration;

    /// The half's outlook and the whole ticket's verdict.
    fn told(body: &TicketBody, ticket: &UnverifiedTicket, facts: &Facts, zones: Zones) -> [Reason; 2] {
        let half = HalfTicket::new(body.clone(), ticket.issuer()).unwrap();
        let half = samples::key_ring().verify_half(&half).unwrap();
        let whole = samples::key_ring().verify(ticket).unwrap();
        let (event, lane) = (samples::event(), Lane { lane: LaneId(1), direction: Direction::Entry, zones });
        let policy = Policy::at(&event, &lane, DOORS + Duration::from_hours(1));
        let clock = Clock { state: ClockState::Signed, now: DOORS, error: Duration::ZERO };
        let outlook = outlook(&half, facts, &policy, clock);
        assert_eq!(outlook.earlier, facts.own.last_entry);
        let facts = Facts { sealed_part: SealedPart::Opened, ..*facts };
        [outlook.reason, decide(&whole, &facts, &policy, clock).reason]
    }

    #[test]
    fn a_half_is_told_what_the_whole_would_be_were_it_shown_well() {
        let listed = |state| Listing { state, least_generation: Generation(0), age: Duration::ZERO };
        let gate = crate::id::GateId(1);
        let entered = Passages { admitted: 9, admitted_since_reset: 9, ..Passages::NONE };
        let entered = Passages { last_entry: Some(Admission { at: DOORS, gate: Some(gate) }), ..entered };
        let (here, elsewhere) = (body().zones, Zones(1 << 31));
        for body in [sealed(&body()), sealed(&live(&body()))] {
            let ticket = if body.live.is_some() { shown(body.clone()) } else { sign(body.clone()) };
            for (state, own, zones, expected) in [
                (SlotState::Good, Passages::NONE, here, Reason::Admitted),
                (SlotState::Good, entered, here, Reason::PlacesUsedUp),
                (SlotState::Good, Passages::NONE, elsewhere, Reason::WrongZone),
                (SlotState::Blocked, Passages::NONE, here, Reason::Blocked),
                (SlotState::Revoked, entered, elsewhere, Reason::WrongZone),
                (SlotState::NotIssued, Passages::NONE, here, Reason::NotIssued),
            ] {
                let facts = Facts { own, ..Facts::listed(listed(state)) };
                assert_eq!(told(&body, &ticket, &facts, zones), [expected; 2], "{state:?}");
            }
        }
    }
}
