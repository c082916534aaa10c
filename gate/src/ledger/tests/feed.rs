//! What other gates did, and what this one makes of it.

use super::documents::{fetch, synced};
use super::*;
use crate::carried::{Offered, Outcome, pack, unpack};
use crate::cloud::Wanted;
use crate::publisher::Publisher;
use countermark_shared::documents::{Alone, FeedRow, GateStanding, Passage, Revision, Signed};
use countermark_shared::id::EventId;
use countermark_shared::journal::JournalRow;

const ELSEWHERE: GateId = GateId(9);
const MINUTE: Duration = Duration::from_mins(1);

/// Two persons let in with the seat by another gate, a minute ago.
fn entry(sequence: u64, slot: u32) -> FeedRow {
    FeedRow { gate: ELSEWHERE, sequence, slot: Slot(slot), persons: 2, at: DOORS - MINUTE, passage: Passage::Entry }
}

/// The next batch, taken.
fn tell(bench: &mut Bench, publisher: &mut Publisher, rows: &[FeedRow], gates: &[(GateId, GateStanding)]) -> Taken {
    publisher.tell(rows, gates);
    let to = publisher.feed_standing().revision;
    fetch(bench, publisher, Wanted::FeedBatch { event: samples::EVENT, to }).unwrap()
}

/// A head says that what is held is the newest; a later one for each batch.
fn confirm(bench: &mut Bench, publisher: &mut Publisher) {
    let at = DOORS + Duration::from_millis(publisher.feed_standing().revision.sequence);
    let head = publisher.answer(Wanted::Head { held: None }, at).unwrap();
    bench.ledger().take(DocumentKind::Head, &head, moment(at)).unwrap();
}

fn feed_revision(bench: &mut Bench) -> Option<Revision> {
    bench.ledger().report().unwrap().documents.get(&DocumentKind::AdmissionFeed).map(|feed| feed.revision)
}

#[test]
fn what_was_used_elsewhere_is_used_here_and_it_is_said_where_and_when() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    assert_eq!(tell(&mut bench, &mut publisher, &[entry(1, 7)], &[]), Taken::New);
    confirm(&mut bench, &mut publisher);
    let refused = bench.scan(&[ticket(7, 1)]).remove(0).ruling;
    assert_eq!((refused.verdict, refused.opens), (Reason::PlacesUsedUp, false));
    assert_eq!((refused.earlier, refused.earlier_gate), (Some(DOORS - MINUTE), Some(ELSEWHERE)));
    // Who comes later to overrule it reads the same.
    let listed = bench.ledger().recent(1, moment(DOORS)).unwrap().remove(0);
    assert_eq!((listed.earlier, listed.earlier_gate), (refused.earlier, refused.earlier_gate));
    assert_eq!(listed.sentence, refused.sentence);
    assert_eq!(bench.verdicts(&[ticket(8, 1)]), [Reason::Admitted]);
}

#[test]
fn its_own_rows_come_back_with_the_feed_and_count_once() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    bench.ledger().take(DocumentKind::AdmissionFeed, b"junk", moment(DOORS)).unwrap_err();
    confirm(&mut bench, &mut publisher);
    let own = FeedRow { gate: GATE, persons: 1, at: DOORS, ..entry(1, 7) };
    tell(&mut bench, &mut publisher, &[own], &[]);
    confirm(&mut bench, &mut publisher);
    // Its journal has no such row: it knows its own better.
    assert_eq!(bench.verdicts(&[ticket(7, 1)]), [Reason::Admitted]);
}

