//! What ledgers go through before the power goes.

use super::*;
use countermark_shared::documents::{Assignment, FeedRow, Lease, Passage, Signed, SlotState};

/// Each of two places, and may enter once.
const SEATS: u32 = 20;
const PERSONS_PER_SEAT: u32 = 2;
/// The first key that a publisher makes.
const NEXT_LIST_KEY: u8 = 101;

// Seats of which each has its own story.
const UNDONE: u32 = 20;
pub(super) const HELD: u32 = 21;
const OVERRULED: u32 = 22;
const NOT_TURNED: u32 = 23;
const NOBODY_PASSED: u32 = 24;
const SOMEBODY_PASSED: u32 = 25;
const ASKED_ABOUT: u32 = 26;

impl Evening {
    /// Documents, steps and batches, scans of two lanes that wait together, restarts, a new list key, uploads.
    pub(super) fn new() -> Self {
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
                    steps.extend([
                        Step::Take(DocumentKind::SlotDelta, delta),
                        elsewhere(&mut publisher, 60),
                        Step::Restart,
                    ]);
                }
                2 => {
                    publisher.replace_list_key();
                    steps.extend(fetch_all(&mut publisher));
                    steps.push(elsewhere(&mut publisher, 61));
                }
                _ => steps.extend([Step::Settle(7), Step::Restart]),
            }
        }
        steps.extend([Step::Settle(MAX_ROWS_PER_UPLOAD), Step::Restart]);
        let seats = (0..SEATS).map(|seat| (seat, PERSONS_PER_SEAT)).collect();
        Self::of([Medium::Careful, Medium::Careless].map(Disk::new), steps, seats)
    }

    /// What is done about a ticket beside the verdict of its scan: claims, undos, holds, overrules, what the arm tells, what staff confirm.
    pub(super) fn of_staff() -> Self {
        let synced = Self::of(
            [Medium::Careful, Medium::Careless].map(Disk::new),
            fetch_all(&mut Publisher::new()),
            BTreeMap::new(),
        );
        for disk in &synced.begun {
            synced.live(disk, 0, &mut None, &mut Vec::new()).unwrap();
        }
        let shown = |slot| Step::Scan(vec![scan(&ticket(slot, 1))]);
        let confirm = |slot, passed| Step::Confirm { slot, passed };
        let steps = vec![
            shown(UNDONE),
            Step::Undo(UNDONE),
            shown(UNDONE),
            shown(HELD),
            Step::Hold(HELD),
            shown(HELD),
            Step::Release(HELD),
            Step::Ask(ASKED_ABOUT),
            Step::Answered(ASKED_ABOUT),
            shown(OVERRULED),
            shown(OVERRULED),
            Step::Overrule(OVERRULED),
            shown(NOT_TURNED),
            Step::Tell(NOT_TURNED, Actuation::NotTurned),
            shown(NOT_TURNED),
            Step::Tell(NOT_TURNED, Actuation::NotOpened),
            shown(NOBODY_PASSED),
            Step::Restart,
            shown(NOBODY_PASSED),
            confirm(NOBODY_PASSED, false),
            shown(NOBODY_PASSED),
            shown(SOMEBODY_PASSED),
            Step::Restart,
            confirm(SOMEBODY_PASSED, true),
            Step::Hold(HELD),
            Step::Settle(MAX_ROWS_PER_UPLOAD),
        ];
        let mut seats: BTreeMap<_, _> = (UNDONE..=ASKED_ABOUT).map(|seat| (seat, PERSONS_PER_SEAT)).collect();
        seats.insert(OVERRULED, PERSONS_PER_SEAT + 1);
        let evening = Self::of(synced.begun, steps, seats);
        for (number, pair) in evening.states.windows(2).enumerate() {
            let is_restart = matches!(evening.steps[number], Step::Restart);
            assert!(is_restart || pair[0] != pair[1], "step {number} does nothing");
        }
        evening
    }

    /// Sealed tickets, a guest list page by page, PINs and codes that are wrong; and what has to leave the disk leaves it.
    pub(super) fn of_names() -> Self {
        let names_until = DOORS + Duration::from_mins(10);
        let lease = Lease { names_until, ..samples::assignment().lease };
        let secrets = vec![samples::wrapped_secret()];
        let assignment = Assignment { version: 2, lease, secrets, ..samples::assignment() };
        let event = Signed::seal(&samples::event_with_guests(2, true), &[&samples::signing_key(4)]).unwrap();
        let documents = samples::documents().into_iter().chain([
            (DocumentKind::Assignment, samples::assignment_bytes(&assignment)),
            (DocumentKind::EventDocument, event),
        ]);
        let guest = |slot| samples::guest(slot, 1, samples::ORDER, DOORS);
        let sealed = |slot| samples::sealed_ticket(slot, false).to_text();
        let wrong = || Step::WrongPin(Pin::parse("555123".into()).unwrap().hash(&[7; 16]).unwrap());
        let mut steps: Vec<_> = documents.map(|(kind, bytes)| Step::Take(kind, bytes)).collect();
        steps.extend([
            Step::Guests((40..60).map(guest).collect()),
            wrong(),
            Step::Guests((60..70).map(guest).collect()),
            Step::Scan(vec![scan(&sealed(40)), scan(&sealed(41))]),
            Step::WrongCode,
            wrong(),
            Step::Restart,
            wrong(),
            Step::Settle(MAX_ROWS_PER_UPLOAD),
            Step::PassTime(names_until),
            Step::Restart,
            Step::PassTime(names_until),
        ]);
        let seats = BTreeMap::from([(40, PERSONS_PER_SEAT), (41, PERSONS_PER_SEAT)]);
        let texts = [40, 41].map(|slot| sealed(slot).into_bytes());
        let secrets: Vec<_> = texts.into_iter().chain((40..70).map(|slot| guest(slot).half.0)).collect();
        let disk = Disk::new(Medium::Careful);
        let evening = Self { secrets, ..Self::of([Medium::Careful, Medium::Careless].map(Disk::new), steps, seats) };
        let mut ledger = evening.start(&disk).ok();
        for step in evening.steps.iter().take_while(|step| !matches!(step, Step::PassTime(_))) {
            evening.perform(step, &disk, &mut ledger, &mut Vec::new()).unwrap();
        }
        assert!(evening.secrets.iter().all(|secret| disk.holds(secret)), "there is nothing to leave the disk");
        evening
    }

    /// The day after: the gate's lease has ended, and the rows of the evening go.
    pub(super) fn over() -> Self {
        let evening = Self::new();
        for disk in &evening.begun {
            evening.live(disk, 0, &mut None, &mut Vec::new()).unwrap();
        }
        let mut publisher = Publisher::new();
        publisher.replace_list_key();
        publisher.assign(|assignment| (assignment.lease.until, assignment.lease.names_until) = (DOORS, DOORS));
        let assignment = publisher.answer(Wanted::Assignment, DOORS).unwrap();
        let told = || Step::SetClock(clock::answer(DOORS + Duration::from_mins(1), NEXT_LIST_KEY));
        let take = Step::Take(DocumentKind::Assignment, assignment);
        let steps = vec![take, told(), Step::Prune, Step::Restart, told(), Step::Prune];
        Self::of(evening.begun, steps, BTreeMap::new())
    }
}

