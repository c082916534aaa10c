//! How an event secret reaches one gate: HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//! ChaCha20-Poly1305, no associated data. Base mode says nothing of the sender: the assignment's signature does.

use core::fmt;
use core::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use hpke::aead::{AeadTag, ChaCha20Poly1305};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256};
use hpke::rand_core::CryptoRng;
use hpke::{
    Deserializable, HpkeError, OpModeR, OpModeS, Serializable, single_shot_open_inout_detached,
    single_shot_seal_inout_detached_with_rng,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::EventSecret;
use crate::id::{EventId, GateId, SealingGeneration};
use crate::label::Label;

type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

const SECRET_LENGTH: usize = 32;
const TAG_LENGTH: usize = 16;

/// 2^255 - 19 in little-endian: the first number that is no coordinate (RFC 7748, 4.1).
const FIELD_PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// A gate's X25519 private key. Wiped when dropped; it has no `Debug`.
#[derive(Clone)]
pub struct UnwrappingKey(Zeroizing<[u8; 32]>);

/// A gate's X25519 public key: canonically encoded and not of small order, so that no exchange with it is the zero secret.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct WrappingKey([u8; 32]);

/// Why 32 bytes are no acceptable X25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWrappingKey {
    /// Not 64 hexadecimal digits.
    #[error("a wrapping key is 64 hexadecimal digits")]
    Text,
    /// Not a number below 2^255 - 19.
    #[error("the bytes are no canonical X25519 public key")]
    Encoding,
    /// Of small order: every exchange with it gives zero (RFC 7748, 6.1).
    #[error("the key is a point of small order, which keeps no secret")]
    Weak,
}

/// An event secret that one gate can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The sender's one-time public key, `enc` in RFC 9180.
    pub encapsulated: [u8; 32],
    /// The secret, sealed, and its tag.
    pub ciphertext: [u8; SECRET_LENGTH + TAG_LENGTH],
}

/// The secret could not be wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event secret cannot be wrapped: {0}")]
pub struct NotWrapped(HpkeError);

/// The secret was not wrapped for this gate, event and generation, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event secret was not wrapped for this gate, event and generation")]
pub struct NotUnwrapped;

impl UnwrappingKey {
    /// From 32 random bytes.
    pub fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// The key, for sealing at rest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public half.
    pub fn wrapping_key(&self) -> WrappingKey {
        WrappingKey(x25519_dalek::x25519(*self.0, x25519_dalek::X25519_BASEPOINT_BYTES))
    }
}

impl WrappingKey {
    /// Parses and checks 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidWrappingKey> {
        if bytes.iter().rev().ge(FIELD_PRIME.iter().rev()) {
            return Err(InvalidWrappingKey::Encoding);
        }
        // A clamped scalar is a multiple of the cofactor, so points of small order, and they alone, become zero.
        if x25519_dalek::x25519([1; 32], *bytes) == [0; 32] {
            return Err(InvalidWrappingKey::Weak);
        }
        Ok(Self(*bytes))
    }

    /// The 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for WrappingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for WrappingKey {
    type Err = InvalidWrappingKey;

    fn from_str(text: &str) -> Result<Self, InvalidWrappingKey> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| InvalidWrappingKey::Text)?;
        Self::from_bytes(&bytes.try_into().map_err(|_| InvalidWrappingKey::Text)?)
    }
}

impl TryFrom<String> for WrappingKey {
    type Error = InvalidWrappingKey;

    fn try_from(text: String) -> Result<Self, InvalidWrappingKey> {
        text.parse()
    }
}

impl From<WrappingKey> for String {
    fn from(key: WrappingKey) -> Self {
        key.to_string()
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WrappingKey({self})")
    }
}

impl EventSecret {
    /// The secret for one gate to read. `randomness` makes the one-time key: 32 bytes of it are used.
    pub fn wrap(&self, gate: GateId, to: WrappingKey, randomness: &mut impl CryptoRng) -> Result<Wrapped, NotWrapped> {
        let info = info(gate, self.event, self.generation);
        let mut buffer = Zeroizing::new(*self.secret);
        let (encapsulated, tag) = seal(to, &info, buffer.as_mut_slice(), &[], randomness).map_err(NotWrapped)?;
        let mut ciphertext = [0; SECRET_LENGTH + TAG_LENGTH];
        for (place, byte) in ciphertext.iter_mut().zip(buffer.iter().chain(tag.to_bytes().iter())) {
            *place = *byte;
        }
        Ok(Wrapped { encapsulated: encapsulated.to_bytes().into(), ciphertext })
    }

    /// The secret that was wrapped for this gate, event and generation.
    pub fn unwrap(
        wrapped: &Wrapped,
        gate: GateId,
        key: &UnwrappingKey,
        event: EventId,
        generation: SealingGeneration,
    ) -> Result<Self, NotUnwrapped> {
        let (ciphertext, tag) = wrapped.ciphertext.split_first_chunk::<SECRET_LENGTH>().ok_or(NotUnwrapped)?;
        let mut buffer = Zeroizing::new(*ciphertext);
        let info = info(gate, event, generation);
        open(key, &wrapped.encapsulated, &info, buffer.as_mut_slice(), &[], tag).map_err(|_| NotUnwrapped)?;
        Ok(Self { event, generation, secret: buffer })
    }
}

