//! Half a ticket: its body and the issuer's word for it. Proves that a seat was sold, and admits nobody.

use super::body::TicketBody;
use super::profile::{Defect, Profile};
use super::text::ParseError;
use crate::keys::Signature;

const SIGNATURE_LENGTH: usize = 64;

/// A sealed ticket without the authority's signature, as it can be read; nothing it says is believed yet. Nobody makes a ticket of it
/// who has not the authority's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfTicket {
    body: TicketBody,
    issuer: Signature,
}

impl HalfTicket {
    /// The half of a ticket; none of one that is not sealed, which names nobody.
    pub fn new(body: TicketBody, issuer: Signature) -> Option<Self> {
        body.sealed.is_some().then_some(Self { body, issuer })
    }

    /// Reads a half, all of the bytes and no more: 172 or, of a live ticket, 205. Never [`ParseError::NotOurs`], which is about text.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let profile = Profile::read(bytes)?;
        if profile.sealed.is_none() {
            return Err(ParseError::Malformed(Defect::Flags));
        }
        Self::read(profile, bytes).map_err(ParseError::Malformed)
    }

    fn read(profile: Profile, bytes: &[u8]) -> Result<Self, Defect> {
        let (body, rest) = bytes.split_at_checked(profile.body_length()).ok_or(Defect::Length)?;
        let issuer: &[u8; SIGNATURE_LENGTH] = rest.try_into().map_err(|_| Defect::Length)?;
        Ok(Self { body: TicketBody::read(profile, body)?, issuer: Signature::from_bytes(issuer) })
    }

    /// Body and signature.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.to_bytes();
        bytes.extend_from_slice(&self.issuer.to_bytes());
        bytes
    }

    /// What it claims.
    pub fn body(&self) -> &TicketBody {
        &self.body
    }

    /// The signature that would say "sold".
    pub fn issuer(&self) -> Signature {
        self.issuer
    }
}

/// Half a ticket that the issuer signed. Only [`KeyRing::verify_half`](crate::key_ring::KeyRing::verify_half) makes one, and it is no
/// [`VerifiedTicket`](super::VerifiedTicket): nobody passes by what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHalf {
    half: HalfTicket,
    must_be_listed: bool,
}

impl VerifiedHalf {
    /// What was verified, and what the verifier found.
    pub(crate) fn new(half: &HalfTicket, must_be_listed: bool) -> Self {
        Self { half: half.clone(), must_be_listed }
    }

    /// What the issuer signed.
    pub fn body(&self) -> &TicketBody {
        self.half.body()
    }

    /// Whether its key, or one that the authority's may be, is `listed-only`: then only the slot list's word makes it good.
    pub fn must_be_listed(&self) -> bool {
        self.must_be_listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, body, live, sealed, sign};
    use crate::ticket::UnverifiedTicket;

    fn half(body: &TicketBody) -> HalfTicket {
        HalfTicket::new(body.clone(), body.issue(&samples::issuing_key())).unwrap()
    }

    #[test]
    fn a_half_survives_its_bytes() {
        for (body, length) in [(sealed(&body()), 172), (sealed(&live(&body())), 205)] {
            let half = half(&body);
            assert_eq!(half.to_bytes().len(), length);
            assert_eq!(HalfTicket::from_bytes(&half.to_bytes()), Ok(half));
        }
    }

    #[test]
    fn a_ticket_that_names_nobody_has_no_half() {
        let plain = sign(body());
        assert_eq!(HalfTicket::new(body(), plain.issuer()), None);
        let bytes = [&body().to_bytes()[..], &plain.issuer().to_bytes()].concat();
        assert_eq!(HalfTicket::from_bytes(&bytes), Err(ParseError::Malformed(Defect::Flags)));
    }

    /// Whatever is added to it or taken away.
    #[test]
    fn a_half_is_no_ticket_and_a_ticket_no_half() {
        for body in [sealed(&body()), sealed(&live(&body()))] {
            let bytes = half(&body).to_bytes();
            assert_eq!(UnverifiedTicket::from_bytes(&bytes), Err(ParseError::Malformed(Defect::Length)));
            let whole = sign(body).to_bytes();
            for length in (0..=whole.len()).filter(|length| *length != bytes.len()) {
                let refused = HalfTicket::from_bytes(&whole[..length]);
                assert_eq!(refused, Err(ParseError::Malformed(Defect::Length)), "{length} bytes");
            }
        }
    }
}
