//! Settling what real uploads leave in a real database.

mod found;

use std::num::NonZeroU8;

use countermark_service::contract::ReportedState::{Issued, Revoked};
use countermark_service::contract::findings::{
    About, Evidence, Finding, FindingQuery, FindingState, Jump, Objection, Rule,
};
use countermark_service::contract::{AssignGate, BlockReason, BlockSeat, SuspendGate, UnblockSeat, ValidationClient};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{AdmissionPolicy, Direction};
use countermark_shared::id::Generation;
use countermark_shared::journal::{Act, Actuation, ChainHash, JournalRow, LAST_SEQUENCE, Subject};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket};
use countermark_shared::verdict::Reason;
use countermark_shared::wire::RowOutcome::{Fork, Known, Stored, Unproved, Unreadable};

use super::*;
use crate::testing::{self, Bench, EVENT, NEXT_EVENT, TestGate, event, key, ticket, ticket_of};

async fn settle(bench: &Bench) {
    let settler = Settler::new(bench.state.clone());
    while settler.settle_some(EVENT).await.unwrap() {}
    assert!(settler.due().await.unwrap().is_empty());
}

async fn run(bench: &Bench, sql: &'static str) {
    sqlx::query(sql).execute(&bench.state.pool).await.unwrap();
}

async fn findings(bench: &Bench) -> Vec<Finding> {
    settle(bench).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let mut findings = admin.findings(EVENT, &FindingQuery::default()).await.unwrap().findings;
    findings.reverse();
    findings
}

/// What stands, whoever wrote it down when.
async fn standing(bench: &Bench) -> Vec<(About, Rule, Evidence)> {
    let open = findings(bench).await.into_iter().filter(|finding| finding.state == FindingState::Open);
    let mut open: Vec<_> = open.map(|it| (it.about, it.rule, it.evidence)).collect();
    open.sort_by_key(|(about, rule, _)| (*about, *rule));
    open
}

fn rules(findings: &[Finding]) -> Vec<(Rule, FindingState)> {
    findings.iter().map(|finding| (finding.rule, finding.state)).collect()
}

fn seat(slot: u32) -> About {
    About::Seat { slot: Slot(slot) }
}

fn of(gate: &TestGate, row: Option<u64>) -> About {
    About::Gate { gate: gate.gate, row }
}

#[tokio::test]
async fn one_seat_at_two_gates_is_one_finding_and_grows() {
    let bench = Bench::new().await;
    bench.report(42, 1, Issued).await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    north.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut north).await;
    assert_eq!(findings(&bench).await, []);
    south.refuse("junk");
    south.admit(42, Some(&ticket(42, 1)));
    let upload = south.upload();
    bench.upload(&mut south).await;
    let found = findings(&bench).await;
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.about, finding.rule, finding.revision), (seat(42), Rule::DoubleAdmission, 1));
    let Evidence::Scans { scans, count: 1 } = &finding.evidence else { panic!("{finding:?}") };
    let Objection::PassedBefore { before, apart: 1000, would_say: Reason::PlacesUsedUp } = scans[0].objection else {
        panic!("{scans:?}")
    };
    assert_eq!((before.gate, scans[0].scan.gate), (north.gate, south.gate));

    // The same upload again is no news; another admission is.
    assert!(bench.send(&south, &upload).await.iter().all(|outcome| *outcome == Known));
    assert_eq!(findings(&bench).await, found);
    bench.clock.advance(Duration::from_secs(5));
    north.pass(42, 1, Reason::Admitted, None);
    bench.upload(&mut north).await;
    let grown = findings(&bench).await;
    let [grown] = &grown[..] else { panic!("{grown:?}") };
    assert_eq!((grown.finding, grown.revision, grown.found), (finding.finding, 2, finding.found));
    assert!(grown.grown > finding.grown);
}

