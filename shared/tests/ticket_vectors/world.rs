//! Keys, bodies and signatures that the cases are made of. Whatever no honest service makes is put together here from the
//! specification, not by the crate under test.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use countermark_shared::id::{EventId, Generation, ProductId, SealingGeneration, Slot, Zones};
use countermark_shared::keys::{Signature, SigningKey};
use countermark_shared::label::Label;
use countermark_shared::ticket::{Live, Sealed, TicketBody, UnverifiedTicket, Validity};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use hkdf::Hkdf;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::file::{
    Fields, LiveFields, Outcome, RingKey, Role, SealedFields, Secret, Shown, Status, TicketCase, Verified,
};
use crate::vectors::{hex, key};

pub(crate) const AT: u32 = 1_800_000_600;

/// Two seeds, as big-endian numbers, whose public keys have one id; found by trying the numbers from 0.
pub(crate) const COLLIDING: [u32; 2] = [34_433, 170_398];

pub(crate) fn numbered_key(number: u32) -> SigningKey {
    let mut seed = Zeroizing::new([0; 32]);
    seed[28..].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_seed(&seed)
}

pub(crate) fn issuing() -> SigningKey {
    key(0x11)
}

pub(crate) fn authority() -> SigningKey {
    key(0x22)
}

pub(crate) fn holder() -> SigningKey {
    key(0x33)
}

pub(crate) fn stranger() -> SigningKey {
    key(0x99)
}

pub(crate) fn ring_key(role: Role, status: Status, key: &SigningKey) -> RingKey {
    RingKey { role, status, key: hex(&key.verifying_key().to_bytes()) }
}

pub(crate) fn ring(issuing_status: Status, authority_status: Status) -> Vec<RingKey> {
    vec![ring_key(Role::Issuing, issuing_status, &issuing()), ring_key(Role::Authority, authority_status, &authority())]
}

pub(crate) fn usual_ring() -> BTreeMap<String, Vec<RingKey>> {
    BTreeMap::from([("usual".to_owned(), ring(Status::Active, Status::Active))])
}

pub(crate) fn body() -> TicketBody {
    TicketBody {
        issuing_key: issuing().verifying_key().id(),
        authority_key: authority().verifying_key().id(),
        event: EventId(2026),
        slot: Slot(41_327),
        generation: Generation(1),
        places: NonZeroU8::MIN,
        entries: 1,
        product: ProductId(3),
        zones: Zones(0b101),
        validity: Validity::new(1_800_000_000, 1_800_036_000).unwrap(),
        live: None,
        sealed: None,
    }
}

pub(crate) fn live() -> TicketBody {
    let live = Live { window: NonZeroU8::new(30).unwrap(), holder: holder().verifying_key() };
    TicketBody { live: Some(live), ..body() }
}

pub(crate) fn secret() -> Secret {
    Secret { event: 2026, generation: 1, secret: hex(&[0x44; 32]) }
}

/// Any 56 bytes sealed into a body as the specification says.
pub(crate) fn seal(body: &TicketBody, check_id: bool, plaintext: &[u8]) -> TicketBody {
    let mut ciphertext = [0; 56];
    ciphertext[..plaintext.len()].copy_from_slice(plaintext);
    let unwritten = Sealed { generation: SealingGeneration(1), check_id, ciphertext: [0; 56], tag: [0; 16] };
    let bytes = TicketBody { sealed: Some(unwritten), ..body.clone() }.to_bytes();
    let header = &bytes[..bytes.len() - 72];
    let mut key = [0; 32];
    let info = [&Label::Seal.bytes()[..], header].concat();
    Hkdf::<Sha256>::new(None, &[0x44; 32]).expand(&info, &mut key).unwrap();
    let tag = ChaCha20Poly1305::new(&key.into())
        .encrypt_inout_detached(&Nonce::default(), header, ciphertext.as_mut_slice().into())
        .unwrap();
    TicketBody { sealed: Some(Sealed { ciphertext, tag: tag.into(), ..unwritten }), ..body.clone() }
}

pub(crate) fn sealed(body: &TicketBody) -> TicketBody {
    seal(body, false, "Zoë Ångström\nBloc C, 14".as_bytes())
}

pub(crate) fn sign(body: &TicketBody) -> UnverifiedTicket {
    UnverifiedTicket::new(body.clone(), body.issue(&issuing()), body.authorise(&authority()))
}

/// A ticket's bytes, whatever they are: a body and both signatures over it.
pub(crate) fn sign_bytes(body: &[u8]) -> Vec<u8> {
    let (issuer, authority) = (issuing().sign(Label::Issue, body), authority().sign(Label::Authorise, body));
    [body, &issuer.to_bytes(), &authority.to_bytes()].concat()
}

