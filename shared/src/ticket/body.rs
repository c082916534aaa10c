//! The signed part of a ticket: 35 bytes, big-endian, one encoding for one meaning.

use core::num::NonZeroU8;

use crate::id::{EventId, Generation, ProductId, Slot, Zones};
use crate::keys::{KeyId, Signature, SigningKey};
use crate::label::Label;
use crate::time::Timestamp;

/// Bytes of a static ticket's body.
pub const BODY_LENGTH: usize = 35;
const VERSION: u8 = 1;

const LIVE: u8 = 1;
const SEALED: u8 = 1 << 1;
const CHECK_ID: u8 = 1 << 2;
const KNOWN_FLAGS: u8 = LIVE | SEALED | CHECK_ID;

/// What both services sign: who sold which seat of which event, for how many, from when to when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketBody {
    /// Hint of the key that says "sold".
    pub issuing_key: KeyId,
    /// Hint of the key that says "granted".
    pub authority_key: KeyId,
    /// The event.
    pub event: EventId,
    /// The seat within the event.
    pub slot: Slot,
    /// Which issue of the seat this is.
    pub generation: Generation,
    /// Persons this code admits.
    pub places: NonZeroU8,
    /// Admissions in all for each place, the first included; 0 leaves it to the event's policy.
    pub entries: u8,
    /// What was bought.
    pub product: ProductId,
    /// Where it admits.
    pub zones: Zones,
    /// When it admits.
    pub validity: Validity,
}

/// A window of whole Unix seconds that is not empty: valid at `from`, no longer valid at `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    from: u32,
    until: u32,
}

impl Validity {
    /// The window; none when it would be empty.
    pub const fn new(from: u32, until: u32) -> Option<Self> {
        if from < until { Some(Self { from, until }) } else { None }
    }

    /// The window between two instants, rounded down to seconds; none when it is empty or outside 1970 to 2106.
    pub fn between(from: Timestamp, until: Timestamp) -> Option<Self> {
        Self::new(u32::try_from(from.unix_seconds()).ok()?, u32::try_from(until.unix_seconds()).ok()?)
    }

    /// The first instant at which the ticket is valid.
    pub fn from(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.from.into())
    }

    /// The first instant at which it is no longer valid.
    pub fn until(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.until.into())
    }
}

/// Why bytes of our version are no ticket of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// Too short, too long.
    #[error("it has the wrong length")]
    Length,
    /// A reserved flag is set, or one without the flag it needs.
    #[error("its flags contradict the format")]
    Flags,
    /// It admits nobody.
    #[error("it is for no person at all")]
    Places,
    /// Its window ends before it begins.
    #[error("its validity ends before it begins")]
    Validity,
    /// Its text is not the one text these bytes have.
    #[error("its text is not canonical")]
    Text,
}

/// What the first two bytes ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Static,
    Unsupported,
}

/// Reads version and flags, which decide how long the rest must be. `None`: another version.
pub(super) fn shape(bytes: &[u8]) -> Option<Result<Shape, Defect>> {
    let [version, flags, ..] = *bytes else { return Some(Err(Defect::Length)) };
    if version != VERSION {
        return None;
    }
    if flags & !KNOWN_FLAGS != 0 || (flags & CHECK_ID != 0 && flags & SEALED == 0) {
        return Some(Err(Defect::Flags));
    }
    Some(Ok(if flags & (LIVE | SEALED) == 0 { Shape::Static } else { Shape::Unsupported }))
}

impl TicketBody {
    /// The bytes that both keys sign.
    pub fn to_bytes(&self) -> [u8; BODY_LENGTH] {
        let mut bytes = [0; BODY_LENGTH];
        let fields: [&[u8]; 12] = [
            &[VERSION, 0],
            &self.issuing_key.0,
            &self.authority_key.0,
            &self.event.0.to_be_bytes(),
            &self.slot.0.to_be_bytes(),
            &[self.generation.0],
            &[self.places.get()],
            &[self.entries],
            &self.product.0.to_be_bytes(),
            &self.zones.0.to_be_bytes(),
            &self.validity.from.to_be_bytes(),
            &self.validity.until.to_be_bytes(),
        ];
        for (place, byte) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *place = *byte;
        }
        bytes
    }

    /// Reads the body of a static ticket whose [`shape`] was checked.
    pub fn from_bytes(bytes: &[u8; BODY_LENGTH]) -> Result<Self, Defect> {
        match shape(bytes) {
            Some(Ok(Shape::Static)) => {}
            Some(Err(defect)) => return Err(defect),
            Some(Ok(Shape::Unsupported)) | None => return Err(Defect::Flags),
        }
        let mut reader = Reader(&bytes[2..]);
        Ok(Self {
            issuing_key: KeyId(reader.take()?),
            authority_key: KeyId(reader.take()?),
            event: EventId(u32::from_be_bytes(reader.take()?)),
            slot: Slot(u32::from_be_bytes(reader.take()?)),
            generation: Generation(u8::from_be_bytes(reader.take()?)),
            places: NonZeroU8::new(u8::from_be_bytes(reader.take()?)).ok_or(Defect::Places)?,
            entries: u8::from_be_bytes(reader.take()?),
            product: ProductId(u16::from_be_bytes(reader.take()?)),
            zones: Zones(u32::from_be_bytes(reader.take()?)),
            validity: Validity::new(u32::from_be_bytes(reader.take()?), u32::from_be_bytes(reader.take()?))
                .ok_or(Defect::Validity)?,
        })
    }

    /// The ticket service's word: "sold".
    pub fn issue(&self, key: &SigningKey) -> Signature {
        key.sign(Label::Issue, &self.to_bytes())
    }

    /// The account service's word: "granted".
    pub fn authorise(&self, key: &SigningKey) -> Signature {
        key.sign(Label::Authorise, &self.to_bytes())
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Defect> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Defect::Length)?;
        self.0 = rest;
        Ok(*head)
    }
}