#[tokio::test]
async fn what_is_learned_later_explains_it() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    north.admit(42, Some(&ticket(42, 1)));
    south.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut north).await;
    bench.upload(&mut south).await;
    let both = findings(&bench).await;
    assert_eq!(rules(&both), [(Rule::DoubleAdmission, FindingState::Open), (Rule::NeverIssued, FindingState::Open)]);

    // The report was on its way, and staff at the south had taken it back.
    bench.report(42, 1, Issued).await;
    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let act = Some(Act::Undo { of: 1, persons: NonZeroU8::new(2).unwrap() });
    south.write(&JournalRow { subject, reason: Reason::Admitted, act, ..south.next() }, None);
    assert_eq!(bench.upload(&mut south).await, [Stored]);
    let explained = findings(&bench).await;
    let resolved = FindingState::Resolved;
    assert_eq!(rules(&explained), [(Rule::DoubleAdmission, resolved), (Rule::NeverIssued, resolved)]);
    assert_eq!(explained[0].evidence, both[0].evidence, "it says what it was");
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let steps = admin.finding(both[0].finding).await.unwrap().steps;
    assert_eq!(steps.iter().map(|step| step.state).collect::<Vec<_>>(), [FindingState::Open, resolved]);
    assert!(steps.iter().all(|step| step.account.is_none()));
    // Figures count as gates do.
    let figures = admin.admissions(EVENT).await.unwrap();
    assert_eq!((figures.admitted, figures.inside), (2, 2));
    let by_gate = figures.gates.iter().map(|gate| (gate.admitted, gate.taken_back, gate.forgiven));
    assert_eq!(by_gate.collect::<Vec<_>>(), [(2, 0, 0), (0, 1, 0)]);
    assert_eq!(figures.quarters.iter().map(|quarter| (quarter.entered, quarter.left)).collect::<Vec<_>>(), [(2, 0)]);

    // Admitted again, it is found again.
    bench.clock.advance(Duration::from_secs(5));
    south.admit(42, None);
    bench.upload(&mut south).await;
    let both = [(Rule::DoubleAdmission, FindingState::Open), (Rule::TakenBack, FindingState::Open)];
    let open = findings(&bench).await.into_iter().filter(|finding| finding.state == FindingState::Open);
    assert_eq!(rules(&open.collect::<Vec<_>>()), both);
}

/// A gate holds a seat back until the cloud says what becomes of it: somebody there must hear of it.
#[tokio::test]
async fn what_staff_hold_back_at_a_gate_is_found_until_an_administrator_decides() {
    let bench = Bench::new().await;
    bench.report(42, 1, Issued).await;
    let mut north = bench.gate().await;
    north.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut north).await;
    assert_eq!(findings(&bench).await, []);
    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let says = |gate: &mut TestGate, act| {
        let row = JournalRow { subject: subject.clone(), reason: Reason::Blocked, act: Some(act), ..gate.next() };
        gate.write(&row, None);
    };
    says(&mut north, Act::Hold);
    assert_eq!(bench.upload(&mut north).await, [Stored]);
    let open = findings(&bench).await;
    let [finding] = &open[..] else { panic!("{open:?}") };
    assert_eq!((finding.about, finding.rule, finding.state), (seat(42), Rule::Held, FindingState::Open));
    let Evidence::Scans { scans, count: 1 } = &finding.evidence else { panic!("{finding:?}") };
    assert_eq!((scans[0].scan.gate, scans[0].scan.row, scans[0].objection), (north.gate, 2, Objection::Held));

    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let decided = bench.clock.now();
    let block = BlockSeat { event: EVENT, slot: Slot(42), reason: BlockReason::Misconduct, decided };
    admin.block(&block).await.unwrap();
    assert_eq!(rules(&findings(&bench).await), [(Rule::Held, FindingState::Resolved)]);
    admin.unblock(&UnblockSeat { event: EVENT, slot: Slot(42), decided }).await.unwrap();
    assert_eq!(rules(&findings(&bench).await), [(Rule::Held, FindingState::Open)], "the gate holds it still");
    says(&mut north, Act::Release);
    bench.upload(&mut north).await;
    assert_eq!(rules(&findings(&bench).await), [(Rule::Held, FindingState::Resolved)]);
}

/// As often as they like.
fn festival() -> AdmissionPolicy {
    AdmissionPolicy { entries: 0, ..AdmissionPolicy::default() }
}

