//! A ticket as a scanner gives it: `CM1:` and base45 (RFC 9285) of body, two signatures, and the presentation of a live one.

use super::body::TicketBody;
use super::live::{NotPresented, PRESENTATION_LENGTH, Presentation};
use super::profile::{Defect, MAX_BODY_LENGTH, Profile};
use crate::keys::Signature;

const PREFIX: &str = "CM1:";
const SIGNATURE_LENGTH: usize = 64;
const MAX_LENGTH: usize = MAX_BODY_LENGTH + 2 * SIGNATURE_LENGTH + PRESENTATION_LENGTH;

/// Characters of the longest ticket, live, sealed and shown: 337 bytes. A longer text is refused before anything is allocated
/// for it, and reading a shorter one takes less than 2 KiB.
pub const MAX_TEXT_LENGTH: usize = PREFIX.len() + base45_length(MAX_LENGTH);

/// What the texts of sealed tickets begin with, and of no others: all of one length. Version and flags are the first two bytes, which base45
/// writes as three characters by themselves (RFC 9285, 4).
pub fn sealed_beginnings() -> [String; 4] {
    Profile::SEALED.map(|profile| format!("{PREFIX}{}", base45::encode(profile.to_bytes())))
}

/// A ticket that can be read; nothing it says is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedTicket {
    body: TicketBody,
    issuer: Signature,
    authority: Signature,
    /// Nothing on a static ticket: neither reading nor [`shown`](Self::shown) puts one there.
    presentation: Option<Presentation>,
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
}

impl UnverifiedTicket {
    /// A body and the signatures that would say "sold" and "granted".
    pub fn new(body: TicketBody, issuer: Signature, authority: Signature) -> Self {
        Self { body, issuer, authority, presentation: None }
    }

    /// The same ticket, shown with its holder's word instead of any it had.
    pub fn shown(self, presentation: Presentation) -> Result<Self, NotPresented> {
        match self.body.live {
            Some(_) => Ok(Self { presentation: Some(presentation), ..self }),
            None => Err(NotPresented::Static),
        }
    }

    /// The ticket as it was sold.
    #[must_use]
    pub fn without_presentation(&self) -> Self {
        Self { presentation: None, ..self.clone() }
    }

    /// What it claims.
    pub fn body(&self) -> &TicketBody {
        &self.body
    }

    /// The signature that would say "sold".
    pub fn issuer(&self) -> Signature {
        self.issuer
    }

    /// The signature that would say "granted".
    pub fn authority(&self) -> Signature {
        self.authority
    }

    /// The signature that would say "shown at this moment".
    pub fn presentation(&self) -> Option<Presentation> {
        self.presentation
    }

    /// Reads the text of a code, which must be exactly the text [`to_text`](Self::to_text) writes.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let encoded = text
            .strip_prefix(PREFIX)
            .ok_or_else(|| if is_other_version(text) { ParseError::UnknownVersion } else { ParseError::NotOurs })?;
        if text.len() > MAX_TEXT_LENGTH {
            return Err(ParseError::Malformed(Defect::Length));
        }
        let bytes = base45::decode(encoded).map_err(|_| ParseError::NotOurs)?;
        // The library also takes a last pair beyond 255, which RFC 9285 does not; one ticket has one text.
        if base45::encode(&bytes) != encoded {
            return Err(ParseError::NotOurs);
        }
        Self::from_bytes(&bytes)
    }

    /// Reads a ticket's bytes. Never [`ParseError::NotOurs`], which is about text.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let profile = Profile::read(bytes)?;
        Self::read(profile, bytes).map_err(ParseError::Malformed)
    }

    fn read(profile: Profile, bytes: &[u8]) -> Result<Self, Defect> {
        let (body, rest) = bytes.split_at_checked(profile.body_length()).ok_or(Defect::Length)?;
        let (issuer, rest) = rest.split_first_chunk::<SIGNATURE_LENGTH>().ok_or(Defect::Length)?;
        let (authority, rest) = rest.split_first_chunk::<SIGNATURE_LENGTH>().ok_or(Defect::Length)?;
        let presentation = match (rest.is_empty(), profile.live) {
            (true, _) => None,
            (false, true) => {
                let bytes: &[u8; PRESENTATION_LENGTH] = rest.try_into().map_err(|_| Defect::Length)?;
                Some(Presentation::from_bytes(bytes))
            }
            (false, false) => return Err(Defect::Length),
        };
        Ok(Self {
            body: TicketBody::read(profile, body)?,
            issuer: Signature::from_bytes(issuer),
            authority: Signature::from_bytes(authority),
            presentation,
        })
    }

    /// Body, both signatures, and the presentation it is shown with.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.to_bytes();
        bytes.extend_from_slice(&self.issuer.to_bytes());
        bytes.extend_from_slice(&self.authority.to_bytes());
        if let Some(presentation) = &self.presentation {
            bytes.extend_from_slice(&presentation.to_bytes());
        }
        bytes
    }

    /// The text that goes into the QR code, all of it in the code's alphanumeric set.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", base45::encode(self.to_bytes()))
    }
}

