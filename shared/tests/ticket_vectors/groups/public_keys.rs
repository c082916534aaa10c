//! 32 bytes offered as a public key of either curve.

use curve25519_dalek::constants::EIGHT_TORSION;

use crate::file::{Content, Curve, File, KeyOutcome, PublicKeyCase};
use crate::vectors::hex;
use crate::world::{beyond_prime, holder, point};

pub(super) fn file() -> File {
    let about = "Public keys: which 32 bytes are one, wherever one is read.";
    let cases = ed25519().into_iter().chain(x25519()).map(|(curve, name, why, key, expect)| PublicKeyCase {
        name,
        why: why.to_owned(),
        curve,
        key: hex(&key),
        expect,
    });
    File { about: about.to_owned(), content: Content::PublicKeys { cases: cases.collect() } }
}

type Row = (Curve, String, &'static str, [u8; 32], KeyOutcome);

fn ed25519() -> Vec<Row> {
    let row = |name: String, why, key, expect| (Curve::Ed25519, name, why, key, expect);
    let good = holder().verifying_key().to_bytes();
    let mut cases = vec![row("a key".to_owned(), "a point of the base point's order", good, KeyOutcome::Accepted)];
    let mut negated = good;
    negated[31] ^= 0x80;
    cases.push(row("its negative".to_owned(), "the other x is a point as well", negated, KeyOutcome::Accepted));
    for (index, torsion) in EIGHT_TORSION.iter().enumerate() {
        let weak = torsion.compress().to_bytes();
        cases.push(row(format!("small order, {index}"), "8·A is the neutral element", weak, KeyOutcome::Weak));
        if index > 0 {
            let mixed = (point(&good).unwrap() + torsion).compress().to_bytes();
            let why = "of large order, with a component of small order";
            cases.push(row(format!("mixed order, {index}"), why, mixed, KeyOutcome::Accepted));
        }
    }
    for y in 0..19 {
        for sign in [false, true] {
            let sign_name = if sign { "a sign" } else { "no sign" };
            let name = format!("y = p + {y}, {sign_name}");
            cases.push(row(name, "y is not below p", beyond_prime(y, sign), KeyOutcome::Encoding));
        }
    }
    for y in 2..19_u8 {
        let mut key = [0; 32];
        key[0] = y;
        let (why, expect) = if point(&key).is_some() {
            ("a small y of a point of large order", KeyOutcome::Accepted)
        } else {
            ("no point has this y", KeyOutcome::Encoding)
        };
        cases.push(row(format!("y = {y}"), why, key, expect));
    }
    let (mut one, mut minus_one) = ([0; 32], beyond_prime(0, true));
    (one[0], one[31]) = (1, 0x80);
    minus_one[0] -= 1;
    cases.push(row("y = 1 with a sign".to_owned(), "x = 0 has no sign", one, KeyOutcome::Encoding));
    cases.push(row("y = p - 1 with a sign".to_owned(), "x = 0 has no sign", minus_one, KeyOutcome::Encoding));
    cases
}

fn x25519() -> Vec<Row> {
    let row = |name: &str, why, key, expect| (Curve::X25519, name.to_owned(), why, key, expect);
    let good = x25519_dalek::x25519([0x55; 32], x25519_dalek::X25519_BASEPOINT_BYTES);
    let mut masked = good;
    masked[31] |= 0x80;
    let mut cases = vec![
        row("a key", "a number below p, of large order", good, KeyOutcome::Accepted),
        row("the base point", "9", x25519_dalek::X25519_BASEPOINT_BYTES, KeyOutcome::Accepted),
        row("a key with its highest bit", "not below p", masked, KeyOutcome::Encoding),
        row("p", "not below p", beyond_prime(0, false), KeyOutcome::Encoding),
        row("p + 1", "not below p", beyond_prime(1, false), KeyOutcome::Encoding),
        row("p + 9", "not below p", beyond_prime(9, false), KeyOutcome::Encoding),
        row("2^256 - 1", "not below p", [0xff; 32], KeyOutcome::Encoding),
    ];
    let mut before = beyond_prime(0, false);
    before[0] -= 2;
    cases.push(row("p - 2", "on the twist, of large order", before, KeyOutcome::Accepted));
    // The u of each point of small order, and −1, which is the twist's (RFC 7748, 4.1: u = (1 + y) / (1 − y)).
    let mut weak: Vec<_> = EIGHT_TORSION.iter().map(|torsion| torsion.to_montgomery().to_bytes()).collect();
    before[0] += 1;
    weak.push(before);
    weak.sort_unstable();
    weak.dedup();
    for key in weak {
        cases.push(row(
            &format!("small order, {}", hex(&key[..4])),
            "every exchange with it gives zero",
            key,
            KeyOutcome::Weak,
        ));
    }
    cases
}