/// Seat 42 came in at one gate of a festival, went out, and came in at another.
async fn in_out_and_in(bench: &Bench) -> (TestGate, TestGate) {
    bench.push(&EventDocument { policy: festival(), ..event(2) }).await;
    bench.report(42, 1, Issued).await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    let body = TicketBody { entries: 0, ..ticket_of(EVENT, 42, 1).body().clone() };
    let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
    let text = UnverifiedTicket::new(body, issuer, authority).to_text();
    north.pass(42, 2, Reason::Admitted, Some(&text));
    north.pass(42, 2, Reason::Exit, None);
    bench.upload(&mut north).await;
    for _ in 0..2 {
        south.refuse("junk");
    }
    south.pass(42, 2, Reason::Admitted, Some(&text));
    bench.upload(&mut south).await;
    (north, south)
}

/// Found in review: what was found depended on whether the document came before the rows or after them.
#[tokio::test]
async fn a_new_document_is_held_against_what_passed_before_it() {
    let bench = Bench::new().await;
    in_out_and_in(&bench).await;
    assert_eq!(standing(&bench).await, []);
    bench.push(&EventDocument { policy: AdmissionPolicy { pass_back_seconds: 600, ..festival() }, ..event(3) }).await;
    assert_eq!(rules(&findings(&bench).await), [(Rule::DoubleAdmission, FindingState::Open)]);
    bench.push(&EventDocument { policy: festival(), ..event(4) }).await;
    assert_eq!(rules(&findings(&bench).await), [(Rule::DoubleAdmission, FindingState::Resolved)]);
}

/// Found in review: whoever has a gate's key took entries out of the figures at any hour, by an arm's word that called itself an exit's.
#[tokio::test]
async fn an_arms_word_about_an_entry_takes_nothing_back() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    gate.admit(42, Some(&ticket(42, 1)));
    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let act = Some(Act::Actuated { of: 1, actuation: Actuation::NotTurned });
    let row = JournalRow { subject, reason: Reason::Exit, direction: Direction::Exit, act, ..gate.next() };
    gate.write(&row, None);
    assert_eq!(bench.upload(&mut gate).await, [Stored, Stored]);
    let figures = ValidationClient(bench.client(ServiceName::Admin)).admissions(EVENT).await.unwrap();
    assert_eq!((figures.admitted, figures.gates[0].admitted, figures.gates[0].taken_back), (2, 2, 0));
}

/// Found in review: scanned out before an arm that did not turn, a seat let a second person in at another gate, and nobody was told.
#[tokio::test]
async fn whoever_came_in_by_an_exit_that_did_not_turn_is_found() {
    let bench = Bench::new().await;
    let (mut north, south) = in_out_and_in(&bench).await;
    assert_eq!(standing(&bench).await, []);

    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let act = Some(Act::Actuated { of: 2, actuation: Actuation::NotTurned });
    let row = JournalRow { subject, reason: Reason::Exit, direction: Direction::Exit, act, ..north.next() };
    north.write(&row, None);
    assert_eq!(bench.upload(&mut north).await, [Stored]);
    let found = standing(&bench).await;
    let [(about, Rule::DoubleAdmission, Evidence::Scans { scans, .. })] = &found[..] else { panic!("{found:?}") };
    assert_eq!((*about, scans[0].scan.gate), (seat(42), south.gate));
    let figures = ValidationClient(bench.client(ServiceName::Admin)).admissions(EVENT).await.unwrap();
    assert_eq!(figures.quarters.iter().map(|quarter| (quarter.entered, quarter.left)).collect::<Vec<_>>(), [(4, 0)]);
}

#[tokio::test]
async fn a_ticket_that_a_gate_had_not_heard_was_revoked_is_told() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    bench.report(42, 1, Issued).await;
    bench.report(43, 1, Issued).await;
    bench.report(42, 1, Revoked).await;
    let since = bench.clock.now();
    gate.admit(43, Some(&ticket(43, 1)));
    gate.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut gate).await;
    let found = standing(&bench).await;
    let [(about, Rule::UsedAfterRevocation, Evidence::Scans { scans, .. })] = &found[..] else { panic!("{found:?}") };
    assert_eq!((*about, scans[0].objection), (seat(42), Objection::Revoked { since }));
    // The other one is replaced, and revoked after it was used.
    bench.clock.advance(Duration::from_mins(1));
    bench.report(43, 2, Issued).await;
    bench.report(43, 2, Revoked).await;
    assert_eq!(standing(&bench).await, found);
}

