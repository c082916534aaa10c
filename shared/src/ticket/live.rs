//! Live tickets: each time one is shown, its holder signs the moment. Owns who the holder is and what was signed; refuses to know
//! what time it is, so whether the moment is fresh is for the decision to say.

use core::num::NonZeroU8;

use super::body::TicketBody;
use crate::keys::{Signature, SigningKey, VerifyingKey};
use crate::label::Label;
use crate::time::Timestamp;

/// Bytes of a presentation: time and signature.
pub(super) const PRESENTATION_LENGTH: usize = 4 + 64;

/// What makes a ticket live: shown without its holder's fresh signature, it proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// For how many seconds a presentation is fresh.
    pub window: NonZeroU8,
    /// Whoever has the private half holds the ticket.
    pub holder: VerifyingKey,
}

/// A holder's word that a live ticket is shown at a moment. Nothing is believed of it before
/// [`KeyRing::verify`](crate::key_ring::KeyRing::verify).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presentation {
    seconds: u32,
    signature: Signature,
}

/// How a verified ticket was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// It is static: whoever has a copy can show it.
    Static,
    /// It is live, and only the ticket itself was shown: a printout, or a picture of one.
    WithoutProof,
    /// It is live, and its holder signed that it is shown.
    Proved {
        /// The moment the holder signed, in whole seconds. Whether that is now is not known yet.
        at: Timestamp,
    },
}

/// Why a ticket cannot be shown so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPresented {
    /// It is static, and shown as it is.
    #[error("the ticket is not live")]
    Static,
    /// Another key is its holder's.
    #[error("the key is not the ticket's holder's")]
    OtherHolder,
    /// The moment is none of the 2^32 seconds since 1970.
    #[error("the moment lies after 2106")]
    Time,
}

impl Presentation {
    /// From what a device sends: Unix seconds, and its signature over label `present`, body and those seconds.
    pub fn new(seconds: u32, signature: Signature) -> Self {
        Self { seconds, signature }
    }

    /// The moment it claims.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.seconds.into())
    }

    /// The claimed holder's signature.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    pub(super) fn from_bytes(bytes: &[u8; PRESENTATION_LENGTH]) -> Self {
        let [a, b, c, d, signature @ ..] = bytes;
        Self { seconds: u32::from_be_bytes([*a, *b, *c, *d]), signature: Signature::from_bytes(signature) }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        [&self.seconds.to_be_bytes()[..], &self.signature.to_bytes()].concat()
    }

    /// Whether the holder signed it for the ticket of this body.
    pub(crate) fn is_by(&self, holder: VerifyingKey, body: &[u8]) -> bool {
        holder.verifies(Label::Present, &message(body, self.seconds), &self.signature)
    }
}

impl TicketBody {
    /// The holder's word that the ticket is shown at a moment, which is rounded down to its second.
    pub fn present(&self, holder: &SigningKey, at: Timestamp) -> Result<Presentation, NotPresented> {
        let live = self.live.ok_or(NotPresented::Static)?;
        if live.holder != holder.verifying_key() {
            return Err(NotPresented::OtherHolder);
        }
        let seconds = u32::try_from(at.unix_seconds()).map_err(|_| NotPresented::Time)?;
        Ok(Presentation { seconds, signature: holder.sign(Label::Present, &message(&self.to_bytes(), seconds)) })
    }
}

fn message(body: &[u8], seconds: u32) -> Vec<u8> {
    [body, &seconds.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn only_the_holder_of_a_live_ticket_presents_it() {
        let (body, live) = (samples::body(), samples::live(&samples::body()));
        assert_eq!(body.present(&samples::holder_key(), samples::DOORS), Err(NotPresented::Static));
        assert_eq!(live.present(&samples::issuing_key(), samples::DOORS), Err(NotPresented::OtherHolder));
        assert_eq!(live.present(&samples::holder_key(), samples::DOORS).unwrap().at(), samples::DOORS);
    }

    #[test]
    fn a_moment_has_four_bytes() {
        let live = samples::live(&samples::body());
        let present = |seconds| live.present(&samples::holder_key(), Timestamp::from_unix_seconds(seconds));
        assert_eq!(present(u32::MAX.into()).unwrap().at(), Timestamp::from_unix_seconds(u32::MAX.into()));
        assert_eq!(present(i64::from(u32::MAX) + 1), Err(NotPresented::Time));
    }
}