#[test]
fn a_gate_in_doubt_and_an_old_feed_call_staff_and_refuse_nobody() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    tell(&mut bench, &mut publisher, &[entry(1, 7)], &[(ELSEWHERE, GateStanding::Contested)]);
    confirm(&mut bench, &mut publisher);
    assert_eq!(bench.verdicts(&[ticket(7, 1)]), [Reason::UsedElsewhere]);
    tell(&mut bench, &mut publisher, &[], &[(ELSEWHERE, GateStanding::Trusted)]);
    confirm(&mut bench, &mut publisher);
    assert_eq!(bench.verdicts(&[ticket(7, 1)]), [Reason::PlacesUsedUp]);

    // The cloud was out of reach for longer than the event's policy calls fresh, and not yet for so long that staff are called for every ticket.
    let policy = samples::event().policy.list_age_static;
    let later = DOORS + Duration::from_secs(u64::from(policy.warn_after_seconds)) + MINUTE;
    assert!(policy.warn_after_seconds + 60 < policy.staff_after_seconds.unwrap_or(u32::MAX), "{policy:?}");
    let mut say = |slot| bench.ledger().check(LaneId(1), &ticket(slot, 1), moment(later)).unwrap().verdict;
    assert_eq!((say(7), say(8)), (Reason::UsedElsewhere, Reason::Admitted));
}

#[test]
fn a_stolen_gates_rows_are_taken_back() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    tell(&mut bench, &mut publisher, &[entry(1, 7), entry(2, 8)], &[]);
    confirm(&mut bench, &mut publisher);
    let say =
        |bench: &mut Bench, slot| bench.ledger().check(LaneId(1), &ticket(slot, 1), moment(DOORS)).unwrap().verdict;
    assert_eq!((say(&mut bench, 7), say(&mut bench, 8)), (Reason::PlacesUsedUp, Reason::PlacesUsedUp));
    tell(&mut bench, &mut publisher, &[], &[(ELSEWHERE, GateStanding::Retracted { from: 2 })]);
    confirm(&mut bench, &mut publisher);
    assert_eq!((say(&mut bench, 7), say(&mut bench, 8)), (Reason::PlacesUsedUp, Reason::Admitted));
    tell(&mut bench, &mut publisher, &[entry(3, 9)], &[]);
    confirm(&mut bench, &mut publisher);
    assert_eq!(say(&mut bench, 9), Reason::Admitted, "however late they come");
}

/// A gate that may not admit alone does once it hears of the others.
#[test]
fn under_a_strict_policy_a_feed_is_what_makes_a_gate_hear_the_others() {
    let mut bench = Bench::synced();
    let mut event = samples::event();
    (event.version, event.policy.alone) = (2, Alone::Staff);
    let strict = Signed::seal(&event, &[&samples::signing_key(4)]).unwrap();
    bench.ledger().take(DocumentKind::EventDocument, &strict, moment(DOORS)).unwrap();
    let say = |bench: &mut Bench| bench.ledger().check(LaneId(1), &ticket(7, 1), moment(DOORS)).unwrap().severity;
    assert_eq!(say(&mut bench), countermark_shared::verdict::Severity::Staff);
    let mut publisher = Publisher::new();
    let up_to = publisher.feed_standing().revision;
    fetch(&mut bench, &mut publisher, Wanted::FeedSnapshot { event: samples::EVENT, up_to }).unwrap();
    assert_eq!(say(&mut bench), countermark_shared::verdict::Severity::Staff, "it is old");
    let mut head = publisher.head_at(DOORS);
    head.slots = None;
    bench.ledger().take(DocumentKind::Head, &samples::head_bytes(&head), moment(DOORS)).unwrap();
    assert_eq!(say(&mut bench), countermark_shared::verdict::Severity::Admit);
}

