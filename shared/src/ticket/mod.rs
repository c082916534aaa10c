//! Tickets of format CM1: their bytes, their text, and what it takes to believe one.
//!
//! [`TicketBody`] is what is signed, [`UnverifiedTicket`] is what a scanner reads, [`VerifiedTicket`] is what
//! [`KeyRing::verify`](crate::key_ring::KeyRing::verify) alone can make; [`HalfTicket`] and [`VerifiedHalf`] are the same of what was sold
//! and is not shown. Knows nothing of lists, events or time.

mod body;
#[cfg(test)]
mod example;
mod half;
mod live;
mod profile;
#[cfg(test)]
mod properties;
mod sealed;
mod text;
mod validity;
mod verified;

pub use body::TicketBody;
pub use half::{HalfTicket, VerifiedHalf};
pub use live::{Live, NotPresented, Presentation, Presented};
pub use profile::{Defect, MAX_BODY_LENGTH};
pub use sealed::{SEAL_TAG_LENGTH, SEALED_LENGTH, Sealed};
pub use text::{MAX_TEXT_LENGTH, ParseError, UnverifiedTicket, sealed_beginnings};
pub use validity::Validity;
pub use verified::VerifiedTicket;
