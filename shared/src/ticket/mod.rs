//! Tickets of format CM1: their bytes, their text, and what it takes to believe one.
//!
//! [`TicketBody`] is what is signed, [`UnverifiedTicket`] is what a scanner reads, [`VerifiedTicket`] is what
//! [`KeyRing::verify`](crate::key_ring::KeyRing::verify) alone can make. Knows nothing of lists, events or time.

mod body;
mod text;

pub use body::{BODY_LENGTH, Defect, TicketBody, Validity};
pub use text::{MAX_TEXT_LENGTH, ParseError, TICKET_LENGTH, UnverifiedTicket};

/// A ticket whose two signatures were verified. Only [`KeyRing::verify`](crate::key_ring::KeyRing::verify) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedTicket {
    pub(crate) body: TicketBody,
    pub(crate) must_be_listed: bool,
}

impl VerifiedTicket {
    /// What was signed.
    pub fn body(&self) -> &TicketBody {
        &self.body
    }

    /// Whether a key that signed it is `listed-only`: then only the slot list's word makes it good.
    pub fn must_be_listed(&self) -> bool {
        self.must_be_listed
    }
}
