//! Assignments: their rules and their lease. Versions and signers are the same for all.

use countermark_shared::documents::{Assignment, Direction, Lane, Lease, WrappedSecret};
use countermark_shared::id::{LaneId, Zones};
use countermark_shared::time::Timestamp;

use super::documents;
use crate::file::{After, Case, File};
use crate::world::{DAY, HOUR, INSTANT, LIST, NOW, assignment, case, refused, sealed, take_assignment, trust};

pub(crate) fn file() -> File {
    let version = |version| Assignment { version, ..assignment() };
    let conflicting = Assignment { name: "South".to_owned(), ..version(2) };
    let issued = |lead| Assignment { issued: NOW + lead, ..assignment() };
    let refuse = |assignment: &Assignment, code| refused("assignment", &sealed(assignment, &[LIST]), code);
    let take = |assignment: &Assignment| take_assignment(assignment, &[LIST]);
    let mut cases = vec![
        case("newer", "version 2 after 1", [trust(), take(&version(1)), take(&version(2))]),
        case("older", "version 1 after 2", [trust(), take(&version(2)), refuse(&version(1), "older")]),
        case(
            "conflicting",
            "version 2 with other content",
            [trust(), take(&version(2)), refuse(&conflicting, "conflicting")],
        ),
        case("issued 24 hours ahead", "clocks go wrong by as much", [trust(), take(&issued(DAY))]),
        case(
            "issued more than 24 hours ahead",
            "by a millisecond",
            [trust(), refuse(&issued(DAY + INSTANT), "from-the-future")],
        ),
    ];
    cases.extend(leases());
    cases.extend(rules());
    documents("Assignments: versions, lease, rules.", cases)
}

fn leases() -> Vec<Case> {
    let lease = Lease { until: NOW + 2 * HOUR, names_until: NOW + HOUR, suspended: false };
    let judged = |lease: Lease, states: [&str; 4]| {
        let instants = [NOW + HOUR - INSTANT, NOW + HOUR, NOW + 2 * HOUR - INSTANT, NOW + 2 * HOUR];
        let lease_at = instants.map(Timestamp::unix_millis).into_iter().zip(states.map(str::to_owned));
        let assignment = Assignment { lease, ..assignment() };
        let after = After { lease: lease_at.collect(), ..After::default() };
        [trust(), take_assignment(&assignment, &[LIST]).then(after)]
    };
    vec![
        case(
            "a lease runs out, names first",
            "both sides of each instant",
            judged(lease, ["held", "without-names", "without-names", "ended"]),
        ),
        case("suspended", "whatever the instants say", judged(Lease { suspended: true, ..lease }, ["suspended"; 4])),
    ]
}

fn rules() -> Vec<Case> {
    let changed = |change: fn(&mut Assignment)| {
        let mut assignment = assignment();
        change(&mut assignment);
        assignment
    };
    let lane = |lane: u8| Lane { lane: LaneId(lane), direction: Direction::Entry, zones: Zones(1) };
    let lanes = |count: u8| Assignment { lanes: (1..=count).map(lane).collect(), ..assignment() };
    let named = |length| Assignment { name: "n".repeat(length), ..assignment() };
    let secrets =
        |generations: &[u8]| Assignment { secrets: generations.iter().map(|of| secret(*of)).collect(), ..assignment() };
    let sixteen: Vec<_> = (0..16).collect();
    let seventeen: Vec<_> = (0..17).collect();
    let good = [
        ("32 lanes", "the most", lanes(32)),
        ("a name of 100 bytes", "the longest", named(100)),
        ("sixteen secrets", "the most", secrets(&sixteen)),
        (
            "names until the end",
            "not later",
            changed(|assignment| assignment.lease.names_until = assignment.lease.until),
        ),
    ];
    let bad = [
        ("33 lanes", "one too many", lanes(33)),
        ("no lanes", "one at least", lanes(0)),
        ("a lane twice", "each once", changed(|assignment| assignment.lanes.push(assignment.lanes[0].clone()))),
        ("a lane without a zone", "it leads nowhere", changed(|assignment| assignment.lanes[0].zones = Zones(0))),
        ("a name of 101 bytes", "one too many", named(101)),
        ("no name", "one byte at least", named(0)),
        (
            "names after the end",
            "they leave first",
            changed(|assignment| assignment.lease.names_until = assignment.lease.until + INSTANT),
        ),
        ("seventeen secrets", "one too many", secrets(&seventeen)),
        ("secrets unsorted", "descending", secrets(&[2, 1])),
        ("a secret twice", "each generation once", secrets(&[1, 1])),
    ];
    let taken = good
        .into_iter()
        .map(|(name, why, assignment)| case(name, why, [trust(), take_assignment(&assignment, &[LIST])]));
    let refused = bad.into_iter().map(|(name, why, assignment)| {
        case(name, why, [trust(), refused("assignment", &sealed(&assignment, &[LIST]), "malformed")])
    });
    taken.chain(refused).collect()
}

fn secret(generation: u8) -> WrappedSecret {
    WrappedSecret { generation, encapsulated: [generation; 32].into(), ciphertext: [0xee; 48].into() }
}
