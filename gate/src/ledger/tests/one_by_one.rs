//! A code for several persons at a lane where each scan is for one.

use super::*;
use countermark_shared::id::SupervisorId;
use countermark_shared::journal::{Actuation, OverruleReason};

const LANE: LaneId = LaneId(1);

fn bench() -> Bench {
    let mut bench = Bench::synced();
    bench.ledger().let_through(LANE, Persons::One);
    bench
}

/// Sightings of the ticket of a seat for two, after so many milliseconds, and what was said to those that were answered.
fn seen(bench: &mut Bench, kind: DeviceKind, sightings: &[u64]) -> Vec<(u64, Reason, u8)> {
    let mut said = Vec::new();
    for milliseconds in sightings {
        let at = UPTIME + Duration::from_millis(*milliseconds);
        let source = Source::Device(Device::named(kind, "left"));
        let sighting = RawScan { source, at, ..scan(&ticket(42, 1)) };
        let answered = bench.ledger().scan(&[sighting], Moment { battery: DOORS, uptime: at });
        said.extend(answered.into_iter().map(|said| (*milliseconds, said.ruling.verdict, said.ruling.persons)));
    }
    said
}

#[test]
fn each_scan_lets_in_the_next_until_all_are_in() {
    let mut bench = bench();
    let said = bench.scan(&[ticket(42, 1), ticket(42, 1), ticket(42, 1)]);
    let told: Vec<_> =
        said.iter().map(|said| (said.ruling.verdict, said.ruling.persons, said.ruling.remaining)).collect();
    assert_eq!(told, [(Reason::Admitted, 1, 1), (Reason::Admitted, 1, 0), (Reason::PlacesUsedUp, 0, 0)]);
    assert_eq!(bench.ledger().report().unwrap().one_by_one, [LANE]);
    bench.ledger().let_through(LANE, Persons::All);
    assert_eq!(bench.scan(&[ticket(43, 1)])[0].ruling.persons, 2);
    bench.ledger().let_through(LANE, Persons::One);
    bench.reopen().unwrap();
    assert_eq!(bench.scan(&[ticket(44, 1)])[0].ruling.persons, 2, "until the agent ends");
}

#[test]
fn a_scanners_next_reading_is_for_the_next_and_a_trigger_that_is_held_is_not() {
    let said = seen(&mut bench(), DeviceKind::Scanner, &[0, 300, 699, 1399, 1500, 2200]);
    assert_eq!(said, [(0, Reason::Admitted, 1), (1399, Reason::Admitted, 1), (2200, Reason::PlacesUsedUp, 0)]);
}

#[test]
fn a_code_that_is_held_before_a_camera_lets_in_one_until_it_was_out_of_sight() {
    let held: Vec<_> = (0..40).map(|sighting| sighting * 200).collect();
    assert_eq!(seen(&mut bench(), DeviceKind::Camera, &held), [(0, Reason::Admitted, 1)]);
    let away = [0, 200, 1199, 2199, 2400];
    assert_eq!(seen(&mut bench(), DeviceKind::Camera, &away), [(0, Reason::Admitted, 1), (2199, Reason::Admitted, 1)]);
}

#[test]
fn whoever_did_not_get_through_is_forgiven_and_the_other_still_has_a_place() {
    let mut bench = bench();
    bench.ledger().is_told_at([LANE].into());
    assert_eq!(bench.verdicts(&[ticket(42, 1), ticket(42, 1)]), [Reason::Admitted, Reason::Admitted]);
    bench.ledger().tell(2, Actuation::NotTurned);
    let again = bench.scan(&[ticket(42, 1)]).remove(0).ruling;
    assert_eq!((again.verdict, again.persons), (Reason::Forgiven, 1));
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::PlacesUsedUp]);
}

#[test]
fn a_supervisor_lets_in_one() {
    let mut bench = bench();
    let elsewhere =
        samples::sign(TicketBody { zones: countermark_shared::id::Zones(2), ..samples::body_of(42, 1) }).to_text();
    assert_eq!(bench.verdicts(&[elsewhere]), [Reason::WrongZone]);
    let said = bench.ledger().overrule(1, SupervisorId(1), OverruleReason::OrganisersDecision, moment(DOORS)).unwrap();
    assert_eq!(said.ruling.persons, 1);
}

#[test]
fn the_others_are_asked_for_one() {
    let mut bench = bench();
    bench.ledger().asks_others(true);
    assert_eq!(bench.scan(&[ticket(42, 1)]), []);
    assert_eq!(bench.ledger().questions()[0].ask.persons, NonZeroU8::MIN);
}
