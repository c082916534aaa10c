//! The power goes before any operation of the disk; what was shown, taken, set and settled by then is there when it comes back.

mod evenings;
mod step;

use super::super::history::History;
use super::super::salvage;
use super::*;
use crate::cloud::Wanted;
use crate::publisher::Publisher;
use countermark_powercut::{Disk, Fault, Medium};
use countermark_shared::documents::Held;
use evenings::HELD;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use step::{Failed, Step};

const THREADS: u64 = 4;

/// What the disk should say, step by step: that of the step before or of the one under way, never anything between.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    held: Held,
    pruned: u64,
    rows: u64,
    chain: ChainHash,
    unsettled: u64,
    steps: u64,
    batches: u64,
    /// Sealed tickets, guests, wrong PINs and codes.
    texts: u32,
    guests: u32,
    wrong: [u32; 2],
    floor: Timestamp,
}

impl State {
    fn of(ledger: &Ledger) -> Self {
        let report = ledger.report().unwrap();
        let chain = store::head(&ledger.connection).unwrap().hash;
        let floor = store::clock_floor(&ledger.connection).unwrap();
        let pruned = store::anchor(&ledger.connection).unwrap().sequence;
        let (rows, unsettled, steps, batches) = (report.rows, report.unsettled, report.steps, report.batches);
        let count = |what: &str| {
            ledger.connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
        };
        let (texts, guests) = (count("journal WHERE ticket IS NOT NULL"), count("guest"));
        let pins = store::throttle(&ledger.connection, Desk::Gate).unwrap();
        let wrong = [pins.wrong, store::missed_codes(&ledger.connection).unwrap().wrong];
        let held = ledger.documents_held();
        Self { held, pruned, rows, chain, unsettled, steps, batches, texts, guests, wrong, floor }
    }

    /// Time passes in several transactions, each of them done or not.
    fn is_between(&self, before: &Self, after: &Self) -> bool {
        let Self { texts, guests, floor, .. } = before.clone();
        let parts = |state: &Self| [state.texts.into(), state.guests.into(), state.floor.unix_millis()];
        let mut of_all = parts(self).into_iter().zip(parts(before)).zip(parts(after));
        Self { texts, guests, floor, ..self.clone() } == *before
            && of_all.all(|((part, before), after)| part == before || part == after)
    }
}

/// What a ledger goes through.
struct Evening {
    /// What each medium has on it at the beginning.
    begun: [Disk; 2],
    steps: Vec<Step>,
    /// Before the first step and after each.
    states: Vec<State>,
    /// How many are counted by the seats whose holders come once more at the end, and are not let in.
    seats: BTreeMap<u32, u32>,
    /// What is on no file in the end.
    secrets: Vec<Vec<u8>>,
    /// How each start reads the log.
    reread: Reread,
}

impl Evening {
    fn of(begun: [Disk; 2], steps: Vec<Step>, seats: BTreeMap<u32, u32>) -> Self {
        let mut evening = Self {
            begun,
            steps,
            states: Vec::new(),
            seats,
            secrets: Vec::new(),
            reread: countermark_powercut::reread_log,
        };
        let disk = evening.begun[0].image();
        let (mut ledger, mut shown) = (evening.start(&disk).ok(), Vec::new());
        let mut states = vec![State::of(ledger.as_ref().unwrap())];
        for step in &evening.steps {
            evening.perform(step, &disk, &mut ledger, &mut shown).unwrap();
            states.push(State::of(ledger.as_ref().unwrap()));
        }
        evening.states = states;
        evening
    }

    fn open(&self, disk: &Disk) -> Result<Ledger, OpenError> {
        open_by(self.reread, &disk.uri("ledger.sqlite"))
    }

    /// As the agent starts.
    fn start(&self, disk: &Disk) -> Result<Ledger, OpenError> {
        let mut ledger = self.open(disk)?;
        ledger.release_claims(moment(DOORS));
        Ok(ledger)
    }

    fn disk(&self, medium: Medium) -> Disk {
        self.begun.iter().find(|disk| disk.medium() == medium).unwrap().image()
    }

