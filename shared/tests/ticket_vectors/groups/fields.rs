//! Fields out of their range, and which of two defects is told.

use countermark_shared::ticket::TicketBody;
use curve25519_dalek::constants::EIGHT_TORSION;

use super::tickets;
use crate::file::{File, Outcome, Shown, TicketCase};
use crate::vectors::{hex, key};
use crate::world::{
    beyond_prime, body, case, live, malformed, nowhere, point, seal, sealed, sign_bytes, text, verified,
};

const VERSION: usize = 0;
const FLAGS: usize = 1;
const PLACES: usize = 19;
const FROM: usize = 27;
const UNTIL: usize = 31;
const WINDOW: usize = 35;
const HOLDER: usize = 36;

pub(super) fn file() -> File {
    let about = "Fields: every flag and each field's first refused value, with both services' true signatures over it.";
    let cases = versions().into_iter().chain(flags()).chain(ranges()).chain(holder_keys()).chain(orders());
    tickets(about, cases.collect())
}

/// A ticket whose body was changed before both services signed it.
fn with(body: &TicketBody, changes: &[(usize, &[u8])]) -> String {
    let mut bytes = body.to_bytes();
    for (place, values) in changes {
        bytes[*place..*place + values.len()].copy_from_slice(values);
    }
    text(&sign_bytes(&bytes))
}

fn versions() -> Vec<TicketCase> {
    [0, 2, 3, 127, 128, 255]
        .into_iter()
        .map(|version| {
            let text = with(&body(), &[(VERSION, &[version])]);
            case(format!("version byte {version}"), "the first byte is 1", text, Outcome::UnknownVersion)
        })
        .collect()
}

fn flags() -> Vec<TicketCase> {
    let mut cases = Vec::new();
    for (flags, why, expect) in [
        (0b001, "LIVE without the bytes it asks for", malformed("length")),
        (0b010, "SEALED without the bytes it asks for", malformed("length")),
        (0b011, "both without the bytes they ask for", malformed("length")),
        (0b100, "CHECK_ID without SEALED", malformed("flags")),
        (0b101, "CHECK_ID without SEALED", malformed("flags")),
        (0b110, "SEALED without the bytes it asks for", malformed("length")),
        (0b111, "both without the bytes they ask for", malformed("length")),
    ] {
        cases.push(case(format!("static with flags {flags}"), why, with(&body(), &[(FLAGS, &[flags])]), expect));
    }
    for bit in 3..8 {
        for (name, body) in [("static", body()), ("live", live()), ("sealed", sealed(&body()))] {
            let flags = body.to_bytes()[FLAGS] | 1 << bit;
            let text = with(&body, &[(FLAGS, &[flags])]);
            cases.push(case(
                format!("{name} with reserved bit {bit}"),
                "the bit has no meaning yet",
                text,
                malformed("flags"),
            ));
        }
    }
    for (name, body, flags) in [
        ("live as static", live(), 0b000),
        ("live as sealed", live(), 0b010),
        ("sealed as static", sealed(&body()), 0b000),
        ("sealed as live", sealed(&body()), 0b001),
        ("live and sealed as live", sealed(&live()), 0b001),
        ("live and sealed as sealed", sealed(&live()), 0b010),
    ] {
        let why = "the flags ask for another length";
        cases.push(case(name, why, with(&body, &[(FLAGS, &[flags])]), malformed("length")));
    }
    let alone = with(&live(), &[(FLAGS, &[0b101])]);
    cases.push(case("live with CHECK_ID", "CHECK_ID without SEALED", alone, malformed("flags")));
    cases
}