/// The bytes of a time and a signature over label `present`, body and that time.
pub(crate) fn presentation(body: &[u8], seconds: u32, holder: &SigningKey) -> Vec<u8> {
    let signature = holder.sign(Label::Present, &[body, &seconds.to_be_bytes()].concat());
    [&seconds.to_be_bytes()[..], &signature.to_bytes()].concat()
}

pub(crate) fn shown(body: &TicketBody) -> Vec<u8> {
    [sign(body).to_bytes(), presentation(&body.to_bytes(), AT, &holder())].concat()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    format!("CM1:{}", base45::encode(bytes))
}

/// A case against the usual ring, without a secret.
pub(crate) fn case(name: impl Into<String>, why: &str, text: impl Into<String>, expect: Outcome) -> TicketCase {
    TicketCase {
        name: name.into(),
        why: why.to_owned(),
        ring: "usual".to_owned(),
        text: text.into(),
        secret: None,
        expect,
        opening: None,
    }
}

pub(crate) fn malformed(defect: &str) -> Outcome {
    Outcome::Malformed { defect: defect.to_owned() }
}

/// What a verifier finds in a good ticket of this body.
pub(crate) fn verified(body: &TicketBody, shown: Shown) -> Outcome {
    accepted(good(body, shown))
}

pub(crate) fn accepted(verified: Verified) -> Outcome {
    Outcome::Verified(Box::new(verified))
}

pub(crate) fn good(body: &TicketBody, shown: Shown) -> Verified {
    Verified { shown, must_be_listed: false, ticket: fields(body), kept: text(&sign_bytes(&body.to_bytes())) }
}

pub(crate) fn fields(body: &TicketBody) -> Fields {
    Fields {
        issuing_key_id: hex(&body.issuing_key.0),
        authority_key_id: hex(&body.authority_key.0),
        event: body.event.0,
        slot: body.slot.0,
        generation: body.generation.0,
        places: body.places.get(),
        entries: body.entries,
        product: body.product.0,
        zones: body.zones.0,
        valid_from: body.validity.from().unix_seconds().try_into().unwrap(),
        valid_until: body.validity.until().unix_seconds().try_into().unwrap(),
        live: body.live.map(|live| LiveFields { window: live.window.get(), holder_key: hex(&live.holder.to_bytes()) }),
        sealed: body.sealed.map(|sealed| SealedFields {
            generation: sealed.generation.0,
            check_id: sealed.check_id,
            ciphertext: hex(&sealed.ciphertext),
            tag: hex(&sealed.tag),
        }),
    }
}

/// The secret scalar of a key (RFC 8032, 5.1.5), with which signatures are made that no signer makes.
pub(crate) fn scalar(key: &SigningKey) -> Scalar {
    let digest = Sha512::digest(*key.seed());
    Scalar::from_bytes_mod_order(clamp_integer(digest[..32].try_into().unwrap()))
}

/// k of RFC 8032, 5.1.7.
pub(crate) fn challenge(commitment: &[u8; 32], key: &[u8; 32], label: Label, message: &[u8]) -> Scalar {
    let digest = Sha512::new()
        .chain_update(commitment)
        .chain_update(key)
        .chain_update(label.bytes())
        .chain_update(message)
        .finalize();
    Scalar::from_bytes_mod_order_wide(&digest.into())
}

pub(crate) fn join(commitment: &[u8; 32], response: &[u8; 32]) -> Signature {
    Signature::from_bytes(&[*commitment, *response].concat().try_into().unwrap())
}

/// The same signature with ℓ added to S, which a lax verifier reduces away.
pub(crate) fn beyond_order(signature: Signature) -> Signature {
    const ORDER: [u8; 32] = {
        let mut order = [0; 32];
        let low = 0x14de_f9de_a2f7_9cd6_5812_631a_5cf5_d3ed_u128.to_le_bytes();
        let mut index = 0;
        while index < 16 {
            order[index] = low[index];
            index += 1;
        }
        order[31] = 0x10;
        order
    };
    let mut bytes = signature.to_bytes();
    let mut carry = 0;
    for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        [*byte, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    Signature::from_bytes(&bytes)
}

pub(crate) fn point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*bytes).decompress()
}

/// p + `y` with the highest bit as asked for: for y below 19 an encoding of y that is not canonical.
pub(crate) fn beyond_prime(y: u8, sign: bool) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + y;
    bytes[31] = if sign { 0xff } else { 0x7f };
    bytes
}

/// The lowest y of no point.
pub(crate) fn nowhere() -> [u8; 32] {
    let mut candidates = (0..=u8::MAX).map(|y| {
        let mut bytes = [0; 32];
        bytes[0] = y;
        bytes
    });
    candidates.find(|bytes| point(bytes).is_none()).unwrap()
}
