//! Trust bundles: who signs them, how roots are replaced, what contradicts itself.

use countermark_shared::documents::{KeyRole, KeyStatus, TrustBundle};
use countermark_shared::id::EventId;
use countermark_shared::label::Label;

use super::documents;
use crate::file::{After, Case, File, Step};
use crate::vectors::key;
use crate::world::{
    DAY, INSTANT, ISSUING, LIST, NOW, ROOT, bundle, case, envelope, payload, refused, replaced, roots, sealed,
    take_bundle, take_bundle_by, trust, trusted,
};

pub(crate) fn file() -> File {
    let mut cases = versions();
    cases.extend(rotations());
    cases.extend(contradictions());
    documents("Trust bundles: versions, rotation of the roots, expiry, rules.", cases)
}

fn version(version: u32) -> TrustBundle {
    TrustBundle { version, ..bundle() }
}

fn refuse(bundle: &TrustBundle, seeds: &[u8], code: &str) -> Step {
    refused("trust-bundle", &sealed(bundle, seeds), code)
}

fn versions() -> Vec<Case> {
    let conflicting = TrustBundle { not_after: NOW + 101 * DAY, ..version(2) };
    let future = |lead| TrustBundle { issued: NOW + lead, ..version(2) };
    let end = bundle().not_after;
    let month = 30 * DAY;
    let expiry = [
        (end - month, "good"),
        (end - month + INSTANT, "ends-soon"),
        (end - INSTANT, "ends-soon"),
        (end, "ended"),
        (end + 7 * DAY - INSTANT, "ended"),
        (end + 7 * DAY, "overdue"),
    ]
    .map(|(at, state)| (at.unix_millis(), state.to_owned()))
    .to_vec();
    vec![
        case("the pinned root", "one of one", [trust()]),
        case("newer", "version 2 after 1", [trust(), take_bundle(&version(2))]),
        case("skipped versions", "version 9 after 1", [trust(), take_bundle(&version(9))]),
        case("older", "version 1 after 2", [take_bundle(&version(2)), refuse(&version(1), &[ROOT], "older")]),
        case("the same again", "nothing changes", [trust(), trust()]),
        case(
            "conflicting",
            "version 2 with other content",
            [take_bundle(&version(2)), refuse(&conflicting, &[ROOT], "conflicting")],
        ),
        case("issued 24 hours ahead", "clocks go wrong by as much", [trust(), take_bundle(&future(DAY))]),
        case(
            "issued more than 24 hours ahead",
            "by a millisecond",
            [trust(), refuse(&future(DAY + INSTANT), &[ROOT], "from-the-future")],
        ),
        case(
            "issued in the year 9999",
            "signed by the root, and yet held back",
            [trust(), refuse(&far_future(), &[ROOT], "from-the-future")],
        ),
        case(
            "ended long ago",
            "an end locks nobody out; what it means is a judgement",
            [take_bundle(&bundle()).at(end + 1000 * DAY).then(After { expiry, ..After::default() })],
        ),
        case("not signed", "by the list key alone", [refuse(&bundle(), &[LIST], "not-signed")]),
    ]
}

fn far_future() -> TrustBundle {
    let end = countermark_shared::time::Timestamp::from_unix_millis(i64::MAX);
    TrustBundle { issued: end - INSTANT, not_after: end, ..version(2) }
}

fn of_roots(version: u32, seeds: &[u8], threshold: u8) -> TrustBundle {
    TrustBundle { version, roots: roots(seeds), threshold, ..bundle() }
}

