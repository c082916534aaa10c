//! Sealed names: only gates of the event read who a ticket is for, and only after they verified it.
//!
//! [`EventSecret`] seals a [`SealedText`] into a ticket's body and opens it again, and makes the tag by which an order's seats are found;
//! [`Wrapped`] brings the secret to one gate. Knows nothing of where secrets are kept, nor what is done with a name.

mod text;
mod wrapping;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use zeroize::Zeroizing;

pub use text::{InvalidSealedText, SealedText};
pub use wrapping::{InvalidWrappingKey, NotUnwrapped, NotWrapped, UnwrappingKey, Wrapped, WrappingKey};

use crate::derivation::derive;
use crate::id::{EventId, SealingGeneration};
use crate::label::Label;
use crate::order_code::OrderCode;
use crate::ticket::{SEAL_TAG_LENGTH, SEALED_LENGTH, Sealed, TicketBody, VerifiedHalf, VerifiedTicket};

/// Bytes of an order's tag.
pub const ORDER_TAG_LENGTH: usize = 16;

/// What opens the sealed part of an event's tickets: 32 random bytes, known to the ticket service and the event's gates. Wiped
/// when dropped; it has no `Debug`.
#[derive(Clone)]
pub struct EventSecret {
    event: EventId,
    generation: SealingGeneration,
    secret: Zeroizing<[u8; 32]>,
}

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSealed {
    /// The ticket is for another event than the secret.
    #[error("the ticket is for another event than the secret")]
    OtherEvent,
    /// The body has a sealed part, and each issue of a seat is sealed once.
    #[error("the ticket is sealed already")]
    Already,
}

/// Why a verified ticket's sealed part cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// It has none.
    #[error("the ticket is not sealed")]
    Unsealed,
    /// Another event's or generation's secret sealed it.
    #[error("another secret sealed the ticket")]
    OtherSecret,
    /// The secret of this event and generation did not seal this for this ticket.
    #[error("the seal is broken")]
    Broken,
    /// What was sealed is no name and seat.
    #[error("what was sealed is no name and seat")]
    Text,
}

impl EventSecret {
    /// From 32 random bytes.
    pub fn new(event: EventId, generation: SealingGeneration, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { event, generation, secret }
    }

    /// Whose names it opens.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// Which of the event's secrets it is.
    pub fn generation(&self) -> SealingGeneration {
        self.generation
    }

    /// The secret, for sealing at rest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The body with name and seat sealed into it, ready to be signed.
    ///
    /// The nonce is zero, which is safe because no two texts are sealed under one key: the key follows from every field before the sealed
    /// text, so that another event, seat, generation or holder has another, and the caller seals each issue of a seat **once**,
    /// storing the body before it goes anywhere. Whoever seals a second text into the same fields gives whoever sees
    /// both tickets the XOR of the two texts. A name is changed by raising the ticket's generation.
    pub fn seal(&self, body: &TicketBody, text: &SealedText, check_id: bool) -> Result<TicketBody, NotSealed> {
        if body.event != self.event {
            return Err(NotSealed::OtherEvent);
        }
        if body.sealed.is_some() {
            return Err(NotSealed::Already);
        }
        let unwritten =
            Sealed { generation: self.generation, check_id, ciphertext: [0; SEALED_LENGTH], tag: [0; SEAL_TAG_LENGTH] };
        let body = TicketBody { sealed: Some(unwritten), ..body.clone() };
        let header = body.before_ciphertext();
        let mut buffer = text.to_bytes();
        let tag = self.encrypt(&header, &mut buffer);
        Ok(TicketBody { sealed: Some(Sealed { ciphertext: *buffer, tag, ..unwritten }), ..body })
    }

    /// The name and seat of a ticket whose signatures hold.
    pub fn open(&self, ticket: &VerifiedTicket) -> Result<SealedText, NotOpened> {
        self.open_body(ticket.body())
    }

    /// The name and seat of half a ticket whose signature holds. Never [`NotOpened::Unsealed`].
    pub fn open_half(&self, half: &VerifiedHalf) -> Result<SealedText, NotOpened> {
        self.open_body(half.body())
    }

