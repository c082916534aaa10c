//! The sealed part as a ticket carries it. What is in it is known to [`sealing`](crate::sealing) only.

use crate::id::SealingGeneration;

/// Bytes of a ticket's sealed name and seat, whatever their length.
pub const SEALED_LENGTH: usize = 56;
/// Bytes of the seal's tag (RFC 8439, 2.5).
pub const SEAL_TAG_LENGTH: usize = 16;

/// A name and a seat that only gates of the event can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which of the event's secrets sealed it.
    pub generation: SealingGeneration,
    /// Whether the person is to be held against the name: a gate that cannot read it calls staff.
    pub check_id: bool,
    /// The sealed text.
    pub ciphertext: [u8; SEALED_LENGTH],
    /// What proves that it is this ticket's.
    pub tag: [u8; SEAL_TAG_LENGTH],
}
