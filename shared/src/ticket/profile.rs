//! What kind of ticket it is: version and flags, and the lengths that follow from them.

use super::body::TicketBody;
use super::sealed::{SEAL_TAG_LENGTH, SEALED_LENGTH};
use super::text::ParseError;

const VERSION: u8 = 1;

const LIVE: u8 = 1;
const SEALED: u8 = 1 << 1;
const CHECK_ID: u8 = 1 << 2;

const STATIC_LENGTH: usize = 35;
const LIVE_LENGTH: usize = 1 + 32;
const SEAL_LENGTH: usize = 1 + SEALED_LENGTH + SEAL_TAG_LENGTH;

/// Bytes of the longest body: live and sealed.
pub const MAX_BODY_LENGTH: usize = STATIC_LENGTH + LIVE_LENGTH + SEAL_LENGTH;

/// Why bytes of our version are no ticket of ours, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// A reserved flag is set, or one without the flag it needs.
    #[error("its flags contradict the format")]
    Flags,
    /// Too short or too long for its flags.
    #[error("it has the wrong length")]
    Length,
    /// It admits nobody.
    #[error("it is for no person at all")]
    Places,
    /// Its window ends before it begins.
    #[error("its validity ends before it begins")]
    Validity,
    /// No presentation of it is ever fresh.
    #[error("it is live for no second")]
    Window,
    /// Its holder key is weak or not canonically encoded: anybody could be its holder.
    #[error("its holder's key is no acceptable key")]
    HolderKey,
}

/// The flags of a ticket, as far as they can be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) live: bool,
    /// Sealed or not; if so, whether identity is to be checked.
    pub(super) sealed: Option<CheckId>,
}

/// The flag that only a sealed ticket has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CheckId(pub(super) bool);

impl Profile {
    /// Those whose tickets have a name in them.
    pub(super) const SEALED: [Self; 4] =
        [Self::sealed(false, false), Self::sealed(false, true), Self::sealed(true, false), Self::sealed(true, true)];

    const fn sealed(live: bool, check_id: bool) -> Self {
        Self { live, sealed: Some(CheckId(check_id)) }
    }

    /// Reads version and flags, the first two bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ParseError> {
        let (version, rest) = bytes.split_first().ok_or(ParseError::Malformed(Defect::Length))?;
        if *version != VERSION {
            return Err(ParseError::UnknownVersion);
        }
        let flags = *rest.first().ok_or(ParseError::Malformed(Defect::Length))?;
        let sealed = match (flags & SEALED != 0, flags & CHECK_ID != 0) {
            (true, check_id) => Some(CheckId(check_id)),
            (false, false) => None,
            (false, true) => return Err(ParseError::Malformed(Defect::Flags)),
        };
        let profile = Self { live: flags & LIVE != 0, sealed };
        // A flag that has no meaning yet is lost on the way.
        if profile.flags() == flags { Ok(profile) } else { Err(ParseError::Malformed(Defect::Flags)) }
    }

    pub(super) fn of(body: &TicketBody) -> Self {
        Self { live: body.live.is_some(), sealed: body.sealed.map(|sealed| CheckId(sealed.check_id)) }
    }

    /// The first two bytes.
    pub(super) const fn to_bytes(self) -> [u8; 2] {
        [VERSION, self.flags()]
    }

    const fn flags(self) -> u8 {
        let live = if self.live { LIVE } else { 0 };
        let sealed = match self.sealed {
            None => 0,
            Some(CheckId(false)) => SEALED,
            Some(CheckId(true)) => SEALED | CHECK_ID,
        };
        live | sealed
    }

    /// Bytes of the body, these two included.
    pub(super) const fn body_length(self) -> usize {
        let live = if self.live { LIVE_LENGTH } else { 0 };
        let sealed = if self.sealed.is_some() { SEAL_LENGTH } else { 0 };
        STATIC_LENGTH + live + sealed
    }
}