#[tokio::test]
async fn a_disk_that_was_put_back_is_a_fork_and_its_seats_are_counted() {
    let bench = Bench::new().await;
    for slot in [42, 43] {
        bench.report(slot, 1, Issued).await;
    }
    let mut gate = bench.gate().await;
    gate.refuse("first");
    gate.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut gate).await;
    // Back to the state after the first row: the gate knows of no admission.
    let mut restored = TestGate { rows: vec![], sequence: 0, chain: ChainHash::START, ..gate };
    restored.refuse("first");
    let later = JournalRow { at: restored.next().at + Duration::from_mins(2), ..restored.next() };
    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let again = JournalRow { subject, persons: 2, reason: Reason::Admitted, proved: true, ..later };
    restored.write(&again, Some(&ticket(42, 1)));
    restored.admit(42, None);
    assert_eq!(bench.upload(&mut restored).await, [Known, Fork, Stored], "what was kept aside proves the seat");
    let found = standing(&bench).await;
    let [(double, Rule::DoubleAdmission, scans), (fork, Rule::Fork, rows), ..] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((*double, *fork), (seat(42), of(&restored, Some(2))));
    assert_eq!(*rows, Evidence::Rows { first: 2, last: 2 });
    let Evidence::Scans { count: 2, .. } = scans else { panic!("{scans:?}") };
}

/// Found in review: what somebody wrote under numbers that were told stayed believed when the gate was reported stolen, and accused a seat.
#[tokio::test]
async fn what_was_kept_aside_is_taken_back_with_what_came_from_a_stolen_gate() {
    let bench = Bench::new().await;
    for slot in [42, 43] {
        bench.report(slot, 1, Issued).await;
    }
    let (mut north, mut stolen) = (bench.gate().await, bench.gate().await);
    north.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut north).await;
    stolen.admit(43, Some(&ticket(43, 1)));
    stolen.refuse("second");
    bench.upload(&mut stolen).await;
    let known = bench.clock.now();
    bench.clock.advance(Duration::from_secs(1));
    let mut thief = TestGate { rows: vec![], sequence: 1, ..TestGate::like(&stolen) };
    thief.admit(42, Some(&ticket(42, 1)));
    assert_eq!(bench.upload(&mut thief).await, [Fork]);
    let found = standing(&bench).await;
    let [(double, Rule::DoubleAdmission, _), fork] = &found[..] else { panic!("{found:?}") };
    assert_eq!((*double, fork.0, fork.1), (seat(42), of(&stolen, Some(2)), Rule::Fork));

    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let decided = bench.clock.now();
    let suspend = SuspendGate { gate: stolen.gate, decided, believed_until: Some(known) };
    admin.suspend_gate(&suspend).await.unwrap();
    assert_eq!(standing(&bench).await, std::slice::from_ref(fork));
}

#[tokio::test]
async fn a_gap_is_told_until_it_is_filled_and_a_clock_that_jumps_for_good() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    for _ in 0..5 {
        gate.refuse("junk");
    }
    let back = gate.next().at - Duration::from_hours(2);
    gate.write(&JournalRow { at: back, ..gate.next() }, None);
    let ahead = gate.next().at + Duration::from_hours(3);
    gate.write(&JournalRow { at: ahead, ..gate.next() }, None);
    let whole = gate.rows.clone();
    let chain_at = |count: usize| whole[..count].iter().fold(ChainHash::START, |chain, row| chain.next(&row.row.0));
    let part = |from: usize, to: usize| {
        let mut part = TestGate { rows: whole[from..to].to_vec(), chain: chain_at(from), ..TestGate::like(&gate) };
        part.sequence = to as u64;
        part.upload()
    };
    let now = bench.clock.now();
    // The rows between arrive last, so that the jump is seen by the row before it.
    for (from, to) in [(5, 7), (0, 3)] {
        bench.send(&gate, &part(from, to)).await;
    }
    let jump =
        |jumps: Vec<Jump>| (of(&gate, None), Rule::ClockJump, Evidence::Jumps { count: jumps.len() as u64, jumps });
    let late = Jump::Ahead { row: 7, at: ahead, received: now };
    let gap = (of(&gate, Some(6)), Rule::Gap, Evidence::Rows { first: 4, last: 5 });
    assert_eq!(standing(&bench).await, [jump(vec![late]), gap]);
    bench.send(&gate, &part(3, 5)).await;
    let went_back = Jump::Back { row: 6, from: back + Duration::from_secs(7199), to: back };
    assert_eq!(standing(&bench).await, [jump(vec![went_back, late])]);
}

