//! Event secrets wrapped for a gate, and given to others.

use std::convert::Infallible;

use countermark_shared::id::{EventId, GateId, SealingGeneration};
use countermark_shared::sealing::{EventSecret, UnwrappingKey, Wrapped};
use hpke::rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::file::{Content, File, WrappingCase};
use crate::vectors::hex;
use crate::world::beyond_prime;

const GATE: u32 = 17;
const EVENT: u32 = 2026;
const GENERATION: u8 = 1;

/// Gives the same bytes again and again.
struct Fixed([u8; 32]);

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("a key is filled, not drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a key is filled, not drawn")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

pub(super) fn file() -> File {
    let about = "Event secrets wrapped for gates (HPKE); without a secret they are refused.";
    File { about: about.to_owned(), content: Content::Wrappings { cases: cases() } }
}

fn wrap(secret: u8, gate: u32, gate_key: u8, event: u32, generation: u8, randomness: u8) -> Wrapped {
    let to = UnwrappingKey::new(Zeroizing::new([gate_key; 32])).wrapping_key();
    EventSecret::new(EventId(event), SealingGeneration(generation), Zeroizing::new([secret; 32]))
        .wrap(GateId(gate), to, &mut Fixed([randomness; 32]))
        .unwrap()
}

fn cases() -> Vec<WrappingCase> {
    let usual = wrap(0x44, GATE, 0x55, EVENT, GENERATION, 0x66);
    let good = WrappingCase {
        name: String::new(),
        why: String::new(),
        gate: GATE,
        gate_key: hex(&[0x55; 32]),
        event: EVENT,
        generation: GENERATION,
        enc: hex(&usual.encapsulated),
        ciphertext: hex(&usual.ciphertext),
        secret: Some(hex(&[0x44; 32])),
    };
    let case = |name: &str, why: &str, change: &dyn Fn(&mut WrappingCase)| {
        let mut case = WrappingCase { name: name.to_owned(), why: why.to_owned(), ..good.clone() };
        change(&mut case);
        case
    };
    let refused = |name: &str, why: &str, change: &dyn Fn(&mut WrappingCase)| {
        case(name, why, &|case| {
            case.secret = None;
            change(case);
        })
    };
    let highest = wrap(0xff, u32::MAX, 0x55, u32::MAX, u8::MAX, 0x67);
    let flip = |text: &str, place: usize| {
        let mut bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        bytes[place] ^= 1;
        hex(&bytes)
    };
    vec![
        case("good", "wrapped for this gate, event and generation", &|_| {}),
        case("the highest numbers", "wrapped for this gate, event and generation", &|case| {
            (case.gate, case.event, case.generation) = (u32::MAX, u32::MAX, u8::MAX);
            (case.enc, case.ciphertext) = (hex(&highest.encapsulated), hex(&highest.ciphertext));
            case.secret = Some(hex(&[0xff; 32]));
        }),
        refused("another gate's number", "the number is in the info", &|case| case.gate = GATE + 1),
        refused("another gate's key", "the key cannot read it", &|case| case.gate_key = hex(&[0x56; 32])),
        refused("another event", "the event is in the info", &|case| case.event = EVENT + 1),
        refused("another generation", "the generation is in the info", &|case| case.generation = GENERATION + 1),
        refused("first byte of enc flipped", "another exchange", &|case| case.enc = flip(&case.enc, 0)),
        refused("last byte of enc flipped", "another exchange", &|case| case.enc = flip(&case.enc, 31)),
        refused("first byte of the ciphertext flipped", "the tag does not fit", &|case| {
            case.ciphertext = flip(&case.ciphertext, 0);
        }),
        refused("first byte of the tag flipped", "the tag does not fit", &|case| {
            case.ciphertext = flip(&case.ciphertext, 32);
        }),
        refused("last byte of the tag flipped", "the tag does not fit", &|case| {
            case.ciphertext = flip(&case.ciphertext, 47);
        }),
        refused("enc zero", "the exchange gives zero", &|case| case.enc = hex(&[0; 32])),
        refused("enc p + 1", "the exchange gives zero", &|case| case.enc = hex(&beyond_prime(1, false))),
    ]
}
