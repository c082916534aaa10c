//! What holds for every ticket, whatever its fields: checked over arbitrary ones.

use core::num::NonZeroU8;

use proptest::array::{uniform2, uniform4, uniform16, uniform32};
use proptest::collection::vec;
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::id::{EventId, Generation, ProductId, SealingGeneration, Slot, Zones};
use crate::key_ring::Unproved;
use crate::keys::{KeyId, Signature, SigningKey};
use crate::samples;

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

fn any_live() -> impl Strategy<Value = Live> {
    (1_u8.., any::<[u8; 32]>()).prop_map(|(window, seed)| Live {
        window: NonZeroU8::new(window).unwrap(),
        holder: SigningKey::from_seed(&Zeroizing::new(seed)).verifying_key(),
    })
}

fn any_sealed() -> impl Strategy<Value = Sealed> {
    (any::<u8>(), any::<bool>(), vec(any::<u8>(), SEALED_LENGTH), uniform16(any::<u8>())).prop_map(
        |(generation, check_id, ciphertext, tag)| Sealed {
            generation: SealingGeneration(generation),
            check_id,
            ciphertext: ciphertext.try_into().unwrap(),
            tag,
        },
    )
}

prop_compose! {
    fn any_body()(
        issuing in uniform4(any::<u8>()),
        authority in uniform4(any::<u8>()),
        [event, slot] in uniform2(any::<u32>()),
        (generation, places, entries) in (any::<u8>(), 1_u8.., any::<u8>()),
        (product, zones) in (any::<u16>(), any::<u32>()),
        (from, length) in (0..u32::MAX, 1_u32..),
        live in proptest::option::of(any_live()),
        sealed in proptest::option::of(any_sealed()),
    ) -> TicketBody {
        TicketBody {
            issuing_key: KeyId(issuing),
            authority_key: KeyId(authority),
            event: EventId(event),
            slot: Slot(slot),
            generation: Generation(generation),
            places: NonZeroU8::new(places).unwrap(),
            entries,
            product: ProductId(product),
            zones: Zones(zones),
            validity: Validity::new(from, from.saturating_add(length)).unwrap(),
            live,
            sealed,
        }
    }
}

fn any_signature() -> impl Strategy<Value = Signature> {
    uniform2(uniform32(any::<u8>())).prop_map(|halves| Signature::from_bytes(&halves.concat().try_into().unwrap()))
}

prop_compose! {
    fn any_ticket()(
        body in any_body(),
        issuer in any_signature(),
        authority in any_signature(),
        presentation in proptest::option::of((any::<u32>(), any_signature())),
    ) -> UnverifiedTicket {
        let ticket = UnverifiedTicket::new(body, issuer, authority);
        match presentation {
            Some((seconds, signature)) if ticket.body().live.is_some() => {
                ticket.shown(Presentation::new(seconds, signature)).unwrap()
            }
            _ => ticket,
        }
    }
}

/// A text that a scanner might make of a good one: characters changed, inserted or lost.
fn any_misreading() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), prop::sample::select(&ALPHABET[..]), 0..3);
    (any_ticket(), vec(edit, 0..4)).prop_map(|(ticket, edits)| {
        let mut text = ticket.to_text().into_bytes();
        for (place, character, kind) in edits {
            let place = place.index(text.len());
            match kind {
                0 => text[place] = character,
                1 => text.insert(place, character),
                _ => drop(text.remove(place)),
            }
        }
        String::from_utf8(text).unwrap()
    })
}

proptest! {
    #[test]
    fn a_body_is_its_bytes(body in any_body()) {
        let bytes = body.to_bytes();
        prop_assert!(bytes.len() <= MAX_BODY_LENGTH);
        prop_assert_eq!(TicketBody::from_bytes(&bytes), Ok(body));
    }

    #[test]
    fn a_ticket_is_its_bytes_and_its_text(ticket in any_ticket()) {
        let text = ticket.to_text();
        prop_assert!(text.len() <= MAX_TEXT_LENGTH);
        prop_assert_eq!(UnverifiedTicket::from_bytes(&ticket.to_bytes()), Ok(ticket.clone()));
        prop_assert_eq!(UnverifiedTicket::parse(&text), Ok(ticket));
    }

    /// So no two texts are one ticket: each would have to be the one text of what was read.
    #[test]
    fn what_is_read_has_no_other_text(text in any_misreading()) {
        if let Ok(ticket) = UnverifiedTicket::parse(&text) {
            prop_assert_eq!(ticket.to_text(), text);
        }
    }

    #[test]
    fn what_is_read_has_no_other_bytes(
        flags in 0_u8..8,
        rest in vec(any::<u8>(), 161..340),
    ) {
        let bytes = [&[1, flags][..], &rest].concat();
        if let Ok(ticket) = UnverifiedTicket::from_bytes(&bytes) {
            prop_assert_eq!(ticket.to_bytes(), bytes);
        }
    }

    #[test]
    fn nobody_elses_ticket_is_believed(ticket in any_ticket()) {
        prop_assert_eq!(samples::key_ring().verify(&ticket), Err(Unproved::KeyUnknown));
    }

    #[test]
    fn signatures_of_nobody_are_not_believed(body in any_body(), issuer in any_signature(), authority in any_signature()) {
        let body = TicketBody {
            issuing_key: samples::body().issuing_key,
            authority_key: samples::body().authority_key,
            ..body
        };
        let forged = UnverifiedTicket::new(body.clone(), issuer, authority);
        prop_assert_eq!(samples::key_ring().verify(&forged), Err(Unproved::IssuerForged));
        let half = UnverifiedTicket::new(body.clone(), body.issue(&samples::issuing_key()), authority);
        prop_assert_eq!(samples::key_ring().verify(&half), Err(Unproved::AuthorityForged));
        prop_assert!(samples::key_ring().verify(&samples::sign(body)).is_ok());
    }
}

/// Which refusals fit a flipped bit is known from the field it hits.
#[test]
fn any_flipped_bit_of_any_profile_is_refused_with_what_fits() {
    let key_ring = samples::key_ring();
    for (profile, ticket) in samples::profiles() {
        let (bytes, body, live) = (ticket.to_bytes(), ticket.body().to_bytes().len(), ticket.body().live.is_some());
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[index] ^= 1 << bit;
                let outcome = UnverifiedTicket::from_bytes(&damaged).map(|read| key_ring.verify(&read));
                let fits = match outcome {
                    Err(ParseError::UnknownVersion) => index == 0,
                    Err(ParseError::Malformed(defect)) => match defect {
                        Defect::Flags | Defect::Length => index == 1,
                        Defect::Places => index == 19,
                        Defect::Validity => (27..35).contains(&index),
                        Defect::Window => live && index == 35,
                        Defect::HolderKey => live && (36..68).contains(&index),
                    },
                    Ok(Err(Unproved::KeyUnknown)) => (2..10).contains(&index),
                    Err(ParseError::NotOurs) | Ok(Ok(_) | Err(Unproved::KeyRevoked)) => false,
                    // Of the flags, check-ID alone changes no length.
                    Ok(Err(Unproved::IssuerForged)) => {
                        (10..body + 64).contains(&index) || (index, bit) == (1, 2) && ticket.body().sealed.is_some()
                    }
                    Ok(Err(Unproved::AuthorityForged)) => (body + 64..body + 128).contains(&index),
                    Ok(Err(Unproved::HolderForged)) => (body + 128..).contains(&index),
                };
                assert!(fits, "{profile}, byte {index}, bit {bit}");
            }
        }
    }
}
