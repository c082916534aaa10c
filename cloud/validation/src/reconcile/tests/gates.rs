//! Gates.

use countermark_service::contract::findings::Jump;
use countermark_shared::journal::ChainHash;

use super::*;

/// A gate's journal, each row when it was written; a copy of it goes on from any row.
#[derive(Clone)]
struct Journal(Vec<Link>);

impl Journal {
    fn of(rows: impl IntoIterator<Item = JournalRow>) -> Self {
        Self(Vec::new()).then(rows)
    }

    fn then(mut self, rows: impl IntoIterator<Item = JournalRow>) -> Self {
        for row in rows {
            let before = self.0.last().map_or(ChainHash::START, |link| link.after);
            let after = before.next(&row.to_bytes());
            let received = row.at;
            self.0.push(Link { row, before, after, received, believed: true, aside: false });
        }
        self
    }

    fn findings(&self) -> Vec<Found> {
        GateHistory::of(GateId(1), &self.0, 0).findings()
    }
}

fn rows(numbers: std::ops::Range<u64>) -> impl Iterator<Item = JournalRow> {
    numbers.map(|number| row(1, number, Reason::AlreadyUsed, 0))
}

fn at_row(row: u64, rule: Rule, first: u64, last: u64) -> Found {
    let about = About::Gate { gate: GateId(1), row: Some(row) };
    Found { about, rule, evidence: Evidence::Rows { first, last } }
}

#[test]
fn a_whole_journal_has_nothing_to_find() {
    assert_eq!(Journal::of(rows(0..50)).findings(), []);
}

#[test]
fn rows_that_are_missing_are_told_and_not_once_they_have_come() {
    let whole = Journal::of(rows(0..10));
    let mut without = whole.clone();
    without.0.retain(|link| ![1, 5, 6].contains(&link.row.sequence));
    assert_eq!(without.findings(), [at_row(2, Rule::Gap, 1, 1), at_row(7, Rule::Gap, 5, 6)]);
    without.0.extend(whole.0);
    without.0.sort_by_key(|link| std::cmp::Reverse(link.row.sequence));
    assert_eq!(without.findings(), []);
}

#[test]
fn a_disk_that_was_put_back_is_one_fork_however_long() {
    let mut journal = Journal::of(rows(0..6));
    let mut restored = journal.clone();
    restored.0.truncate(3);
    let other = rows(3..9).map(|row| JournalRow { reason: Reason::PassBack, ..row });
    let restored = restored.then(other);
    for link in restored.0.into_iter().skip(3) {
        let aside = link.row.sequence <= 6;
        journal.0.push(Link { aside, ..link });
    }
    assert_eq!(journal.findings(), [at_row(4, Rule::Fork, 4, 6)]);
    // Without the rows that were kept aside, the one behind them says as much.
    journal.0.retain(|link| !link.aside);
    assert_eq!(journal.findings(), [at_row(6, Rule::Fork, 6, 6)]);
}

#[test]
fn clocks_that_jump_are_told_and_those_that_go_on_are_not() {
    let hour = Duration::from_hours(1);
    let first = row(1, 100, Reason::AlreadyUsed, 0);
    let next = JournalRow { sequence: 102, ..first.clone() };
    let of = |row: JournalRow| jumps(&row, Some(&first), at(100));
    let rolled_back = ClockState::RolledBack;
    assert_eq!(of(next.clone()), []);
    assert_eq!(of(JournalRow { at: at(40), ..next.clone() }), [], "a minute is how far clocks are apart");
    let back = Jump::Back { row: 102, from: at(100), to: at(39) };
    assert_eq!(of(JournalRow { at: at(39), ..next.clone() }), [back]);
    let rebooted = JournalRow { at: at(39), boot: BootId::new([2; 16]), ..next.clone() };
    assert_eq!(of(rebooted), [], "another boot may have another clock");
    assert_eq!(of(JournalRow { at: at(160), ..next.clone() }), []);
    let ahead = Jump::Ahead { row: 102, at: at(100) + hour, received: at(100) };
    assert_eq!(of(JournalRow { at: at(100) + hour, ..next.clone() }), [ahead]);
    let disowned = Jump::Disowned { row: 102, state: rolled_back };
    assert_eq!(of(JournalRow { clock: rolled_back, ..next.clone() }), [disowned]);
    let still = JournalRow { clock: rolled_back, ..first.clone() };
    assert_eq!(jumps(&JournalRow { clock: rolled_back, ..next.clone() }, Some(&still), at(100)), []);
    assert_eq!(of(JournalRow { clock: ClockState::Unknown, ..next }), []);
}

#[test]
fn rows_that_prove_nothing_and_bytes_that_are_no_row_are_one_finding() {
    let mut journal = Journal::of(rows(0..4));
    journal.0[2].believed = false;
    let findings = GateHistory::of(GateId(1), &journal.0, 3).findings();
    let [Found { rule: Rule::Unproved, evidence, .. }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(*evidence, Evidence::Doubtful { unproved: 1, unreadable: 3 });
}

#[test]
fn a_gate_is_lost_that_is_silent_while_people_come() {
    let hour = Duration::from_hours(1);
    let attendance = |seen| Attendance { seen, doors: NOON, last_entry: NOON + 5 * hour, last_row: Some(7) };
    let is_lost = |seen, now| lost(GateId(1), &attendance(seen), now).is_some();
    // Enrolled the day before, in its case until the doors open.
    assert!(!is_lost(NOON - 24 * hour, NOON + hour - Duration::from_millis(1)));
    assert!(is_lost(NOON - 24 * hour, NOON + hour));
    assert!(!is_lost(NOON + hour, NOON + 2 * hour - Duration::from_millis(1)));
    assert!(is_lost(NOON + hour, NOON + 2 * hour));
    // Heard after the last could come in, and then switched off.
    assert!(!is_lost(NOON + 5 * hour, NOON + 9 * hour));
    assert!(
        is_lost(NOON + 5 * hour - Duration::from_millis(1), NOON + 9 * hour),
        "what it did at the end is not known"
    );
}
