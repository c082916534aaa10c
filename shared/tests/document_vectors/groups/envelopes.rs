//! Envelopes and signatures, shown with assignments.

use countermark_shared::label::Label;

use super::documents;
use crate::file::{Case, File};
use crate::vectors::key;
use crate::world::{
    GATE, ISSUING, LIST, ORGANISER, ROOT, STOLEN, assignment, case, envelope, hash, payload, refused, replaced, sealed,
    take_assignment, taken, trust,
};

/// Keys that no bundle names.
const STRANGERS: [u8; 16] = [60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75];
/// The order of the curve's group (RFC 8032, 5.1), little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(crate) fn file() -> File {
    let mut cases = shapes();
    cases.extend(signatures());
    documents("Envelopes: their shape, their length, and whose signatures count.", cases)
}

fn shapes() -> Vec<Case> {
    let usual = sealed(&assignment(), &[LIST]);
    let payload = payload(&assignment());
    let length = usual.len();
    let limit = 16_384 + 1_312;
    let with = |from: &[u8], to: &[u8]| replaced(&usual, from, to);
    let payload_start = usual[..4].to_vec();
    [
        ("nothing", "there is no item", vec![], "truncated"),
        ("one byte", "a map without its pairs", usual[..1].to_vec(), "truncated"),
        ("cut in the payload", "half of it", usual[..length / 2].to_vec(), "truncated"),
        ("cut in the signature", "the last byte is missing", usual[..length - 1].to_vec(), "truncated"),
        ("trailing byte", "a byte after the end", [&usual[..], &[0]].concat(), "not-canonical"),
        ("indefinite map", "its length is not said", [&[0xbf], &usual[1..], &[0xff]].concat(), "not-canonical"),
        (
            "keys unsorted",
            "signatures before the payload",
            [&[0xa2, 1, 0x80, 0, 0x58], &usual[3..4 + payload.len()]].concat(),
            "not-canonical",
        ),
        (
            "payload of 4 GiB",
            "a claim of 4,294,967,295 bytes",
            [&[0xa2, 0, 0x5a, 0xff, 0xff, 0xff, 0xff], &usual[4..]].concat(),
            "too-long",
        ),
        (
            "payload of 2^32 bytes",
            "a claim of more than 4 bytes hold",
            [&[0xa2, 0, 0x5b, 0, 0, 0, 1, 0, 0, 0, 0], &usual[4..]].concat(),
            "too-long",
        ),
        (
            "payload claimed at the limit",
            "16,384 bytes are not there",
            [&[0xa2, 0, 0x59, 0x40, 0], &usual[4..]].concat(),
            "truncated",
        ),
        (
            "payload claimed beyond the limit",
            "16,385 bytes are more than an assignment has",
            [&[0xa2, 0, 0x59, 0x40, 1], &usual[4..]].concat(),
            "too-long",
        ),
        ("bytes at the limit", "as many zeros: a number, and bytes after it", vec![0; limit], "not-canonical"),
        ("bytes beyond the limit", "one zero more", vec![0; limit + 1], "too-long"),
        ("unknown key", "key 2 is not an envelope's", [&[0xa3], &usual[1..], &[2, 0]].concat(), "malformed"),
        ("no signatures' key", "the payload alone", [&[0xa1], &usual[1..4 + payload.len()]].concat(), "malformed"),
        ("payload as text", "a text string of the same length", [&[0xa2, 0, 0x78], &usual[3..]].concat(), "malformed"),
        (
            "signature of 63 bytes",
            "an Ed25519 signature has 64",
            [&with(&[1, 0x58, 0x40], &[1, 0x58, 0x3f])[..length - 1]].concat(),
            "malformed",
        ),
        ("key id of 3 bytes", "it has 4", cut_key_id(&usual), "malformed"),
    ]
    .into_iter()
    .map(|(name, why, bytes, code)| {
        assert_eq!(payload_start, [0xa2, 0, 0x58, u8::try_from(payload.len()).unwrap()]);
        case(name, why, [trust(), refused("assignment", &bytes, code)])
    })
    .collect()
}

