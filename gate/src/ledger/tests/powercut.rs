//! The power goes before any operation of the disk; what was shown, taken, set and settled by then is there when it comes back.

use super::*;
use crate::cloud::Wanted;
use crate::publisher::Publisher;
use countermark_powercut::{Disk, Fault, Medium};
use countermark_shared::documents::{Held, SlotState};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Each of two places, and may enter once.
const SEATS: u32 = 20;
const PERSONS_PER_SEAT: u32 = 2;
const THREADS: u64 = 4;

/// One thing that is done to a ledger.
enum Step {
    Take(DocumentKind, Vec<u8>),
    Scan(Vec<RawScan>),
    SetClock(TimeAnswered),
    /// Validation answers for so many rows.
    Settle(usize),
    /// The agent ends and starts again.
    Restart,
}

/// What the disk should say, step by step: that of the step before or of the one under way, never anything between.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    held: Held,
    rows: u64,
    chain: ChainHash,
    unsettled: u64,
    steps: u64,
    floor: Timestamp,
}

impl State {
    fn of(ledger: &Ledger) -> Self {
        let report = ledger.report().unwrap();
        let chain = store::head(&ledger.connection).unwrap().hash;
        let floor = store::clock_floor(&ledger.connection).unwrap();
        let (rows, unsettled, steps) = (report.rows, report.unsettled, report.steps);
        Self { held: ledger.documents_held(), rows, chain, unsettled, steps, floor }
    }
}

/// An evening: documents, scans of two lanes that wait together, restarts, a new list key, uploads.
struct Evening {
    steps: Vec<Step>,
    /// Before the first step and after each.
    states: Vec<State>,
}

impl Evening {
    fn new() -> Self {
        let mut publisher = Publisher::new();
        let mut steps = fetch_all(&mut publisher);
        let shown = |lane, slot: u32| RawScan { lane: LaneId(lane), ..scan(&ticket(slot, 1)) };
        for (round, seats) in (0..SEATS).collect::<Vec<_>>().chunks(4).enumerate() {
            let mut waiting: Vec<_> = seats.iter().map(|seat| shown(1, *seat)).collect();
            waiting.push(scan("junk"));
            waiting.extend(seats.iter().take(2).map(|seat| shown(2, *seat)));
            steps.extend(waiting.chunks(3).map(|together| Step::Scan(together.to_vec())));
            steps.push(Step::Scan(vec![shown(1, seats[0]), shown(1, seats[1] / 2)]));
            match round {
                0 => steps.push(Step::SetClock(clock::answer(DOORS + Duration::from_secs(10), 5))),
                1 => {
                    publisher.say([(Slot(50), SlotState::Blocked)]);
                    let to = publisher.slots_standing().revision;
                    let delta = publisher.answer(Wanted::SlotDelta { event: samples::EVENT, to }, DOORS).unwrap();
                    steps.extend([Step::Take(DocumentKind::SlotDelta, delta), Step::Restart]);
                }
                2 => {
                    publisher.replace_list_key();
                    steps.extend(fetch_all(&mut publisher));
                }
                _ => steps.extend([Step::Settle(7), Step::Restart]),
            }
        }
        steps.extend([Step::Settle(MAX_ROWS_PER_UPLOAD), Step::Restart]);
        let mut evening = Self { steps, states: Vec::new() };
        let (disk, mut states) = (Disk::new(Medium::Careful), Vec::new());
        let (mut ledger, mut shown) = (open(&disk.uri("ledger.sqlite")).ok(), Vec::new());
        states.push(State::of(ledger.as_ref().unwrap()));
        for step in &evening.steps {
            perform(step, &disk, &mut ledger, &mut shown).unwrap();
            states.push(State::of(ledger.as_ref().unwrap()));
        }
        evening.states = states;
        evening
    }

    /// How many operations it takes.
    fn operations(&self, medium: Medium) -> u64 {
        let disk = Disk::new(medium);
        self.live(&disk, 0, &mut None, &mut Vec::new()).unwrap();
        disk.operations()
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
            *ledger = Some(open(&disk.uri("ledger.sqlite")).map_err(|_| from)?);
        }
        for (number, step) in self.steps.iter().enumerate().skip(from) {
            perform(step, disk, ledger, shown).map_err(|Failed| number)?;
        }
        Ok(())
    }

    /// The power goes before one operation, and comes back.
    fn cut(&self, medium: Medium, before: u64, seed: u64) {
        let case = format!("{medium:?}, before operation {before}, seed {seed}");
        let disk = Disk::new(medium);
        disk.set_fault(Some(Fault::Cut { before }));
        let mut shown = Vec::new();
        let Err(reached) = self.live(&disk, 0, &mut None, &mut shown) else { return };
        disk.reboot(&mut StdRng::seed_from_u64(before.wrapping_mul(0x9e37_79b9) ^ seed));

        // Every row of the chain is checked by this.
        let mut ledger = Some(open(&disk.uri("ledger.sqlite")).unwrap_or_else(|error| panic!("{case}: {error:?}")));
        let state = State::of(ledger.as_ref().unwrap());
        let (before, after) = (&self.states[reached], &self.states[reached + 1]);
        assert!(state == *before || state == *after, "{case}: step {reached}: {state:?}\n{before:?}\n{after:?}");
        holds(ledger.as_ref().unwrap(), &shown, &case);

        // What was under way is tried again: whether it was done is not known.
        shown.clear();
        self.live(&disk, reached, &mut ledger, &mut shown)
            .unwrap_or_else(|step| panic!("{case}: stuck at step {step}"));
        holds(ledger.as_ref().unwrap(), &shown, &case);
        let ledger = ledger.as_mut().unwrap();
        let everybody: Vec<_> = (0..SEATS).map(|seat| scan(&ticket(seat, 1))).collect();
        assert!(ledger.scan(&everybody, moment(DOORS)).iter().all(|said| !said.ruling.opens), "{case}: once too often");
        for (seat, entered) in entered(ledger) {
            assert_eq!(entered, PERSONS_PER_SEAT, "{case}: seat {seat:?}");
        }
        assert_eq!(ledger.documents_held(), self.states.last().unwrap().held, "{case}");
    }
}

