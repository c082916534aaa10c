//! Supervisors and their PINs, through the threads that have them.

use std::thread::JoinHandle;

use super::*;
use crate::clock::Clock;
use crate::ledger::hashing::PinWorker;
use countermark_shared::id::SupervisorId;
use countermark_shared::journal::OverruleReason;
use tokio::sync::{mpsc, oneshot, watch};

const PIN: &str = "273940";
const OTHER_PIN: &str = "906153";
const WRONG: &str = "555123";

/// A ledger at work, with one refusal that may be overruled: row 2.
struct Office {
    folder: tempfile::TempDir,
    work: mpsc::Sender<Work>,
    ledger: JoinHandle<()>,
}

impl Office {
    /// With supervisors, by these PINs.
    fn with(pins: &[&str]) -> (Self, PinWorker) {
        let mut bench = Bench::synced();
        for pin in pins {
            add(bench.ledger(), pin).unwrap();
        }
        bench.ledger = None;
        let (desk, worker) = Self::on(bench.folder);
        for _ in 0..2 {
            let scan = RawScan { at: Clock::start().now().uptime, ..scan(&ticket(42, 1)) };
            desk.work.blocking_send(Work::Scan(scan)).unwrap();
        }
        (desk, worker)
    }

    fn on(folder: tempfile::TempDir) -> (Self, PinWorker) {
        let clock = Clock::start();
        let mut ledger = open(&folder.path().join("ledger.sqlite")).unwrap();
        // The machine's own time is years before the doors, and by this one it is evening.
        ledger.clock = countermark_shared::clock::GateClock::new(DOORS, clock.now().uptime);
        let (work, waiting) = mpsc::channel(32);
        let (pins, worker) = Pins::new(&work);
        let report = watch::Sender::new(ledger.report().unwrap());
        let ledger = std::thread::spawn(move || serve(ledger, waiting, &pins, clock, &report, drop));
        (Self { folder, work, ledger }, worker)
    }

    fn ask<A>(&self, work: impl FnOnce(oneshot::Sender<A>) -> Work) -> oneshot::Receiver<A> {
        let (reply, answer) = oneshot::channel();
        self.work.blocking_send(work(reply)).unwrap();
        answer
    }

    fn overrule(&self, pin: &str) -> oneshot::Receiver<Result<Announcement, ActError>> {
        self.overrule_at(Desk::Gate, pin)
    }

    fn overrule_at(&self, desk: Desk, pin: &str) -> oneshot::Receiver<Result<Announcement, ActError>> {
        let (pin, why) = (TypedPin { pin: pin.into(), desk }, OverruleReason::OrganisersDecision);
        self.ask(|reply| Work::Overrule { sequence: 2, pin, why, reply })
    }

    fn hold(&self, pin: Option<&str>) -> oneshot::Receiver<Result<Done, ActError>> {
        let pin = pin.map(|pin| TypedPin { pin: pin.into(), desk: Desk::Gate });
        self.ask(|reply| Work::ByStaff { act: Ledger::hold, sequence: 2, pin, reply })
    }

    /// The agent ends, and another one begins on its folder.
    fn restart(self) -> (Self, PinWorker) {
        self.work.blocking_send(Work::Stop).unwrap();
        self.ledger.join().unwrap();
        Self::on(self.folder)
    }
}

fn work(worker: PinWorker) -> JoinHandle<()> {
    std::thread::spawn(|| worker.work())
}

pub(super) fn add(ledger: &mut Ledger, pin: &str) -> Result<SupervisorId, SupervisorError> {
    let new = NewSupervisor::new("Ada", [7; 16]).unwrap();
    let salt = ledger.salt_for(&new).unwrap();
    ledger.add_supervisor(&new, salt, &Pin::choose(pin.into()).unwrap().hash(&salt).unwrap())
}

