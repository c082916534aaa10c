//! A gate reads the guest list, where its event has one: page by page, in the order of issue.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Base64;
use crate::id::{Generation, Slot};
use crate::sealing::ORDER_TAG_LENGTH;
use crate::time::Timestamp;

/// A page has no more.
pub const MAX_GUESTS_PER_PAGE: usize = 500;

/// Who has a ticket. A gate believes what it verifies of the half, and the tag as far as the name that it opens is the guest's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// When the ticket was issued.
    pub issued: Timestamp,
    /// [`EventSecret::order_tag`](crate::sealing::EventSecret::order_tag) of its order's code, by the secret that sealed it.
    #[schema(value_type = String, format = Byte)]
    pub tag: Base64<[u8; ORDER_TAG_LENGTH]>,
    /// [`HalfTicket`](crate::ticket::HalfTicket).
    #[schema(value_type = String, format = Byte)]
    pub half: Base64<Vec<u8>>,
}

/// Guests in the order of their cursors, each issue of a seat once; none where the event has no guest list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestPage {
    /// At most [`MAX_GUESTS_PER_PAGE`].
    pub guests: Vec<Guest>,
    /// After what to ask for more; nothing where these are the last for now.
    #[schema(value_type = Option<String>)]
    pub next: Option<GuestCursor>,
}

/// Who is on it is not for the log.
impl fmt::Debug for GuestPage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GuestPage({} guests)", self.guests.len())
    }
}

/// A place in the order of issue, as text `1800000000000.41327.1`. What is issued at about the same time need not appear in this order: whoever reads on begins some
/// minutes before the newest that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct GuestCursor {
    /// When the ticket was issued.
    pub issued: Timestamp,
    /// Its seat.
    pub slot: Slot,
    /// Which issue of the seat.
    pub generation: Generation,
}

/// Text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in a guest list: milliseconds since 1970, slot and generation, with full stops between")]
pub struct InvalidGuestCursor;

impl GuestCursor {
    /// Before everything that was issued at that instant or later.
    pub const fn before(issued: Timestamp) -> Self {
        // No ticket is of generation 0.
        Self { issued, slot: Slot(0), generation: Generation(0) }
    }
}

impl fmt::Display for GuestCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.issued.unix_millis(), self.slot, self.generation)
    }
}

impl FromStr for GuestCursor {
    type Err = InvalidGuestCursor;

    fn from_str(text: &str) -> Result<Self, InvalidGuestCursor> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(InvalidGuestCursor);
        let (issued, slot, generation) = (next()?, next()?, next()?);
        let issued = issued.parse().map(Timestamp::from_unix_millis).map_err(|_| InvalidGuestCursor)?;
        let slot = slot.parse().map_err(|_| InvalidGuestCursor)?;
        let generation = generation.parse().map_err(|_| InvalidGuestCursor)?;
        let cursor = Self { issued, slot, generation };
        // One cursor has one text, and none is beyond the last instant.
        if cursor.to_string() == text { Ok(cursor) } else { Err(InvalidGuestCursor) }
    }
}

impl TryFrom<String> for GuestCursor {
    type Error = InvalidGuestCursor;

    fn try_from(text: String) -> Result<Self, InvalidGuestCursor> {
        text.parse()
    }
}

impl From<GuestCursor> for String {
    fn from(cursor: GuestCursor) -> Self {
        cursor.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const AT: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn cursor(issued: Timestamp, slot: u32, generation: u8) -> GuestCursor {
        GuestCursor { issued, slot: Slot(slot), generation: Generation(generation) }
    }

    #[test]
    fn a_cursor_has_one_text() {
        let cursor = cursor(AT, 41_327, 1);
        assert_eq!(cursor.to_string(), "1800000000000.41327.1");
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            "1800000000000.41327",
            "1800000000000.41327.1.",
            "1800000000000.41327.256",
            "1800000000000.4294967296.1",
            "01800000000000.41327.1",
            "1800000000000.+41327.1",
            "-1.41327.1",
            "253402300800000.41327.1",
        ] {
            assert_eq!(text.parse::<GuestCursor>(), Err(InvalidGuestCursor), "{text}");
        }
    }

    #[test]
    fn cursors_follow_the_order_of_issue() {
        let instant = Duration::from_millis(1);
        let order =
            [cursor(AT - instant, 9, 9), GuestCursor::before(AT), cursor(AT, 0, 1), cursor(AT, 0, 2), cursor(AT, 1, 1)];
        assert!(order.is_sorted_by(|a, b| a < b));
    }
}
