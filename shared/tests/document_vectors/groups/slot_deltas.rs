//! Slot deltas: steps that follow, and each way in which one does not.

use countermark_shared::label::Label;
use countermark_shared::time::Timestamp;

use super::documents;
use super::slot_lists::{BLOCKED, GOOD, REVOKED};
use crate::file::{After, Case, File, Step};
use crate::world::{
    DAY, INSTANT, LIST, NOW, ORGANISER, Said, case, content, delta, envelope, refused, replaced, take_list, taken,
    trust,
};

const ONE: &[(u32, Said)] = &[(0, GOOD)];
const TWO: &[(u32, Said)] = &[(0, [1, 2, 0]), (5000, GOOD)];
const THREE: &[(u32, Said)] = &[(0, [1, 2, 0]), (5000, REVOKED)];

pub(crate) fn file() -> File {
    let mut cases = chains();
    cases.extend(refusals());
    cases.extend(contradictions());
    documents("Slot deltas: chains, each refusal, rules.", cases)
}

fn sign(payload: &[u8]) -> Vec<u8> {
    envelope(Label::SlotDelta, payload, &[LIST])
}

fn step(revision: (u32, u64), before: &[(u32, Said)], after: &[(u32, Said)]) -> Step {
    let slots = After { slots: after.iter().take(10).copied().collect(), ..After::default() };
    taken("slot-delta", &sign(&delta(revision, before, after)), revision, content(after)).then(slots)
}

fn refuse(revision: (u32, u64), before: &[(u32, Said)], after: &[(u32, Said)], code: &str) -> Step {
    refused("slot-delta", &sign(&delta(revision, before, after)), code)
}

fn chains() -> Vec<Case> {
    let many: Vec<_> = (0..300).map(|slot| (slot * 41, [2, 7, 5])).collect();
    vec![
        case(
            "a chain",
            "each step follows",
            [trust(), take_list((1, 1), ONE), step((1, 2), ONE, TWO), step((1, 3), TWO, THREE)],
        ),
        case("from an empty list", "the first sale", [trust(), take_list((1, 0), &[]), step((1, 1), &[], TWO)]),
        case(
            "many changes",
            "300 slots over three blocks and more",
            [trust(), take_list((1, 1), ONE), step((1, 2), ONE, &many)],
        ),
        case(
            "the last block grows",
            "from one slot to a full byte and on",
            [
                trust(),
                take_list((1, 1), ONE),
                step((1, 2), ONE, &[(0, GOOD), (3, GOOD)]),
                step((1, 3), &[(0, GOOD), (3, GOOD)], &[(0, GOOD), (3, GOOD), (4095, GOOD)]),
                step(
                    (1, 4),
                    &[(0, GOOD), (3, GOOD), (4095, GOOD)],
                    &[(0, GOOD), (3, GOOD), (4095, GOOD), (4096, GOOD)],
                ),
            ],
        ),
        case(
            "the same step again",
            "it is what is in force",
            [trust(), take_list((1, 1), ONE), step((1, 2), ONE, TWO), step((1, 2), ONE, TWO)],
        ),
        case(
            "a step and the snapshot of its revision",
            "they say the same",
            [trust(), take_list((1, 1), ONE), step((1, 2), ONE, TWO), take_list((1, 2), TWO), step((1, 3), TWO, THREE)],
        ),
        case(
            "a lost step, and the snapshot that helps",
            "a gap",
            [trust(), take_list((1, 1), ONE), refuse((1, 3), TWO, THREE, "gap"), take_list((1, 3), THREE)],
        ),
        case(
            "a reason goes, and a generation stays",
            "unblocked",
            [trust(), take_list((1, 1), &[(0, [2, 4, 6])]), step((1, 2), &[(0, [2, 4, 6])], &[(0, [1, 4, 0])])],
        ),
    ]
}

