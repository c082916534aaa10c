//! Heads: when they count, and what to fetch by them.

use std::time::Duration;

use countermark_shared::documents::{
    ContentHash, DocumentHash, Head, KeyStatus, Revision, RootFingerprint, Standing, TrustBundle,
};
use countermark_shared::id::{EventId, GateId};
use serde_json::{Value, json};

use super::documents;
use super::slot_lists::GOOD;
use crate::file::{After, Case, File, NeedsOf, Step};
use crate::vectors::hex;
use crate::world::{
    DAY, EVENT, GATE, HOUR, INSTANT, LIST, NOW, ORGANISER, STOLEN, Said, assignment, bundle, case, content,
    event_document, hash, pinned, refused, revoking, roots, sealed, take_assignment, take_bundle, take_list,
    take_list_by, taken, trust,
};

const SLOTS: &[(u32, Said)] = &[(0, GOOD)];

pub(crate) fn file() -> File {
    let mut cases = lives();
    cases.extend(fetches());
    cases.extend(steps());
    cases.extend(confirmations());
    documents("Heads: their life, and what follows from them.", cases)
}

fn stands(sequence: u64, hash: DocumentHash) -> Standing {
    Standing { revision: Revision { epoch: 0, sequence }, hash }
}

fn slots((epoch, sequence): (u32, u64), said: &[(u32, Said)]) -> Standing<ContentHash> {
    Standing { revision: Revision { epoch, sequence }, hash: ContentHash(content(said)) }
}

/// What a gate holds that took the usual bundle, assignment and list.
fn head() -> Head {
    Head {
        gate: GATE,
        issued: NOW,
        not_after: NOW + HOUR,
        event: EVENT,
        roots: pinned(),
        bundle: stands(1, hash(&bundle())),
        assignment: stands(1, hash(&assignment())),
        document: None,
        slots: Some(slots((1, 5), SLOTS)),
        feed: None,
    }
}

fn take(head: &Head) -> Step {
    take_by(head, &[LIST])
}

fn take_by(head: &Head, seeds: &[u8]) -> Step {
    let sequence = head.issued.unix_millis().unsigned_abs();
    taken("head", &sealed(head, seeds), (0, sequence), hash(head).0)
}

fn refuse(head: &Head, code: &str) -> Step {
    refused("head", &sealed(head, &[LIST]), code)
}

fn lives() -> Vec<Case> {
    let later = |by| Head { issued: NOW + by, not_after: NOW + by + HOUR, ..head() };
    let lives = |life| Head { not_after: NOW + life, ..head() };
    let conflicting = Head { slots: None, ..head() };
    let elsewhere = Head { gate: GateId(GATE.0 + 1), ..head() };
    vec![
        case("in its time", "to the last instant", [trust(), take(&head()).at(NOW + HOUR - INSTANT)]),
        case("expired", "at its end", [trust(), refuse(&head(), "expired").at(NOW + HOUR)]),
        case(
            "replayed a day later",
            "what was in force stays",
            [trust(), take(&head()), refuse(&head(), "expired").at(NOW + DAY)],
        ),
        case("a day's life", "the longest", [trust(), take(&lives(DAY))]),
        case("a longer life", "by a millisecond", [trust(), refuse(&lives(DAY + INSTANT), "malformed")]),
        case("no life", "it ends when it begins", [trust(), refuse(&lives(Duration::ZERO), "malformed")]),
        case("newer", "signed a millisecond later", [trust(), take(&head()), take(&later(INSTANT))]),
        case("older", "signed a millisecond earlier", [trust(), take(&later(INSTANT)), refuse(&head(), "older")]),
        case("conflicting", "two of one instant", [trust(), take(&head()), refuse(&conflicting, "conflicting")]),
        case("issued 24 hours ahead", "clocks go wrong by as much", [trust(), take(&later(DAY))]),
        case(
            "issued more than 24 hours ahead",
            "by a millisecond",
            [trust(), refuse(&later(DAY + INSTANT), "from-the-future")],
        ),
        case("another gate's", "rightly signed", [trust(), refuse(&elsewhere, "other-subject")]),
        case(
            "signed by the organiser",
            "who signs no heads",
            [trust(), refused("head", &sealed(&head(), &[ORGANISER]), "not-signed")],
        ),
        case(
            "signed by a list key that is verify-only",
            "it signs nothing new; what it signed keeps its floor, and its lists are taken",
            [
                trust(),
                take(&later(INSTANT)),
                take_bundle(&retired()),
                refuse(&later(2 * INSTANT), "not-signed"),
                refused("head", &sealed(&head(), &[STOLEN]), "older"),
                take_by(&later(2 * INSTANT), &[STOLEN]),
                take_list((1, 5), SLOTS),
            ],
        ),
        case(
            "signed by a list key that is verify-only and by an active one",
            "one that may sign is enough",
            [trust(), take_bundle(&retired()), take_by(&head(), &[LIST, STOLEN])],
        ),
    ]
}

/// The bundle that retires the usual list key.
fn retired() -> TrustBundle {
    let mut bundle = TrustBundle { version: 2, ..bundle() };
    bundle.keys[2].status = KeyStatus::VerifyOnly;
    bundle
}