    /// What a gate finds an order's seats by, of those that this secret sealed: whoever has the tags and not the secret learns no code from
    /// them, and none by trying.
    pub fn order_tag(&self, code: OrderCode) -> [u8; ORDER_TAG_LENGTH] {
        let mut tag = [0; ORDER_TAG_LENGTH];
        let derived = derive(&self.secret, Label::OrderTag, &[&code.number().to_be_bytes()]);
        for (place, byte) in tag.iter_mut().zip(derived.iter()) {
            *place = *byte;
        }
        tag
    }

    fn open_body(&self, body: &TicketBody) -> Result<SealedText, NotOpened> {
        let sealed = body.sealed.ok_or(NotOpened::Unsealed)?;
        if (body.event, sealed.generation) != (self.event, self.generation) {
            return Err(NotOpened::OtherSecret);
        }
        let header = body.before_ciphertext();
        let mut buffer = Zeroizing::new(sealed.ciphertext);
        self.cipher(&header)
            .decrypt_inout_detached(&Nonce::default(), &header, buffer.as_mut_slice().into(), &sealed.tag.into())
            .map_err(|_| NotOpened::Broken)?;
        SealedText::from_bytes(&buffer).map_err(|_| NotOpened::Text)
    }

    #[expect(clippy::expect_used, reason = "ChaCha20-Poly1305 takes 256 GiB (RFC 8439, 2.8), and this is 56 bytes")]
    fn encrypt(&self, header: &[u8], buffer: &mut [u8; SEALED_LENGTH]) -> [u8; SEAL_TAG_LENGTH] {
        self.cipher(header)
            .encrypt_inout_detached(&Nonce::default(), header, buffer.as_mut_slice().into())
            .expect("56 bytes of text")
            .into()
    }

    fn cipher(&self, header: &[u8]) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new((&*derive(&self.secret, Label::Seal, &[header])).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Generation, Slot};
    use crate::keys::VerifyingKey;
    use crate::samples::{body, event_secret, issuing_key, key_ring, live, sign, signing_key};
    use crate::ticket::{HalfTicket, Live};
    use data_encoding::HEXLOWER;

    fn text() -> SealedText {
        SealedText::new("Zoë Çelik", "Rang 3, 14").unwrap()
    }

    fn opened(secret: &EventSecret, body: TicketBody) -> Result<(String, String), NotOpened> {
        let ticket = key_ring().verify(&sign(body)).unwrap();
        secret.open(&ticket).map(|text| (text.name().to_owned(), text.seat().to_owned()))
    }

    #[test]
    fn what_was_sealed_is_read_again() {
        for unsealed in [body(), live(&body())] {
            let sealed = event_secret().seal(&unsealed, &text(), true).unwrap();
            assert_eq!(TicketBody { sealed: None, ..sealed.clone() }, unsealed);
            assert!(sealed.sealed.unwrap().check_id);
            assert_eq!(opened(&event_secret(), sealed), Ok(("Zoë Çelik".to_owned(), "Rang 3, 14".to_owned())));
        }
    }

    #[test]
    fn another_secret_reads_nothing() {
        let sealed = event_secret().seal(&body(), &text(), false).unwrap();
        let secret = |event, generation, byte| {
            EventSecret::new(EventId(event), SealingGeneration(generation), Zeroizing::new([byte; 32]))
        };
        assert_eq!(opened(&secret(7, 1, 8), sealed.clone()), Err(NotOpened::Broken));
        assert_eq!(opened(&secret(7, 2, 7), sealed.clone()), Err(NotOpened::OtherSecret));
        assert_eq!(opened(&secret(8, 1, 7), sealed), Err(NotOpened::OtherSecret));
        assert_eq!(opened(&event_secret(), body()), Err(NotOpened::Unsealed));
    }