fn refusals() -> Vec<Case> {
    let usual = delta((1, 2), ONE, TWO);
    let start = || [trust(), take_list((1, 1), ONE)];
    let then = |step: Step| start().into_iter().chain([step]).collect::<Vec<_>>();
    let changed =
        |from: &[u8], to: &[u8], code: &str| then(refused("slot-delta", &sign(&replaced(&usual, from, to)), code));
    let issued = |at: Timestamp| replaced(&usual, &NOW.unix_millis().to_be_bytes(), &at.unix_millis().to_be_bytes());
    let within = |name: &str, why: &str, before: Said, after: Said, code: &str| {
        let (before, after) = ([(0, before)], [(0, after)]);
        case(name, why, [trust(), take_list((1, 1), &before), refuse((1, 2), &before, &after, code)])
    };
    vec![
        case("without a snapshot", "nothing to start from", [trust(), refuse((1, 2), ONE, TWO, "no-snapshot")]),
        case("a gap", "sequence 3 on 1", then(refuse((1, 3), ONE, TWO, "gap"))),
        case("older", "sequence 0 on 1", then(refuse((1, 0), ONE, TWO, "older"))),
        case("conflicting", "sequence 1 on 1, leading elsewhere", then(refuse((1, 1), ONE, TWO, "conflicting"))),
        case("of a later epoch", "no step leads there", then(refuse((2, 2), ONE, TWO, "other-epoch"))),
        case("of an earlier epoch", "a later sequence", then(refuse((0, 2), ONE, TWO, "older"))),
        case(
            "from other content",
            "the hash before is not that in force",
            then(refuse((1, 2), &[(0, BLOCKED)], TWO, "wrong-before")),
        ),
        case("to other content", "the hash after is zeros", changed(&content(TWO), &[0; 32], "wrong-after")),
        case(
            "a change that the hash does not cover",
            "slot 5001 instead of 5000",
            changed(&[0x19, 0x13, 0x88], &[0x19, 0x13, 0x89], "wrong-after"),
        ),
        case("another event's", "event 8", changed(&[0xa7, 0, 7], &[0xa7, 0, 8], "other-subject")),
        case(
            "signed by the organiser",
            "who signs no deltas",
            then(refused("slot-delta", &envelope(Label::SlotDelta, &usual, &[ORGANISER]), "not-signed")),
        ),
        case(
            "signed as a list",
            "under the label of lists",
            then(refused("slot-delta", &envelope(Label::SlotList, &usual, &[LIST]), "not-signed")),
        ),
        case(
            "issued 24 hours ahead",
            "clocks go wrong by as much",
            then(taken("slot-delta", &sign(&issued(NOW + DAY)), (1, 2), content(TWO))),
        ),
        case(
            "issued more than 24 hours ahead",
            "by a millisecond",
            then(refused("slot-delta", &sign(&issued(NOW + DAY + INSTANT)), "from-the-future")),
        ),
        within("revived", "a revoked slot is good", REVOKED, GOOD, "revives"),
        within("revived to blocked", "a revoked slot is blocked", REVOKED, BLOCKED, "revives"),
        within("a lower generation", "2 after 3", [1, 3, 0], [1, 2, 0], "lowers-generation"),
        within("a generation forgotten", "0 after 3", [1, 3, 0], BLOCKED, "lowers-generation"),
    ]
}

fn contradictions() -> Vec<Case> {
    let usual = delta((1, 2), ONE, &[(0, BLOCKED)]);
    // One change: slot 0 is blocked, no least generation, lost or stolen.
    let tail: &[u8] = &[6, 0xa1, 0, 0x83, 2, 0, 1];
    let with = |to: &[u8]| sign(&replaced(&usual, tail, to));
    [
        ("no changes", "one at least", with(&[6, 0xa0]), "malformed"),
        ("a change to not issued", "what was issued stays so", with(&[6, 0xa1, 0, 0x83, 0, 0, 0]), "malformed"),
        ("an unknown state", "4", with(&[6, 0xa1, 0, 0x83, 4, 0, 1]), "malformed"),
        ("a reason of a good slot", "there is nothing to give it for", with(&[6, 0xa1, 0, 0x83, 1, 0, 1]), "malformed"),
        ("an unknown reason", "8", with(&[6, 0xa1, 0, 0x83, 2, 0, 8]), "malformed"),
        ("a change of two fields", "it has three", with(&[6, 0xa1, 0, 0x82, 2, 0]), "malformed"),
        (
            "a slot beyond every list",
            "16,000,000",
            with(&[6, 0xa1, 0x1a, 0, 0xf4, 0x24, 0, 0x83, 2, 0, 1]),
            "malformed",
        ),
        (
            "changes unsorted",
            "slot 1 before slot 0",
            with(&[6, 0xa2, 1, 0x83, 2, 0, 1, 0, 0x83, 2, 0, 1]),
            "not-canonical",
        ),
        ("a slot twice", "each once", with(&[6, 0xa2, 0, 0x83, 2, 0, 1, 0, 0x83, 2, 0, 1]), "not-canonical"),
        (
            "4,294,967,295 changes",
            "a claim of as many pairs",
            with(&[6, 0xba, 0xff, 0xff, 0xff, 0xff, 0, 0x83, 2, 0, 1]),
            "too-long",
        ),
    ]
    .into_iter()
    .map(|(name, why, bytes, code)| {
        case(name, why, [trust(), take_list((1, 1), ONE), refused("slot-delta", &bytes, code)])
    })
    .collect()
}