/// The envelope with a key id that lacks its last byte.
fn cut_key_id(bytes: &[u8]) -> Vec<u8> {
    let id = key(LIST).verifying_key().id().0;
    replaced(bytes, &[&[0xa2, 0, 0x44], &id[..]].concat(), &[&[0xa2, 0, 0x43], &id[..3]].concat())
}

fn signatures() -> Vec<Case> {
    let document = assignment();
    let usual = sealed(&document, &[LIST]);
    let payload = payload(&document);
    let signature = key(LIST).sign(Label::Assignment, &payload).to_bytes();
    let accepted = |bytes: &[u8]| taken("assignment", bytes, (0, 1), hash(&document).0);
    let by_all = |seeds: &[u8]| envelope(Label::Assignment, &payload, seeds);
    let relabelled = {
        let other = key(LIST).sign(Label::Head, &payload).to_bytes();
        replaced(&usual, &signature, &other)
    };
    let (mut flipped, mut of_another) = (signature, signature);
    flipped[10] ^= 1;
    of_another.copy_from_slice(&key(LIST).sign(Label::Assignment, b"").to_bytes());
    let misnamed = replaced(&usual, &key(LIST).verifying_key().id().0, &key(STOLEN).verifying_key().id().0);
    let changed = replaced(&usual, b"North", b"South");
    let flipped_second =
        replaced(&by_all(&[LIST, STOLEN]), &key(STOLEN).sign(Label::Assignment, &payload).to_bytes(), &flipped);
    let fifteen = [&STRANGERS[..15], &[LIST]].concat();
    let sixteen = [&STRANGERS[..], &[LIST]].concat();
    let not_signed = |bytes: &[u8]| [trust(), refused("assignment", bytes, "not-signed")];
    vec![
        case("one list key", "one believed signature is enough", [trust(), take_assignment(&document, &[LIST])]),
        case("two list keys", "each would be enough", [trust(), accepted(&by_all(&[LIST, STOLEN]))]),
        case("one good signature of two", "the other is broken", [trust(), accepted(&flipped_second)]),
        case("sixteen signatures", "the last of them counts", [trust(), accepted(&by_all(&fifteen))]),
        case(
            "seventeen signatures",
            "more than an envelope has",
            [trust(), refused("assignment", &by_all(&sixteen), "malformed")],
        ),
        case("no signature", "nobody signed", not_signed(&by_all(&[]))),
        case("signed by a stranger", "no bundle names the key", not_signed(&by_all(&[60]))),
        case("signed by the issuing key", "it signs tickets", not_signed(&by_all(&[ISSUING]))),
        case("signed by the organiser", "it signs event documents", not_signed(&by_all(&[ORGANISER]))),
        case("signed by the root", "it signs trust bundles", not_signed(&by_all(&[ROOT]))),
        case("signed under another label", "the label of heads", not_signed(&relabelled)),
        case(
            "one bit of the signature flipped",
            "it no longer holds",
            not_signed(&replaced(&usual, &signature, &flipped)),
        ),
        case("signature of other bytes", "by the right key", not_signed(&replaced(&usual, &signature, &of_another))),
        case("payload changed", "after it was signed", not_signed(&changed)),
        case("key id of another key", "the signature is not that key's", not_signed(&misnamed)),
        case(
            "S not below the group's order",
            "S and the order",
            not_signed(&replaced(&usual, &signature, &above_order(signature))),
        ),
        case(
            "another gate's",
            "rightly signed for gate 4",
            [trust(), refused("assignment", &sealed(&another_gate(), &[LIST]), "other-subject")],
        ),
    ]
}

fn another_gate() -> countermark_shared::documents::Assignment {
    countermark_shared::documents::Assignment { gate: countermark_shared::id::GateId(GATE.0 + 1), ..assignment() }
}

/// The same signature with S and the group's order in place of S.
fn above_order(mut signature: [u8; 64]) -> [u8; 64] {
    let mut carry = 0_u16;
    for (byte, more) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    signature
}
