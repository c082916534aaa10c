//! What verification leaves: a ticket that both services signed, and how it was shown.

use super::body::TicketBody;
use super::live::Presented;
use super::text::UnverifiedTicket;

/// A ticket whose two signatures were verified, and its holder's where it was shown with one. Only
/// [`KeyRing::verify`](crate::key_ring::KeyRing::verify) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedTicket {
    ticket: UnverifiedTicket,
    presented: Presented,
    pub(crate) must_be_listed: bool,
}

impl VerifiedTicket {
    /// What was verified, and what the verifier found.
    pub(crate) fn new(ticket: &UnverifiedTicket, presented: Presented, must_be_listed: bool) -> Self {
        Self { ticket: ticket.without_presentation(), presented, must_be_listed }
    }

    /// What was signed.
    pub fn body(&self) -> &TicketBody {
        self.ticket.body()
    }

    /// How it was shown.
    pub fn presented(&self) -> Presented {
        self.presented
    }

    /// Whether a key that signed it is `listed-only`: then only the slot list's word makes it good.
    pub fn must_be_listed(&self) -> bool {
        self.must_be_listed
    }

    /// The ticket's text as it was sold, whatever it was shown with: what a journal keeps, and its reader verifies again.
    pub fn to_text(&self) -> String {
        self.ticket.to_text()
    }
}
