//! A ticket as a scanner gives it: `CM1:` and base45 (RFC 9285) of body and two signatures.

use super::body::{BODY_LENGTH, Defect, Shape, TicketBody, shape};
use crate::keys::Signature;

const PREFIX: &str = "CM1:";
const SIGNATURE_LENGTH: usize = 64;

/// Bytes of a static ticket.
pub const TICKET_LENGTH: usize = BODY_LENGTH + 2 * SIGNATURE_LENGTH;

/// Longer text is refused unread: the largest ticket of the format, live, sealed and shown, has 346 bytes.
pub const MAX_TEXT_LENGTH: usize = PREFIX.len() + 346 / 2 * 3;

/// A ticket that can be read; nothing it says is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedTicket {
    /// What it claims.
    pub body: TicketBody,
    /// The signature that would say "sold".
    pub issuer: Signature,
    /// The signature that would say "granted".
    pub authority: Signature,
}

/// Why text is no ticket that this version reads, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Some other code: no `CM1:`, or no base45 after it.
    #[error("this is no Countermark ticket")]
    NotOurs,
    /// A later format.
    #[error("this ticket's format is newer than this reader")]
    UnknownVersion,
    /// Ours by its prefix, but no ticket.
    #[error("the ticket is damaged: {0}")]
    Malformed(Defect),
    /// A live or sealed ticket.
    #[error("live and sealed tickets are not supported by this reader yet")]
    Unsupported,
}

impl UnverifiedTicket {
    /// Reads the text of a code, which must be exactly the text [`to_text`](Self::to_text) writes.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let encoded = text
            .strip_prefix(PREFIX)
            .ok_or_else(|| if is_other_version(text) { ParseError::UnknownVersion } else { ParseError::NotOurs })?;
        if text.len() > MAX_TEXT_LENGTH {
            return Err(ParseError::Malformed(Defect::Length));
        }
        let bytes = base45::decode(encoded).map_err(|_| ParseError::NotOurs)?;
        // The library also takes what RFC 9285 does not write; one ticket has one text.
        if base45::encode(&bytes) != encoded {
            return Err(ParseError::Malformed(Defect::Text));
        }
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        match shape(bytes) {
            None => Err(ParseError::UnknownVersion),
            Some(Err(defect)) => Err(ParseError::Malformed(defect)),
            Some(Ok(Shape::Unsupported)) => Err(ParseError::Unsupported),
            Some(Ok(Shape::Static)) => Self::read(bytes).map_err(ParseError::Malformed),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, Defect> {
        let (body, signatures) = bytes.split_first_chunk::<BODY_LENGTH>().ok_or(Defect::Length)?;
        let (issuer, rest) = signatures.split_first_chunk::<SIGNATURE_LENGTH>().ok_or(Defect::Length)?;
        let authority: &[u8; SIGNATURE_LENGTH] = rest.try_into().map_err(|_| Defect::Length)?;
        Ok(Self {
            body: TicketBody::from_bytes(body)?,
            issuer: Signature::from_bytes(issuer),
            authority: Signature::from_bytes(authority),
        })
    }

    /// Body and both signatures.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.body.to_bytes()[..], &self.issuer.to_bytes(), &self.authority.to_bytes()].concat()
    }

    /// The text that goes into the QR code, all of it in the code's alphanumeric set.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", base45::encode(self.to_bytes()))
    }
}

/// `CM`, a number other than 1, and a colon.
fn is_other_version(text: &str) -> bool {
    text.strip_prefix("CM")
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(number, _)| number.parse::<u16>().is_ok_and(|number| number != 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_ticket_survives_its_text() {
        let ticket = samples::ticket();
        assert_eq!(UnverifiedTicket::parse(&ticket.to_text()).unwrap(), ticket);
    }

    #[test]
    fn the_text_fits_a_version_9_code_at_level_m() {
        // ISO/IEC 18004, table 7: 262 alphanumeric characters.
        assert_eq!(samples::ticket().to_text().len(), 249);
    }

    #[test]
    fn every_truncation_and_every_trailing_byte_is_refused() {
        let bytes = samples::ticket().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(
                UnverifiedTicket::from_bytes(&bytes[..length]),
                Err(ParseError::Malformed(Defect::Length)),
                "{length} bytes"
            );
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(UnverifiedTicket::from_bytes(&longer), Err(ParseError::Malformed(Defect::Length)));
    }

    #[test]
    fn other_codes_and_other_versions_are_told_apart() {
        let encoded = samples::ticket().to_text().split_off(PREFIX.len());
        for (text, expected) in [
            ("https://example.org/t/1".to_owned(), ParseError::NotOurs),
            (String::new(), ParseError::NotOurs),
            ("CM1:~~~".to_owned(), ParseError::NotOurs),
            (format!("CM2:{encoded}"), ParseError::UnknownVersion),
            (format!("cm1:{encoded}"), ParseError::NotOurs),
            (format!("CM1:{}", "0".repeat(100_000)), ParseError::Malformed(Defect::Length)),
            (format!("CM1:{encoded} "), ParseError::NotOurs),
            (format!("CM1:{}", encoded.to_lowercase()), ParseError::NotOurs),
        ] {
            assert_eq!(UnverifiedTicket::parse(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn fields_out_of_range_are_refused() {
        for (place, value, expected) in [
            (0, 2, ParseError::UnknownVersion),
            (1, 1, ParseError::Unsupported),
            (1, 2, ParseError::Unsupported),
            (1, 4, ParseError::Malformed(Defect::Flags)),
            (1, 8, ParseError::Malformed(Defect::Flags)),
            (19, 0, ParseError::Malformed(Defect::Places)),
            (31, 0, ParseError::Malformed(Defect::Validity)),
        ] {
            let mut bytes = samples::ticket().to_bytes();
            bytes[place] = value;
            assert_eq!(UnverifiedTicket::from_bytes(&bytes), Err(expected), "byte {place} = {value}");
        }
    }
}
