//! What is held, on disk and from a file.

use super::*;
use crate::carried::{Offered, Outcome, pack, unpack};
use crate::cloud::Wanted;
use crate::publisher::Publisher;
use countermark_shared::documents::{Revision, SlotState};
use countermark_shared::id::Slot;

/// A gate that has taken the publisher's bundle, assignment, event document, list and feed.
pub(super) fn synced(publisher: &mut Publisher) -> Bench {
    let mut bench = Bench::new();
    let event = publisher.head_at(DOORS).document.unwrap().hash;
    let up_to = publisher.slots_standing().revision;
    let told = publisher.feed_standing().revision;
    for wanted in [
        Wanted::NewestBundle,
        Wanted::Assignment,
        Wanted::EventDocument(event),
        Wanted::SlotSnapshot { event: samples::EVENT, up_to },
        Wanted::FeedSnapshot { event: samples::EVENT, up_to: told },
    ] {
        fetch(&mut bench, publisher, wanted).unwrap();
    }
    bench
}

pub(super) fn fetch(bench: &mut Bench, publisher: &mut Publisher, wanted: Wanted) -> Result<Taken, TakeError> {
    let bytes = publisher.answer(wanted, DOORS).unwrap();
    bench.ledger().take(wanted.kind(), &bytes, moment(DOORS))
}

fn step(bench: &mut Bench, publisher: &mut Publisher, slot: u32, state: SlotState) -> Result<Taken, TakeError> {
    publisher.say([(Slot(slot), state)]);
    let to = publisher.slots_standing().revision;
    fetch(bench, publisher, Wanted::SlotDelta { event: samples::EVENT, to })
}

fn list_revision(bench: &mut Bench) -> Option<Revision> {
    bench.ledger().report().unwrap().documents.get(&DocumentKind::SlotList).map(|list| list.revision)
}

#[test]
fn a_list_and_its_steps_come_back_after_a_restart_and_go_when_a_list_replaces_them() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    for slot in [7, 8] {
        assert_eq!(step(&mut bench, &mut publisher, slot, SlotState::Blocked).unwrap(), Taken::New);
    }
    let to = publisher.slots_standing().revision;
    let again = fetch(&mut bench, &mut publisher, Wanted::SlotDelta { event: samples::EVENT, to });
    assert_eq!(again.unwrap(), Taken::Held);
    bench.reopen().unwrap();
    assert_eq!(list_revision(&mut bench), Some(to));
    // The publisher's lists are dated long before the doors.
    assert_eq!(bench.verdicts(&[ticket(7, 1), ticket(9, 1)]), [Reason::Blocked, Reason::ListOld]);

    publisher.publish_snapshot();
    publisher.say([(Slot(10), SlotState::Blocked)]);
    publisher.publish_snapshot();
    let up_to = publisher.slots_standing().revision;
    fetch(&mut bench, &mut publisher, Wanted::SlotSnapshot { event: samples::EVENT, up_to }).unwrap();
    let kinds: Vec<_> = bench.ledger().held_documents().unwrap().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [
            DocumentKind::TrustBundle,
            DocumentKind::Assignment,
            DocumentKind::EventDocument,
            DocumentKind::SlotList,
            DocumentKind::AdmissionFeed,
        ]
    );
}

#[test]
fn an_older_snapshot_stands_for_the_steps_before_it_and_what_is_given_on_still_leads_here() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    let mut snapshots = Vec::new();
    for slot in 7..11 {
        step(&mut bench, &mut publisher, slot, SlotState::Blocked).unwrap();
        snapshots.push(publisher.slots_standing().revision);
        publisher.publish_snapshot();
    }
    let in_force = list_revision(&mut bench);
    for (up_to, left, expected) in [
        (snapshots[1], 2, Taken::Folded),
        (snapshots[0], 2, Taken::Held),
        (snapshots[1], 2, Taken::Held),
        (snapshots[3], 0, Taken::Folded),
    ] {
        let wanted = Wanted::SlotSnapshot { event: samples::EVENT, up_to };
        assert_eq!(fetch(&mut bench, &mut publisher, wanted).unwrap(), expected, "{up_to}");
        assert_eq!(bench.ledger().report().unwrap().steps, left);
        let mut other = Bench::new();
        for (kind, bytes) in bench.ledger().held_documents().unwrap() {
            other.ledger().take(kind, &bytes, moment(DOORS)).unwrap();
        }
        assert_eq!(list_revision(&mut other), in_force);
        bench.reopen().unwrap();
        assert_eq!(list_revision(&mut bench), in_force);
        assert_eq!(bench.verdicts(&[ticket(10, 1)]), [Reason::Blocked]);
    }
}

