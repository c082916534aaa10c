use core::num::NonZeroU8;
use core::time::Duration;

use super::*;
use crate::id::SupervisorId;
use crate::samples;

fn row(sequence: u64) -> JournalRow {
    JournalRow {
        gate: GateId(3),
        sequence,
        boot: BootId::new([9; 16]),
        at: samples::DOORS,
        clock: ClockState::Signed,
        lane: LaneId(1),
        direction: Direction::Entry,
        subject: Subject::Ticket { event: EventId(7), slot: Slot(42), generation: Generation(1) },
        persons: 2,
        actor: Actor::Gate,
        reason: Reason::Admitted,
        proved: true,
        documents: DocumentRevisions {
            bundle: 1,
            event: 1,
            list_sequence: 12,
            assignment: 3,
            ..DocumentRevisions::NONE
        },
        act: None,
    }
}

fn stranger() -> JournalRow {
    JournalRow { subject: Subject::unverified("x"), persons: 0, reason: Reason::NotOurs, proved: false, ..row(2) }
}

#[test]
fn a_row_survives_its_bytes() {
    for row in [
        row(1),
        stranger(),
        JournalRow { direction: Direction::Exit, reason: Reason::Exit, ..row(3) },
        JournalRow { persons: 0, reason: Reason::LiveProofMissing, proved: false, ..row(4) },
        row(LAST_SEQUENCE),
    ] {
        assert_eq!(JournalRow::from_bytes(&row.to_bytes()).unwrap(), row);
    }
}

/// The specification's words about subjects, in bytes.
#[test]
fn a_subject_is_a_number_and_a_map() {
    let ticket = Subject::Ticket { event: EventId(7), slot: Slot(42), generation: Generation(1) };
    assert_eq!(canonical(&ticket), [0x82, 0, 0xa3, 0, 7, 1, 0x18, 42, 2, 1]);
    let payload = canonical(&Subject::unverified("x"));
    assert_eq!(payload[..6], [0x82, 1, 0xa1, 0, 0x58, 32]);
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    for row in [
        row(0),
        row(LAST_SEQUENCE + 1),
        row(u64::MAX),
        JournalRow { persons: 0, ..row(1) },
        JournalRow { reason: Reason::Revoked, ..row(1) },
        JournalRow { subject: Subject::unverified("x"), proved: false, ..row(1) },
        JournalRow { proved: true, ..stranger() },
        JournalRow { direction: Direction::Exit, ..row(1) },
        JournalRow { reason: Reason::Exit, ..row(1) },
    ] {
        assert!(JournalRow::from_bytes(&row.to_bytes()).is_err(), "{row:?}");
    }
}

#[test]
fn the_chain_tells_order_and_content() {
    let (first, second) = (row(1).to_bytes(), row(2).to_bytes());
    let chain = ChainHash::START.next(&first).next(&second);
    assert_ne!(chain, ChainHash::START.next(&second).next(&first));
    assert_ne!(chain, ChainHash::START.next(&second));
}

#[test]
fn a_checkpoint_binds_gate_sequence_and_hash() {
    let key = samples::signing_key(20);
    let checkpoint = Checkpoint::new(GateId(3), 5, ChainHash([1; 32]));
    let signature = checkpoint.sign(&key);
    assert!(checkpoint.is_signed_by(key.verifying_key(), &signature));
    for other in [
        Checkpoint::new(GateId(4), 5, ChainHash([1; 32])),
        Checkpoint::new(GateId(3), 6, ChainHash([1; 32])),
        Checkpoint::new(GateId(3), 5, ChainHash([2; 32])),
    ] {
        assert!(!other.is_signed_by(key.verifying_key(), &signature));
    }
}

#[test]
fn a_row_has_at_most_512_bytes() {
    for (length, is_too_long) in [(MAX_ROW_LENGTH, false), (MAX_ROW_LENGTH + 1, true), (100_000, true)] {
        let why = JournalRow::from_bytes(&vec![0; length]).unwrap_err().why;
        assert_eq!(why.contains("at most 512"), is_too_long, "{length}: {why}");
    }
}

#[test]
fn a_chains_hash_is_64_digits() {
    let hash = ChainHash([0xab; 32]);
    let digits = "ab".repeat(32);
    assert_eq!(hash.to_string(), digits);
    assert_eq!(format!("{hash:?}"), format!("ChainHash({digits})"));
    assert_eq!(serde_json::to_value(hash).unwrap(), serde_json::Value::from(digits));
}

fn act(sequence: u64, act: Act) -> JournalRow {
    JournalRow { persons: 0, proved: false, act: Some(act), ..row(sequence) }
}

fn overrule(sequence: u64, of: u64) -> JournalRow {
    let why = OverruleReason::Identified;
    JournalRow {
        actor: Actor::Supervisor,
        reason: Reason::Overruled,
        act: Some(Act::Overrule { of, supervisor: SupervisorId(2), why }),
        ..row(sequence)
    }
}

const TWO: NonZeroU8 = NonZeroU8::new(2).unwrap();

