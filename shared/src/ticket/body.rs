//! The signed part of a ticket: 35 to 141 bytes, big-endian, one encoding for one meaning.

use core::num::NonZeroU8;

use super::live::Live;
use super::profile::{CheckId, Defect, MAX_BODY_LENGTH, Profile};
use super::sealed::Sealed;
use super::text::ParseError;
use super::validity::Validity;
use crate::id::{EventId, Generation, ProductId, SealingGeneration, Slot, Zones};
use crate::keys::{KeyId, Signature, SigningKey, VerifyingKey};
use crate::label::Label;

/// What both services sign: who sold which seat of which event, for how many, from when to when, and to whom.
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
    /// Who must prove to hold it whenever it is shown; nobody for a static ticket.
    pub live: Option<Live>,
    /// The holder's name and seat, which [`EventSecret::seal`](crate::sealing::EventSecret::seal) puts here.
    pub sealed: Option<Sealed>,
}

impl TicketBody {
    /// The bytes that both keys sign, at most [`MAX_BODY_LENGTH`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.before_ciphertext();
        if let Some(sealed) = &self.sealed {
            bytes.extend_from_slice(&sealed.ciphertext);
            bytes.extend_from_slice(&sealed.tag);
        }
        bytes
    }

    /// All bytes of a body up to its sealed text: what that text is sealed to.
    pub(crate) fn before_ciphertext(&self) -> Vec<u8> {
        let (from, until) = self.validity.seconds();
        let fields: [&[u8]; 12] = [
            &Profile::of(self).to_bytes(),
            &self.issuing_key.0,
            &self.authority_key.0,
            &self.event.0.to_be_bytes(),
            &self.slot.0.to_be_bytes(),
            &[self.generation.0],
            &[self.places.get()],
            &[self.entries],
            &self.product.0.to_be_bytes(),
            &self.zones.0.to_be_bytes(),
            &from.to_be_bytes(),
            &until.to_be_bytes(),
        ];
        let mut bytes = Vec::with_capacity(MAX_BODY_LENGTH);
        for field in fields {
            bytes.extend_from_slice(field);
        }
        if let Some(live) = &self.live {
            bytes.push(live.window.get());
            bytes.extend_from_slice(&live.holder.to_bytes());
        }
        if let Some(sealed) = &self.sealed {
            bytes.push(sealed.generation.0);
        }
        bytes
    }

    /// Reads a body, all of the bytes and no more. Never [`ParseError::NotOurs`], which is about text.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let profile = Profile::read(bytes)?;
        if bytes.len() != profile.body_length() {
            return Err(ParseError::Malformed(Defect::Length));
        }
        Self::read(profile, bytes).map_err(ParseError::Malformed)
    }

    /// Reads a body whose flags and length were checked.
    pub(super) fn read(profile: Profile, bytes: &[u8]) -> Result<Self, Defect> {
        let mut reader = Reader(bytes);
        let [_version, _flags] = reader.take()?;
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
            live: if profile.live { Some(reader.live()?) } else { None },
            sealed: match profile.sealed {
                Some(check_id) => Some(reader.sealed(check_id)?),
                None => None,
            },
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

    fn live(&mut self) -> Result<Live, Defect> {
        Ok(Live {
            window: NonZeroU8::new(u8::from_be_bytes(self.take()?)).ok_or(Defect::Window)?,
            holder: VerifyingKey::from_bytes(&self.take()?).map_err(|_| Defect::HolderKey)?,
        })
    }

    fn sealed(&mut self, CheckId(check_id): CheckId) -> Result<Sealed, Defect> {
        Ok(Sealed {
            generation: SealingGeneration(u8::from_be_bytes(self.take()?)),
            check_id,
            ciphertext: self.take()?,
            tag: self.take()?,
        })
    }
}