    /// How many operations it takes.
    fn operations(&self, medium: Medium) -> u64 {
        operations_of(&self.disk(medium), |disk| self.live(disk, 0, &mut None, &mut Vec::new()).unwrap())
    }

    /// Goes on from a step, opening the ledger if it is not. An error is the step at which the disk failed.
    fn live(
        &self,
        disk: &Disk,
        from: usize,
        ledger: &mut Option<Ledger>,
        shown: &mut Vec<Announcement>,
    ) -> Result<(), usize> {
        if ledger.is_none() {
            *ledger = Some(self.start(disk).map_err(|_| from)?);
        }
        for (number, step) in self.steps.iter().enumerate().skip(from) {
            self.perform(step, disk, ledger, shown).map_err(|Failed| number)?;
        }
        Ok(())
    }

    /// The power goes before one operation, comes back, and goes once more before one of the start that follows.
    fn cut(&self, medium: Medium, before: u64, seed: u64) {
        let case = format!("{medium:?}, before operation {before}, seed {seed}");
        let mut random = StdRng::seed_from_u64(before.wrapping_mul(0x9e37_79b9) ^ seed);
        let disk = self.disk(medium);
        let (mut reached, mut shown) = (0, Vec::new());
        cut_before(&disk, before, &case, || {
            reached = self.live(&disk, 0, &mut None, &mut shown).err().unwrap_or(self.steps.len());
        });
        disk.reboot(&mut random);
        self.cut_start(&disk, &mut random, &case);

        // Every row of the chain is checked by this.
        let mut ledger = Some(self.open(&disk).unwrap_or_else(|error| panic!("{case}: {error:?}")));
        let state = State::of(ledger.as_ref().unwrap());
        let (before, after) = (&self.states[reached], &self.states[self.states.len().min(reached + 2) - 1]);
        let is_sound = match self.steps.get(reached) {
            Some(Step::PassTime(_)) => state.is_between(before, after),
            _ => state == *before || state == *after,
        };
        assert!(is_sound, "{case}: step {reached}: {state:?}\n{before:?}\n{after:?}");
        assert!(holds(ledger.as_ref().unwrap(), &shown), "{case}: what was shown is gone");

        // What was under way is tried again: whether it was done is not known.
        ledger.as_mut().unwrap().release_claims(moment(DOORS));
        shown.clear();
        self.live(&disk, reached, &mut ledger, &mut shown)
            .unwrap_or_else(|step| panic!("{case}: stuck at step {step}"));
        assert!(holds(ledger.as_ref().unwrap(), &shown), "{case}: what was shown is gone");
        let ledger = ledger.as_mut().unwrap();
        let everybody: Vec<_> = self.seats.keys().map(|seat| scan(&ticket(*seat, 1))).collect();
        assert!(ledger.scan(&everybody, moment(DOORS)).iter().all(|said| !said.ruling.opens), "{case}: once too often");
        for (seat, expected) in &self.seats {
            let history = history(ledger, *seat);
            assert_eq!(history.passages(None).admitted, *expected, "{case}: seat {seat}");
            assert_eq!(history.hold().is_some(), *seat == HELD, "{case}: seat {seat}");
        }
        assert_eq!(ledger.documents_held(), self.states.last().unwrap().held, "{case}");
        for secret in &self.secrets {
            assert!(!disk.holds(secret), "{case}: a name is on the disk");
        }
    }