#[test]
fn what_was_done_survives_its_bytes() {
    let attempt = [7; 16].into();
    for row in [
        act(2, Act::Undo { of: 1, persons: TWO }),
        act(2, Act::Actuated { of: 1, actuation: Actuation::NotTurned }),
        overrule(2, 1),
        JournalRow { reason: Reason::Overruled, ..act(3, Act::Undo { of: 2, persons: TWO }) },
        JournalRow { reason: Reason::Overruled, ..act(3, Act::Actuated { of: 2, actuation: Actuation::Turned }) },
        act(2, Act::Claim { attempt, persons: TWO }),
        JournalRow { act: Some(Act::Claimed { of: 1 }), ..row(2) },
        JournalRow { reason: Reason::Blocked, ..act(2, Act::Hold) },
        JournalRow { reason: Reason::Blocked, ..act(2, Act::Release) },
    ] {
        assert_eq!(JournalRow::from_bytes(&row.to_bytes()).unwrap(), row);
    }
    // The specification's words about acts, in bytes.
    assert_eq!(canonical(&Act::Undo { of: 1, persons: TWO }), [0x82, 0, 0xa2, 0, 1, 1, 2]);
    assert_eq!(canonical(&Act::Hold), [0x82, 5, 0x80]);
}

/// A seat that staff found by its order's code: nothing was shown.
fn found() -> JournalRow {
    JournalRow { reason: Reason::FoundByOrder, actor: Actor::Operator, persons: 0, proved: false, ..row(1) }
}

#[test]
fn what_was_found_and_not_shown_proves_nothing() {
    assert_eq!(JournalRow::from_bytes(&found().to_bytes()).unwrap(), found());
    for (row, why) in [
        (JournalRow { proved: true, ..found() }, "proves what was not shown"),
        (JournalRow { subject: Subject::unverified("x"), ..found() }, "names no seat"),
        (JournalRow { direction: Direction::Exit, ..found() }, "finds somebody at an exit"),
        (JournalRow { persons: 1, ..found() }, "lets in by a code"),
    ] {
        JournalRow::from_bytes(&row.to_bytes()).expect_err(why);
    }
}

#[test]
fn acts_that_contradict_their_row_are_refused() {
    for (row, why) in [
        (act(2, Act::Undo { of: 2, persons: TWO }), "takes itself back"),
        (act(2, Act::Undo { of: 0, persons: TWO }), "takes back no row"),
        (JournalRow { persons: 2, ..act(2, Act::Undo { of: 1, persons: TWO }) }, "lets in by an undo"),
        (JournalRow { proved: true, ..act(2, Act::Undo { of: 1, persons: TWO }) }, "proves by an undo"),
        (JournalRow { reason: Reason::Revoked, ..act(2, Act::Undo { of: 1, persons: TWO }) }, "undoes a refusal"),
        (JournalRow { subject: Subject::unverified("x"), ..act(2, Act::Undo { of: 1, persons: TWO }) }, "no ticket"),
        (act(2, Act::Hold), "holds back for another reason"),
        (JournalRow { act: None, ..overrule(2, 1) }, "overruled by nobody"),
        (JournalRow { reason: Reason::Admitted, ..overrule(2, 1) }, "overrules without saying so"),
        (JournalRow { actor: Actor::Operator, ..overrule(2, 1) }, "overruled by an operator"),
        (JournalRow { direction: Direction::Exit, ..overrule(2, 1) }, "overruled at an exit"),
        (JournalRow { persons: 0, ..overrule(2, 1) }, "overruled for nobody"),
    ] {
        JournalRow::from_bytes(&row.to_bytes()).expect_err(why);
    }
}

#[test]
fn an_admission_is_taken_back_by_its_own_gate_whole_and_within_five_minutes() {
    let undo = |of| JournalRow { actor: Actor::Operator, ..act(9, Act::Undo { of, persons: TWO }) };
    let later = |after: Duration| JournalRow { at: samples::DOORS + after, ..undo(1) };
    assert!(later(UNDO_WINDOW).takes_back(&row(1)));
    assert!(!later(UNDO_WINDOW + Duration::from_millis(1)).takes_back(&row(1)));
    // The gate's clock was set back meanwhile.
    assert!(undo(1).takes_back(&JournalRow { at: samples::DOORS + UNDO_WINDOW, ..row(1) }));
    let elsewhere = Subject::Ticket { event: EventId(7), slot: Slot(43), generation: Generation(1) };
    let replaced = Subject::Ticket { event: EventId(7), slot: Slot(42), generation: Generation(2) };
    for (other, why) in [
        (row(2), "another row"),
        (JournalRow { gate: GateId(4), ..row(1) }, "another gate's"),
        (JournalRow { subject: elsewhere, ..row(1) }, "another seat"),
        (JournalRow { subject: replaced, ..row(1) }, "another issue"),
        (JournalRow { persons: 1, ..row(1) }, "other persons"),
        (JournalRow { direction: Direction::Exit, reason: Reason::Exit, ..row(1) }, "an exit"),
        (JournalRow { reason: Reason::Forgiven, ..row(1) }, "what another admission counts for"),
        (JournalRow { persons: 0, reason: Reason::AlreadyUsed, proved: false, ..row(1) }, "a refusal"),
    ] {
        assert!(!undo(1).takes_back(&other), "{why}");
    }
    assert!(!row(2).takes_back(&row(1)));
}
