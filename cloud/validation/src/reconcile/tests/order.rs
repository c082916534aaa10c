//! By chance: whatever the order, whatever comes twice, what is found is the same; and only what is the matter is found.

use countermark_shared::id::SupervisorId;
use countermark_shared::journal::{ChainHash, OverruleReason};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A few gates' rows of the seat, with undos, overrules, holds, forks and clocks that do not agree.
fn rows() -> impl Strategy<Value = Vec<Told>> {
    let kinds =
        select(vec![Reason::Admitted, Reason::Exit, Reason::ExitWithoutEntry, Reason::Forgiven, Reason::Overruled]);
    let one = (1..4_u32, 0..12_u64, -90..90_i64, kinds, 1..3_u8, 1..3_u8, any::<bool>(), 0..8_u8, 0..6_u8);
    vec(one, 0..14).prop_map(|rows| {
        let told = rows.into_iter().map(|(gate, number, skew, reason, persons, generation, believed, kind, place)| {
            let generation = Generation(generation);
            let plain = JournalRow {
                at: Timestamp::from_unix_seconds(at(number * 30).unix_seconds() + skew),
                subject: Subject::Ticket { event: EVENT, slot: SEAT, generation },
                ..row(gate, number, reason, persons)
            };
            let why = OverruleReason::Other;
            let row = match (kind, reason) {
                (_, Reason::Overruled) => act(plain, Act::Overrule { of: 1, supervisor: SupervisorId(1), why }),
                (1, _) => act(plain, Act::Hold),
                (2, _) => act(plain, Act::Release),
                (0, _) if number > 0 => act(plain, Act::Undo { of: number, persons: NonZeroU8::new(persons).unwrap() }),
                _ => plain,
            };
            Told { row, believed: believed || kind > 2, aside: place == 0, terms: Some(terms(2, 2)) }
        });
        told.collect()
    })
}

proptest! {
    #[test]
    fn a_seats_findings_follow_from_what_is_known_and_not_from_when(
        (told, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just([&rows[..], &rows[..]].concat()).prop_shuffle())),
        revoked in option::of(Just(at(200))),
    ) {
        let event = event(AdmissionPolicy::default(), &[120]);
        let issued = Some(Issued { generation: Generation(1), since: at(60), revoked });
        let once = SeatHistory { issued, ..history(&event, told) };
        let again = SeatHistory { issued, ..history(&event, shuffled) };
        let findings = once.findings();
        prop_assert_eq!(&findings, &again.findings());
        let mut rules: Vec<_> = findings.iter().map(|found| found.rule).collect();
        rules.dedup();
        prop_assert_eq!(rules.len(), findings.len(), "one finding for each rule");
    }

    /// What is learned later only makes a finding grow, where nothing is taken back and no journal's row moves another.
    #[test]
    fn a_single_entry_is_found_exactly_as_often_as_it_is_too_many(gates in vec(1..40_u32, 0..12)) {
        let event = event(AdmissionPolicy::default(), &[]);
        let rows: Vec<_> = gates.iter().zip(0..).map(|(gate, second)| row(*gate, second, Reason::Admitted, 1)).collect();
        let mut before: Option<Evidence> = None;
        for known in 0..=rows.len() {
            let findings = history(&event, told(terms(1, 1), &rows[..known])).findings();
            let count = match findings.first().map(|found| &found.evidence) {
                Some(Evidence::Scans { count, .. }) => *count,
                None => 0,
                Some(
                    Evidence::Rows { .. }
                    | Evidence::Jumps { .. }
                    | Evidence::Doubtful { .. }
                    | Evidence::Silence { .. },
                ) => panic!("{findings:?}"),
            };
            prop_assert_eq!(count, known.saturating_sub(1) as u64);
            if let (Some(before), [found]) = (&before, &findings[..]) {
                prop_assert!(found.evidence.has_grown_since(before) && !before.has_grown_since(&found.evidence));
            }
            before = findings.into_iter().next().map(|found| found.evidence);
        }
    }

    #[test]
    fn a_gates_findings_follow_from_what_is_known_and_not_from_when(
        (links, shuffled) in vec((1..4_u8, any::<bool>(), -200..200_i64), 1..30).prop_flat_map(|rows| {
            let links = journal(rows);
            (Just(links.clone()), Just([&links[..], &links[..]].concat()).prop_shuffle())
        }),
    ) {
        let of = |links: &[Link]| GateHistory::of(GateId(1), links, 0).findings();
        prop_assert_eq!(of(&links), of(&shuffled));
    }
}

/// A journal of which some rows are missing, and some are told twice.
fn journal(rows: Vec<(u8, bool, i64)>) -> Vec<Link> {
    let (mut chain, mut links) = (ChainHash::START, Vec::new());
    for ((kind, believed, skew), number) in rows.into_iter().zip(0..) {
        let at = Timestamp::from_unix_seconds(at(number).unix_seconds() + skew);
        let row = JournalRow { at, ..row(1, number, Reason::Admitted, 1) };
        let after = chain.next(&row.to_bytes());
        let link = Link { row, before: chain, after, received: NOON, believed, aside: false };
        if kind == 2 {
            let other = JournalRow { persons: 2, ..link.row.clone() };
            let after = chain.next(&other.to_bytes());
            links.push(Link { row: other, after, aside: true, ..link.clone() });
        }
        if kind != 3 {
            links.push(link);
        }
        chain = after;
    }
    links
}