    /// One sync fails, the agent is killed and started again, which the power may cut, and in the end the power goes. Whether the ledger says then what it
    /// said before.
    fn outlives_a_failed_sync(&self, medium: Medium, number: u64, is_start_cut: bool) -> bool {
        let case = format!("{medium:?}, sync {number}, start cut: {is_start_cut}");
        let mut random = StdRng::seed_from_u64(number);
        let disk = self.disk(medium);
        disk.set_fault(Some(Fault::Sync { number: disk.syncs() + number }));
        let (mut ledger, mut shown) = (None, Vec::new());
        let reached = self.live(&disk, 0, &mut ledger, &mut shown).err().unwrap_or(self.steps.len());
        // Whoever is killed closes nothing.
        std::mem::forget(ledger.take());
        if is_start_cut {
            self.cut_start(&disk, &mut random, &case);
        }
        let Ok(mut ledger) = self.start(&disk).map(Some) else { return false };
        for step in self.steps.iter().skip(reached).take(1) {
            self.perform(step, &disk, &mut ledger, &mut shown).unwrap_or_else(|Failed| panic!("{case}: stuck"));
        }
        let told = ledger.as_ref().map(State::of).unwrap();
        std::mem::forget(ledger.take());
        disk.reboot(&mut random);
        let Ok(ledger) = self.open(&disk) else { return false };
        State::of(&ledger) == told && holds(&ledger, &shown)
    }

    /// The power goes before one operation of a start, if it has any, and comes back.
    fn cut_start(&self, disk: &Disk, random: &mut StdRng, case: &str) {
        let start = |disk: &Disk| drop(self.open(disk));
        let operations = operations_of(&disk.image(), start);
        if operations > 0 {
            cut_before(disk, random.random_range(1..=operations), case, || start(disk));
            disk.reboot(random);
        }
    }

    /// How many syncs it does not outlive.
    fn lost_by_failed_syncs(&self) -> usize {
        let lost = [Medium::Careful, Medium::Careless].map(|medium| {
            let disk = self.disk(medium);
            self.live(&disk, 0, &mut None, &mut Vec::new()).unwrap();
            let cases = (1..=disk.syncs()).flat_map(|number| [(number, false), (number, true)]);
            cases.filter(|(number, is_start_cut)| !self.outlives_a_failed_sync(medium, *number, *is_start_cut)).count()
        });
        lost.iter().sum()
    }
}

/// How many it takes.
fn operations_of(disk: &Disk, what: impl FnOnce(&Disk)) -> u64 {
    let before = disk.operations();
    what(disk);
    disk.operations() - before
}

/// The power goes before one operation of what is done.
fn cut_before(disk: &Disk, before: u64, case: &str, what: impl FnOnce()) {
    let operation = disk.operations() + before;
    disk.set_fault(Some(Fault::Cut { before: operation }));
    what();
    assert!(disk.operations() >= operation, "{case}: the power never went");
}

fn history(ledger: &Ledger, slot: u32) -> History {
    store::history(&ledger.connection, samples::EVENT, Slot(slot)).unwrap()
}

fn rows(ledger: &Ledger) -> Vec<JournalRow> {
    let stored = store::rows_from(&ledger.connection, 1, usize::MAX).unwrap();
    stored.into_iter().map(|stored| JournalRow::from_bytes(&stored.row).unwrap()).collect()
}

/// Whether each verdict that was shown is in the journal, as it was shown.
fn holds(ledger: &Ledger, shown: &[Announcement]) -> bool {
    let rows = rows(ledger);
    shown.iter().all(|said| {
        let what = (said.sequence, said.ruling.verdict, said.ruling.persons, said.lane);
        rows.iter().any(|row| (Some(row.sequence), row.reason, row.persons, row.lane) == what)
    })
}

