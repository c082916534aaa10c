//! Lists and steps, against a plain map of what is true.

use std::collections::BTreeMap;

use super::*;
use crate::documents::{ContentHash, Document, KeyRole, KeyStatus, Refusal, Revision, Signed, TrustBundle, TrustedKey};
use crate::id::{EventId, Generation, Slot};
use crate::samples;
use crate::time::Timestamp;
use core::time::Duration;
use proptest::prelude::*;

mod bounds;

const EVENT: EventId = EventId(7);
/// More than two blocks.
const SLOTS: u32 = 9000;

type Truth = BTreeMap<u32, SlotEntry>;
type Fits = fn(&Refusal) -> bool;

fn entry(state: SlotState, least: u8, reason: SlotReason) -> SlotEntry {
    SlotEntry { state, least_generation: Generation(least), reason }
}

fn good(least: u8) -> SlotEntry {
    entry(SlotState::Good, least, SlotReason::Unspecified)
}

fn revision(epoch: u32, sequence: u64) -> Revision {
    Revision { epoch, sequence }
}

fn list(at: Revision, truth: &Truth) -> SlotList {
    let known = truth.iter().map(|(slot, entry)| (Slot(*slot), *entry));
    SlotList::snapshot(EVENT, at, samples::DOORS, known).unwrap()
}

fn table(truth: &Truth) -> SlotTable {
    SlotTable::of(&list(revision(0, 0), truth))
}

fn snapshot(at: Revision, truth: &Truth) -> Vec<u8> {
    Signed::seal(&list(at, truth), &[&samples::list_key()]).unwrap()
}

fn delta(at: Revision, before: &Truth, after: &Truth) -> SlotDelta {
    SlotDelta::between(&table(before), &table(after), at, samples::DOORS).unwrap().unwrap()
}

fn sealed(delta: &SlotDelta) -> Vec<u8> {
    Signed::seal(delta, &[&samples::list_key()]).unwrap()
}

fn accept(bytes: &[u8], in_force: Option<&Slots>) -> Result<Slots, Refusal> {
    Slots::accept(bytes, &samples::bundle(), EVENT, in_force, samples::DOORS)
}

fn step(slots: &Slots, bytes: &[u8]) -> Result<Slots, Refusal> {
    Slots::step(bytes, &samples::bundle(), EVENT, Some(slots), samples::DOORS)
}

fn says(slots: &Slots, truth: &Truth) -> bool {
    (0..SLOTS + 5000).all(|slot| slots.entry(Slot(slot)) == truth.get(&slot).copied().unwrap_or(SlotEntry::NOT_ISSUED))
}

#[test]
fn news_make_the_step_that_leads_to_them() {
    let before: Truth = [(1, good(0)), (5000, good(2))].into();
    let news: BTreeMap<_, _> =
        [(1, entry(SlotState::Revoked, 0, SlotReason::Refunded)), (5000, good(2)), (8999, good(0))]
            .map(|(slot, entry)| (Slot(slot), entry))
            .into();
    let after: Truth =
        [(1, entry(SlotState::Revoked, 0, SlotReason::Refunded)), (5000, good(2)), (8999, good(0))].into();
    let at = revision(0, 2);
    let following = |news: BTreeMap<Slot, SlotEntry>| SlotDelta::following(&table(&before), &news, at, samples::DOORS);
    assert_eq!(following(news).unwrap().unwrap(), delta(at, &before, &after));
    assert_eq!(following([(Slot(5000), good(2))].into()), Ok(None));
    let lowered = following([(Slot(5000), good(1))].into());
    assert!(matches!(lowered, Err(Refusal::LowersGeneration { slot: Slot(5000), .. })), "{lowered:?}");
    let beyond = following([(Slot(MAX_SLOTS), good(0))].into());
    assert!(matches!(beyond, Err(Refusal::Malformed { .. })), "{beyond:?}");
    let many = (0..=50_000).map(|slot| (Slot(slot), good(1))).collect();
    assert!(matches!(following(many), Err(Refusal::Malformed { .. })));
}