/// Characters for so many bytes: three for two, two for a last one (RFC 9285, 4).
const fn base45_length(bytes: usize) -> usize {
    bytes / 2 * 3 + bytes % 2 * 2
}

/// `CM`, one to three digits of which the first is not 0, and a colon: a format to come, since `CM1:` was looked for before.
fn is_other_version(text: &str) -> bool {
    text.strip_prefix("CM").and_then(|rest| rest.split_once(':')).is_some_and(|(number, _)| {
        matches!(number.len(), 1..=3) && !number.starts_with('0') && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use core::fmt::Write as _;
    use qrcode::{EcLevel, QrCode, Version};

    fn malformed(defect: Defect) -> ParseError {
        ParseError::Malformed(defect)
    }

    #[test]
    fn a_ticket_survives_its_text() {
        for (profile, ticket) in samples::profiles() {
            assert_eq!(UnverifiedTicket::parse(&ticket.to_text()).unwrap(), ticket, "{profile}");
        }
    }

    #[test]
    fn a_sealed_ticket_is_known_by_the_beginning_of_its_text() {
        let beginnings = sealed_beginnings();
        for (profile, ticket) in samples::profiles() {
            let text = ticket.to_text();
            let begins_so = beginnings.iter().any(|beginning| text.starts_with(beginning));
            assert_eq!(begins_so, ticket.body().sealed.is_some(), "{profile}");
        }
        assert!(beginnings.iter().all(|beginning| beginning.len() == beginnings[0].len()));
    }

    #[test]
    fn the_longest_ticket_is_as_long_as_is_read() {
        let longest = samples::profiles().map(|(_, ticket)| ticket.to_text().len()).into_iter().max();
        assert_eq!(longest, Some(MAX_TEXT_LENGTH));
    }

    #[test]
    fn every_truncation_and_every_trailing_byte_is_refused() {
        for (profile, ticket) in samples::profiles() {
            let bytes = ticket.to_bytes();
            let sold = ticket.without_presentation().to_bytes().len();
            for length in (0..bytes.len()).filter(|length| *length != sold) {
                let outcome = UnverifiedTicket::from_bytes(&bytes[..length]);
                assert_eq!(outcome, Err(malformed(Defect::Length)), "{profile}, {length} bytes");
            }
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(UnverifiedTicket::from_bytes(&longer), Err(malformed(Defect::Length)), "{profile}");
        }
    }

    #[test]
    fn other_codes_and_other_versions_are_told_apart() {
        let encoded = samples::ticket().to_text().split_off(PREFIX.len());
        for (text, expected) in [
            ("https://example.org/t/1".to_owned(), ParseError::NotOurs),
            (String::new(), ParseError::NotOurs),
            ("CM1:~~~".to_owned(), ParseError::NotOurs),
            ("CM1:".to_owned(), malformed(Defect::Length)),
            (format!("CM2:{encoded}"), ParseError::UnknownVersion),
            (format!("CM999:{encoded}"), ParseError::UnknownVersion),
            (format!("CM1000:{encoded}"), ParseError::NotOurs),
            (format!("CM01:{encoded}"), ParseError::NotOurs),
            (format!("CM0:{encoded}"), ParseError::NotOurs),
            (format!("CM+2:{encoded}"), ParseError::NotOurs),
            (format!("CM:{encoded}"), ParseError::NotOurs),
            (format!("cm1:{encoded}"), ParseError::NotOurs),
            (format!("CM1:{}", "0".repeat(100_000)), malformed(Defect::Length)),
            (format!("CM1:{encoded} "), ParseError::NotOurs),
            (format!("CM1:{}", encoded.to_lowercase()), ParseError::NotOurs),
        ] {
            assert_eq!(UnverifiedTicket::parse(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn fields_out_of_range_are_refused() {
        let live = samples::sign(samples::live(&samples::body())).to_bytes();
        let fixed = samples::ticket().to_bytes();
        for (bytes, place, value, expected) in [
            (&fixed, 0, 2, ParseError::UnknownVersion),
            (&fixed, 1, 1, malformed(Defect::Length)),
            (&fixed, 1, 2, malformed(Defect::Length)),
            (&fixed, 1, 4, malformed(Defect::Flags)),
            (&fixed, 1, 8, malformed(Defect::Flags)),
            (&fixed, 19, 0, malformed(Defect::Places)),
            (&fixed, 31, 0, malformed(Defect::Validity)),
            (&live, 1, 5, malformed(Defect::Flags)),
            (&live, 35, 0, malformed(Defect::Window)),
        ] {
            let mut bytes = bytes.clone();
            bytes[place] = value;
            assert_eq!(UnverifiedTicket::from_bytes(&bytes), Err(expected), "byte {place} = {value}");
        }
    }

    #[test]
    fn nobody_holds_a_ticket_by_a_weak_key() {
        let mut bytes = samples::sign(samples::live(&samples::body())).to_bytes();
        // The neutral element: every signature of it verifies under lax rules.
        bytes[36..68].fill(0);
        bytes[36] = 1;
        assert_eq!(UnverifiedTicket::from_bytes(&bytes), Err(malformed(Defect::HolderKey)));
    }

    #[test]
    fn a_static_ticket_is_never_shown_with_a_presentation() {
        let presentation = samples::shown(samples::live(&samples::body())).presentation().unwrap();
        assert_eq!(samples::ticket().shown(presentation), Err(NotPresented::Static));
        let appended = [samples::ticket().to_bytes(), presentation.to_bytes()].concat();
        assert_eq!(UnverifiedTicket::from_bytes(&appended), Err(malformed(Defect::Length)));
    }

    /// Drawn as the ticket service draws it: level M as far as version 12 holds it (ISO/IEC 18004, table 7: 419 characters), then L.
    #[test]
    fn the_specification_tells_how_large_each_profile_is() {
        let mut rows = String::new();
        for (profile, ticket) in samples::profiles() {
            let (bytes, text) = (ticket.to_bytes().len(), ticket.to_text());
            let (level, letter) = if text.len() <= 419 { (EcLevel::M, 'M') } else { (EcLevel::L, 'L') };
            let code = QrCode::with_error_correction_level(&text, level).unwrap();
            let Version::Normal(version) = code.version() else { panic!("{profile}: no micro code holds a ticket") };
            writeln!(rows, "| {profile} | {bytes} | {} | {version}-{letter} |", text.len()).unwrap();
        }
        let (_, rest) = include_str!("../../README.md").split_once("<!-- profiles -->\n").unwrap();
        let (table, _) = rest.split_once("<!-- /profiles -->").unwrap();
        assert_eq!(table, rows);
    }
}