#[tokio::test]
async fn a_gate_that_proves_nothing_and_one_that_is_silent_are_told() {
    let bench = Bench::new().await;
    let mut thief = bench.gate().await;
    for slot in 0..50 {
        thief.admit(slot, None);
    }
    assert_eq!(bench.upload(&mut thief).await, [Unproved; 50]);
    let doubtful = (of(&thief, None), Rule::Unproved, Evidence::Doubtful { unproved: 50, unreadable: 0 });
    assert_eq!(standing(&bench).await, std::slice::from_ref(&doubtful));

    let settler = Settler::new(bench.state.clone());
    let since = bench.clock.now();
    settler.call_roll().await.unwrap();
    assert_eq!(standing(&bench).await.len(), 1);
    bench.clock.advance(SILENCE);
    settler.call_roll().await.unwrap();
    let silence = (of(&thief, None), Rule::LostGate, Evidence::Silence { since, last_row: Some(50) });
    assert_eq!(standing(&bench).await, [silence, doubtful.clone()]);
    // It is found once, and over when it is heard.
    settler.call_roll().await.unwrap();
    bench.log_in(&thief).await;
    settler.call_roll().await.unwrap();
    assert_eq!(standing(&bench).await, [doubtful]);
}

/// Found in review: of an event that had no gate any more, nobody looked whether the one it missed was heard since.
#[tokio::test]
async fn a_gate_that_was_missed_and_moved_away_is_missed_until_it_is_heard() {
    let bench = Bench::new().await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    bench.push(&EventDocument { event: NEXT_EVENT, ..event(1) }).await;
    let gate = bench.gate().await;
    let settler = Settler::new(bench.state.clone());
    let missed = async || {
        settler.call_roll().await.unwrap();
        rules(&admin.findings(EVENT, &FindingQuery::default()).await.unwrap().findings)
    };
    bench.clock.advance(SILENCE);
    assert_eq!(missed().await, [(Rule::LostGate, FindingState::Open)]);
    let elsewhere =
        AssignGate { gate: gate.gate, event: NEXT_EVENT, lanes: testing::lanes(), decided: bench.clock.now() };
    admin.assign_gate(&elsewhere).await.unwrap();
    assert_eq!(missed().await, [(Rule::LostGate, FindingState::Open)]);
    bench.log_in(&gate).await;
    assert_eq!(missed().await, [(Rule::LostGate, FindingState::Resolved)]);
}

/// However uploads are cut, in whatever order those of different gates arrive, and whenever settling looks.
#[tokio::test]
async fn what_is_found_in_the_end_is_the_same() {
    let mut first: Option<Vec<(About, Rule, Evidence)>> = None;
    for (cut, reversed, often) in [(1, false, true), (2, true, true), (3, false, false), (50, true, false)] {
        let bench = Bench::new().await;
        for slot in 0..6 {
            bench.report(slot, 1, Issued).await;
        }
        bench.report(5, 1, Revoked).await;
        let mut gates = [bench.gate().await, bench.gate().await, bench.gate().await];
        for (number, gate) in (1..).zip(&mut gates) {
            for slot in 0..number + 3 {
                gate.pass(slot, 1, Reason::Admitted, Some(&ticket(slot, 1)));
                gate.pass(slot % 3, 1, Reason::ExitWithoutEntry, Some(&ticket(slot % 3, 1)));
                gate.admit(7, None);
            }
        }
        let mut uploads = Vec::new();
        for (number, gate) in gates.iter().enumerate() {
            let mut chain = ChainHash::START;
            for (index, rows) in gate.rows.chunks(cut).enumerate() {
                let sequence = (index * cut + rows.len()) as u64;
                let part = TestGate { rows: rows.to_vec(), chain, sequence, ..TestGate::like(gate) };
                chain = part.upload().checkpoint.hash;
                // A gate's own uploads stay in their order.
                uploads.push((index, if reversed { 3 - number } else { number }, number, part.upload()));
            }
        }
        uploads.sort_by_key(|(index, order, ..)| (*index, *order));
        for (_, _, number, upload) in &uploads {
            bench.send(&gates[*number], upload).await;
            if often {
                settle(&bench).await;
            }
        }
        let found = standing(&bench).await;
        assert!(found.len() >= 9, "{found:?}");
        assert_eq!(*first.get_or_insert_with(|| found.clone()), found, "cut by {cut}");
    }
}