#[test]
fn a_damaged_step_takes_nothing_with_it_and_is_fetched_again() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    let before = list_revision(&mut bench);
    step(&mut bench, &mut publisher, 7, SlotState::Blocked).unwrap();
    step(&mut bench, &mut publisher, 8, SlotState::Blocked).unwrap();
    bench.tamper("UPDATE held_document SET envelope = zeroblob(9) WHERE kind = 'slot-delta' AND sequence = 2");
    bench.reopen().unwrap();
    assert_eq!(list_revision(&mut bench), before);
    assert_eq!(bench.verdicts(&[ticket(7, 1)]), [Reason::ListOld]);

    for sequence in 2..=3 {
        let to = Revision { epoch: 0, sequence };
        fetch(&mut bench, &mut publisher, Wanted::SlotDelta { event: samples::EVENT, to }).unwrap();
    }
    bench.reopen().unwrap();
    assert_eq!(bench.verdicts(&[ticket(8, 1)]), [Reason::Blocked]);
}

/// The record is not signed; the hash beside it finds what rotted.
#[test]
fn a_list_that_is_not_what_was_written_is_left_out() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    bench.tamper("UPDATE held_document SET content = zeroblob(32) WHERE kind = 'slot-list'");
    bench.reopen().unwrap();
    assert_eq!(list_revision(&mut bench), None);
    assert_eq!(bench.verdicts(&[ticket(7, 1)]), [Reason::NoList]);
}

#[test]
fn a_list_whose_key_was_revoked_outlives_a_restart_and_its_steps_with_it() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    step(&mut bench, &mut publisher, 7, SlotState::Blocked).unwrap();
    let before = list_revision(&mut bench);
    publisher.replace_list_key();
    fetch(&mut bench, &mut publisher, Wanted::NewestBundle).unwrap();
    bench.reopen().unwrap();
    assert_eq!(list_revision(&mut bench), before);
    assert_eq!(bench.verdicts(&[ticket(7, 1)]), [Reason::Blocked]);
    assert!(bench.ledger().documents_held().slots.unwrap().floor.is_none(), "nobody vouches for it any more");
    // The same words, signed by a key that is believed, count as news.
    assert_eq!(fetch(&mut bench, &mut publisher, Wanted::Assignment).unwrap(), Taken::New);
    assert_eq!(fetch(&mut bench, &mut publisher, Wanted::Assignment).unwrap(), Taken::Held);
}

#[test]
fn an_assignment_to_another_event_clears_the_disk_of_the_old_one() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    step(&mut bench, &mut publisher, 7, SlotState::Blocked).unwrap();
    publisher.assign(|assignment| assignment.event = countermark_shared::id::EventId(8));
    fetch(&mut bench, &mut publisher, Wanted::Assignment).unwrap();
    let kinds: Vec<_> = bench.ledger().held_documents().unwrap().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [DocumentKind::TrustBundle, DocumentKind::Assignment]);
}

#[test]
fn what_one_gate_holds_another_takes_from_a_file_byte_for_byte() {
    let mut publisher = Publisher::new();
    let mut from = synced(&mut publisher);
    step(&mut from, &mut publisher, 7, SlotState::Blocked).unwrap();
    fetch(&mut from, &mut publisher, Wanted::Head { held: None }).unwrap();
    let file = pack(&from.ledger().held_documents().unwrap());

    let mut to = Bench::new();
    let import = |bench: &mut Bench, file: &[u8]| -> Vec<_> {
        let take = |(kind, bytes): (_, Vec<u8>)| Offered::new(kind, bench.ledger().take(kind, &bytes, moment(DOORS)));
        unpack(file).unwrap().into_iter().map(take).map(|offered| (offered.kind, offered.outcome)).collect()
    };
    let kinds = [
        DocumentKind::TrustBundle,
        DocumentKind::Assignment,
        DocumentKind::EventDocument,
        DocumentKind::SlotList,
        DocumentKind::SlotDelta,
        DocumentKind::AdmissionFeed,
        DocumentKind::Head,
    ];
    assert_eq!(import(&mut to, &file), kinds.map(|kind| (kind, Outcome::Taken)));
    assert_eq!(pack(&to.ledger().held_documents().unwrap()), file);
    assert_eq!(to.verdicts(&[ticket(7, 1)]), [Reason::Blocked]);
    // The list of the file is older than its step by now.
    assert_eq!(import(&mut to, &file), kinds.map(|kind| (kind, Outcome::Held)));

    let mut stranger = Bench::new();
    let bundle = unpack(&file).unwrap().remove(0).1;
    let longer = (DocumentKind::TrustBundle, [&bundle[..], &[0]].concat());
    let forged = pack(&[longer, (DocumentKind::AdmissionFeed, Vec::new())]);
    let refused = import(&mut stranger, &forged);
    assert!(refused.iter().all(|(_, outcome)| *outcome == Outcome::Refused));
}