    /// Even where both services sign it: a sealed part does not move to another ticket.
    #[test]
    fn a_seal_is_bound_to_every_field_before_it() {
        let sealed = event_secret().seal(&live(&body()), &text(), false).unwrap();
        let seal = sealed.sealed.unwrap();
        let mut holder = sealed.clone();
        let another: VerifyingKey = signing_key(66).verifying_key();
        holder.live = holder.live.map(|live| Live { holder: another, ..live });
        for moved in [
            TicketBody { slot: Slot(43), ..sealed.clone() },
            TicketBody { generation: Generation(2), ..sealed.clone() },
            TicketBody { entries: 9, ..sealed.clone() },
            TicketBody { live: None, ..sealed.clone() },
            holder,
            TicketBody { sealed: Some(Sealed { check_id: true, ..seal }), ..sealed },
        ] {
            assert_eq!(opened(&event_secret(), moved.clone()), Err(NotOpened::Broken), "{moved:?}");
        }
    }

    #[test]
    fn what_is_no_name_stays_unread() {
        let unwritten = event_secret().seal(&body(), &text(), false).unwrap();
        let mut seal = unwritten.sealed.unwrap();
        let mut buffer = [b'x'; SEALED_LENGTH];
        seal.tag = event_secret().encrypt(&unwritten.before_ciphertext(), &mut buffer);
        seal.ciphertext = buffer;
        assert_eq!(opened(&event_secret(), TicketBody { sealed: Some(seal), ..unwritten }), Err(NotOpened::Text));
    }

    #[test]
    fn half_a_ticket_opens_as_the_whole_one_does() {
        let sealed = event_secret().seal(&body(), &text(), false).unwrap();
        let half = HalfTicket::new(sealed.clone(), sealed.issue(&issuing_key())).unwrap();
        let half = key_ring().verify_half(&half).unwrap();
        let opened = event_secret().open_half(&half).map(|text| (text.name().to_owned(), text.seat().to_owned()));
        assert_eq!(opened, Ok(("Zoë Çelik".to_owned(), "Rang 3, 14".to_owned())));
        let other = EventSecret::new(EventId(7), SealingGeneration(2), Zeroizing::new([7; 32]));
        assert_eq!(other.open_half(&half).err(), Some(NotOpened::OtherSecret));
    }

    #[test]
    fn each_order_has_a_tag_of_its_own_by_each_secret() {
        let tag = |secret: [u8; 32], code: &str| {
            EventSecret::new(EventId(7), SealingGeneration(1), Zeroizing::new(secret)).order_tag(code.parse().unwrap())
        };
        assert_eq!(tag([7; 32], "7KQ2M-4XD9P"), tag([7; 32], "7kq2m4xd9p"));
        assert_ne!(tag([7; 32], "7KQ2M-4XD9P"), tag([7; 32], "7KQ2M-4XD9Q"));
        assert_ne!(tag([7; 32], "7KQ2M-4XD9P"), tag([8; 32], "7KQ2M-4XD9P"));
    }

    #[test]
    fn a_ticket_is_sealed_once_and_by_its_own_event() {
        let sealed = event_secret().seal(&body(), &text(), false).unwrap();
        assert_eq!(event_secret().seal(&sealed, &text(), false), Err(NotSealed::Already));
        let elsewhere = TicketBody { event: EventId(8), ..body() };
        assert_eq!(event_secret().seal(&elsewhere, &text(), false), Err(NotSealed::OtherEvent));
    }

    /// RFC 8439, 2.8.2.
    #[test]
    fn the_cipher_is_the_rfcs() {
        let key: Vec<u8> = (0x80..0xa0).collect();
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let associated = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let mut buffer =
            *b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.";
        let tag = ChaCha20Poly1305::new_from_slice(&key)
            .unwrap()
            .encrypt_inout_detached(&nonce.into(), &associated, buffer.as_mut_slice().into())
            .unwrap();
        assert_eq!(HEXLOWER.encode(&buffer[..16]), "d31a8d34648e60db7b86afbc53ef7ec2");
        assert_eq!(HEXLOWER.encode(&tag), "1ae10b594f09e26a7e902ecbd0600691");
    }
}