#[derive(Debug)]
struct Failed;

/// What was shown before the disk failed is told even so.
fn perform(step: &Step, disk: &Disk, ledger: &mut Option<Ledger>, shown: &mut Vec<Announcement>) -> Result<(), Failed> {
    let Some(open_ledger) = ledger.as_mut() else { return Err(Failed) };
    match step {
        Step::Take(kind, bytes) => drop(open_ledger.take(*kind, bytes, moment(DOORS)).map_err(|_| Failed)?),
        Step::Scan(scans) => {
            let said = open_ledger.scan(scans, moment(DOORS));
            let failed = said.iter().any(|said| said.sequence.is_none());
            assert!(said.iter().all(|said| said.sequence.is_some() || !said.ruling.opens));
            shown.extend(said.into_iter().filter(|said| said.sequence.is_some()));
            if failed {
                return Err(Failed);
            }
        }
        Step::SetClock(answer) => open_ledger.set_clock(answer, moment(DOORS)).map_err(|_| Failed)?,
        Step::Settle(most) => {
            let batch = open_ledger.batch(*most).map_err(|_| Failed)?;
            let sequences = batch.map(|batch| batch.sequences()).into_iter().flatten();
            let results = sequences.map(|sequence| RowResult { sequence, outcome: RowOutcome::Stored });
            open_ledger.settle(&results.collect::<Vec<_>>()).map(drop).map_err(|_| Failed)?;
        }
        Step::Restart => {
            *ledger = None;
            *ledger = Some(open(&disk.uri("ledger.sqlite")).map_err(|_| Failed)?);
        }
    }
    Ok(())
}

fn fetch_all(publisher: &mut Publisher) -> Vec<Step> {
    let event = publisher.head_at(DOORS).document.unwrap().hash;
    let up_to = publisher.slots_standing().revision;
    let wanted = [
        Wanted::NewestBundle,
        Wanted::Assignment,
        Wanted::EventDocument(event),
        Wanted::SlotSnapshot { event: samples::EVENT, up_to },
    ];
    let mut steps: Vec<_> =
        wanted.into_iter().map(|wanted| Step::Take(wanted.kind(), publisher.answer(wanted, DOORS).unwrap())).collect();
    // It says that the list is the newest now.
    steps.push(Step::Take(DocumentKind::Head, publisher.current_head(DOORS).1));
    steps
}

fn rows(ledger: &Ledger) -> Vec<JournalRow> {
    let stored = store::rows_from(&ledger.connection, 1, usize::MAX).unwrap();
    stored.into_iter().map(|stored| JournalRow::from_bytes(&stored.row).unwrap()).collect()
}

/// Each verdict that was shown is in the journal, as it was shown.
fn holds(ledger: &Ledger, shown: &[Announcement], case: &str) {
    let rows = rows(ledger);
    for said in shown {
        let row = said.sequence.and_then(|sequence| rows.get(usize::try_from(sequence).unwrap() - 1));
        let row = row.unwrap_or_else(|| panic!("{case}: row {:?} was shown and is gone", said.sequence));
        let is = (Some(row.sequence), row.reason, row.persons, row.lane);
        assert_eq!(is, (said.sequence, said.ruling.verdict, said.ruling.persons, said.lane), "{case}");
    }
}

/// How many persons went in with each seat.
fn entered(ledger: &Ledger) -> BTreeMap<Slot, u32> {
    let mut entered = BTreeMap::new();
    for row in rows(ledger).iter().filter(|row| row.direction == Direction::Entry) {
        if let Subject::Ticket { slot, .. } = row.subject {
            *entered.entry(slot).or_default() += u32::from(row.persons);
        }
    }
    entered
}

/// Every operation of both media, each with these seeds; how many cuts that were.
fn cut_everywhere(seeds: std::ops::Range<u64>) -> usize {
    let evening = Evening::new();
    let cuts = AtomicUsize::new(0);
    for medium in [Medium::Careful, Medium::Careless] {
        let operations = evening.operations(medium);
        std::thread::scope(|scope| {
            for first in 1..=THREADS {
                let (evening, cuts, seeds) = (&evening, &cuts, seeds.clone());
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
    }
    cuts.into_inner()
}

#[test]
fn a_cut_before_any_operation_loses_nothing_that_was_shown() {
    let cuts = cut_everywhere(0..1);
    println!("{cuts} cuts");
    assert!(cuts >= 1000, "{cuts} cuts are too few");
}

#[test]
#[ignore = "many minutes; `cargo test -p countermark-gate powercut -- --ignored --nocapture`"]
fn twenty_cuts_before_any_operation_lose_nothing_that_was_shown() {
    println!("{} cuts", cut_everywhere(1..21));
}