#[test]
fn a_list_ends_with_the_last_slot_that_was_issued() {
    let truth = Truth::from([(1, good(0)), (9, SlotEntry::NOT_ISSUED), (4096, SlotEntry::NOT_ISSUED)]);
    assert_eq!(table(&truth).slots(), 2);
    assert_eq!(table(&truth).content(), table(&Truth::from([(1, good(0))])).content());
    let mut longer = list(revision(0, 1), &truth);
    longer.slots = 3;
    assert!(longer.check().is_err());
}

#[test]
fn what_contradicts_itself_is_not_signed() {
    let plain =
        list(revision(0, 1), &Truth::from([(0, good(0)), (1, entry(SlotState::Blocked, 0, SlotReason::Refunded))]));
    plain.check().unwrap();
    let beyond = SlotList { states: vec![0b0101].into(), slots: 1, ..plain.clone() };
    let short = SlotList { slots: 5, ..plain.clone() };
    let silent =
        SlotList { least_generations: sparse::Sparse::ascending(vec![(Slot(0), Generation(0))]), ..plain.clone() };
    let nowhere =
        SlotList { least_generations: sparse::Sparse::ascending(vec![(Slot(2), Generation(1))]), ..plain.clone() };
    let groundless = SlotList { reasons: sparse::Sparse::ascending(vec![(Slot(0), SlotReason::Refunded)]), ..plain };
    for list in [beyond, short, silent, nowhere, groundless] {
        assert!(list.check().is_err(), "{list:?}");
    }
}

#[test]
fn what_few_slots_say_is_sorted() {
    let blocked = entry(SlotState::Blocked, 1, SlotReason::LostOrStolen);
    let plain = list(revision(0, 1), &Truth::from([(0, blocked), (1, blocked)]));
    plain.check().unwrap();
    let generations = sparse::Sparse::ascending(vec![(Slot(1), Generation(1)), (Slot(0), Generation(1))]);
    let reasons = sparse::Sparse::ascending(vec![(Slot(1), blocked.reason), (Slot(0), blocked.reason)]);
    assert!(SlotList { least_generations: generations, ..plain.clone() }.check().is_err());
    assert!(SlotList { reasons, ..plain }.check().is_err());
}

#[test]
fn the_last_word_about_a_slot_counts() {
    let said = |words: [SlotEntry; 2]| {
        let known = words.map(|entry| (Slot(5), entry));
        SlotTable::of(&SlotList::snapshot(EVENT, revision(0, 1), samples::DOORS, known).unwrap()).entry(Slot(5))
    };
    let revoked = entry(SlotState::Revoked, 3, SlotReason::Refunded);
    assert_eq!(said([revoked, good(0)]), good(0));
    assert_eq!(said([good(0), revoked]), revoked);
}

