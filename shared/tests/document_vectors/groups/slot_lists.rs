//! Snapshots of slot lists: their rules, what replaces them, and what never comes back within an epoch.

use countermark_shared::documents::SlotList;
use countermark_shared::id::EventId;
use countermark_shared::label::Label;

use super::documents;
use crate::file::{After, Case, File};
use crate::world::{
    DAY, EVENT, HOUR, INSTANT, LIST, NOW, ORGANISER, Said, case, content, entry, envelope, list, payload, refuse_list,
    refused, replaced, sealed, take_list, taken, trust,
};

pub(crate) const GOOD: Said = [1, 0, 0];
pub(crate) const BLOCKED: Said = [2, 0, 1];
pub(crate) const REVOKED: Said = [3, 0, 3];

pub(crate) fn file() -> File {
    let mut cases = contents();
    cases.extend(replacements());
    cases.extend(epochs());
    cases.extend(contradictions());
    documents("Slot lists: contents and their hash, replacement, epochs, rules.", cases)
}

fn contents() -> Vec<Case> {
    let full: Vec<_> = (0..4096).map(|slot| (slot, GOOD)).collect();
    let reasons: Vec<_> = (0..8_u8).map(|reason| (u32::from(reason), [3, 0, reason])).collect();
    [
        ("no slots", "an event of which nothing was sold", &[][..]),
        (
            "every state",
            "and a slot beyond the list",
            &[(0, GOOD), (1, BLOCKED), (2, REVOKED), (3, [0, 0, 0]), (4, GOOD)],
        ),
        ("every reason", "of revoked slots", &reasons),
        ("a full block", "4,096 slots", &full),
        (
            "two blocks",
            "the last slot of the first, and the first of the second",
            &[(4095, [1, 2, 0]), (4096, [2, 255, 7])],
        ),
        ("a sparse list", "an empty block between", &[(0, GOOD), (9000, [3, 1, 2])]),
        ("five slots", "the last byte has three unused places", &[(4, GOOD)]),
    ]
    .into_iter()
    .map(|(name, why, said)| case(name, why, [trust(), take_list((1, 1), said)]))
    .collect()
}

fn replacements() -> Vec<Case> {
    let (one, two) = (&[(0, GOOD)][..], &[(0, GOOD), (1, GOOD)][..]);
    let issued = |issued| sealed(&list((1, 1), issued, one), &[LIST]);
    let again = |at, confirmed: countermark_shared::time::Timestamp| {
        let after = After { confirmed: Some(confirmed.unix_millis()), ..After::default() };
        taken("slot-list", &issued(at), (1, 1), content(one)).at(NOW + 2 * HOUR).then(after)
    };
    let known = [(countermark_shared::id::Slot(0), entry(GOOD))];
    let revision = countermark_shared::documents::Revision { epoch: 1, sequence: 1 };
    let elsewhere = SlotList::snapshot(EventId(EVENT.0 + 1), revision, NOW, known).unwrap();
    vec![
        case("newer", "sequence 5 after 1", [trust(), take_list((1, 1), one), take_list((1, 5), two)]),
        case("older", "sequence 1 after 5", [trust(), take_list((1, 5), two), refuse_list((1, 1), one, "older")]),
        case(
            "conflicting",
            "the same revision with other content",
            [trust(), take_list((1, 1), one), refuse_list((1, 1), two, "conflicting")],
        ),
        case(
            "the same signed again",
            "the list is as old as the newest word for it",
            [trust(), again(NOW, NOW), again(NOW + HOUR, NOW + HOUR), again(NOW, NOW + HOUR)],
        ),
        case(
            "issued 24 hours ahead",
            "clocks go wrong by as much",
            [trust(), taken("slot-list", &issued(NOW + DAY), (1, 1), content(one))],
        ),
        case(
            "issued more than 24 hours ahead",
            "by a millisecond",
            [trust(), refused("slot-list", &issued(NOW + DAY + INSTANT), "from-the-future")],
        ),
        case(
            "another event's",
            "rightly signed",
            [trust(), refused("slot-list", &sealed(&elsewhere, &[LIST]), "other-subject")],
        ),
        case(
            "signed by the organiser",
            "who signs no lists",
            [trust(), refused("slot-list", &sealed(&list((1, 1), NOW, one), &[ORGANISER]), "not-signed")],
        ),
        case(
            "a delta's payload under a list's label",
            "another document",
            [
                trust(),
                refused(
                    "slot-list",
                    &envelope(Label::SlotList, &crate::world::delta((1, 2), one, two), &[LIST]),
                    "malformed",
                ),
            ],
        ),
    ]
}

