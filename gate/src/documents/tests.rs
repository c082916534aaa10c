use super::*;
use crate::samples;
use countermark_shared::documents::{KeyStatus, Signed, SlotDelta, SlotEntry, SlotState, SlotTable};
use countermark_shared::id::{Generation, Slot};

fn take(documents: &Documents, kind: DocumentKind, bytes: &[u8]) -> Result<Documents, NotTaken> {
    documents.with(kind, bytes, samples::DOORS)
}

#[test]
fn bundle_assignment_and_event_make_a_basis_and_nothing_less() {
    let mut documents = samples::no_documents();
    for (kind, bytes) in samples::documents() {
        let needed = DocumentKind::NEEDED.contains(&kind);
        assert_eq!(documents.basis(LaneId(1), samples::DOORS).is_none(), needed, "{kind:?}");
        documents = take(&documents, kind, &bytes).unwrap();
    }
    assert!(documents.basis(LaneId(1), samples::DOORS).is_some_and(|basis| basis.slots.is_some()));
    assert!(documents.basis(LaneId(9), samples::DOORS).is_none());
}

#[test]
fn nothing_is_believed_before_what_it_rests_on() {
    for (kind, bytes) in samples::documents().into_iter().skip(1) {
        let refusal = take(&samples::no_documents(), kind, &bytes).unwrap_err();
        assert!(matches!(refusal, NotTaken::Premature { .. }), "{kind:?}");
    }
}

#[test]
fn another_event_drops_what_belonged_to_the_old_one() {
    let documents = samples::documents_in_force();
    let mut assignment = samples::assignment();
    (assignment.version, assignment.event) = (2, EventId(8));
    let moved = take(&documents, DocumentKind::Assignment, &samples::assignment_bytes(&assignment)).unwrap();
    assert_eq!(moved.event_assigned(), Some(EventId(8)));
    assert!(moved.standing(DocumentKind::EventDocument).is_none());
    assert!(moved.standing(DocumentKind::SlotList).is_none());

    let [.., (_, old_event), (_, old_slots)] = samples::documents();
    for (kind, bytes) in [(DocumentKind::EventDocument, old_event), (DocumentKind::SlotList, old_slots)] {
        assert!(matches!(take(&moved, kind, &bytes), Err(NotTaken::Refused(_))), "{kind:?}");
    }
}

/// What it signed stays in use until something else takes its place; it says nothing new.
#[test]
fn a_revoked_list_key_takes_nothing_with_it_and_says_nothing_new() {
    let documents = samples::documents_in_force();
    let mut bundle = samples::bundle();
    bundle.version = 2;
    bundle.keys[3].status = KeyStatus::Revoked;
    let next = take(&documents, DocumentKind::TrustBundle, &samples::bundle_bytes(&bundle)).unwrap();
    assert!(next.basis(LaneId(1), samples::DOORS).is_some_and(|basis| basis.slots.is_some()));
    let refused = take(&next, DocumentKind::SlotList, &samples::slots_bytes(9, samples::DOORS));
    assert!(matches!(refused, Err(NotTaken::Refused(Refusal::NotSigned { .. }))));
    // Nobody vouches for the list any more: a snapshot is asked for, whatever its number.
    assert!(next.held().slots.is_some_and(|held| held.floor.is_none()));
}

#[test]
fn a_head_keeps_an_unchanged_list_young_whichever_comes_first() {
    let documents = samples::documents_in_force();
    let later = samples::DOORS + Duration::from_mins(30);
    let head = samples::head_of(&documents, later);
    let confirmed = documents.with(DocumentKind::Head, &samples::head_bytes(&head), later).unwrap();
    let as_of = |documents: &Documents| documents.standing(DocumentKind::SlotList).unwrap().as_of;
    assert_eq!((as_of(&documents), as_of(&confirmed)), (samples::DOORS - Duration::from_mins(1), later));

    let [bundle, ..] = samples::documents();
    let mut late = samples::no_documents();
    for (kind, bytes) in
        [bundle, (DocumentKind::Head, samples::head_bytes(&head))].into_iter().chain(samples::documents())
    {
        late = late.with(kind, &bytes, later).unwrap();
    }
    assert_eq!(as_of(&late), later);
    assert_eq!(late.needs().unwrap(), Needs::default());
}

#[test]
fn steps_lead_on_from_a_list() {
    let documents = samples::documents_in_force();
    let before = documents.basis(LaneId(1), samples::DOORS).unwrap().slots.unwrap().table().clone();
    let to = Revision { epoch: 0, sequence: 2 };
    let blocked = SlotEntry::from((SlotState::Blocked, Generation(0)));
    let known = (0..100).map(|slot| (Slot(slot), before.entry(Slot(slot)))).chain([(Slot(42), blocked)]);
    let after = SlotTable::of(
        &countermark_shared::documents::SlotList::snapshot(samples::EVENT, to, samples::DOORS, known).unwrap(),
    );
    let delta = SlotDelta::between(&before, &after, to, samples::DOORS).unwrap().unwrap();
    let bytes = Signed::seal(&delta, &[&samples::signing_key(5)]).unwrap();
    let next = take(&documents, DocumentKind::SlotDelta, &bytes).unwrap();
    let state =
        |documents: &Documents| documents.basis(LaneId(1), samples::DOORS).unwrap().slots.unwrap().state(Slot(42));
    assert_eq!((state(&documents), state(&next)), (SlotState::Good, SlotState::Blocked));
    let refused = take(&samples::no_documents(), DocumentKind::SlotDelta, &bytes);
    assert!(matches!(refused, Err(NotTaken::Premature { .. })));
}

#[test]
fn what_was_stored_is_in_force_again_whatever_the_clock_says() {
    let taken = samples::documents_in_force();
    let mut restored = samples::no_documents();
    for (kind, envelope) in samples::documents() {
        let Record { record, content } = taken.record(kind);
        let stored = Stored { kind, sequence: 0, envelope, record, content };
        let unrecorded = Stored { record: None, content: None, ..stored.clone() };
        assert_eq!(restored.restored(&unrecorded).unwrap().standing(kind), taken.standing(kind), "{kind:?}");
        restored = restored.restored(&stored).unwrap();
        assert_eq!(restored.standing(kind), taken.standing(kind));
        let damaged = Stored { record: stored.record.map(|record| [&record[..], &[0]].concat()), ..stored };
        assert!(samples::no_documents().restored(&damaged).is_err(), "{kind:?}");
    }
}