fn ranges() -> Vec<TicketCase> {
    let window = |from: u32, until: u32| with(&body(), &[(FROM, &from.to_be_bytes()), (UNTIL, &until.to_be_bytes())]);
    let places = |body: &TicketBody| with(body, &[(PLACES, &[0])]);
    vec![
        case("places 0", "it admits nobody", places(&body()), malformed("places")),
        case("places 0, sealed", "it admits nobody", places(&sealed(&body())), malformed("places")),
        case("places 0, live", "it admits nobody", places(&live()), malformed("places")),
        case(
            "valid until it begins",
            "until is not after from",
            window(1_800_000_000, 1_800_000_000),
            malformed("validity"),
        ),
        case(
            "valid until before it begins",
            "until is not after from",
            window(1_800_000_000, 1_799_999_999),
            malformed("validity"),
        ),
        case("valid from 0 until 0", "until is not after from", window(0, 0), malformed("validity")),
        case(
            "valid from the end until the end",
            "until is not after from",
            window(u32::MAX, u32::MAX),
            malformed("validity"),
        ),
        case("valid from the end until 0", "times do not wrap", window(u32::MAX, 0), malformed("validity")),
        case("window 0", "no presentation is fresh", with(&live(), &[(WINDOW, &[0])]), malformed("window")),
        case(
            "window 0, sealed",
            "no presentation is fresh",
            with(&sealed(&live()), &[(WINDOW, &[0])]),
            malformed("window"),
        ),
    ]
}

fn holder_keys() -> Vec<TicketCase> {
    let refused = |name: String, why: &str, key: &[u8; 32]| {
        case(name, why, with(&live(), &[(HOLDER, key)]), malformed("holder-key"))
    };
    let mut cases = Vec::new();
    for weak in EIGHT_TORSION {
        let key = weak.compress().to_bytes();
        cases.push(refused(format!("holder key {}", hex(&key)), "a point of small order", &key));
    }
    for y in 0..19 {
        for sign in [false, true] {
            let key = beyond_prime(y, sign);
            let name = format!("holder key {}", hex(&key));
            let why = if point(&key).is_some() { "y is not below p" } else { "y is not below p, and no point has it" };
            cases.push(refused(name, why, &key));
        }
    }
    let (mut one, mut minus_one) = ([0; 32], beyond_prime(0, true));
    (one[0], one[31]) = (1, 0x80);
    minus_one[0] -= 1;
    cases.push(refused(format!("holder key {}", hex(&one)), "x = 0 with a sign", &one));
    cases.push(refused(format!("holder key {}", hex(&minus_one)), "x = 0 with a sign", &minus_one));
    let nowhere = nowhere();
    cases.push(refused(format!("holder key {}", hex(&nowhere)), "no point has this y", &nowhere));

    let mixed = (point(&key(0x33).verifying_key().to_bytes()).unwrap() + EIGHT_TORSION[1]).compress().to_bytes();
    let holder = countermark_shared::keys::VerifyingKey::from_bytes(&mixed).unwrap();
    let body =
        TicketBody { live: live().live.map(|live| countermark_shared::ticket::Live { holder, ..live }), ..body() };
    let why = "a point of large order with a component of small order is a key, if an odd one";
    cases.push(case(
        "holder key of mixed order",
        why,
        text(&sign_bytes(&body.to_bytes())),
        verified(&body, Shown::WithoutProof),
    ));
    cases
}

fn orders() -> Vec<TicketCase> {
    let weak: [u8; 32] = EIGHT_TORSION[0].compress().to_bytes();
    let no_window: &[(usize, &[u8])] = &[(FROM, &[0; 8])];
    let sealed_live = seal(&live(), true, b"Ada\n");
    let all_wrong = |changes: &[(usize, &[u8])]| with(&sealed_live, changes);
    let mut short = body().to_bytes();
    short[PLACES] = 0;
    vec![
        case(
            "wrong version, reserved flag",
            "the version comes first",
            with(&body(), &[(VERSION, &[2, 0xff])]),
            Outcome::UnknownVersion,
        ),
        case("reserved flag, cut short", "flags come before the length", text(&[1, 0x80, 0]), malformed("flags")),
        case("cut short, places 0", "the length comes before the fields", text(&short), malformed("length")),
        case(
            "everything wrong from places on",
            "places come first",
            all_wrong(&[(PLACES, &[0]), no_window[0], (WINDOW, &[0]), (HOLDER, &weak)]),
            malformed("places"),
        ),
        case(
            "everything wrong from validity on",
            "validity comes next",
            all_wrong(&[no_window[0], (WINDOW, &[0]), (HOLDER, &weak)]),
            malformed("validity"),
        ),
        case(
            "everything wrong from window on",
            "the window comes next",
            all_wrong(&[(WINDOW, &[0]), (HOLDER, &weak)]),
            malformed("window"),
        ),
        case(
            "only the holder key wrong",
            "the holder key comes last",
            all_wrong(&[(HOLDER, &weak)]),
            malformed("holder-key"),
        ),
    ]
}