#[test]
fn a_feed_and_its_batches_come_back_after_a_restart_and_rows_name_what_they_rest_on() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    for sequence in 1..=3 {
        tell(&mut bench, &mut publisher, &[entry(sequence, 6 + u32::try_from(sequence).unwrap())], &[]);
    }
    confirm(&mut bench, &mut publisher);
    let told = publisher.feed_standing().revision;
    bench.reopen().unwrap();
    assert_eq!((feed_revision(&mut bench), bench.ledger().report().unwrap().batches), (Some(told), 3));
    assert_eq!(bench.verdicts(&[ticket(9, 1)]), [Reason::PlacesUsedUp]);
    let row = bench.ledger().batch(10).unwrap().unwrap().rows.remove(0).row.0;
    let revisions = JournalRow::from_bytes(&row).unwrap().documents;
    assert_eq!((revisions.feed_epoch, revisions.feed_sequence), (told.epoch, told.sequence));

    // Whoever signed the batches may be revoked since: a restart does not ask the bundle of today.
    let bundle = countermark_shared::documents::TrustBundle { version: 2, ..samples::bundle() };
    bench.ledger().take(DocumentKind::TrustBundle, &samples::bundle_bytes(&bundle), moment(DOORS)).unwrap();
    bench.tamper("UPDATE held_document SET envelope = zeroblob(9) WHERE kind = 'feed-batch'");
    bench.reopen().unwrap();
    assert_eq!(feed_revision(&mut bench), Some(told));

    // What rotted is not taken for what happened; it is fetched again.
    bench.tamper(
        "UPDATE held_document SET record = CAST(substr(record, 1, 40) || x'07' || substr(record, 42) AS BLOB) WHERE kind = 'admission-feed'",
    );
    bench.reopen().unwrap();
    assert_eq!(feed_revision(&mut bench), None);
    publisher.publish_feed_snapshot();
    let wanted = Wanted::FeedSnapshot { event: samples::EVENT, up_to: told };
    assert_eq!(fetch(&mut bench, &mut publisher, wanted).unwrap(), Taken::New);
    assert_eq!(bench.ledger().report().unwrap().batches, 0);
}

#[test]
fn an_older_snapshot_stands_for_the_batches_before_it_and_what_is_given_on_still_leads_here() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    let mut snapshots = Vec::new();
    for sequence in 1..=4 {
        tell(&mut bench, &mut publisher, &[entry(sequence, 6 + u32::try_from(sequence).unwrap())], &[]);
        publisher.publish_feed_snapshot();
        snapshots.push(publisher.feed_standing().revision);
    }
    confirm(&mut bench, &mut publisher);
    let in_force = feed_revision(&mut bench);
    for (up_to, left, expected) in [
        (snapshots[1], 2, Taken::Folded),
        (snapshots[0], 2, Taken::Held),
        (snapshots[1], 2, Taken::Held),
        (snapshots[3], 0, Taken::Folded),
    ] {
        let wanted = Wanted::FeedSnapshot { event: samples::EVENT, up_to };
        assert_eq!(fetch(&mut bench, &mut publisher, wanted).unwrap(), expected, "{up_to}");
        assert_eq!(bench.ledger().report().unwrap().batches, left);
        let file = pack(&bench.ledger().held_documents().unwrap());
        let mut other = Bench::new();
        for (kind, bytes) in unpack(&file).unwrap() {
            let offered = Offered::new(kind, other.ledger().take(kind, &bytes, moment(DOORS)));
            assert_eq!(offered.outcome, Outcome::Taken, "{offered:?}");
        }
        assert_eq!(other.ledger().report().unwrap().batches, left, "a file does not tell batches from snapshots");
        for bench in [&mut bench, &mut other] {
            bench.reopen().unwrap();
            assert_eq!(feed_revision(bench), in_force);
            assert_eq!(
                bench.ledger().check(LaneId(1), &ticket(7, 1), moment(DOORS)).unwrap().verdict,
                Reason::PlacesUsedUp
            );
        }
    }
}

#[test]
fn a_gate_that_is_moved_forgets_the_other_events_feed() {
    let mut publisher = Publisher::new();
    let mut bench = synced(&mut publisher);
    tell(&mut bench, &mut publisher, &[entry(1, 7)], &[]);
    publisher.assign(|assignment| assignment.event = EventId(8));
    fetch(&mut bench, &mut publisher, Wanted::Assignment).unwrap();
    assert_eq!(feed_revision(&mut bench), None);
    let held = bench.ledger().held_documents().unwrap();
    assert!(held.iter().all(|(kind, _)| kind.leads_to() != DocumentKind::AdmissionFeed));
    bench.reopen().unwrap();
    assert_eq!(feed_revision(&mut bench), None);
}
