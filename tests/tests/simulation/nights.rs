//! Whatever happens at the doors, the invariants hold: 223 seeds here, more by `cargo run -p countermark-tests --bin simulate`.

use countermark_tests::simulation::{run, run_all};

/// 200 stadiums of 50 gates, and 23 small houses.
const SEEDS: u64 = 223;

#[test]
fn whatever_happens_at_the_doors_nothing_is_lost_and_nobody_passes_a_gate_twice() {
    let counts = run_all(0..SEEDS, |_| {}).unwrap_or_else(|error| panic!("{error:?}"));
    // What never happened was not tested.
    assert!(
        counts.doubles > SEEDS && counts.known > SEEDS && counts.faults > SEEDS && counts.ends > SEEDS,
        "{counts:?}"
    );
    assert!(counts.admissions > 10 * SEEDS && counts.revisions > SEEDS, "{counts:?}");
    assert!(counts.staff.into_iter().all(|each| each > SEEDS / 2), "{counts:?}");
    assert!(counts.live.into_iter().all(|each| each > SEEDS) && counts.questions > SEEDS, "{counts:?}");
    assert!(counts.invented > SEEDS / 2 && counts.put_back > SEEDS / 20, "{counts:?}");
    assert!(counts.restored > SEEDS / 20 && counts.pruned > SEEDS && counts.used_late > SEEDS / 50, "{counts:?}");
}

#[test]
fn a_seed_is_always_the_same_night() {
    let night = || run(1, None).unwrap_or_else(|error| panic!("{error:?}"));
    let (once, again) = (night(), night());
    assert_eq!(once.counts, again.counts);
    assert!(once.uploads().eq(again.uploads()));
}