fn rotations() -> Vec<Case> {
    let second = of_roots(2, &[110, 111, 112], 2);
    let third = of_roots(3, &[120], 1);
    let take_second = || take_bundle_by(&second, &[ROOT, 110, 111]);
    let take_third = || take_bundle_by(&third, &[110, 112, 120]);
    let two_of_one_root = of_roots(2, &[ROOT, 110], 2);
    let lowered = of_roots(3, &[ROOT, 110], 1);
    vec![
        case("another root, nothing in force", "not the pinned one", [refuse(&third, &[120], "other-root")]),
        case(
            "another root, not signed by the one in force",
            "the new roots alone",
            [trust(), refuse(&second, &[110, 111, 112], "other-root")],
        ),
        case("rotation", "the old root, and two of the new three", [trust(), take_second()]),
        case(
            "rotation without the new threshold",
            "the old root, and one of the new",
            [trust(), refuse(&second, &[ROOT, 110], "threshold-missed")],
        ),
        case("rotation without any new root", "the old root alone", [trust(), refuse(&second, &[ROOT], "not-signed")]),
        case(
            "one new root signs twice",
            "each key counts once",
            [trust(), refuse(&second, &[ROOT, 110, 110], "threshold-missed")],
        ),
        case(
            "a gate that slept through two rotations, newest first",
            "its roots did not sign the third",
            [trust(), refuse(&third, &[110, 112, 120], "other-root"), take_second(), take_third()],
        ),
        case(
            "a gate that slept through two rotations, one bundle signed by all",
            "each set's threshold, and the gate's own among them",
            [trust(), take_bundle_by(&third, &[ROOT, 110, 111, 120])],
        ),
        case(
            "the steps of a rotation again",
            "as a file has them; what is older says so, whoever signed it",
            [
                trust(),
                take_second(),
                take_third(),
                refuse(&bundle(), &[ROOT], "older"),
                refuse(&second, &[ROOT, 110, 111], "older"),
                take_third(),
            ],
        ),
        case(
            "the old root after its rotation",
            "it signs nothing any more",
            [trust(), take_second(), refuse(&of_roots(3, &[ROOT], 1), &[ROOT], "other-root")],
        ),
        case(
            "the old root and one new after the rotation",
            "one of the two that are in force and needed",
            [trust(), take_second(), refuse(&of_roots(3, &[ROOT], 1), &[ROOT, 110], "other-root")],
        ),
        case(
            "a key in both sets",
            "its one signature counts for each",
            [trust(), take_bundle_by(&two_of_one_root, &[ROOT, 110])],
        ),
        case(
            "another threshold is another root",
            "lowering it takes the threshold in force",
            [
                trust(),
                take_bundle_by(&two_of_one_root, &[ROOT, 110]),
                refuse(&lowered, &[ROOT], "other-root"),
                take_bundle_by(&lowered, &[ROOT, 110]),
            ],
        ),
        case(
            "one of two",
            "the roots in force, of which both must sign",
            [
                trust(),
                take_bundle_by(&two_of_one_root, &[ROOT, 110]),
                refuse(&of_roots(3, &[ROOT, 110], 2), &[110], "threshold-missed"),
            ],
        ),
    ]
}

/// Bundles that the root signed and that say what no bundle may.
fn contradictions() -> Vec<Case> {
    let changed = |change: fn(&mut TrustBundle)| {
        let mut bundle = version(2);
        change(&mut bundle);
        sealed(&bundle, &[ROOT])
    };
    let surgery =
        |from: &[u8], to: &[u8]| envelope(Label::TrustBundle, &replaced(&payload(&version(2)), from, to), &[ROOT]);
    let issuing = key(ISSUING).verifying_key().to_bytes();
    let mut neutral = [0; 32];
    neutral[0] = 1;
    // y = p, the neutral element's neighbour in another spelling of 0.
    let mut not_canonical = [0xff; 32];
    not_canonical[0] = 0xed;
    not_canonical[31] = 0x7f;
    // y = 2 is on no point of the curve.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    [
        ("no roots", "one at least", changed(|bundle| bundle.roots.clear())),
        ("threshold 0", "one at least", changed(|bundle| bundle.threshold = 0)),
        ("threshold above the roots", "nobody could sign", changed(|bundle| bundle.threshold = 2)),
        (
            "roots unsorted",
            "descending",
            changed(|bundle| bundle.roots = roots(&[ROOT, 110]).into_iter().rev().collect()),
        ),
        (
            "ends when it begins",
            "not after is not later than issued",
            changed(|bundle| bundle.not_after = bundle.issued),
        ),
        (
            "a key twice",
            "as issuing and as authority",
            changed(|bundle| bundle.keys.push(trusted(ISSUING, KeyRole::Authority, KeyStatus::Active))),
        ),
        (
            "a root as another key",
            "a root signs bundles alone",
            changed(|bundle| bundle.keys.push(trusted(ROOT, KeyRole::List, KeyStatus::Active))),
        ),
        ("an organiser without events", "it is scoped to none", changed(|bundle| bundle.keys[1].events.clear())),
        (
            "a list key with events",
            "organisers alone are scoped",
            changed(|bundle| bundle.keys[2].events.push(EventId(7))),
        ),
        (
            "a list key listed-only",
            "that is for keys of tickets",
            changed(|bundle| bundle.keys[2].status = KeyStatus::ListedOnly),
        ),
        ("a key of small order", "the neutral element", surgery(&issuing, &neutral)),
        ("a key not canonically encoded", "y = p", surgery(&issuing, &not_canonical)),
        ("a key that is no point", "y = 2", surgery(&issuing, &no_point)),
        ("an unknown role", "role 4", surgery(&[&issuing[..], &[1, 0]].concat(), &[&issuing[..], &[1, 4]].concat())),
        (
            "an unknown status",
            "status 4",
            surgery(&[&issuing[..], &[1, 0, 2, 0]].concat(), &[&issuing[..], &[1, 0, 2, 4]].concat()),
        ),
    ]
    .into_iter()
    .map(|(name, why, bytes)| case(name, why, [trust(), refused("trust-bundle", &bytes, "malformed")]))
    .collect()
}