#[test]
fn numbers_and_pins_are_each_of_one_supervisor_for_good() {
    let mut bench = Bench::new();
    assert_eq!(add(bench.ledger(), PIN).unwrap(), SupervisorId(1));
    assert_eq!(add(bench.ledger(), OTHER_PIN).unwrap(), SupervisorId(2));
    assert!(matches!(add(bench.ledger(), PIN), Err(SupervisorError::Taken)));
    bench.ledger().remove_supervisor(SupervisorId(2)).unwrap();
    let unknown = bench.ledger().remove_supervisor(SupervisorId(2));
    assert!(matches!(unknown, Err(SupervisorError::Unknown { number: SupervisorId(2) })));
    assert_eq!(add(bench.ledger(), OTHER_PIN).unwrap(), SupervisorId(3), "rows may have number 2");
    bench.crash().unwrap();
    let known: Vec<_> = bench.ledger().supervisors().unwrap().into_iter().map(|one| one.number).collect();
    assert_eq!(known, [SupervisorId(1), SupervisorId(3)]);
}

#[test]
fn two_who_are_the_first_at_once_do_not_get_two_salts() {
    let mut bench = Bench::new();
    let new = NewSupervisor::new("Ada", [7; 16]).unwrap();
    let pin = Pin::choose(PIN.into()).unwrap().hash(&[7; 16]).unwrap();
    bench.ledger().add_supervisor(&NewSupervisor::new("Bo", [8; 16]).unwrap(), [8; 16], &pin).unwrap();
    assert!(matches!(bench.ledger().add_supervisor(&new, [7; 16], &pin), Err(SupervisorError::Meanwhile)));
}

#[test]
fn a_name_can_be_read() {
    for name in ["", "  ", "a\nb", &"x".repeat(65)] {
        assert!(matches!(NewSupervisor::new(name, [0; 16]), Err(SupervisorError::Name)), "{name:?}");
    }
    assert!(NewSupervisor::new(" Zoë Çelik ", [0; 16]).is_ok());
}

#[test]
fn a_pin_says_who_overrules() {
    let (desk, worker) = Office::with(&[PIN, OTHER_PIN]);
    let worker = work(worker);
    let said = desk.overrule(OTHER_PIN).blocking_recv().unwrap().unwrap();
    assert_eq!((said.sequence, said.ruling.verdict), (Some(3), Reason::Overruled));
    let (ended, _) = desk.restart();
    worker.join().unwrap();
    let row =
        ended.ask(|reply| Work::Batch { most: 9, reply }).blocking_recv().unwrap().unwrap().unwrap().rows.remove(2);
    let expected = Act::Overrule { of: 2, supervisor: SupervisorId(2), why: OverruleReason::OrganisersDecision };
    assert_eq!(JournalRow::from_bytes(&row.row.0).unwrap().act, Some(expected));
}

#[test]
fn a_gate_without_supervisors_is_overruled_by_nobody() {
    let (desk, _worker) = Office::with(&[]);
    assert!(matches!(desk.overrule(PIN).blocking_recv().unwrap(), Err(ActError::NoSupervisor)));
}

#[test]
fn the_ledger_waits_for_no_pin() {
    let (desk, worker) = Office::with(&[PIN]);
    let overruled = desk.overrule(PIN);
    // Nobody hashes yet, and all else goes on.
    desk.ask(|reply| Work::Reach { reply }).blocking_recv().unwrap();
    let worker = work(worker);
    assert!(overruled.blocking_recv().unwrap().is_ok());
    drop(desk);
    worker.join().unwrap();
}

#[test]
fn five_wrong_pins_in_a_row_are_tried_however_many_come_at_once_and_a_restart_forgets_none() {
    let (desk, worker) = Office::with(&[PIN]);
    let tries: Vec<_> = (0..8).map(|_| desk.overrule(WRONG)).collect();
    let worker = work(worker);
    let outcomes = tries.into_iter().map(|one| one.blocking_recv().unwrap());
    let wrong = outcomes.filter(|outcome| matches!(outcome, Err(ActError::WrongPin))).count();
    assert_eq!(wrong, 5);
    let right = desk.overrule(PIN).blocking_recv().unwrap();
    assert!(matches!(right, Err(ActError::Wait { seconds: 1..=10 })), "the right one waits as well: {right:?}");
    let (desk, _worker) = desk.restart();
    worker.join().unwrap();
    let right = desk.overrule(PIN).blocking_recv().unwrap();
    assert!(matches!(right, Err(ActError::Wait { seconds: 1..=10 })), "{right:?}");
}