#[test]
fn each_step_that_does_not_follow_has_its_refusal() {
    let (one, two, three) = (
        Truth::from([(0, good(0))]),
        Truth::from([(0, good(2)), (5000, good(0))]),
        Truth::from([(0, good(2)), (5000, entry(SlotState::Revoked, 0, SlotReason::Refunded))]),
    );
    let first = accept(&snapshot(revision(1, 1), &one), None).unwrap();
    let to_two = sealed(&delta(revision(1, 2), &one, &two));
    let nothing = Slots::step(&to_two, &samples::bundle(), EVENT, None, samples::DOORS);
    assert!(matches!(nothing, Err(Refusal::NoSnapshot { .. })));
    let to_three = sealed(&delta(revision(1, 3), &two, &three));
    assert!(matches!(step(&first, &to_three), Err(Refusal::Gap { .. })));
    let second = step(&first, &to_two).unwrap();
    assert!(says(&second, &two));
    // Once more: it is what is in force.
    assert_eq!(step(&second, &to_two).unwrap().standing(), second.standing());
    let third = step(&second, &to_three).unwrap();
    assert!(says(&third, &three));
    assert!(matches!(step(&third, &to_two), Err(Refusal::Older { .. })));

    let other = sealed(&delta(revision(1, 3), &one, &two));
    assert!(matches!(step(&second, &other), Err(Refusal::WrongBefore { .. })));
    assert!(matches!(step(&third, &other), Err(Refusal::Conflicting { .. })));
    let mut misleading = delta(revision(1, 3), &two, &three);
    misleading.after = ContentHash([0; 32]);
    assert!(matches!(step(&second, &sealed(&misleading)), Err(Refusal::WrongAfter { .. })));
    let across = sealed(&delta(revision(2, 2), &one, &two));
    assert!(matches!(step(&first, &across), Err(Refusal::OtherEpoch { .. })));
    let elsewhere = SlotDelta { event: EventId(8), ..delta(revision(1, 2), &one, &two) };
    assert!(matches!(step(&first, &sealed(&elsewhere)), Err(Refusal::OtherSubject { .. })));
    let forged = Signed::seal(&delta(revision(1, 2), &one, &two), &[&samples::organiser_key()]).unwrap();
    assert!(matches!(step(&first, &forged), Err(Refusal::NotSigned { .. })));
    let later = SlotDelta { issued: samples::DOORS + Duration::from_hours(25), ..delta(revision(1, 2), &one, &two) };
    assert!(matches!(step(&first, &sealed(&later)), Err(Refusal::FromTheFuture { .. })));
}

#[test]
fn within_an_epoch_nothing_comes_back() {
    let before = Truth::from([(0, entry(SlotState::Revoked, 0, SlotReason::Refunded)), (1, good(3)), (2, good(0))]);
    let slots = accept(&snapshot(revision(1, 1), &before), None).unwrap();
    let revived: Fits = |refusal| matches!(refusal, Refusal::Revives { slot: Slot(0), .. });
    let lowered: Fits = |refusal| matches!(refusal, Refusal::LowersGeneration { slot: Slot(1), .. });
    let unissued: Fits = |refusal| matches!(refusal, Refusal::Unissues { slot: Slot(2), .. });
    for (slot, becomes, fits) in [
        (0, good(0), revived),
        (0, entry(SlotState::Blocked, 0, SlotReason::Unspecified), revived),
        (1, good(2), lowered),
        (2, SlotEntry::NOT_ISSUED, unissued),
    ] {
        let mut after = before.clone();
        after.insert(slot, becomes);
        let same_epoch = accept(&snapshot(revision(1, 2), &after), Some(&slots)).unwrap_err();
        assert!(fits(&same_epoch), "{same_epoch}");
        if becomes.state != SlotState::NotIssued {
            let by_step = step(&slots, &sealed(&delta(revision(1, 2), &before, &after))).unwrap_err();
            assert!(fits(&by_step), "{by_step}");
        }
        assert!(says(&accept(&snapshot(revision(2, 1), &after), Some(&slots)).unwrap(), &after));
    }
}

