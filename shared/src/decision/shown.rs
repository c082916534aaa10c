//! A verified ticket as the decision sees it.

use core::num::NonZeroU8;

use crate::ticket::{Presented, TicketBody, VerifiedHalf, VerifiedTicket};
use crate::time::Timestamp;

/// What is decided about. Only a [`VerifiedTicket`] leads to one, outside of tests, or half a ticket to one by which nobody passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) body: &'a TicketBody,
    pub(super) must_be_listed: bool,
    pub(super) live: Option<LiveShown>,
    /// Whether it asks for its holder to be checked.
    pub(super) check_id: bool,
}

/// A live ticket, and the proof it was shown with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LiveShown {
    /// For how many seconds a proof is fresh.
    pub(super) window: NonZeroU8,
    /// The moment its holder signed; none where only the ticket was shown.
    pub(super) proof: Option<Timestamp>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(ticket: &'a VerifiedTicket) -> Self {
        let body = ticket.body();
        let proof = match ticket.presented() {
            Presented::Proved { at } => Some(at),
            Presented::Static | Presented::WithoutProof => None,
        };
        Self {
            body,
            must_be_listed: ticket.must_be_listed(),
            live: body.live.map(|live| LiveShown { window: live.window, proof }),
            check_id: body.sealed.is_some_and(|sealed| sealed.check_id),
        }
    }

    /// A ticket that is not shown, as if it were at that moment.
    pub(super) fn well(half: &'a VerifiedHalf, now: Timestamp) -> Self {
        let body = half.body();
        Self {
            body,
            must_be_listed: half.must_be_listed(),
            live: body.live.map(|live| LiveShown { window: live.window, proof: Some(now) }),
            check_id: body.sealed.is_some_and(|sealed| sealed.check_id),
        }
    }
}