fn fetch_all(publisher: &mut Publisher) -> Vec<Step> {
    let event = publisher.head_at(DOORS).document.unwrap().hash;
    let up_to = publisher.slots_standing().revision;
    let wanted = [
        Wanted::NewestBundle,
        Wanted::Assignment,
        Wanted::EventDocument(event),
        Wanted::SlotSnapshot { event: samples::EVENT, up_to },
        Wanted::FeedSnapshot { event: samples::EVENT, up_to: publisher.feed_standing().revision },
    ];
    let mut steps: Vec<_> =
        wanted.into_iter().map(|wanted| Step::Take(wanted.kind(), publisher.answer(wanted, DOORS).unwrap())).collect();
    // It says that the list is the newest now.
    steps.push(Step::Take(DocumentKind::Head, publisher.current_head(DOORS).1));
    steps
}

/// The next batch of the feed: another gate let somebody in.
fn elsewhere(publisher: &mut Publisher, slot: u32) -> Step {
    let row = FeedRow {
        gate: GateId(9),
        sequence: u64::from(slot),
        slot: Slot(slot),
        persons: 2,
        at: DOORS,
        passage: Passage::Entry,
    };
    publisher.tell(&[row], &[]);
    let to = publisher.feed_standing().revision;
    let batch = publisher.answer(Wanted::FeedBatch { event: samples::EVENT, to }, DOORS).unwrap();
    Step::Take(DocumentKind::FeedBatch, batch)
}