fn epochs() -> Vec<Case> {
    let before = &[(0, REVOKED), (1, [1, 3, 0]), (2, GOOD)][..];
    let within = |name: &str, why: &str, after: &[(u32, Said)], code: &str| {
        case(
            name,
            why,
            [trust(), take_list((1, 1), before), refuse_list((1, 2), after, code), take_list((2, 0), after)],
        )
    };
    vec![
        within(
            "revived",
            "a revoked slot is good; a later epoch says what it likes",
            &[(0, GOOD), (1, [1, 3, 0]), (2, GOOD)],
            "revives",
        ),
        within(
            "revived to blocked",
            "a revoked slot is blocked",
            &[(0, BLOCKED), (1, [1, 3, 0]), (2, GOOD)],
            "revives",
        ),
        within("taken back", "an issued slot is not issued", &[(0, REVOKED), (1, [1, 3, 0])], "unissues"),
        within("a lower generation", "2 after 3", &[(0, REVOKED), (1, [1, 2, 0]), (2, GOOD)], "lowers-generation"),
        within("all at once", "the lowest slot is the answer", &[(0, GOOD), (1, [1, 2, 0])], "revives"),
        case(
            "unblocked",
            "blocked and good may alternate",
            [
                trust(),
                take_list((1, 1), &[(0, BLOCKED)]),
                take_list((1, 2), &[(0, GOOD)]),
                take_list((1, 3), &[(0, BLOCKED)]),
                take_list((1, 4), &[(0, REVOKED)]),
            ],
        ),
        case(
            "another reason",
            "of a slot that stays revoked",
            [trust(), take_list((1, 1), &[(0, REVOKED)]), take_list((1, 2), &[(0, [3, 0, 4])])],
        ),
        case(
            "a lower epoch",
            "a later sequence in an earlier epoch",
            [trust(), take_list((2, 1), &[(0, GOOD)]), refuse_list((1, 9), &[(0, GOOD)], "older")],
        ),
    ]
}

fn contradictions() -> Vec<Case> {
    let usual = payload(&list((1, 1), NOW, &[(0, BLOCKED), (1, [1, 2, 0])]));
    // Slots 2, states 0b0110 in one byte, least generation 2 of slot 1, reason 1 of slot 0.
    let tail: &[u8] = &[4, 2, 5, 0x41, 0b0110, 6, 0xa1, 1, 2, 7, 0xa1, 0, 1];
    let with = |to: &[u8]| envelope(Label::SlotList, &replaced(&usual, tail, to), &[LIST]);
    let beyond = 16_000_001_u32.to_be_bytes();
    [
        (
            "more slots than states",
            "five slots in one byte",
            with(&[4, 5, 5, 0x41, 0b0110, 6, 0xa1, 1, 2, 7, 0xa1, 0, 1]),
        ),
        (
            "more states than slots",
            "two bytes for two slots",
            with(&[4, 2, 5, 0x42, 0b0110, 0, 6, 0xa1, 1, 2, 7, 0xa1, 0, 1]),
        ),
        (
            "a last slot that is not issued",
            "three slots, the third 0",
            with(&[4, 3, 5, 0x41, 0b0110, 6, 0xa1, 1, 2, 7, 0xa1, 0, 1]),
        ),
        ("bits beyond the last slot", "they are 0", with(&[4, 2, 5, 0x41, 0b1_0110, 6, 0xa1, 1, 2, 7, 0xa1, 0, 1])),
        ("a least generation of 0", "it says nothing", with(&[4, 2, 5, 0x41, 0b0110, 6, 0xa1, 1, 0, 7, 0xa1, 0, 1])),
        (
            "a least generation beyond the list",
            "of slot 2",
            with(&[4, 2, 5, 0x41, 0b0110, 6, 0xa1, 2, 2, 7, 0xa1, 0, 1]),
        ),
        (
            "a least generation of a slot that was not issued",
            "slot 0",
            with(&[4, 2, 5, 0x41, 0b0100, 6, 0xa1, 0, 2, 7, 0xa0]),
        ),
        ("a reason of 0", "it says nothing", with(&[4, 2, 5, 0x41, 0b0110, 6, 0xa1, 1, 2, 7, 0xa1, 0, 0])),
        ("an unknown reason", "8", with(&[4, 2, 5, 0x41, 0b0110, 6, 0xa1, 1, 2, 7, 0xa1, 0, 8])),
        ("a reason of a good slot", "slot 1", with(&[4, 2, 5, 0x41, 0b0110, 6, 0xa1, 1, 2, 7, 0xa1, 1, 1])),
        ("a generation of two bytes", "256", with(&[4, 2, 5, 0x41, 0b0110, 6, 0xa1, 1, 0x19, 1, 0, 7, 0xa1, 0, 1])),
        ("more slots than a list holds", "16,000,001", with(&[&[4, 0x1a], &beyond[..], &tail[2..]].concat())),
    ]
    .into_iter()
    .map(|(name, why, bytes)| case(name, why, [trust(), refused("slot-list", &bytes, "malformed")]))
    .collect()
}