/// Somebody who has a PIN tries a colleague's, and uses their own in between.
#[test]
fn a_right_pin_makes_no_wrong_one_forgotten() {
    let mut bench = Bench::synced();
    add(bench.ledger(), PIN).unwrap();
    let hash = |pin: &str| Pin::parse(pin.into()).unwrap().hash(&[7; 16]).unwrap();
    let (right, wrong) = (hash(PIN), hash(WRONG));
    let mut identify = |pin, at| bench.ledger().identify(pin, Desk::Gate, moment(at));
    for _ in 0..5 {
        assert!(matches!(identify(&wrong, DOORS), Err(ActError::WrongPin)));
        let known = identify(&right, DOORS);
        assert!(matches!(known, Ok(SupervisorId(1)) | Err(ActError::Wait { seconds: 10 })), "{known:?}");
    }
    assert!(matches!(identify(&wrong, DOORS), Err(ActError::Wait { seconds: 10 })));
    // Once those are forgotten, whoever mistypes now and then never waits.
    for tens in 6..26 {
        let at = DOORS + Duration::from_mins(10 * tens);
        assert!(matches!(identify(&wrong, at), Err(ActError::WrongPin)), "{tens}");
        assert!(identify(&right, at).is_ok(), "{tens}");
    }
}

#[test]
fn whoever_guesses_at_a_tablet_keeps_nobody_at_the_gate_or_at_another_one_waiting() {
    let (desk, worker) = Office::with(&[PIN]);
    let worker = work(worker);
    for _ in 0..5 {
        let wrong = desk.overrule_at(Desk::Tablet(1), WRONG).blocking_recv().unwrap();
        assert!(matches!(wrong, Err(ActError::WrongPin)), "{wrong:?}");
    }
    let (desk, new_worker) = desk.restart();
    worker.join().unwrap();
    let worker = work(new_worker);
    let waits = desk.overrule_at(Desk::Tablet(1), PIN).blocking_recv().unwrap();
    assert!(matches!(waits, Err(ActError::Wait { seconds: 1..=10 })), "{waits:?}");
    let wrong = desk.overrule_at(Desk::Tablet(2), WRONG).blocking_recv().unwrap();
    assert!(matches!(wrong, Err(ActError::WrongPin)), "{wrong:?}");
    assert!(desk.overrule(PIN).blocking_recv().unwrap().is_ok());
    drop(desk);
    worker.join().unwrap();
}

#[test]
fn a_pin_holds_back_whom_staff_do_not_see_any_more() {
    let (desk, worker) = Office::with(&[PIN]);
    let worker = work(worker);
    // The rows are of an evening that is years from now by this machine's clock; of them nobody is too late.
    assert!(matches!(desk.hold(Some(WRONG)).blocking_recv().unwrap(), Err(ActError::WrongPin)));
    let held = desk.hold(Some(PIN)).blocking_recv().unwrap().unwrap();
    assert_eq!((held.deed, held.sequence), (Deed::Hold, 3));
    assert!(matches!(desk.hold(Some(PIN)).blocking_recv().unwrap(), Err(ActError::Held)));
    let (desk, _) = desk.restart();
    worker.join().unwrap();
    let row =
        desk.ask(|reply| Work::Batch { most: 9, reply }).blocking_recv().unwrap().unwrap().unwrap().rows.remove(2);
    let row = JournalRow::from_bytes(&row.row.0).unwrap();
    assert_eq!((row.act, row.actor), (Some(Act::Hold), Actor::Supervisor));
}

#[test]
fn what_has_not_the_form_of_a_pin_is_no_try() {
    let (desk, _worker) = Office::with(&[PIN]);
    for _ in 0..9 {
        assert!(matches!(desk.overrule("12345").blocking_recv().unwrap(), Err(ActError::WrongPin)));
    }
}
