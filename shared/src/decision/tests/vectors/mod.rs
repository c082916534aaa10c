//! The decision's vectors: cases whose outcome is stated by hand, as files that any language can read.
//!
//! `cargo test -p countermark-shared write_the_decision_vectors -- --ignored` writes the files anew.

mod case;
mod clock;
mod entries;
mod exits;
mod gate;
mod gates;
mod order;
mod proof;
mod seat;
mod windows;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use case::Case;

use crate::documents::Document as _;
use crate::verdict::Reason;

/// The groups, each a file: what its cases are about.
fn groups() -> Vec<(&'static str, &'static str, Vec<Case>)> {
    vec![
        ("windows", "When a ticket is valid: its own window, a moved one, tolerance.", windows::cases()),
        ("clock", "What a clock that does not tell the time may still say.", clock::cases()),
        ("proof", "A live ticket's proof: fresh, stale, ahead, missing.", proof::cases()),
        ("seat", "Generation, the slot list's word and age, product, zone, sealed name.", seat::cases()),
        ("entries", "Places, entries, resets, exits and pass-back.", entries::cases()),
        ("gates", "The other gates' word, the venue's answer, admissions cut off.", gates::cases()),
        ("gate", "Lease and trust bundle.", gate::cases()),
        ("exits", "Leaving.", exits::cases()),
        ("order", "Of all that holds, which is the answer.", order::cases()),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/decisions"))
}

/// A case a line, so that a change of one shows as one.
fn text(about: &str, cases: &[Case]) -> String {
    let mut text =
        format!("{{\"about\": {}, \"kind\": \"decisions\", \"cases\": [\n", serde_json::to_string(about).unwrap());
    for (index, case) in cases.iter().enumerate() {
        let comma = if index + 1 < cases.len() { "," } else { "" };
        writeln!(text, "{}{comma}", serde_json::to_string(case).unwrap()).unwrap();
    }
    text.push_str("]}\n");
    text
}

#[test]
#[ignore = "writes the files"]
fn write_the_decision_vectors() {
    fs::create_dir_all(folder()).unwrap();
    for (name, about, cases) in groups() {
        fs::write(folder().join(format!("{name}.json")), text(about, &cases)).unwrap();
    }
}

#[test]
fn the_files_are_the_generators() {
    let mut names: BTreeSet<_> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for (name, about, cases) in groups() {
        let file = format!("{name}.json");
        assert_eq!(fs::read_to_string(folder().join(&file)).unwrap(), text(about, &cases), "{file}");
        assert!(names.remove(&file), "{file}");
    }
    assert!(names.is_empty(), "files of no group: {names:?}");
}

#[derive(serde::Deserialize)]
struct File {
    cases: Vec<Case>,
}

/// Every case that the files hold.
fn written() -> Vec<Case> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    files.flat_map(|text| serde_json::from_str::<File>(&text).unwrap().cases).collect()
}

#[test]
fn the_decision_is_as_written() {
    let wrong: Vec<_> = written()
        .into_iter()
        .filter(|case| case.verdict() != case.expected())
        .map(|case| format!("{}: expected {:?}, got {:?}", case.name, case.expected(), case.verdict()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_one_an_organiser_could_have_signed() {
    for case in written() {
        assert_eq!(case.document().check(), Ok(()), "{}", case.name);
    }
}

#[test]
fn there_are_200_cases_with_names_of_their_own_and_every_reason_among_them() {
    let cases = written();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.clone()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 200, "{}", cases.len());

    let reached: BTreeSet<_> = cases.iter().map(Case::reason).collect();
    let elsewhere = [
        // The gate's own: nothing was decided.
        Reason::CannotDecide,
        Reason::ScanAgain,
        // Reading and verifying, which the tickets' vectors are about.
        Reason::NotOurs,
        Reason::UnknownVersion,
        Reason::Malformed,
        Reason::KeyUnknown,
        Reason::KeyRevoked,
        Reason::IssuerForged,
        Reason::AuthorityForged,
        Reason::LiveProofForged,
        Reason::ExitUnread,
        // A supervisor's.
        Reason::Overruled,
        // Nothing was shown.
        Reason::FoundByOrder,
    ];
    let missing: Vec<_> =
        Reason::ALL.iter().filter(|reason| reached.contains(reason) == elsewhere.contains(reason)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
