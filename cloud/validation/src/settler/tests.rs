//! Settling what real uploads leave in a real database.

mod found;

use std::num::NonZeroU8;

use countermark_service::contract::ReportedState::{Issued, Revoked};
use countermark_service::contract::ValidationClient;
use countermark_service::contract::findings::{
    About, Evidence, Finding, FindingQuery, FindingState, Jump, Objection, Rule,
};
use countermark_service::service_name::ServiceName;
use countermark_shared::id::Generation;
use countermark_shared::journal::{Act, ChainHash, JournalRow, Subject};
use countermark_shared::verdict::Reason;
use countermark_shared::wire::RowOutcome::{Fork, Known, Stored, Unproved};

use super::*;
use crate::testing::{Bench, EVENT, TestGate, ticket};

async fn settle(bench: &Bench) {
    let settler = Settler::new(bench.state.clone());
    while settler.settle_some(EVENT).await.unwrap() {}
    assert!(settler.due().await.unwrap().is_empty());
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
    assert_eq!(figures.gates.iter().map(|gate| gate.admitted).collect::<Vec<_>>(), [2, 0]);
    assert_eq!(figures.quarters.iter().map(|quarter| (quarter.entered, quarter.left)).collect::<Vec<_>>(), [(2, 0)]);

    // Admitted again, it is found again.
    bench.clock.advance(Duration::from_secs(5));
    south.admit(42, None);
    bench.upload(&mut south).await;
    assert_eq!(rules(&findings(&bench).await)[0], (Rule::DoubleAdmission, FindingState::Open));
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
    let refuse = "ALTER TABLE findings ADD CONSTRAINT refused CHECK (false) NOT VALID";
    sqlx::query(refuse).execute(&bench.state.pool).await.unwrap();
    let settler = Settler::new(bench.state.clone());
    assert!(settler.settle_some(EVENT).await.is_err());
    assert_eq!(settler.due().await.unwrap(), [EVENT].into());
    sqlx::query("ALTER TABLE findings DROP CONSTRAINT refused").execute(&bench.state.pool).await.unwrap();
    assert_eq!(rules(&findings(&bench).await), [(Rule::NeverIssued, FindingState::Open)]);
}
