//! Every case through the public interface.

use std::collections::BTreeSet;
use std::time::Duration;

use countermark_shared::clock::{ClockState, Exchange, GateClock, NotTaken, TimeQuestion};
use countermark_shared::documents::{
    DocumentKind, DocumentSet, Expiry, Fetch, KeyRole, KeyStatus, LeaseState, Needs, TrustBundle, TrustedKey,
};
use countermark_shared::id::{EventId, GateId, Slot};
use countermark_shared::keys::Signature;
use countermark_shared::time::Timestamp;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::file::{After, Case, ClockCase, ClockStep, Content, File, NeedsOf, PassagesOf, SetCase, Step};
use crate::reader::Reader;
use crate::vectors::hex;
use crate::world::bundle;

/// What the files have in them.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) cases: usize,
    pub(crate) outcomes: BTreeSet<String>,
}

pub(crate) fn file(name: &str, text: &str, seen: &mut Seen) {
    let File { content, .. } = serde_json::from_str(text).unwrap();
    match content {
        Content::Documents { pinned, gate, event, cases } => {
            for case in &cases {
                let reader = Reader::new(pinned.parse().unwrap(), GateId(gate), EventId(event));
                documents(&format!("{name}: {}", case.name), case, reader);
                seen.outcomes.extend(case.steps.iter().map(|step| step.outcome.clone()));
            }
            seen.cases += cases.len();
        }
        Content::Sets { cases } => {
            for case in &cases {
                set(&format!("{name}: {}", case.name), case);
            }
            seen.cases += cases.len();
        }
        Content::Clocks { gate, list_keys, cases } => {
            let trusted = |key: &String| TrustedKey {
                key: key.parse().unwrap(),
                role: KeyRole::List,
                status: KeyStatus::Active,
                events: vec![],
            };
            let trust = TrustBundle { keys: list_keys.iter().map(trusted).collect(), ..bundle() };
            for case in &cases {
                clock(&format!("{name}: {}", case.name), case, GateId(gate), &trust);
            }
            seen.cases += cases.len();
        }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(milliseconds)
}

fn documents(name: &str, case: &Case, mut reader: Reader) {
    for (step, number) in case.steps.iter().zip(1..) {
        let name = format!("{name}, step {number}");
        let (before, everything) = (reader.stands(&step.offer), reader.everything());
        let outcome = reader.offer(&step.offer, &bytes(&step.bytes), instant(step.now));
        match &outcome {
            Ok(()) => assert_eq!(step.outcome, "taken", "{name}"),
            Err(refusal) => assert_eq!(step.outcome, refusal.code(), "{name}: {refusal}"),
        }
        let stands = reader.stands(&step.offer);
        if outcome.is_ok() {
            assert_eq!(stands, step.stands, "{name}");
        } else {
            assert_eq!((stands, reader.everything()), (before, everything), "{name}");
        }
        assert_eq!(after(&reader, step), step.after, "{name}");
    }
}

/// What the reader says where the step asks.
fn after(reader: &Reader, step: &Step) -> After {
    let asked = &step.after;
    let entry = |(slot, _): &(u32, [u8; 3])| {
        let entry = reader.slots.as_ref().unwrap().entry(Slot(*slot));
        (*slot, [entry.state as u8, entry.least_generation.0, entry.reason as u8])
    };
    After {
        slots: asked.slots.iter().map(entry).collect(),
        confirmed: asked.confirmed.map(|_| reader.slots.as_ref().unwrap().confirmed().unix_millis()),
        passages: asked.passages.iter().map(|asked| passages(reader, asked)).collect(),
        needs: asked.needs.as_ref().map(|_| needs(reader.head.as_ref().unwrap().document().needs(&reader.held()))),
        expiry: asked.expiry.iter().map(|(at, _)| (*at, expiry(reader, instant(*at)))).collect(),
        lease: asked.lease.iter().map(|(at, _)| (*at, lease(reader, instant(*at)))).collect(),
    }
}

fn passages(reader: &Reader, asked: &PassagesOf) -> PassagesOf {
    let feed = reader.feed.as_ref().unwrap();
    let found = feed.passages(Slot(asked.slot), asked.except.map(GateId), asked.reset.map(instant));
    PassagesOf {
        admitted: found.admitted,
        since_reset: found.admitted_since_reset,
        left: found.left,
        inside: found.inside(),
        last_entry: found.last_entry.map(|last| (last.at.unix_millis(), last.gate.0)),
        last_exit: found.last_exit.map(Timestamp::unix_millis),
        contested: found.contested,
        ..*asked
    }
}

fn needs(needs: Needs) -> NeedsOf {
    let fetch = |fetch: Fetch| -> Vec<Value> {
        match fetch {
            Fetch::Bundle(hash) => vec![json!("trust-bundle"), json!(hash)],
            Fetch::BundlesAfter(revision) => vec![json!("trust-bundles-after"), json!(revision.sequence)],
            Fetch::Assignment(hash) => vec![json!("assignment"), json!(hash)],
            Fetch::EventDocument(hash) => vec![json!("event-document"), json!(hash)],
            Fetch::SlotSnapshot(of) => {
                vec![json!("slot-list"), json!(of.revision.epoch), json!(of.revision.sequence), json!(of.hash)]
            }
            Fetch::SlotDeltas { from, to } => {
                vec![json!("slot-deltas"), json!(from.epoch), json!(from.sequence), json!(to.sequence)]
            }
            Fetch::FeedSnapshot(of) => {
                vec![json!("feed-snapshot"), json!(of.revision.epoch), json!(of.revision.sequence), json!(of.hash)]
            }
            Fetch::FeedBatches { from, to } => {
                vec![json!("feed-batches"), json!(from.epoch), json!(from.sequence), json!(to.sequence)]
            }
        }
    };
    NeedsOf {
        fetch: needs.fetch.into_iter().map(fetch).collect(),
        conflicts: needs.conflicts.into_iter().map(|kind| kind_name(kind).to_owned()).collect(),
    }
}

fn expiry(reader: &Reader, at: Timestamp) -> String {
    match reader.bundle.as_ref().unwrap().document().expiry(at) {
        Expiry::Good => "good",
        Expiry::EndsSoon => "ends-soon",
        Expiry::Ended => "ended",
        Expiry::Overdue => "overdue",
    }
    .to_owned()
}

fn lease(reader: &Reader, at: Timestamp) -> String {
    match reader.assignment.as_ref().unwrap().document().lease.at(at) {
        LeaseState::Held => "held",
        LeaseState::WithoutNames => "without-names",
        LeaseState::Ended => "ended",
        LeaseState::Suspended => "suspended",
    }
    .to_owned()
}

pub(crate) const fn kind_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::TrustBundle => "trust-bundle",
        DocumentKind::EventDocument => "event-document",
        DocumentKind::SlotList => "slot-list",
        DocumentKind::SlotDelta => "slot-delta",
        DocumentKind::AdmissionFeed => "admission-feed",
        DocumentKind::Assignment => "assignment",
        DocumentKind::Head => "head",
    }
}