#[tokio::test]
async fn whoever_fails_leaves_the_marks_and_the_next_finds_them() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    gate.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut gate).await;
    run(&bench, "DELETE FROM event_documents").await;
    let settler = Settler::new(bench.state.clone());
    assert!(settler.settle_some(EVENT).await.is_err());
    assert_eq!(settler.due().await.unwrap(), [EVENT].into());
    bench.push(&event(1)).await;
    assert_eq!(rules(&findings(&bench).await), [(Rule::NeverIssued, FindingState::Open)]);
}

/// One seat and one gate of which the stored rows cannot be read.
#[tokio::test]
async fn what_cannot_be_settled_keeps_nothing_else_from_it_and_is_looked_at_again() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    for (gate, slot) in [(&mut north, 42), (&mut south, 43)] {
        gate.admit(slot, Some(&ticket(slot, 1)));
        let at = gate.next().at + Duration::from_hours(3);
        gate.write(&JournalRow { at, ..gate.next() }, None);
        bench.upload(gate).await;
    }
    run(&bench, "CREATE TABLE kept AS SELECT gate, sequence, row FROM journal").await;
    run(&bench, "UPDATE journal SET row = 'x' WHERE gate = (SELECT min(gate) FROM journal)").await;
    let told = async || standing(&bench).await.into_iter().map(|(about, rule, _)| (about, rule)).collect::<Vec<_>>();
    let of_south = [(seat(43), Rule::NeverIssued), (of(&south, None), Rule::ClockJump)];
    assert_eq!(told().await, of_south);
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    assert_eq!(admin.admissions(EVENT).await.unwrap().unsettled, 2);

    // Its reason is gone, and its rest not yet over.
    let restore = "UPDATE journal SET row = kept.row FROM kept
                   WHERE (journal.gate, journal.sequence) = (kept.gate, kept.sequence)";
    run(&bench, restore).await;
    assert_eq!(told().await, of_south);
    bench.clock.advance(REST);
    let of_north = [(seat(42), Rule::NeverIssued), (of(&north, None), Rule::ClockJump)];
    assert_eq!(told().await, [of_north[0], of_south[0], of_north[1], of_south[1]]);
    assert_eq!(admin.admissions(EVENT).await.unwrap().unsettled, 0);
}

/// Found in review: beyond the number of a stored row there was none, and one such row ended the settling of its event.
#[tokio::test]
async fn a_journal_that_ends_with_its_numbers_is_settled_and_retracted() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let at = bench.clock.now() + Duration::from_hours(3);
    let mut outcomes = Vec::new();
    for sequence in [LAST_SEQUENCE, LAST_SEQUENCE + 1, i64::MAX.cast_unsigned(), u64::MAX] {
        gate.sequence = sequence - 1;
        gate.write(&JournalRow { at, sequence, ..gate.next() }, None);
        outcomes.extend(bench.upload(&mut gate).await);
    }
    assert_eq!(outcomes, [Stored, Unreadable, Unreadable, Unreadable]);
    assert_eq!(bench.open_session(&gate).await.known_up_to, Some(LAST_SEQUENCE));
    let found = standing(&bench).await.into_iter().map(|(_, rule, _)| rule).collect::<Vec<_>>();
    assert_eq!(found, [Rule::ClockJump, Rule::Unproved, Rule::Gap]);

    let mut connection = bench.state.pool.acquire().await.unwrap();
    gates::retract(&mut connection, gate.gate, bench.clock.now()).await.unwrap();
    let from: i64 = sqlx::query_scalar("SELECT retracted_from FROM gates").fetch_one(&bench.state.pool).await.unwrap();
    assert_eq!(from.cast_unsigned(), LAST_SEQUENCE + 1);
}