#[test]
fn an_epoch_raised_by_a_stolen_key_is_recovered_through_the_bundle() {
    let stolen = samples::signing_key(50);
    let bundle = |status| {
        let mut bundle: TrustBundle = samples::bundle();
        let key = stolen.verifying_key();
        bundle.keys.push(TrustedKey { key, role: KeyRole::List, status, events: vec![] });
        bundle
    };
    let honest = Truth::from([(0, entry(SlotState::Revoked, 0, SlotReason::Unspecified))]);
    let evil = Truth::from([(0, good(0))]);
    let slots = accept(&snapshot(revision(1, 9), &honest), None).unwrap();
    let raised = Signed::seal(&list(revision(u32::MAX, u64::MAX), &evil), &[&stolen]).unwrap();
    let accept = |bytes: &[u8], in_force: &Slots, status| {
        Slots::accept(bytes, &bundle(status), EVENT, Some(in_force), samples::DOORS)
    };
    let misled = accept(&raised, &slots, KeyStatus::Active).unwrap();
    assert!(matches!(
        accept(&snapshot(revision(1, 10), &honest), &misled, KeyStatus::Active),
        Err(Refusal::Older { .. })
    ));
    // The bundle revokes the key: what it signed stays in use, and its floor is gone.
    assert!(says(&misled, &evil));
    assert!(matches!(
        accept(&snapshot(revision(1, 8), &honest), &misled, KeyStatus::Revoked),
        Err(Refusal::Older { .. })
    ));
    let restarted = Slots::from_record(&misled.to_record()).unwrap();
    let recovered = accept(&snapshot(revision(1, 10), &honest), &restarted, KeyStatus::Revoked).unwrap();
    assert!(says(&recovered, &honest));
    assert_eq!(recovered.revision(), revision(1, 10));
}

#[test]
fn the_same_list_signed_again_is_younger() {
    let truth = Truth::from([(0, good(0))]);
    let slots = accept(&snapshot(revision(1, 1), &truth), None).unwrap();
    let hour = Duration::from_hours(1);
    assert_eq!(slots.age(samples::DOORS + hour), hour);
    let again = SlotList { issued: samples::DOORS + hour, ..list(revision(1, 1), &truth) };
    let bytes = Signed::seal(&again, &[&samples::list_key()]).unwrap();
    assert_eq!(accept(&bytes, Some(&slots)).unwrap().age(samples::DOORS + hour), Duration::ZERO);
    let older = SlotList { issued: samples::DOORS - hour, ..again };
    let bytes = Signed::seal(&older, &[&samples::list_key()]).unwrap();
    assert_eq!(accept(&bytes, Some(&slots)).unwrap().confirmed(), samples::DOORS);
}

#[test]
fn the_content_hash_is_the_specifications() {
    let truth = Truth::from([
        (1, entry(SlotState::Blocked, 2, SlotReason::Refunded)),
        (4096, entry(SlotState::Revoked, 5, SlotReason::Misconduct)),
    ]);
    let mut states = vec![0; 1024];
    states[0] = 0b1000;
    let label = crate::label::Label::SlotContent;
    let first = crate::keys::labelled_digest(label, &[&[0, 0x10, 0], &states, &[0, 1, 0, 1, 2], &[0, 1, 0, 1, 3]]);
    let second = crate::keys::labelled_digest(label, &[&[0, 0, 1, 0b11], &[0, 1, 0, 0, 5], &[0, 1, 0, 0, 4]]);
    let whole = crate::keys::labelled_digest(label, &[&[1, 0, 0, 0, 7, 0, 0, 0x10, 1], &first, &second]);
    assert_eq!(table(&truth).content(), ContentHash(whole));
}

fn entries() -> impl Strategy<Value = SlotEntry> {
    (1_u8..4, 0_u8..4, 0_usize..8).prop_map(|(bits, least, reason)| {
        let state = SlotState::from_bits(bits);
        let reason = if state.has_reason() { SlotReason::ALL[reason] } else { SlotReason::Unspecified };
        entry(state, least, reason)
    })
}

