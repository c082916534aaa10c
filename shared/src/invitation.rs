//! The invitation: what an administrator shows to a new gate's own camera or scanner, so that nobody types. Owns its text; the code in it
//! is `enrolment`'s, the address its reader's to judge.
//!
//! `CME1:` and base45 (RFC 9285), as a ticket's, so that every scanner passes it on unchanged: the 35 bytes of the code, then the cloud's
//! address in 1 to 200 bytes of ASCII.

use core::fmt;
use core::str::FromStr;

use crate::enrolment::EnrolmentCode;

const PREFIX: &str = "CME1:";
const MAX_ADDRESS: usize = 200;

/// An address and a code. It has no `Debug`.
#[derive(Clone)]
pub struct Invitation {
    address: String,
    code: EnrolmentCode,
}

/// Text that is no invitation, or an address that fits none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInvitation {
    /// Another kind of code.
    #[error("this is no invitation; show the one that the administrator's page gave for this gate")]
    Another,
    /// It was one.
    #[error("this invitation is damaged; show it once more, larger or brighter")]
    Damaged,
    /// It cannot be written.
    #[error("the cloud's address has 1 to {MAX_ADDRESS} printable ASCII characters")]
    Address,
}

impl Invitation {
    /// Of a cloud's address and a code that it gave.
    pub fn new(address: &str, code: EnrolmentCode) -> Result<Self, InvalidInvitation> {
        let fits = (1..=MAX_ADDRESS).contains(&address.len()) && address.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self { address: address.to_owned(), code }) } else { Err(InvalidInvitation::Address) }
    }

    /// Where to enrol.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// With what.
    pub const fn code(&self) -> &EnrolmentCode {
        &self.code
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.code.to_bytes()[..], self.address.as_bytes()].concat();
        write!(formatter, "{PREFIX}{}", base45::encode(bytes))
    }
}

impl FromStr for Invitation {
    type Err = InvalidInvitation;

    fn from_str(text: &str) -> Result<Self, InvalidInvitation> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidInvitation::Another)?;
        let bytes = base45::decode(encoded).map_err(|_| InvalidInvitation::Damaged)?;
        let (code, address) = bytes.split_first_chunk().ok_or(InvalidInvitation::Damaged)?;
        let code = EnrolmentCode::from_bytes(code).map_err(|_| InvalidInvitation::Damaged)?;
        let address = core::str::from_utf8(address).map_err(|_| InvalidInvitation::Damaged)?;
        let invitation = Self::new(address, code).map_err(|_| InvalidInvitation::Damaged)?;
        // One invitation, one text: the decoder may be more lenient than the RFC.
        if invitation.to_string() == text { Ok(invitation) } else { Err(InvalidInvitation::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use proptest::prelude::*;

    const ADDRESS: &str = "https://gates.example.org";

    fn code() -> EnrolmentCode {
        EnrolmentCode::new([7; 16], samples::bundle().root_fingerprint())
    }

    #[test]
    fn what_is_shown_is_what_was_meant_and_any_scanner_passes_it_on() {
        let text = Invitation::new(ADDRESS, code()).unwrap().to_string();
        assert!(
            text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" $%*+-./:".contains(&byte))
        );
        let read: Invitation = text.parse().ok().unwrap();
        assert_eq!((read.address(), read.code().to_string()), (ADDRESS, code().to_string()));
    }

    #[test]
    fn what_is_none_and_what_is_damaged_are_told_apart() {
        let text = Invitation::new(ADDRESS, code()).unwrap().to_string();
        let refusal = |text: &str| text.parse::<Invitation>().err();
        for other in ["", "CM1:ABC", &code().to_string(), &text.to_lowercase(), &format!(" {text}")] {
            assert_eq!(refusal(other), Some(InvalidInvitation::Another), "{other}");
        }
        let other_secret = Invitation::new(ADDRESS, code()).unwrap().to_string().replacen("CME1:", "CME1:00", 1);
        let without_address = format!("CME1:{}", base45::encode(code().to_bytes()));
        let too_long = base45::encode([&code().to_bytes()[..], &[b'a'; MAX_ADDRESS + 1]].concat());
        for damaged in ["CME1:", &text[..text.len() - 1], &other_secret, &without_address, &format!("CME1:{too_long}")]
        {
            assert_eq!(refusal(damaged), Some(InvalidInvitation::Damaged), "{damaged}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_written_is_refused() {
        for address in ["", "https://gates.example.org/ x", "https://münchen.example", &"a".repeat(MAX_ADDRESS + 1)] {
            assert_eq!(Invitation::new(address, code()).err(), Some(InvalidInvitation::Address), "{address}");
        }
        assert!(Invitation::new(&"a".repeat(MAX_ADDRESS), code()).is_ok());
    }

    proptest! {
        #[test]
        fn no_other_text_says_the_same(text in "CME1:[0-9A-Z $%*+./:-]{0,120}") {
            if let Ok(invitation) = text.parse::<Invitation>() {
                prop_assert_eq!(invitation.to_string(), text);
            }
        }
    }
}