/// Cuts before every operation on both media, each with these seeds; says and answers how many cuts that were.
fn cut_everywhere(name: &str, evening: &Evening, seeds: std::ops::Range<u64>) -> usize {
    let cuts = AtomicUsize::new(0);
    let operations = [Medium::Careful, Medium::Careless].map(|medium| {
        let operations = evening.operations(medium);
        std::thread::scope(|scope| {
            for first in 1..=THREADS {
                let (cuts, seeds) = (&cuts, seeds.clone());
                scope.spawn(move || {
                    for before in (first..=operations).step_by(usize::try_from(THREADS).unwrap()) {
                        for seed in seeds.clone() {
                            evening.cut(medium, before, seed);
                            cuts.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        operations
    });
    let ([careful, careless], cuts) = (operations, cuts.into_inner());
    println!(
        "{name}: {careful} operations on a careful medium, {careless} on a careless one; {cuts} runs, each cut there and at its next start"
    );
    cuts
}

#[test]
fn a_cut_before_any_operation_loses_nothing_that_was_shown() {
    let cuts = cut_everywhere("an evening", &Evening::new(), 0..1);
    assert!(cuts >= 1000, "{cuts} cuts are too few");
}

#[test]
fn a_cut_before_any_operation_undoes_nothing_of_what_was_done_about_a_ticket() {
    cut_everywhere("what is done about tickets", &Evening::of_staff(), 0..2);
}

#[test]
fn a_cut_while_rows_go_leaves_a_journal_that_begins_before_or_after_them() {
    let evening = Evening::over();
    assert!(evening.states.last().unwrap().pruned > 0, "no row went");
    cut_everywhere("the day after", &evening, 0..4);
}

/// What is damaged is read, and a new ledger written beside it. It is whole once that is said, and until then it can be written again.
#[test]
fn a_cut_while_a_damaged_ledger_is_saved_loses_no_row_of_it() {
    let evening = Evening::of_staff();
    let saved = |disk: &Disk, to: &str| salvage::save(&disk.uri("ledger.sqlite"), &disk.uri(to), GATE).is_ok();
    for (medium, begun) in [Medium::Careful, Medium::Careless].into_iter().zip(&evening.begun) {
        evening.live(begun, 0, &mut None, &mut Vec::new()).unwrap();
        let before = State::of(&open(&begun.uri("ledger.sqlite")).unwrap());
        let no_index = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA writable_schema = ON;
                        DELETE FROM sqlite_schema WHERE name = 'journal_seats'";
        Connection::open(begun.uri("ledger.sqlite")).unwrap().execute_batch(no_index).unwrap();
        assert!(matches!(open(&begun.uri("ledger.sqlite")), Err(OpenError::Damaged { .. })));
        let whole = begun.image();
        let operations = whole.operations();
        assert!(saved(&whole, "new.sqlite"));
        let operations = whole.operations() - operations;
        for cut in 1..=operations + 1 {
            let case = format!("{medium:?}, before operation {cut} of {operations}");
            let disk = begun.image();
            disk.set_fault(Some(Fault::Cut { before: disk.operations() + cut }));
            let mut new = "new.sqlite";
            let is_saved = saved(&disk, new);
            disk.reboot(&mut StdRng::seed_from_u64(cut));
            if !is_saved {
                // The next start begins anew.
                new = "newer.sqlite";
                assert!(saved(&disk, new), "{case}");
            }
            let ledger = open(&disk.uri(new)).unwrap_or_else(|error| panic!("{case}: {error:?}"));
            let after = State::of(&ledger);
            assert_eq!(State { unsettled: before.unsettled, ..after }, before, "{case}");
        }
        println!(
            "a damaged ledger is saved in {operations} operations on a medium that is {medium:?}; a cut before each"
        );
    }
}

#[test]
fn a_cut_while_names_and_guests_come_and_go_and_pins_are_tried_keeps_what_is_to_be_here_and_nothing_else() {
    let evening = Evening::of_names();
    let [first, .., last] = &evening.states[..] else { panic!("nothing happens") };
    assert_eq!((first.texts, first.guests, last.texts, last.guests, last.wrong), (0, 0, 0, 0, [3, 1]));
    cut_everywhere("names and guests", &evening, 0..2);
}

/// As `fsync` does on Linux, whose next call says that all is well: what the next start reads is not therefore on the disk.
#[test]
fn after_a_sync_that_failed_nothing_rests_on_what_is_not_on_the_disk() {
    assert_eq!(Evening::new().lost_by_failed_syncs(), 0);
    assert!(
        Evening { reread: |_| Ok(()), ..Evening::new() }.lost_by_failed_syncs() > 0,
        "it is read again for nothing"
    );
}

#[test]
#[ignore = "many minutes; `cargo test -p countermark-gate powercut -- --ignored --nocapture`"]
fn twenty_cuts_before_any_operation_lose_nothing_that_was_shown() {
    cut_everywhere("an evening", &Evening::new(), 1..21);
    cut_everywhere("what is done about tickets", &Evening::of_staff(), 2..22);
}