fn set(name: &str, case: &SetCase) {
    let bytes = bytes(&case.bytes);
    match DocumentSet::decode(&bytes) {
        Ok(set) => {
            let found = set.iter().map(|(kind, envelope)| (kind_name(kind).to_owned(), hex(envelope))).collect();
            assert_eq!((case.outcome.as_str(), &case.documents), ("taken", &Some(found)), "{name}");
            assert_eq!(set.encode(), bytes, "{name}");
        }
        Err(refusal) => assert_eq!(case.outcome, refusal.code(), "{name}"),
    }
}

fn clock(name: &str, case: &ClockCase, gate: GateId, trust: &TrustBundle) {
    let since_boot = Duration::from_millis;
    let mut clock = GateClock::new(instant(case.floor), since_boot(case.started));
    for (step, number) in case.steps.iter().zip(1..) {
        let name = format!("{name}, step {number}");
        match step {
            ClockStep::Answer { nonce, at, signature, asked, answered, battery, outcome } => {
                let question = TimeQuestion { gate, nonce: bytes(nonce).try_into().unwrap() };
                let signature = Signature::from_bytes(&bytes(signature).try_into().unwrap());
                let exchange = Exchange { asked: since_boot(*asked), answered: since_boot(*answered) };
                let found = match question.verify(instant(*at), &signature, trust) {
                    Err(refusal) => refusal.code(),
                    Ok(time) => match clock.answered(time, exchange, battery.map(instant)) {
                        Ok(()) => "taken",
                        Err(NotTaken::TooSlow) => "too-slow",
                        Err(NotTaken::Ahead { .. }) => "ahead",
                    },
                };
                assert_eq!(found, outcome, "{name}");
            }
            ClockStep::Raise { issued, since_boot: at } => clock.raise(instant(*issued), since_boot(*at)),
            ClockStep::HeldBack { issued } => clock.held_back(instant(*issued)),
            ClockStep::Confirm => clock.confirm(),
            ClockStep::Dismiss => clock.dismiss(),
            ClockStep::Read { since_boot: at, battery, state, now, waiting, floor } => {
                let found = clock.read(since_boot(*at), battery.map(instant));
                let found_state = match found.state {
                    ClockState::Signed => "signed",
                    ClockState::Battery => "battery",
                    ClockState::RolledBack => "rolled-back",
                    ClockState::Ahead => "ahead",
                    ClockState::Unknown => "unknown",
                };
                assert_eq!((found_state, found.now.unix_millis()), (state.as_str(), *now), "{name}");
                assert_eq!(clock.waiting().map(Timestamp::unix_millis), *waiting, "{name}");
                assert_eq!(clock.floor(since_boot(*at)).unix_millis(), *floor, "{name}");
            }
        }
    }
}
