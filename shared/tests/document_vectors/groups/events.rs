//! Event documents: who signs them and what replaces them.

use countermark_shared::documents::{EventDocument, KeyStatus, TrustBundle};
use countermark_shared::id::EventId;

use super::documents;
use crate::file::{File, Step};
use crate::world::{
    DAY, INSTANT, LIST, NOW, ORGANISER, bundle, case, event_document, hash, refused, sealed, take_bundle, taken, trust,
};

pub(crate) fn file() -> File {
    let version = |version| EventDocument { version, ..event_document() };
    let elsewhere = EventDocument { event: EventId(8), version: 2, ..event_document() };
    let conflicting = EventDocument { capacity: 101, ..version(2) };
    let future = EventDocument { issued: NOW + DAY + INSTANT, ..version(2) };
    let cases = vec![
        case("by its organiser", "in whose scope it lies", [trust(), take(&version(1))]),
        case("newer", "version 2 after 1", [trust(), take(&version(1)), take(&version(2))]),
        case("older", "version 1 after 2", [trust(), take(&version(2)), refuse(&version(1), &[ORGANISER], "older")]),
        case(
            "conflicting",
            "version 2 with other content",
            [trust(), take(&version(2)), refuse(&conflicting, &[ORGANISER], "conflicting")],
        ),
        case("by a list key", "it signs no events", [trust(), refuse(&version(1), &[LIST], "not-signed")]),
        case(
            "out of scope",
            "the organiser has event 7 alone",
            [trust(), refuse(&elsewhere, &[ORGANISER], "not-signed")],
        ),
        case(
            "another event",
            "in force is event 7",
            [trust(), take(&version(1)), refuse(&elsewhere, &[ORGANISER], "other-subject")],
        ),
        case(
            "from the future",
            "more than 24 hours ahead",
            [trust(), refuse(&future, &[ORGANISER], "from-the-future")],
        ),
        case(
            "by an organiser whose key was revoked",
            "what is in force stays, and nothing new is taken",
            [trust(), take(&version(1)), take_bundle(&revoked()), refuse(&version(2), &[ORGANISER], "not-signed")],
        ),
    ];
    documents("Event documents: signers, subjects and versions.", cases)
}

pub(super) fn take(document: &EventDocument) -> Step {
    taken("event-document", &sealed(document, &[ORGANISER]), (0, document.version.into()), hash(document).0)
}

fn refuse(document: &EventDocument, seeds: &[u8], code: &str) -> Step {
    refused("event-document", &sealed(document, seeds), code)
}

fn revoked() -> TrustBundle {
    let mut bundle = TrustBundle { version: 2, ..bundle() };
    bundle.keys[1].status = KeyStatus::Revoked;
    bundle
}
