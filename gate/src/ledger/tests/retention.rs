//! What an auditor reads, and what may go.

use countermark_shared::journal::{Audit, ExportEnd, ExportHead};

use super::clock::answer;
use super::*;
use crate::ledger::{PruneError, Pruned};

/// Six rows: two admissions, their repetitions, one that is no ticket, one more admission.
fn used() -> Bench {
    let mut bench = Bench::synced();
    let texts = [ticket(42, 1), ticket(43, 1), ticket(42, 1), ticket(43, 1), "junk".to_owned(), ticket(44, 1)];
    bench.verdicts(&texts);
    bench
}

fn settle(bench: &mut Bench, outcomes: &[RowOutcome]) {
    let results: Vec<_> =
        (1..).zip(outcomes).map(|(sequence, outcome)| RowResult { sequence, outcome: *outcome }).collect();
    bench.ledger().settle(&results).unwrap();
}

/// After the lease, by the box's calendar.
fn late() -> Moment {
    moment(END + Duration::from_hours(13))
}

/// The cloud says that it is so late.
fn tell(bench: &mut Bench) {
    bench.ledger().set_clock(&answer(late().battery, 5), late()).unwrap();
}

const NOTHING: Duration = Duration::ZERO;

/// Reads it all, a few rows at a time, as an auditor would.
fn audited(bench: &mut Bench, most: usize) -> u64 {
    let key = samples::signing_key(9);
    let mut page = bench.ledger().page(None, most, false).unwrap();
    let mut audit = Audit::begin(&ExportHead::new(GATE, key.verifying_key(), page.after, page.hash)).unwrap();
    let (mut last, mut hash) = (page.after, page.hash);
    while let Some(row) = page.rows.last() {
        (last, hash) = (row.sequence, row.hash);
        page.rows.iter().for_each(|row| audit.row(row).unwrap());
        page = bench.ledger().page(Some(last), most, false).unwrap();
    }
    audit.end(&ExportEnd::sign(GATE, last, hash, &key)).unwrap()
}

#[test]
fn pages_make_one_journal_and_tickets_come_only_when_asked_for() {
    let mut bench = used();
    for most in [1, 4, 100] {
        assert_eq!(audited(&mut bench, most), 6);
    }
    let texts = |tickets| bench.ledger.as_ref().unwrap().page(None, 10, tickets).unwrap().rows;
    assert_eq!(texts(true).iter().filter(|row| row.ticket.is_some()).count(), 3);
    assert!(texts(false).iter().all(|row| row.ticket.is_none()));
}

#[test]
fn nothing_goes_that_somebody_may_ask_about() {
    let mut bench = used();
    let prune = |bench: &mut Bench, keep, now| bench.ledger().prune(keep, now).unwrap().rows;
    assert_eq!(prune(&mut bench, NOTHING, late()), 0, "validation has none of them");
    settle(&mut bench, &[RowOutcome::Stored; 6]);
    assert_eq!(prune(&mut bench, NOTHING, moment(END)), 0, "the event is being served");
    assert_eq!(prune(&mut bench, Duration::from_hours(23), late()), 0, "they are kept as long as that");
    let nobody = moment(Timestamp::from_unix_seconds(0));
    assert!(matches!(bench.ledger().prune(NOTHING, nobody), Err(PruneError::ClockUnsure)));
    assert_eq!(prune(&mut bench, NOTHING, late()), 0, "a calendar alone ends no lease");
    tell(&mut bench);
    assert_eq!(bench.ledger().last_row().unwrap(), Some(6));
    assert_eq!(prune(&mut bench, NOTHING, late()), 6);
    assert_eq!(bench.ledger().last_row().unwrap(), Some(0), "a cloud that lost them need not wait for them");
}

#[test]
fn what_was_let_in_is_not_forgotten_while_the_gate_serves_another_event() {
    let mut bench = used();
    settle(&mut bench, &[RowOutcome::Stored; 6]);
    let [later, latest] = [13, 14].map(|hours| END + Duration::from_hours(hours));
    let prune = |bench: &mut Bench, at| {
        bench.reopen().unwrap();
        bench.ledger().set_clock(&answer(at, 5), moment(at)).unwrap();
        bench.ledger().prune(NOTHING, moment(at)).unwrap().rows
    };
    assign(&mut bench, 2, |assignment| assignment.lease.until = later);
    assign(&mut bench, 3, |assignment| (assignment.event, assignment.lease.until) = (EventId(8), latest));
    assert_eq!(prune(&mut bench, END), 0, "it may be moved back");
    assert_eq!(prune(&mut bench, later), 6, "its last lease of the event has ended");
}

#[test]
fn what_people_look_into_keeps_all_that_follows() {
    let mut bench = used();
    settle(&mut bench, &[RowOutcome::Stored, RowOutcome::Known, RowOutcome::Fork, RowOutcome::Stored]);
    tell(&mut bench);
    let pruned = bench.ledger().prune(NOTHING, late()).unwrap();
    assert_eq!(pruned, Pruned { rows: 2, after: 2, more: false });
    assert_eq!(audited(&mut bench, 2), 6);
    assert!(matches!(bench.ledger().page(Some(1), 10, false), Err(PruneError::Gone { after: 1 })));
    bench.reopen().unwrap();
    assert_eq!(audited(&mut bench, 2), 6);
}

#[test]
fn an_empty_journal_goes_on_where_it_was() {
    let mut bench = used();
    settle(&mut bench, &[RowOutcome::Stored; 6]);
    tell(&mut bench);
    bench.ledger().prune(NOTHING, late()).unwrap();
    for again in 7..=8 {
        bench.reopen().unwrap();
        assert_eq!(bench.scan(&["junk".to_owned()]).remove(0).sequence, Some(again));
        assert_eq!(audited(&mut bench, 2), again);
    }
    let batch = bench.ledger().batch(10).unwrap().unwrap();
    assert_eq!(batch.sequences(), 7..=8);
    assert_ne!(batch.previous, ChainHash::START);
    bench.tamper("UPDATE journal_anchor SET sequence = 5");
    assert!(matches!(bench.reopen(), Err(OpenError::Broken { sequence: 6, .. })));
}