/// What the stick of another gate holds is of use, but for what is that gate's; and an old stick is no fault.
#[test]
fn another_gates_own_documents_and_older_ones_are_not_refused() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    let mut other = samples::assignment();
    other.gate = countermark_shared::id::GateId(GATE.0 + 1);
    let mut head = publisher.head_at(DOORS);
    head.gate = other.gate;
    let old = publisher.answer(Wanted::Assignment, DOORS).unwrap();
    publisher.assign(|assignment| assignment.lease.suspended = true);
    fetch(&mut bench, &mut publisher, Wanted::Assignment).unwrap();
    let file = pack(&[
        (DocumentKind::Assignment, samples::assignment_bytes(&other)),
        (DocumentKind::Head, samples::head_bytes(&head)),
        (DocumentKind::Assignment, old),
        (DocumentKind::SlotList, b"junk".to_vec()),
    ]);
    let offer =
        |(kind, bytes): (_, Vec<u8>)| Offered::new(kind, bench.ledger().take(kind, &bytes, moment(DOORS))).outcome;
    let outcomes: Vec<_> = unpack(&file).unwrap().into_iter().map(offer).collect();
    let expected = [Outcome::NotForThisGate, Outcome::NotForThisGate, Outcome::Held, Outcome::Refused];
    assert_eq!(outcomes, expected);
}

#[test]
fn a_document_from_the_future_says_how_staff_let_it_in() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    let far = DOORS + Duration::from_hours(72);
    let head = samples::head_bytes(&publisher.head_at(far));
    let take = |bench: &mut Bench| {
        Offered::new(DocumentKind::Head, bench.ledger().take(DocumentKind::Head, &head, moment(DOORS)))
    };
    let refused = take(&mut bench);
    assert_eq!(refused.outcome, Outcome::Refused);
    let why = refused.why.unwrap();
    assert!(why.contains("watch") && why.contains("`countermark-gate clock confirm`, then import again"), "{why}");
    bench.ledger().hear(Word::Confirm, moment(DOORS)).unwrap();
    assert_eq!(take(&mut bench).outcome, Outcome::Taken);
}

/// Somebody signed two: it is said, and what was in force stays.
#[test]
fn two_lists_of_one_number_are_reported() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    let before = list_revision(&mut bench);
    let mut head = publisher.head_at(DOORS);
    let other = countermark_shared::documents::ContentHash([7; 32]);
    head.slots = head.slots.map(|slots| countermark_shared::documents::Standing { hash: other, ..slots });
    bench.ledger().take(DocumentKind::Head, &samples::head_bytes(&head), moment(DOORS)).unwrap();
    let report = bench.ledger().report().unwrap();
    assert_eq!(report.conflicts(), [DocumentKind::SlotList]);
    assert!(report.needs.is_some_and(|(_, needs)| needs.fetch.is_empty()), "nothing is fetched for it");
    assert_eq!(list_revision(&mut bench), before);
}

#[test]
fn documents_of_the_version_before_are_brought_along() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let old = Connection::open(&file).unwrap();
    old.execute_batch(include_str!("../../../../migrations/gate/0001_ledger.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    for (kind, bytes) in samples::documents() {
        old.execute("INSERT INTO document (kind, bytes) VALUES (?1, ?2)", rusqlite::params![kind.code(), bytes])
            .unwrap();
    }
    drop(old);
    let mut ledger = open(&file).unwrap();
    let said = ledger.scan(&[scan(&ticket(42, 1))], moment(DOORS)).remove(0);
    assert_eq!(said.ruling.verdict, Reason::Admitted);
    assert_eq!(ledger.held_documents().unwrap(), samples::documents());
}
