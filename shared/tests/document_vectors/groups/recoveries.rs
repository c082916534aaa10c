//! A list key is stolen: what the thief reaches, and how the bundle takes it back.

use countermark_shared::documents::{Assignment, KeyStatus, TrustBundle};

use super::documents;
use super::slot_lists::{GOOD, REVOKED};
use crate::file::{File, Step};
use crate::world::{
    LIST, STOLEN, Said, assignment, bundle, case, refuse_list, refused, revoking, sealed, take_assignment, take_bundle,
    take_list, take_list_by, trust,
};

const HONEST: &[(u32, Said)] = &[(0, REVOKED), (1, GOOD)];
const EVIL: &[(u32, Said)] = &[(0, GOOD)];
const HIGHEST: (u32, u64) = (u32::MAX, u64::MAX);

pub(crate) fn file() -> File {
    let version = |version| Assignment { version, ..assignment() };
    let refuse = |assignment: &Assignment, seed, code| refused("assignment", &sealed(assignment, &[seed]), code);
    let raised = || -> Vec<Step> { vec![trust(), take_list((1, 9), HONEST), take_list_by(HIGHEST, EVIL, &[STOLEN])] };
    let cases = vec![
        case(
            "an epoch raised by a stolen key",
            "without a bundle that says so, it stands",
            raised().into_iter().chain([refuse_list((1, 10), HONEST, "older")]),
        ),
        case(
            "an epoch raised by a stolen key, and recovered through the bundle",
            "the floor that the thief set falls with his key; what another key had signed stands",
            raised().into_iter().chain([
                take_bundle(&revoking()),
                refuse_list((1, 8), HONEST, "older"),
                refuse_list((1, 9), EVIL, "conflicting"),
                take_list((1, 10), HONEST),
                refused(
                    "slot-list",
                    &sealed(&crate::world::list(HIGHEST, crate::world::NOW, EVIL), &[STOLEN]),
                    "not-signed",
                ),
                refuse_list((1, 9), HONEST, "older"),
            ]),
        ),
        case(
            "back to what the honest key had signed last",
            "its floor is what it signed, and the same is taken again",
            raised().into_iter().chain([take_bundle(&revoking()), take_list((1, 9), HONEST)]),
        ),
        case(
            "within one epoch",
            "the thief revives a slot in a later epoch, and the honest list of the former is taken whole",
            [
                trust(),
                take_list((1, 1), HONEST),
                take_list_by((2, 1), EVIL, &[STOLEN]),
                take_bundle(&revoking()),
                take_list((1, 2), HONEST),
            ],
        ),
        case(
            "a thief's own epoch taken over",
            "nobody who is believed vouches for it, so that nothing of it binds",
            [trust(), take_list_by((1, 1), HONEST, &[STOLEN]), take_bundle(&revoking()), take_list((1, 1), EVIL)],
        ),
        case(
            "nothing else was ever signed",
            "the only floor has fallen: any revision is taken",
            [trust(), take_list_by(HIGHEST, EVIL, &[STOLEN]), take_bundle(&revoking()), take_list((0, 0), HONEST)],
        ),
        case(
            "a list signed by both",
            "the honest key vouched for it too, and its floor stands",
            [
                trust(),
                take_list_by((1, 9), HONEST, &[LIST, STOLEN]),
                take_bundle(&revoking()),
                refuse_list((1, 8), HONEST, "older"),
            ],
        ),
        case(
            "rotated in good order",
            "verify-only keeps its floor",
            [
                trust(),
                take_list_by((1, 9), HONEST, &[STOLEN]),
                take_bundle(&with_status(KeyStatus::VerifyOnly)),
                refuse_list((1, 8), HONEST, "older"),
                take_list((1, 10), HONEST),
            ],
        ),
        case(
            "no longer named",
            "a key that a bundle leaves out counts as revoked",
            [trust(), take_list_by(HIGHEST, EVIL, &[STOLEN]), take_bundle(&without()), take_list((1, 1), HONEST)],
        ),
        case(
            "an assignment's version raised by a stolen key",
            "the same for every document of list keys",
            [
                trust(),
                take_assignment(&version(7), &[LIST]),
                take_assignment(&version(u32::MAX), &[STOLEN]),
                refuse(&version(8), LIST, "older"),
                take_bundle(&revoking()),
                refuse(&version(6), LIST, "older"),
                take_assignment(&version(8), &[LIST]),
                refuse(&version(9), STOLEN, "not-signed"),
            ],
        ),
    ];
    documents("A stolen list key, and the bundle that revokes it.", cases)
}

fn with_status(status: KeyStatus) -> TrustBundle {
    let mut bundle = TrustBundle { version: 2, ..bundle() };
    bundle.keys[3].status = status;
    bundle
}

fn without() -> TrustBundle {
    let mut bundle = TrustBundle { version: 2, ..bundle() };
    bundle.keys.truncate(3);
    bundle
}