/// What is true at each revision: changes that may follow within the epoch, and now and then a new epoch with whatever it likes.
fn histories() -> impl Strategy<Value = Vec<(Revision, Truth)>> {
    let changes = prop::collection::btree_map(0..SLOTS, entries(), 1..6);
    prop::collection::vec((changes, prop::bool::weighted(0.2)), 1..7).prop_map(|steps| {
        let mut history: Vec<(Revision, Truth)> = Vec::new();
        for (changes, restored) in steps {
            let (at, mut truth) = history.last().cloned().unwrap_or((revision(1, 0), Truth::new()));
            if restored {
                history.push((revision(at.epoch + 1, 1), changes));
                continue;
            }
            for (slot, mut next) in changes {
                let known = truth.get(&slot).copied().unwrap_or(SlotEntry::NOT_ISSUED);
                next.least_generation = next.least_generation.max(known.least_generation);
                if known.state == SlotState::Revoked {
                    next.state = SlotState::Revoked;
                }
                truth.insert(slot, next);
            }
            history.push((revision(at.epoch, at.sequence + 1), truth));
        }
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Snapshots and steps in any order, lost or repeated: what is in force is always what was true at its revision, and never goes back.
    #[test]
    fn whatever_arrives_what_is_in_force_was_true(
        history in histories(),
        arrivals in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..20),
    ) {
        let mut slots: Option<Slots> = None;
        for (whole, index) in arrivals {
            let index = index.index(history.len());
            let (at, truth) = &history[index];
            let before = index.checked_sub(1).map(|index| &history[index]).filter(|(before, _)| before.epoch == at.epoch);
            let step_there = before.and_then(|(_, before)| {
                SlotDelta::between(&table(before), &table(truth), *at, samples::DOORS).unwrap()
            });
            let outcome = match (whole, step_there, &slots) {
                (true, _, _) => accept(&snapshot(*at, truth), slots.as_ref()),
                (false, Some(delta), Some(slots)) => step(slots, &sealed(&delta)),
                (false, _, _) => continue,
            };
            match (outcome, &mut slots) {
                (Ok(next), slots) => {
                    prop_assert!(slots.as_ref().is_none_or(|slots| slots.revision() <= next.revision()));
                    prop_assert_eq!(next.revision(), *at);
                    prop_assert!(says(&next, truth));
                    *slots = Some(next);
                }
                (Err(refusal), Some(slots)) => {
                    let refused_fairly = *at < slots.revision() || !whole;
                    prop_assert!(refused_fairly, "{}", refusal);
                }
                (Err(refusal), None) => return Err(TestCaseError::fail(refusal.to_string())),
            }
        }
    }

    /// In order, each step leads to the true state, which is that of the snapshot.
    #[test]
    fn steps_in_order_lead_where_snapshots_lead(history in histories()) {
        let mut slots = accept(&snapshot(history[0].0, &history[0].1), None).unwrap();
        for pair in history.windows(2) {
            let [(from, before), (to, after)] = pair else { unreachable!() };
            let delta = SlotDelta::between(&table(before), &table(after), *to, samples::DOORS).unwrap();
            slots = match delta.filter(|_| from.epoch == to.epoch) {
                Some(delta) => step(&slots, &sealed(&delta)).unwrap(),
                None => accept(&snapshot(*to, after), Some(&slots)).unwrap(),
            };
            prop_assert!(says(&slots, after));
            prop_assert_eq!(slots.table().content(), table(after).content());
            let restarted = Slots::from_record(&slots.to_record()).unwrap();
            prop_assert_eq!(restarted.standing(), slots.standing());
        }
    }

    #[test]
    fn any_delta_under_a_good_signature_is_taken_or_refused(
        slot in 0..u32::MAX, state in 0_u8..4, least: u8, reason in 0_usize..8, sequence: u64, millis in 0_i64..,
    ) {
        let truth = Truth::from([(0, good(0)), (4095, good(1))]);
        let slots = accept(&snapshot(revision(1, 1), &truth), None).unwrap();
        let entry = SlotEntry {
            state: SlotState::from_bits(state),
            least_generation: Generation(least),
            reason: SlotReason::ALL[reason],
        };
        let delta = SlotDelta {
            event: EVENT,
            epoch: 1,
            sequence,
            issued: Timestamp::from_unix_millis(millis),
            before: slots.table().content(),
            after: ContentHash([0; 32]),
            changes: sparse::Sparse::ascending(vec![(Slot(slot), entry)]),
        };
        let sealed = Signed::seal(&delta, &[&samples::list_key()]);
        prop_assert!(sealed.and_then(|bytes| step(&slots, &bytes)).is_err());
    }
}