/// What a gate holds before it takes a head.
fn settled() -> Vec<Step> {
    vec![trust(), take_assignment(&assignment(), &[LIST]), take_list((1, 5), SLOTS)]
}

fn then(head: &Head, fetch: Vec<Vec<Value>>) -> Vec<Step> {
    settled().into_iter().chain([take(head).then(needs(fetch, &[]))]).collect()
}

/// The head of a list that goes on to that sequence.
fn list_at(sequence: u64) -> Head {
    Head { slots: Some(slots((1, sequence), &[(0, GOOD), (1, GOOD)])), ..head() }
}

fn fetches() -> Vec<Case> {
    let other = DocumentHash([0xaa; 32]);
    let new_roots = RootFingerprint::of(&roots(&[110, 111]), 2);
    vec![
        case(
            "a fresh gate",
            "it holds the bundle alone",
            [
                trust(),
                take(&Head {
                    document: Some(stands(3, hash(&event_document()))),
                    feed: Some(stands(8, other)),
                    ..head()
                })
                .then(needs(
                    vec![
                        vec![json!("assignment"), json!(hex(&hash(&assignment()).0))],
                        vec![json!("slot-list"), json!(1), json!(5), json!(hex(&content(SLOTS)))],
                        vec![json!("feed-snapshot"), json!(0), json!(8), json!(hex(&other.0))],
                        vec![json!("event-document"), json!(hex(&hash(&event_document()).0))],
                    ],
                    &[],
                )),
            ],
        ),
        case("nothing new", "all is held", then(&head(), vec![])),
        case(
            "a newer bundle of the same roots",
            "by its hash",
            then(&Head { bundle: stands(2, other), ..head() }, vec![vec![json!("trust-bundle"), json!(hex(&other.0))]]),
        ),
        case(
            "a newer bundle of other roots",
            "those in between, in order",
            then(
                &Head { bundle: stands(4, other), roots: new_roots, ..head() },
                vec![vec![json!("trust-bundles-after"), json!(1)]],
            ),
        ),
        case(
            "older everything",
            "nothing goes back by a head",
            then(
                &Head {
                    bundle: stands(0, other),
                    assignment: stands(0, other),
                    slots: Some(slots((1, 4), &[])),
                    ..head()
                },
                vec![],
            ),
        ),
        case(
            "another event",
            "what is held of the former is not held",
            then(
                &Head { event: EventId(8), slots: Some(slots((1, 1), SLOTS)), ..head() },
                vec![vec![json!("slot-list"), json!(1), json!(1), json!(hex(&content(SLOTS)))]],
            ),
        ),
        case(
            "the same revision with other content",
            "reported, and not fetched",
            settled()
                .into_iter()
                .chain([take(&Head { slots: Some(slots((1, 5), &[])), ..head() }).then(needs(vec![], &["slot-list"]))]),
        ),
        case(
            "what a thief signed",
            "nobody vouches for it: the snapshot, whatever its number",
            [
                trust(),
                take_assignment(&assignment(), &[LIST]),
                take_list_by((9, 9), &[], &[STOLEN]),
                take_bundle(&revoking()),
                take(&Head { bundle: stands(2, hash(&revoking())), ..head() })
                    .then(needs(vec![vec![json!("slot-list"), json!(1), json!(5), json!(hex(&content(SLOTS)))]], &[])),
            ],
        ),
    ]
}

fn steps() -> Vec<Case> {
    let list = |epoch: u32, sequence: u64| {
        vec![json!("slot-list"), json!(epoch), json!(sequence), json!(hex(&content(&[(0, GOOD), (1, GOOD)])))]
    };
    let deltas = |to: u64| vec![json!("slot-deltas"), json!(1), json!(6), json!(to)];
    vec![
        case("one step", "a delta", then(&list_at(6), vec![deltas(6)])),
        case("32 steps", "the most", then(&list_at(37), vec![deltas(37)])),
        case("33 steps", "a snapshot is one request", then(&list_at(38), vec![list(1, 38)])),
        case(
            "another epoch",
            "no step leads there",
            then(&Head { slots: Some(slots((2, 6), &[(0, GOOD), (1, GOOD)])), ..head() }, vec![list(2, 6)]),
        ),
    ]
}

fn confirmations() -> Vec<Case> {
    let confirmed = |sequence, at: countermark_shared::time::Timestamp| After {
        confirmed: Some(at.unix_millis()),
        ..needs(
            if sequence == 5 { vec![] } else { vec![vec![json!("slot-deltas"), json!(1), json!(6), json!(sequence)]] },
            &[],
        )
    };
    let at = |head: Head| Head { issued: NOW + HOUR - INSTANT, ..head };
    vec![
        case(
            "a list that is confirmed",
            "its age counts from the head",
            settled().into_iter().chain([take(&at(head())).then(confirmed(5, NOW + HOUR - INSTANT))]),
        ),
        case(
            "a list that is not the newest",
            "a head confirms what it names",
            settled().into_iter().chain([take(&at(list_at(6))).then(confirmed(6, NOW))]),
        ),
    ]
}

fn needs(fetch: Vec<Vec<Value>>, conflicts: &[&str]) -> After {
    let conflicts = conflicts.iter().map(|kind| (*kind).to_owned()).collect();
    After { needs: Some(NeedsOf { fetch, conflicts }), ..After::default() }
}