fn info(gate: GateId, event: EventId, generation: SealingGeneration) -> Vec<u8> {
    [&Label::EventSecret.bytes()[..], &gate.0.to_be_bytes(), &event.0.to_be_bytes(), &[generation.0]].concat()
}

fn seal(
    to: WrappingKey,
    info: &[u8],
    buffer: &mut [u8],
    associated: &[u8],
    randomness: &mut impl CryptoRng,
) -> Result<(Encapsulated, AeadTag<ChaCha20Poly1305>), HpkeError> {
    single_shot_seal_inout_detached_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &Deserializable::from_bytes(&to.0)?,
        info,
        InOutBuf::from(buffer),
        associated,
        randomness,
    )
}

fn open(
    key: &UnwrappingKey,
    encapsulated: &[u8; 32],
    info: &[u8],
    buffer: &mut [u8],
    associated: &[u8],
    tag: &[u8],
) -> Result<(), HpkeError> {
    single_shot_open_inout_detached::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &Deserializable::from_bytes(key.bytes())?,
        &Deserializable::from_bytes(encapsulated)?,
        info,
        InOutBuf::from(buffer),
        associated,
        &Deserializable::from_bytes(tag)?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{FixedRandomness, event_secret};

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
    }

    fn gate_key(byte: u8) -> UnwrappingKey {
        UnwrappingKey::new(Zeroizing::new([byte; 32]))
    }

    /// RFC 9180, A.2.1.1, first message.
    #[test]
    fn the_suite_is_the_rfcs() {
        let key =
            UnwrappingKey::new(Zeroizing::new(hex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")));
        let to = key.wrapping_key();
        assert_eq!(to.to_string(), "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        let mut randomness = FixedRandomness(hex("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b"));
        let mut buffer = *b"Beauty is truth, truth beauty";
        let (encapsulated, tag) = seal(to, b"Ode on a Grecian Urn", &mut buffer, b"Count-0", &mut randomness).unwrap();
        assert_eq!(
            HEXLOWER.encode(&encapsulated.to_bytes()),
            "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
        );
        assert_eq!(
            HEXLOWER.encode(&[&buffer[..], &tag.to_bytes()].concat()),
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
        );
        let enc = encapsulated.to_bytes().into();
        open(&key, &enc, b"Ode on a Grecian Urn", &mut buffer, b"Count-0", &tag.to_bytes()).unwrap();
        assert_eq!(&buffer, b"Beauty is truth, truth beauty");
    }

    /// RFC 7748, 6.1: Alice's key.
    #[test]
    fn public_keys_are_the_rfcs() {
        let key = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let public = UnwrappingKey::new(Zeroizing::new(key)).wrapping_key().to_string();
        assert_eq!(public, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    }

    #[test]
    fn a_public_key_has_one_text_in_json_too() {
        let key = gate_key(9).wrapping_key();
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(text, format!("\"{}\"", HEXLOWER.encode(&key.to_bytes())));
        assert_eq!(serde_json::from_str::<WrappingKey>(&text).unwrap(), key);
    }

    #[test]
    fn one_gate_reads_it() {
        let key = gate_key(9);
        let secret = event_secret();
        let (event, generation) = (secret.event(), secret.generation());
        let wrapped = secret.wrap(GateId(3), key.wrapping_key(), &mut FixedRandomness([1; 32])).unwrap();
        let read = EventSecret::unwrap(&wrapped, GateId(3), &key, event, generation).unwrap();
        assert_eq!((read.event(), read.generation(), read.bytes()), (event, generation, secret.bytes()));

        let mut damaged = wrapped;
        damaged.ciphertext[0] ^= 1;
        for (why, outcome) in [
            ("another gate", EventSecret::unwrap(&wrapped, GateId(4), &key, event, generation)),
            ("another key", EventSecret::unwrap(&wrapped, GateId(3), &gate_key(8), event, generation)),
            ("another event", EventSecret::unwrap(&wrapped, GateId(3), &key, EventId(8), generation)),
            ("another generation", EventSecret::unwrap(&wrapped, GateId(3), &key, event, SealingGeneration(2))),
            ("a flipped bit", EventSecret::unwrap(&damaged, GateId(3), &key, event, generation)),
        ] {
            assert!(outcome.is_err(), "{why}");
        }
    }

    #[test]
    fn keys_that_keep_no_secret_are_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        let mut minus_one = FIELD_PRIME;
        minus_one[0] -= 1;
        // The points of order 8 (RFC 7748, 7; D. J. Bernstein, "May the fourth be with you").
        let eighth = hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
        let other_eighth = hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157");
        for weak in [[0; 32], one, minus_one, eighth, other_eighth] {
            assert_eq!(WrappingKey::from_bytes(&weak), Err(InvalidWrappingKey::Weak), "{weak:02x?}");
        }
        let mut beyond = gate_key(9).wrapping_key().to_bytes();
        beyond[31] |= 0x80;
        for overlong in [FIELD_PRIME, [0xff; 32], beyond] {
            assert_eq!(WrappingKey::from_bytes(&overlong), Err(InvalidWrappingKey::Encoding), "{overlong:02x?}");
        }
        let good = gate_key(9).wrapping_key();
        assert_eq!(WrappingKey::from_bytes(&good.to_bytes()), Ok(good));
    }
}
