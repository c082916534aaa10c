//! Twenty of the nights again, at the real service over a real PostgreSQL.

use countermark_postgres::{Schema, TestDatabase};
use countermark_tests::simulation::{Run, replay, run};

/// So many small houses, which each tenth seed is, and so many stadiums.
const SMALL: usize = 17;
const STADIUMS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_database_answers_and_keeps_the_same() {
    let night = |seed| (seed, run(seed, None).unwrap_or_else(|error| panic!("{error:?}")));
    // What is lost by a restore, `stories` lose from a real database.
    let whole = |(_, night): &(u64, Run)| !night.was_restored();
    let small = (0..).step_by(10).map(night).filter(whole).take(SMALL);
    let stadiums = (101..).step_by(2).map(night).filter(whole).take(STADIUMS);
    for (seed, night) in small.chain(stadiums) {
        let database = TestDatabase::new(Schema::Validation);
        replay(&night, &database.url).await.unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    }
}
